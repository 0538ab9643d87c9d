//! Groups that the user deletes or does not want, and what is left of them.

use super::group_views::{act, all, at_hour, events, hand, invited, is_member, pass, say};
use super::*;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::sync::group_deletion;
use crate::limits::{GROUP_INVITATION_SECONDS, MAX_GROUP_INVITATIONS_BY_ONE};

fn groups_here(party: &Party) -> (usize, usize) {
    let listed = party.at(0, |step| conversations::all(step.rows)).unwrap();
    let of_groups = listed
        .iter()
        .filter(|one| matches!(one.id, ConversationId::Group(_)));
    (party.count(Table::Groups), of_groups.count())
}

#[test]
fn a_group_that_is_deleted_comes_back_with_a_new_invitation_alone() {
    let [carol, alice, bob] = acquainted();
    let everybody = [&carol, &alice, &bob];
    let id = group(&carol, &[&alice, &bob], 0);
    say(&carol, 0, &id, "ahoy");
    pass(&everybody, 0, all);
    alice
        .at(0, |step| group_deletion::delete(step, &id))
        .unwrap();
    assert_eq!(groups_here(&alice), (0, 0));
    // Her leaving is lost on the way, and the others go on writing.
    empty_outbox(&alice);
    say(&bob, 1, &id, "where is she");
    pass(&everybody, 1, all);
    assert_eq!(groups_here(&alice), (0, 0));
    // They are told of it then.
    assert!(!is_member(&bob, &id, &alice));
    // The whole log again, as it was and with more, brings nothing back.
    let log = carol
        .at(1, |step| groups::known(step.rows, &id))
        .unwrap()
        .log;
    let whole = || log.encoded().map(<[u8]>::to_vec).collect();
    let body = Body::GroupEvents {
        events: whole(),
        bundles: Vec::new(),
    };
    hand(&carol, &alice, 1, &id, body, None);
    hand(&carol, &alice, 1, &id, events(whole()), None);
    act(&carol, 2, &id, GroupAction::Renamed("ours".into()));
    pass(&everybody, 2, all);
    assert_eq!(groups_here(&alice), (0, 0));
    assert!(!is_member(&carol, &id, &alice));
    act(&carol, 3, &id, invited(&[&alice]));
    let told = pass(&everybody, 3, all);
    let invites = |outcome: &Outcome| matches!(outcome, Outcome::GroupInvitation { .. });
    assert!(
        told.iter()
            .any(|(place, outcome)| *place == 1 && invites(outcome))
    );
    act(&alice, 3, &id, GroupAction::Joined);
    pass(&everybody, 3, all);
    assert!(is_member(&bob, &id, &alice));
}

#[test]
fn invitations_that_are_not_answered_are_few_and_go() {
    let [mallory, alice] = acquainted();
    let invite = |hour: u64, name: &str| {
        let id = mallory
            .at_time(at_hour(hour), |step| group_events::create(step, name))
            .unwrap();
        act(&mallory, hour, &id, invited(&[&alice]));
        id
    };
    for number in 0..2 * MAX_GROUP_INVITATIONS_BY_ONE {
        invite(0, &format!("spam {number}"));
    }
    pass(&[&mallory, &alice], 0, all);
    assert_eq!(alice.count(Table::Groups), MAX_GROUP_INVITATIONS_BY_ONE);
    let days = GROUP_INVITATION_SECONDS / 86_400;
    run_due_at(&alice, at_hour(days * 24)).unwrap();
    assert_eq!(groups_here(&alice), (0, 0));
    // They do not come back, and in the end nothing is known of them.
    run_due_at(&mallory, at_hour(days * 24)).unwrap();
    pass(&[&mallory, &alice], days * 24, all);
    run_due_at(&alice, at_hour(3 * days * 24)).unwrap();
    run_due_at(&alice, at_hour(6 * days * 24)).unwrap();
    assert_eq!(
        (groups_here(&alice), alice.count(Table::GroupViews)),
        ((0, 0), 0)
    );
    // Those of somebody whom the user does not want to hear of go at once; one that the user joined stays.
    let joined = invite(0, "ours");
    invite(0, "spam");
    pass(&[&mallory, &alice], 0, all);
    act(&alice, 0, &joined, GroupAction::Joined);
    let who = mallory.device.public();
    alice
        .at(0, |step| group_deletion::forget_invitations(step, &who))
        .unwrap();
    assert_eq!(alice.count(Table::Groups), 1);
}

#[test]
fn a_public_bot_that_declines_is_heard_by_whoever_invited_it() {
    let [bot, alice] = [1, 2].map(Party::new);
    let policy = bot.at(0, |step| {
        trust::set_policy(step.rows, TrustPolicy::AcceptAll)
    });
    policy.unwrap();
    alice.add(0, &bot.bundle(0, false));
    let id = alice.at(0, |step| group_events::create(step, "g")).unwrap();
    act(&alice, 0, &id, invited(&[&bot]));
    deliver(&[&bot, &alice], 0);
    assert!(is_member(&alice, &id, &bot));
    act(&bot, 0, &id, GroupAction::Left);
    deliver(&[&bot, &alice], 0);
    assert!(!is_member(&alice, &id, &bot));
}
