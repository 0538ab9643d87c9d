//! Links to groups: who has one comes in as long as it is of use, and nobody else is told or costs anything (RFC windlass §9.6.19, §9.6.20).

mod closed;
mod devices;

use super::*;
use crate::bundle::GroupInvitation;
use crate::chat::{GroupLinkToken, GroupPermission};
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::strangers::totals;
use crate::engine::records::{group_joins, group_links as links};
use crate::engine::sync::{group_deletion, group_joins as joins, group_links};
use crate::limits::{GROUP_LINK_SECONDS, MAX_GROUP_JOINS, MAX_GROUP_LINKS, MAX_STRANGERS};
use crate::wire::store::StrangersRow;

const HOUR: u64 = 3_600_000;

/// A link for so many people, for a week.
fn link(maker: &Party, day: u64, group: &GroupId, uses: u32) -> GroupInvitation {
    let made = maker.at(day, |step| {
        let link = group_links::create(step, group, uses, 7 * DAY)?;
        group_links::invitation(step, &link)
    });
    made.unwrap()
}

/// Somebody follows a link that came as a text.
fn follow(who: &Party, day: u64, link: &GroupInvitation) {
    let link = GroupInvitation::from_uri(&link.to_uri()).unwrap();
    who.at(day, |step| joins::join(step, &link).map(|_| ()))
        .unwrap();
}

fn act(party: &Party, day: u64, group: &GroupId, action: GroupAction) {
    let done = party.at(day, |step| group_events::act(step, group, &action));
    done.unwrap();
}

/// Whether somebody belongs to a group as somebody sees it, and takes part.
fn sees(party: &Party, group: &GroupId, who: &Party) -> (bool, bool) {
    let list = party.at(0, |step| groups::member_list(step.rows, group));
    let list = list.unwrap();
    let mut listed = list.iter().flat_map(|list| list.listed());
    let found = listed.find(|one| one.identity == who.device.public());
    (
        found.is_some(),
        found.is_some_and(|one| one.admin || one.joined),
    )
}

fn uses_left(maker: &Party, day: u64, group: &GroupId) -> Vec<u32> {
    let open = maker.at(day, |step| links::of_group(step.rows, group, step.now));
    open.unwrap().iter().map(|link| link.uses_left).collect()
}

fn pending(party: &Party, day: u64) -> usize {
    let waiting = party.at(day, |step| group_joins::waiting(step.rows, step.now));
    waiting.unwrap().len()
}

/// A group of Alice, who is its admin, and Bob; and somebody whom neither knows.
fn crew_and_stranger() -> ([Party; 3], GroupId) {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let id = group(&alice, &[&bob], 0);
    ([alice, bob, carol], id)
}

#[test]
fn whoever_has_a_link_is_let_in_and_takes_part_without_another_question() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let all = [&alice, &bob, &carol];
    let link = link(&alice, 0, &id, 2);
    follow(&carol, 0, &link);
    assert_eq!(pending(&carol, 0), 1);
    // Alice is not asked whether she wants to talk with somebody.
    let told = carry(&carol, &alice, 0);
    let asks = |one: &Outcome| matches!(one, Outcome::Peer(_, PeerNews::ContactRequest));
    let changed = |one: &Outcome| matches!(one, Outcome::GroupChanged { group } if *group == id);
    assert!(!told.iter().any(asks) && told.iter().any(changed));
    assert_eq!(uses_left(&alice, 0, &id), [1]);
    let told = carry(&alice, &carol, 0);
    let invites = |one: &Outcome| matches!(one, Outcome::GroupInvitation { .. });
    assert!(!told.iter().any(invites) && told.iter().any(changed));
    assert_eq!(
        (sees(&carol, &id, &carol), pending(&carol, 0)),
        ((true, true), 0)
    );
    // Bob lost what was said of it meanwhile, and hears it with the next round.
    deliver(&all, 0);
    run_due(&alice, 1).unwrap();
    deliver(&all, 1);
    assert_eq!(sees(&bob, &id, &carol), (true, true));
    let log = bob.at(1, |step| groups::known(step.rows, &id)).unwrap().log;
    assert_eq!(
        log.inviter(&carol.device.public()),
        Some(alice.device.public())
    );
    // She is introduced by the group, and is nobody's contact by that; Alice is hers.
    let known = |by: &Party, of: &Party| {
        let found = by.at(1, |step| contacts::find(step.rows, &of.device.public()));
        let found = found.unwrap().unwrap();
        (found.is_introduced(), found.is_accepted())
    };
    assert_eq!(known(&alice, &carol), (true, false));
    assert!(known(&carol, &alice).1);
    let none = alice.at(1, |step| totals(step.rows)).unwrap();
    assert!(none == StrangersRow::default());
    let conversation = ConversationId::Group(id);
    write(&carol, 1, &conversation, text("ahoy"));
    deliver(&all, 1);
    for party in [&alice, &bob] {
        let said = texts(party, 1, &conversation).unwrap();
        assert_eq!(said.len(), 1);
    }
}

#[test]
fn a_request_comes_again_until_it_is_answered_and_uses_a_link_once() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let link = link(&alice, 0, &id, 5);
    follow(&carol, 0, &link);
    let first = empty_outbox(&carol);
    assert_eq!(first.len(), 1);
    // Not at once; and not for ever.
    run_due_at(&carol, START + HOUR / 2).unwrap();
    assert!(empty_outbox(&carol).is_empty());
    run_due_at(&carol, START + HOUR).unwrap();
    let second = empty_outbox(&carol);
    assert_eq!(second.len(), 1);
    for again in second.iter().chain(&first) {
        taken(&alice, 0, &again.envelope);
    }
    assert_eq!(uses_left(&alice, 0, &id), [4]);
    deliver(&[&alice, &bob, &carol], 0);
    assert_eq!(
        (sees(&alice, &id, &carol), pending(&carol, 0)),
        ((true, true), 0)
    );
    // Who is in and follows it again, or one by another member, asks nobody.
    follow(&carol, 1, &link);
    assert_eq!((pending(&carol, 1), empty_outbox(&carol).len()), (0, 0));
    assert_eq!(uses_left(&alice, 1, &id), [4]);
}

#[test]
fn a_request_that_nobody_answers_ends() {
    let ([alice, _, carol], id) = crew_and_stranger();
    follow(&carol, 0, &link(&alice, 0, &id, 1));
    let mut asked = empty_outbox(&carol).len();
    for hour in 1..GROUP_LINK_SECONDS / 3_600 {
        run_due_at(&carol, START + hour * HOUR).unwrap();
        let waiting = empty_outbox(&carol).into_iter();
        asked += waiting
            .filter(|one| one.recipient == alice.device.public())
            .count();
    }
    assert_eq!((asked, pending(&carol, 13)), (9, 1));
    assert_eq!(pending(&carol, 14), 0);
    let over = |step: &mut Step<'_>| group_joins::erase_over(step.rows, step.now);
    assert_eq!(
        (carol.at(14, over), carol.at(14, over)),
        (Ok(true), Ok(false))
    );
}

#[test]
fn two_who_ask_at_once_share_what_is_left() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let dave = Party::new(4);
    let link = link(&alice, 0, &id, 1);
    for who in [&carol, &dave] {
        follow(who, 0, &link);
    }
    carry(&dave, &alice, 0);
    carry(&carol, &alice, 0);
    deliver(&[&alice, &bob, &carol, &dave], 0);
    assert_eq!(sees(&alice, &id, &dave), (true, true));
    assert_eq!(sees(&alice, &id, &carol), (false, false));
    assert!(uses_left(&alice, 0, &id).is_empty());
}

#[test]
fn another_group_is_an_invitation_like_any_other_while_one_waits() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let all = [&alice, &bob, &carol];
    follow(&carol, 0, &link(&alice, 0, &id, 1));
    empty_outbox(&carol);
    // The request was lost; Alice makes another group, and puts Carol into it.
    alice.add(0, &carol.bundle(0, false));
    let other = alice.at(0, |step| group_events::create(step, "other"));
    let other = other.unwrap();
    let adds = || GroupAction::MembersAdded(vec![carol.device.public()]);
    act(&alice, 0, &other, adds());
    let told = carry(&alice, &carol, 0);
    let invites = |one: &Outcome| matches!(one, Outcome::GroupInvitation { .. });
    assert!(told.iter().any(invites));
    deliver(&all, 0);
    assert_eq!(sees(&carol, &other, &carol), (true, false));
    // The one that she asked for, in whatever way she comes into it.
    act(&bob, 0, &id, GroupAction::Left);
    act(&alice, 0, &id, adds());
    deliver(&all, 0);
    assert_eq!(sees(&carol, &id, &carol), (true, true));
    assert_eq!(uses_left(&alice, 0, &id), [1]);
}

#[test]
fn who_asked_and_was_invited_meanwhile_joins_by_the_link_at_once() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    introduce(&[&alice, &carol], 0);
    act(
        &alice,
        0,
        &id,
        GroupAction::MembersAdded(vec![carol.device.public()]),
    );
    deliver(&[&alice, &bob, &carol], 0);
    assert_eq!(sees(&carol, &id, &carol), (true, false));
    follow(&carol, 0, &link(&alice, 0, &id, 1));
    assert_eq!(
        (sees(&carol, &id, &carol), pending(&carol, 0)),
        ((true, true), 0)
    );
    deliver(&[&alice, &bob, &carol], 0);
    assert_eq!(uses_left(&alice, 0, &id), [1]);
}

#[test]
fn with_a_link_no_crowd_of_strangers_keeps_anybody_out() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let eve = Party::new(9);
    let crowd = StrangersRow {
        count: MAX_STRANGERS,
        ..StrangersRow::default()
    };
    let fill = |step: &mut Step<'_>| {
        let key = crate::engine::base::singletons::STRANGERS;
        put_row(step.rows, Table::Device, key, &crowd)
    };
    alice.at(0, fill).unwrap();
    follow(&carol, 0, &link(&alice, 0, &id, 1));
    eve.add(0, &alice.bundle(0, false));
    // Whoever has none is refused as before, and leaves nothing.
    let before = alice.count(Table::Sessions);
    let refused = taken(&alice, 0, &eve.send(0, &alice).unwrap());
    assert!(!opens(&refused));
    assert_eq!(alice.count(Table::Sessions), before);
    deliver(&[&alice, &bob, &carol], 0);
    assert_eq!(sees(&alice, &id, &carol), (true, true));
    assert!(alice.at(0, |step| totals(step.rows)).unwrap() == crowd);
}

#[test]
fn members_make_links_where_members_add_members() {
    let ([alice, bob, carol], id) = crew_and_stranger();
    let all = [&alice, &bob, &carol];
    let create = |step: &mut Step<'_>| group_links::create(step, &id, 1, DAY).map(|_| ());
    let refused = bob.at(0, create);
    assert!(matches!(refused, Err(EngineError::Group(_))), "{refused:?}");
    let everybody = GroupAction::Permitted {
        what: GroupPermission::AddMembers,
        admins_only: false,
    };
    act(&alice, 0, &id, everybody);
    deliver(&all, 0);
    follow(&carol, 0, &link(&bob, 0, &id, 1));
    deliver(&all, 0);
    assert_eq!(sees(&alice, &id, &carol), (true, true));
}

#[test]
fn links_and_requests_are_bounded() {
    let ([alice, _, carol], id) = crew_and_stranger();
    let made = |uses, lifetime| {
        let made = alice.at(0, |step| group_links::create(step, &id, uses, lifetime));
        made.is_ok()
    };
    let most = GROUP_LINK_SECONDS * 1000;
    for (uses, lifetime) in [(0, DAY), (65, DAY), (1, 0), (1, most + 1)] {
        assert!(!made(uses, lifetime), "{uses} {lifetime}");
    }
    assert!(made(64, most));
    for _ in 1..MAX_GROUP_LINKS {
        assert!(made(1, DAY));
    }
    assert!(!made(1, DAY));
    // Those that are over make room, and are erased.
    let later = alice.at(1, |step| group_links::create(step, &id, 1, DAY));
    assert!(later.is_ok());
    assert_eq!(uses_left(&alice, 1, &id), [64, 1]);
    let bundle = alice.bundle(1, false);
    let joined = |number: usize| {
        let mut token = [7; 16];
        token[0] = u8::try_from(number).unwrap();
        let link = GroupInvitation {
            token: Secret::new(token),
            group: [8; 16],
            bundle: bundle.clone(),
        };
        let joined = carol.at(1, |step| joins::join(step, &link).map(|_| ()));
        joined.is_ok()
    };
    assert!((0..MAX_GROUP_JOINS).all(joined));
    assert!(!joined(MAX_GROUP_JOINS) && joined(3));
    // Nothing of it is left when the user does not want to hear of her.
    let block = |step: &mut Step<'_>| {
        let mut contact = contacts::find(step.rows, &alice.device.public())?.unwrap();
        people::block(step.rows, &mut contact)
    };
    carol.at(1, block).unwrap();
    assert_eq!(pending(&carol, 1), 0);
}
