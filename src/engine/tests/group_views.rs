//! That members of a group come to one view of it, whatever one of them withholds, makes up or loses.

use super::*;
use crate::chat::{GroupEvent, GroupSync, GroupView};
use crate::engine::records::group_views;
use crate::limits::{
    MAX_GROUP_SYNCS_PER_DAY, MAX_WAITING_GROUP_EVENTS, MAX_WAITING_GROUP_EVENTS_OF_AUTHOR,
    MISSING_GROUP_EVENT_SECONDS,
};

const HOUR: u64 = 3_600_000;

pub(super) fn at_hour(hour: u64) -> u64 {
    START + hour * HOUR
}

/// Carries what may pass until nobody has anything to say; who was told what.
pub(super) fn pass(
    parties: &[&Party],
    hour: u64,
    may: impl Fn(&Party, &Party) -> bool,
) -> Vec<(usize, Outcome)> {
    let mut told = Vec::new();
    for _ in 0..30 {
        let mut moved = false;
        for from in parties {
            for waiting in empty_outbox(from) {
                for (place, to) in parties.iter().enumerate() {
                    let other = !std::ptr::eq(*from, *to);
                    if other && to.device.public() == waiting.recipient && may(from, to) {
                        moved = true;
                        let envelope = Envelope::decode(&waiting.envelope).unwrap();
                        let came = to.at_time(at_hour(hour), |step| {
                            let processed = receive::receive(step, &envelope)?;
                            let came: Vec<_> = processed.acknowledge.into_iter().collect();
                            receipts::acknowledge(step, &came)?;
                            Ok(processed.outcomes)
                        });
                        told.extend(came.unwrap().into_iter().map(|outcome| (place, outcome)));
                    }
                }
            }
        }
        if !moved {
            break;
        }
    }
    told
}

pub(super) fn all(_: &Party, _: &Party) -> bool {
    true
}

pub(super) fn act(party: &Party, hour: u64, group: &GroupId, action: GroupAction) {
    party
        .at_time(at_hour(hour), |step| {
            group_events::act(step, group, &action)
        })
        .unwrap();
}

fn removed(whom: &Party) -> GroupAction {
    GroupAction::MembersRemoved(vec![whom.device.public()])
}

pub(super) fn invited(whom: &[&Party]) -> GroupAction {
    let mut all: Vec<_> = whom.iter().map(|one| one.device.public()).collect();
    all.sort_by_key(PublicIdentity::to_bytes);
    GroupAction::MembersAdded(all)
}

pub(super) fn is_member(party: &Party, group: &GroupId, who: &Party) -> bool {
    let list = party.at(0, |step| groups::member_list(step.rows, group));
    list.unwrap().unwrap().has(&who.device.public())
}

fn is_incomplete(party: &Party, hour: u64, group: &GroupId) -> bool {
    let views = party.at(0, |step| group_views::load(step.rows, group));
    views.unwrap().is_incomplete(at_hour(hour))
}

fn waiting(party: &Party, group: &GroupId) -> usize {
    let group = party.at(0, |step| groups::known(step.rows, group));
    group.unwrap().log.waiting().len()
}

pub(super) fn say(party: &Party, hour: u64, group: &GroupId, words: &str) {
    let to = ConversationId::Group(*group);
    party
        .at_time(at_hour(hour), |step| {
            write::write(step, &to, text(words), None).map(|_| ())
        })
        .unwrap();
}

/// An event that builds on one that nobody has.
fn made_up(author: &Party, group: &GroupId, number: u8) -> Vec<u8> {
    let action = GroupAction::Renamed(format!("{number}"));
    let event = GroupEvent::sign(&author.device.identity, group, &[[number; 32]], &action);
    event.unwrap().encoded().to_vec()
}

/// Sends a body that is in no conversation, with any view.
pub(super) fn hand(
    from: &Party,
    to: &Party,
    hour: u64,
    group: &GroupId,
    body: Body,
    view: Option<GroupView>,
) {
    from.at_time(at_hour(hour), |step| {
        let mut content = post::control(step, body.clone(), Some(*group));
        content.view.clone_from(&view);
        let mut contact = contacts::find(step.rows, &to.device.public())?.unwrap();
        let encoded = content.to_bytes();
        let envelope = envelopes::to_contact(step, &mut contact, Recipients::ALL, &encoded)?;
        outbox::push(step.rows, to.device.public(), envelope.unwrap(), None).map(|_| ())
    })
    .unwrap();
}

pub(super) fn events(events: Vec<Vec<u8>>) -> Body {
    Body::GroupSync(GroupSync {
        events,
        ..GroupSync::default()
    })
}

#[test]
fn a_member_who_withholds_an_event_is_put_out_for_all() {
    let [carol, alice, mallory] = acquainted();
    let everybody = [&carol, &alice, &mallory];
    let id = carol
        .at(0, |step| group_events::create(step, "crew"))
        .unwrap();
    act(&carol, 0, &id, invited(&[&alice, &mallory]));
    pass(&everybody, 0, all);
    act(&alice, 0, &id, GroupAction::Joined);
    pass(&everybody, 0, all);
    // Mallory says to Carol alone that she takes part, and then nothing more.
    act(&mallory, 0, &id, GroupAction::Joined);
    pass(&everybody, 0, |from, to| {
        !(std::ptr::eq(from, &mallory) && std::ptr::eq(to, &alice))
    });
    act(&carol, 1, &id, removed(&mallory));
    pass(&[&carol, &alice], 1, all);
    assert_eq!(waiting(&alice, &id), 1);
    // Within two hours, without a word by anybody.
    for hour in 1..3 {
        run_due_at(&alice, at_hour(hour) + HOUR / 2).unwrap();
        pass(&[&carol, &alice], hour, all);
    }
    assert!(!is_member(&alice, &id, &mallory));
    assert!(!is_incomplete(&alice, 100, &id));
    assert_eq!(waiting(&alice, &id), 0);
}

#[test]
fn who_cannot_know_is_told_that_the_view_is_incomplete() {
    let [carol, alice, mallory] = acquainted();
    let everybody = [&carol, &alice, &mallory];
    let id = group(&carol, &[&alice, &mallory], 0);
    act(&carol, 1, &id, GroupAction::Renamed("ours".into()));
    empty_outbox(&carol);
    act(&carol, 1, &id, removed(&mallory));
    let told = pass(&[&carol, &alice], 1, |from, _| std::ptr::eq(from, &carol));
    let incomplete = |told: &[(usize, Outcome)], resolved: bool| {
        told.iter().any(|(_, outcome)| {
            matches!(outcome, Outcome::GroupIncomplete { resolved: is, .. } if *is == resolved)
        })
    };
    // It may be under way.
    assert!(!incomplete(&told, false) && !is_incomplete(&alice, 1, &id));
    assert!(is_incomplete(&alice, 2, &id));
    // The network keeps what Alice asks for from her, and nobody has to write for her to be told.
    let at_once = run_due_at(&alice, at_hour(2)).unwrap();
    let at_once: Vec<_> = at_once.into_iter().map(|one| (0, one)).collect();
    assert!(incomplete(&at_once, false) && at_once.len() == 1);
    empty_outbox(&alice);
    say(&carol, 2, &id, "ahoy");
    let told = pass(&[&carol, &alice], 2, all);
    assert!(!incomplete(&told, false), "once is enough");
    assert!(run_due_at(&alice, at_hour(4)).unwrap().is_empty());
    let told = pass(&everybody, 4, all);
    assert!(incomplete(&told, true));
    assert!(!is_member(&alice, &id, &mallory) && !is_incomplete(&alice, 100, &id));
}

#[test]
fn a_phone_that_died_after_telling_some_told_all() {
    let [admin, bob, carol, mallory] = acquainted();
    let id = group(&admin, &[&bob, &carol, &mallory], 0);
    act(&admin, 1, &id, removed(&mallory));
    // Bob alone hears of it, and the admin is never heard of again.
    pass(&[&admin, &bob], 1, all);
    assert!(!is_member(&bob, &id, &mallory) && is_member(&carol, &id, &mallory));
    // As soon as either of them writes.
    say(&carol, 2, &id, "anybody there");
    let others = [&bob, &carol, &mallory];
    pass(&others, 2, all);
    run_due_at(&bob, at_hour(3)).unwrap();
    pass(&others, 3, all);
    assert!(!is_member(&carol, &id, &mallory));
    // Mallory has been told, too.
    assert!(
        !is_member(&mallory, &id, &mallory) || {
            say(&mallory, 4, &id, "I am still here");
            pass(&others, 4, all);
            run_due_at(&bob, at_hour(5)).unwrap();
            pass(&others, 5, all);
            !is_member(&mallory, &id, &mallory)
        }
    );
}

#[test]
fn the_reader_asks_whose_view_the_writer_shows_to_be_older() {
    let [admin, bob, carol, mallory] = acquainted();
    let id = group(&admin, &[&bob, &carol, &mallory], 0);
    act(&admin, 1, &id, removed(&mallory));
    pass(&[&admin, &bob], 1, all);
    say(&bob, 2, &id, "she is out");
    let others = [&bob, &carol];
    pass(&others, 2, all);
    assert!(is_incomplete(&carol, 3, &id));
    run_due_at(&carol, at_hour(3)).unwrap();
    pass(&others, 3, all);
    assert!(!is_member(&carol, &id, &mallory) && !is_incomplete(&carol, 3, &id));
}

#[test]
fn nobody_keeps_a_view_incomplete_by_what_they_make_up() {
    let [alice, bob, mallory] = acquainted();
    let everybody = [&alice, &bob, &mallory];
    let id = group(&alice, &[&bob, &mallory], 0);
    let days = MISSING_GROUP_EVENT_SECONDS / 86_400;
    hand(
        &mallory,
        &alice,
        0,
        &id,
        events(vec![made_up(&mallory, &id, 1)]),
        None,
    );
    let lies = GroupView {
        digest: [7; 16],
        heads: vec![[7; 16]],
    };
    hand(
        &mallory,
        &bob,
        0,
        &id,
        events(Vec::new()),
        Some(lies.clone()),
    );
    pass(&everybody, 0, all);
    for party in [&alice, &bob] {
        assert!(is_incomplete(party, 1, &id));
    }
    let mut asked = 0;
    for hour in 1..(days + 1) * 24 {
        for party in [&alice, &bob] {
            run_due_at(party, at_hour(hour)).unwrap();
            asked += party.count(Table::Outbox);
        }
        pass(&[&alice, &bob], hour, all);
    }
    assert_eq!(waiting(&alice, &id), 0);
    // To two members, some ten times each.
    assert!(asked < 60, "{asked}");
    // And again: it is not believed before something of theirs comes.
    for number in 2..5 {
        let hour = (days + 1) * 24;
        hand(
            &mallory,
            &alice,
            hour,
            &id,
            events(vec![made_up(&mallory, &id, number)]),
            None,
        );
        hand(
            &mallory,
            &bob,
            hour,
            &id,
            events(Vec::new()),
            Some(lies.clone()),
        );
        pass(&everybody, hour, all);
        for party in [&alice, &bob] {
            assert!(!is_incomplete(party, hour + 48, &id));
        }
    }
    // What others do is heard all the same.
    let hour = (days + 2) * 24;
    act(&alice, hour, &id, GroupAction::Renamed("ours".into()));
    pass(&everybody, hour, all);
    let log = bob.at(0, |step| groups::known(step.rows, &id)).unwrap().log;
    assert_eq!(log.membership().name, "ours");
}

#[test]
fn one_member_does_not_fill_the_places_of_events_that_wait() {
    let [alice, bob, mallory] = acquainted();
    let id = group(&alice, &[&bob, &mallory], 0);
    let bobs = vec![made_up(&bob, &id, 200)];
    hand(&bob, &alice, 0, &id, events(bobs), None);
    let many = (0..150)
        .map(|number| made_up(&mallory, &id, number))
        .collect();
    hand(&mallory, &alice, 0, &id, events(many), None);
    pass(&[&alice, &bob, &mallory], 0, all);
    let group = alice.at(0, |step| groups::known(step.rows, &id)).unwrap();
    let of = |party: &Party| {
        let author = party.device.public();
        let waiting = group.log.waiting().iter();
        waiting.filter(|event| *event.author() == author).count()
    };
    assert_eq!(
        (of(&bob), of(&mallory)),
        (1, MAX_WAITING_GROUP_EVENTS_OF_AUTHOR)
    );
    assert!(group.log.waiting().len() <= MAX_WAITING_GROUP_EVENTS);
}

#[test]
fn who_is_out_is_told_so_and_nothing_of_what_came_later() {
    let [alice, bob, mallory, eve] = acquainted();
    let everybody = [&alice, &bob, &mallory, &eve];
    let id = group(&alice, &[&bob, &mallory], 0);
    act(&alice, 1, &id, removed(&mallory));
    pass(&[&alice, &bob], 1, all);
    act(&alice, 2, &id, GroupAction::Renamed("without her".into()));
    pass(&[&alice, &bob], 2, all);
    // Mallory asks both for all that she has not, and so does somebody who never belonged to the group.
    for asks in [&mallory, &eve] {
        for party in [&alice, &bob] {
            let nothing = asks.at(3, |step| {
                let have = crate::chat::GroupEventNames::of(core::iter::empty(), step.rng);
                Ok(have)
            });
            let body = Body::GroupSync(GroupSync {
                have: Some(nothing.unwrap()),
                ..GroupSync::default()
            });
            hand(asks, party, 3, &id, body, None);
        }
    }
    pass(&everybody, 3, all);
    let log = mallory
        .at(3, |step| groups::known(step.rows, &id))
        .unwrap()
        .log;
    assert!(log.membership().member(&mallory.device.public()).is_none());
    assert_eq!(log.membership().name, "crew");
    assert!(
        eve.at(3, |step| groups::find(step.rows, &id))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_request_is_answered_a_few_times_a_day() {
    let [alice, bob] = acquainted();
    let id = group(&alice, &[&bob], 0);
    let mut answers = 0;
    for _ in 0..3 * MAX_GROUP_SYNCS_PER_DAY {
        let have = bob.at(0, |step| {
            Ok(crate::chat::GroupEventNames::of(
                core::iter::empty(),
                step.rng,
            ))
        });
        let body = Body::GroupSync(GroupSync {
            have: Some(have.unwrap()),
            ..GroupSync::default()
        });
        hand(&bob, &alice, 0, &id, body, None);
        pass(&[&bob, &alice], 0, |from, _| std::ptr::eq(from, &bob));
        answers += empty_outbox(&alice).len();
    }
    assert!(answers <= MAX_GROUP_SYNCS_PER_DAY as usize);
}

#[test]
fn whoever_declines_meets_nobody_and_all_hear_of_it() {
    let [mallory, alice, bob] = [1, 2, 3].map(Party::new);
    introduce(&[&mallory, &alice], 0);
    introduce(&[&mallory, &bob], 0);
    let everybody = [&mallory, &alice, &bob];
    let id = mallory
        .at(0, |step| group_events::create(step, "g"))
        .unwrap();
    act(&mallory, 0, &id, invited(&[&alice, &bob]));
    pass(&everybody, 0, all);
    act(&bob, 0, &id, GroupAction::Joined);
    pass(&everybody, 0, all);
    let before = alice.count(Table::Contacts);
    act(&alice, 1, &id, GroupAction::Left);
    assert_eq!(alice.count(Table::Contacts), before);
    let contact = alice.at(1, |step| contacts::find(step.rows, &bob.device.public()));
    assert!(contact.unwrap().is_none_or(|contact| !contact.is_known()));
    pass(&everybody, 1, all);
    assert!(!is_member(&bob, &id, &alice) && !is_member(&mallory, &id, &alice));
}

#[test]
fn who_declines_is_heard_although_who_invited_them_has_left() {
    let [carol, alice, bob, dave] = [1, 2, 3, 4].map(Party::new);
    let everybody = [&carol, &alice, &bob, &dave];
    for one in [&alice, &bob, &dave] {
        introduce(&[&carol, one], 0);
    }
    introduce(&[&alice, &bob], 0);
    let id = carol.at(0, |step| group_events::create(step, "g")).unwrap();
    act(&carol, 0, &id, invited(&[&alice, &bob, &dave]));
    pass(&everybody, 0, all);
    for one in [&bob, &dave] {
        act(one, 0, &id, GroupAction::Joined);
        pass(&everybody, 0, all);
    }
    act(&carol, 1, &id, GroupAction::Left);
    pass(&everybody, 1, all);
    // Alice knows Bob, not Dave; Carol's telephone is gone.
    act(&alice, 2, &id, GroupAction::Left);
    pass(&[&alice, &bob, &dave], 2, all);
    assert!(!is_member(&bob, &id, &alice) && !is_member(&dave, &id, &alice));
}
