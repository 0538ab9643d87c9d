//! Links that let nobody in: whoever asks by one hears nothing, and leaves nothing.

use super::*;
use crate::engine::tests::hostile::{content, forge};

/// What there is of people, sessions and answers.
fn footprint(party: &Party) -> (usize, usize, usize, StrangersRow) {
    let strangers = party.at(0, |step| totals(step.rows)).unwrap();
    (
        party.count(Table::Contacts),
        party.count(Table::Sessions),
        party.count(Table::Handshakes),
        strangers,
    )
}

/// Somebody whom nobody knows follows a link on a day: nobody lets them in, tells anything, or knows of it.
fn comes_to_nothing(alice: &Party, link: &GroupInvitation, day: u64, group: &GroupId) {
    let carol = Party::new(3);
    empty_outbox(alice);
    let before = footprint(alice);
    follow(&carol, day, link);
    let told = carry(&carol, alice, day);
    assert!(told.is_empty());
    assert!(footprint(alice) == before);
    assert!(empty_outbox(alice).is_empty());
    assert!(!sees(alice, group, &carol).0);
}

#[test]
fn a_link_that_is_over_used_up_or_revoked_lets_nobody_in_and_tells_nothing() {
    let ([alice, bob, _], id) = crew_and_stranger();
    let over = alice.at(0, |step| {
        let link = group_links::create(step, &id, 3, DAY)?;
        group_links::invitation(step, &link)
    });
    comes_to_nothing(&alice, &over.unwrap(), 1, &id);
    let used = link(&alice, 1, &id, 1);
    let dave = Party::new(4);
    follow(&dave, 1, &used);
    deliver(&[&alice, &bob, &dave], 1);
    assert!(sees(&alice, &id, &dave).0);
    comes_to_nothing(&alice, &used, 1, &id);
    let revoked = link(&alice, 1, &id, 1);
    let another = link(&alice, 1, &id, 1);
    let revoke = alice.at(1, |step| {
        let all = links::of_group(step.rows, &id, step.now)?;
        links::revoke(step.rows, &id, &all[0].id)?;
        // Of another group it is another link.
        links::revoke(step.rows, &GroupId::of(&[1; 32], &[2; 16], "x"), &all[1].id)
    });
    revoke.unwrap();
    comes_to_nothing(&alice, &revoked, 1, &id);
    let never = GroupInvitation {
        token: Secret::new([9; 16]),
        ..link(&alice, 1, &id, 1)
    };
    comes_to_nothing(&alice, &never, 1, &id);
    let erin = Party::new(5);
    follow(&erin, 1, &another);
    deliver(&[&alice, &bob, &erin], 1);
    assert_eq!(sees(&alice, &id, &erin), (true, true));
}

#[test]
fn who_may_not_add_anybody_any_more_lets_nobody_in() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let all = [&alice, &bob];
    // No admin any more: by somebody who was it earlier.
    let id = group(&bob, &[&alice], 0);
    let alices = || vec![alice.device.public()];
    act(&bob, 0, &id, GroupAction::AdminsAdded(alices()));
    deliver(&all, 0);
    let link_of_admin = link(&alice, 0, &id, 1);
    act(&bob, 0, &id, GroupAction::AdminsRemoved(alices()));
    deliver(&all, 0);
    comes_to_nothing(&alice, &link_of_admin, 0, &id);
    // Put out.
    act(&bob, 0, &id, GroupAction::AdminsAdded(alices()));
    deliver(&all, 0);
    let link_of_member = link(&alice, 0, &id, 1);
    act(&bob, 0, &id, GroupAction::MembersRemoved(alices()));
    deliver(&all, 0);
    comes_to_nothing(&alice, &link_of_member, 0, &id);
    // Left, and deleted: of the links nothing is kept.
    for delete in [false, true] {
        let id = group(&alice, &[&bob], 1);
        let link = link(&alice, 1, &id, 1);
        if delete {
            alice
                .at(1, |step| group_deletion::delete(step, &id))
                .unwrap();
        } else {
            act(&alice, 1, &id, GroupAction::Left);
        }
        assert!(uses_left(&alice, 1, &id).is_empty());
        comes_to_nothing(&alice, &link, 1, &id);
    }
    // Under "verified only" nobody is let in to whom nothing would be sent.
    let id = group(&alice, &[&bob], 2);
    let link = link(&alice, 2, &id, 1);
    alice
        .at(2, |step| {
            trust::set_policy(step.rows, TrustPolicy::VerifiedOnly)
        })
        .unwrap();
    comes_to_nothing(&alice, &link, 2, &id);
    assert_eq!(uses_left(&alice, 2, &id), [1]);
}

#[test]
fn a_full_group_lets_nobody_in_and_uses_no_link() {
    let ([alice, _, _], id) = crew_and_stranger();
    let crowd = (0..62).map(|_| {
        let bundle = crate::engine::tests::tables::invented(0, &alice);
        alice.add(0, &bundle);
        *bundle.identity()
    });
    let mut crowd: Vec<_> = crowd.collect();
    crowd.sort_by_key(PublicIdentity::to_bytes);
    act(&alice, 0, &id, GroupAction::MembersAdded(crowd));
    let link = link(&alice, 0, &id, 1);
    comes_to_nothing(&alice, &link, 0, &id);
    assert_eq!(uses_left(&alice, 0, &id), [1]);
}

#[test]
fn who_was_put_out_or_blocked_does_not_come_back_by_a_link_and_who_left_does() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let all = [&alice, &bob, &carol];
    let link = link(&alice, 0, &id, 9);
    let carols = || vec![carol.device.public()];
    let try_again = |day| {
        follow(&carol, day, &link);
        deliver(&all, day);
        sees(&alice, &id, &carol).0
    };
    assert!(try_again(0));
    act(&carol, 0, &id, GroupAction::Left);
    deliver(&all, 0);
    assert!(!sees(&alice, &id, &carol).0 && try_again(0));
    act(&alice, 1, &id, GroupAction::MembersRemoved(carols()));
    deliver(&all, 1);
    assert!(!try_again(1));
    assert_eq!(uses_left(&alice, 1, &id), [7]);
    // An admin adds her by hand. Then she may leave, and come again.
    act(&alice, 1, &id, GroupAction::MembersAdded(carols()));
    deliver(&all, 1);
    assert!(sees(&alice, &id, &carol).0);
    act(&carol, 1, &id, GroupAction::Left);
    deliver(&all, 1);
    assert!(try_again(1));
    act(&carol, 1, &id, GroupAction::Left);
    deliver(&all, 1);
    let block = |step: &mut Step<'_>| {
        let mut contact = contacts::find(step.rows, &carol.device.public())?.unwrap();
        people::block(step.rows, &mut contact)
    };
    alice.at(2, block).unwrap();
    assert!(!try_again(2));
    assert_eq!(uses_left(&alice, 2, &id), [6]);
}

#[test]
fn a_contact_who_guesses_learns_and_changes_nothing() {
    let ([alice, bob, _], id) = crew_and_stranger();
    link(&alice, 0, &id, 1);
    let own = bob.bundle(0, false);
    for guess in 0..20 {
        let token = GroupLinkToken::from_bytes(&[guess; 16]).unwrap();
        let content = content(0, None, Body::GroupJoinRequest(token));
        let envelope = forge(&bob, &alice, 0, &content, Some(&own));
        assert!(taken(&alice, 0, &envelope).is_empty());
    }
    assert!(empty_outbox(&alice).is_empty());
    assert_eq!(uses_left(&alice, 0, &id), [1]);
}
