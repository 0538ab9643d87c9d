//! Whose words a group shows, where they stand, and how long they stay.

mod announcements;

use super::hostile::content;
use super::*;
use crate::chat::{Content, ContentError, GroupEventError};
use crate::engine::sync::outcome::RefusalReason as Refusal;
use crate::limits::{MAX_DISAPPEARING_SECONDS, MAX_LAMPORT_JUMP, MIN_DISAPPEARING_SECONDS};

/// Any content, in the session that there is; the envelope.
fn forge(from: &Party, to: &Party, day: u64, content: &Content) -> Vec<u8> {
    let forged = from.at(day, |step| {
        let mut contact = contacts::find(step.rows, &to.device.public())?.unwrap();
        let one = Recipients::one(to.device.device_id);
        envelopes::to_contact(step, &mut contact, one, &content.to_bytes())
    });
    forged.unwrap().unwrap()
}

fn act(party: &Party, day: u64, group: &GroupId, action: GroupAction) {
    party
        .at(day, |step| group_events::act(step, group, &action))
        .unwrap();
}

fn removed(whom: &Party) -> GroupAction {
    GroupAction::MembersRemoved(vec![whom.device.public()])
}

fn invited(whom: &[&Party]) -> GroupAction {
    let mut all: Vec<_> = whom.iter().map(|one| one.device.public()).collect();
    all.sort_by_key(PublicIdentity::to_bytes);
    GroupAction::MembersAdded(all)
}

fn clock(party: &Party, conversation: &ConversationId) -> u64 {
    let row = party.at(0, |step| conversations::row(step.rows, conversation));
    row.unwrap().lamport
}

fn decide(
    party: &Party,
    about: &Party,
    mut change: impl FnMut(&mut Step<'_>, &mut contacts::Contact) -> Result<(), EngineError>,
) {
    party
        .at(0, |step| {
            let mut contact = contacts::find(step.rows, &about.device.public())?.unwrap();
            change(step, &mut contact)
        })
        .unwrap();
}

fn is_member(party: &Party, group: &GroupId, who: &Party) -> bool {
    let list = party.at(0, |step| groups::member_list(step.rows, group));
    list.unwrap().unwrap().has(&who.device.public())
}

fn recipients(party: &Party, group: &GroupId) -> Vec<PublicIdentity> {
    party
        .at(0, |step| groups::recipients(step.rows, step.device, group))
        .unwrap()
}

fn refusals(outcomes: &[Outcome]) -> Vec<Refusal> {
    let refused = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => Some(*reason),
        _ => None,
    });
    refused.collect()
}

fn acknowledges(party: &Party, to: &Party) -> bool {
    let waiting = empty_outbox(party);
    waiting
        .iter()
        .any(|waiting| waiting.recipient == to.device.public())
}

fn seen(party: &Party, day: u64, conversation: &ConversationId) -> Vec<String> {
    let texts = texts(party, day, conversation).unwrap().into_iter();
    let mut seen: Vec<_> = texts.map(|(_, text, _)| text).collect();
    seen.sort();
    seen
}

#[test]
fn a_clock_far_ahead_silences_nobody() {
    let [carol, alice, mallory] = acquainted();
    let id = group(&carol, &[&alice, &mallory], 0);
    let conversation = ConversationId::Group(id);
    // To Alice alone, again and again.
    for _ in 0..3 {
        let lamport = clock(&alice, &conversation) + MAX_LAMPORT_JUMP;
        let evil = content(lamport, Some(id), text("evil"));
        assert!(opens(
            &take(&alice, 0, &forge(&mallory, &alice, 0, &evil)).unwrap()
        ));
    }
    // Her first words bring the others' clocks to hers.
    for said in ["one", "two", "three", "four"] {
        write(&alice, 0, &conversation, text(said));
    }
    deliver(&[&carol, &alice], 0);
    assert_eq!(seen(&carol, 0, &conversation).len(), 4);
    write(&carol, 0, &conversation, text("five"));
    deliver(&[&carol, &alice], 0);
    for party in [&alice, &carol] {
        let texts = texts(party, 0, &conversation).unwrap();
        let told: Vec<_> = texts.iter().map(|(_, text, _)| text.as_str()).collect();
        assert_eq!(told[told.len() - 2..], ["four", "five"]);
    }
    // At the end of the range it stands where the next message will.
    let evil = content(crate::limits::MAX_LAMPORT, Some(id), text("last for ever"));
    take(&carol, 0, &forge(&mallory, &carol, 0, &evil)).unwrap();
    write(&alice, 0, &conversation, text("six"));
    deliver(&[&carol, &alice], 0);
    write(&carol, 0, &conversation, text("seven"));
    let shown = texts(&carol, 0, &conversation).unwrap();
    assert_eq!(shown.last().unwrap().1, "seven");
    // What it was clamped to holds when it is read back, and deleted.
    let conversation_row = carol.at(0, |step| {
        deletion::erase_conversation(step.rows, &conversation)?;
        Ok(step.rows.count(Table::Timeline)?)
    });
    let before = carol.count(Table::Messages) as u64;
    assert_eq!(conversation_row.unwrap(), before);
}

#[test]
fn a_clock_far_ahead_keeps_no_word_from_the_users_other_devices() {
    let mallory = Party::new(3);
    let [first, second] = [1, 1].map(Party::new);
    introduce(&[&first, &mallory], 0);
    for (a, b) in [(&first, &second), (&second, &first)] {
        let (bundle, id) = (b.bundle(0, false), b.device.device_id);
        a.at(0, |step| own_devices::merge_bundle(step, &bundle, Some(id)))
            .unwrap();
    }
    second.add(0, &mallory.bundle(0, false));
    first.send(0, &mallory).unwrap();
    let between = |day| {
        for waiting in empty_outbox(&first) {
            if waiting.recipient == first.device.public() {
                take(&second, day, &waiting.envelope).unwrap();
            } else if let Ok(envelope) = Envelope::decode(&waiting.envelope)
                && envelope.part_for(mallory.device.device_id).is_some()
            {
                take(&mallory, day, &waiting.envelope).unwrap();
            }
        }
    };
    between(0);
    let conversation = ConversationId::Direct(mallory.device.public());
    let lamport = clock(&first, &conversation) + MAX_LAMPORT_JUMP;
    let evil = content(lamport, None, text("evil"));
    take(&first, 9, &forge(&mallory, &first, 9, &evil)).unwrap();
    for said in ["one", "two"] {
        write(&first, 9, &conversation, text(said));
    }
    between(9);
    assert_eq!(seen(&second, 9, &conversation), ["ahoy", "one", "two"]);
}

#[test]
fn who_left_is_shown_nothing_more_of_the_group() {
    let [bob, alice] = acquainted();
    let id = group(&bob, &[&alice], 0);
    let conversation = ConversationId::Group(id);
    act(&alice, 0, &id, GroupAction::Left);
    // Bob does not heed it.
    empty_outbox(&alice);
    for day in [1, 30, 300] {
        let spam = content(50 + day, Some(id), text("spam"));
        let outcomes = take(&alice, day, &forge(&bob, &alice, day, &spam)).unwrap();
        assert_eq!(refusals(&outcomes), [Refusal::NotTakingPart]);
        // They are not told that it was delivered.
        assert!(!acknowledges(&alice, &bob));
    }
    assert!(seen(&alice, 300, &conversation).is_empty());
}

#[test]
fn words_of_who_was_put_out_are_no_members_words() {
    let [alice, bob, carol] = acquainted();
    let all = [&alice, &bob, &carol];
    let id = group(&alice, &[&bob, &carol], 0);
    let conversation = ConversationId::Group(id);
    act(&alice, 1, &id, removed(&carol));
    deliver(&[&alice, &bob], 1);
    // Carol has not heard of it, or does not want to.
    for day in [1, 3, 30] {
        write(&carol, day, &conversation, text("still here"));
        let outcomes = carry(&carol, &bob, day);
        assert!(refusals(&outcomes).contains(&Refusal::NotAMember));
        assert!(!acknowledges(&bob, &carol));
    }
    assert!(seen(&bob, 30, &conversation).is_empty());
    // She is a member again, and what she writes then is shown.
    act(&alice, 30, &id, invited(&[&carol]));
    deliver(&all, 30);
    act(&carol, 30, &id, GroupAction::Joined);
    deliver(&all, 30);
    write(&carol, 30, &conversation, text("back"));
    deliver(&all, 30);
    assert!(seen(&bob, 30, &conversation).contains(&"back".into()));
}

#[test]
fn who_is_only_invited_hears_of_contacts_alone() {
    let [mallory, alice, eve] = [1, 2, 3].map(Party::new);
    introduce(&[&mallory, &alice], 0);
    introduce(&[&mallory, &eve], 0);
    let all = [&mallory, &alice, &eve];
    let id = mallory
        .at(0, |step| group_events::create(step, "g"))
        .unwrap();
    let conversation = ConversationId::Group(id);
    act(&mallory, 0, &id, invited(&[&alice, &eve]));
    deliver(&all, 0);
    act(&eve, 0, &id, GroupAction::Joined);
    deliver(&all, 0);
    write(&eve, 0, &conversation, text("buy"));
    write(&mallory, 0, &conversation, text("welcome"));
    deliver(&all, 0);
    assert_eq!(seen(&alice, 0, &conversation), ["welcome"]);
    // The user joins, and it comes.
    act(&alice, 0, &id, GroupAction::Joined);
    deliver(&all, 0);
    run_due(&eve, 1).unwrap();
    deliver(&all, 1);
    assert_eq!(seen(&alice, 1, &conversation), ["buy", "welcome"]);
}

#[test]
fn a_groups_timer_belongs_to_its_admins_and_no_timer_is_a_deletion() {
    let [carol, alice, mallory] = acquainted();
    let all = [&carol, &alice, &mallory];
    let id = group(&carol, &[&alice, &mallory], 0);
    let conversation = ConversationId::Group(id);
    let timer = |party: &Party, after| {
        party.at(0, |step| {
            let body = Body::DisappearingTimer(after);
            write::write(step, &conversation, body, None).map(|_| ())
        })
    };
    let (floor, ceiling) = (
        MIN_DISAPPEARING_SECONDS * 1000,
        MAX_DISAPPEARING_SECONDS * 1000,
    );
    for after in [1, floor - 1, ceiling + 1, u64::MAX] {
        let refused = EngineError::Content(ContentError::Time);
        assert_eq!(timer(&carol, after), Err(refused));
        // Nor is one believed that came.
        let bytes = content(1, Some(id), Body::DisappearingTimer(after)).to_bytes();
        assert!(Content::from_bytes(&bytes).is_err());
    }
    assert_eq!(
        timer(&mallory, DAY),
        Err(EngineError::Group(GroupEventError::NotAnAdmin))
    );
    let forged = content(50, Some(id), Body::DisappearingTimer(DAY));
    let outcomes = take(&alice, 0, &forge(&mallory, &alice, 0, &forged)).unwrap();
    assert_eq!(refusals(&outcomes), [Refusal::NotAnAdmin]);
    let after = |party: &Party| {
        let after = party.at(0, |step| {
            conversations::disappearing(step.rows, &conversation)
        });
        after.unwrap()
    };
    assert_eq!(after(&alice), None);
    for good in [floor, ceiling, 0] {
        timer(&carol, good).unwrap();
        deliver(&all, 0);
        assert_eq!(after(&alice), (good != 0).then_some(good));
    }
}

#[test]
fn events_of_a_group_pass_a_block_in_both_directions_and_words_do_not() {
    let [carol, alice, bob, dave] = acquainted();
    let all = [&carol, &alice, &bob, &dave];
    let id = group(&carol, &[&alice, &bob, &dave], 0);
    let conversation = ConversationId::Group(id);
    let make_admin = GroupAction::AdminsAdded(vec![bob.device.public()]);
    act(&carol, 0, &id, make_admin);
    deliver(&all, 0);
    decide(&alice, &bob, |step, contact| {
        people::block(step.rows, contact)
    });
    // An admin whom Alice blocked does something, and another builds on it.
    act(&bob, 1, &id, GroupAction::Renamed("new name".into()));
    write(&bob, 1, &conversation, text("not for her"));
    deliver(&all, 1);
    act(&carol, 2, &id, removed(&dave));
    deliver(&all, 2);
    assert!(!is_member(&alice, &id, &dave));
    assert!(!recipients(&alice, &id).contains(&dave.device.public()));
    assert!(seen(&alice, 2, &conversation).is_empty());
    let direct = ConversationId::Direct(bob.device.public());
    assert!(!seen(&alice, 2, &direct).contains(&"not for her".into()));
    // And what she does reaches him.
    act(&alice, 3, &id, GroupAction::Left);
    deliver(&all, 3);
    assert!(!is_member(&bob, &id, &alice));
    // Also in a session that is begun for it, and not what comes in one otherwise.
    let party = alice.end();
    for (day, blocked) in [(4, "said in a new session"), (5, "and again")] {
        bob.at(day, |step| sessions::erase_all(step.rows, &party))
            .unwrap();
        let words = bob.at(day, |step| {
            let to = ConversationId::Direct(alice.device.public());
            write::write(step, &to, text(blocked), None).map(|_| ())
        });
        words.unwrap();
        deliver(&all, day);
        assert!(!seen(&alice, day, &direct).contains(&blocked.into()));
    }
}

#[test]
fn an_event_that_waits_for_someone_reaches_them_although_they_are_blocked_meanwhile() {
    let [carol, alice, bob] = acquainted();
    let all = [&carol, &alice, &bob];
    let id = group(&carol, &[&alice, &bob], 0);
    act(&carol, 0, &id, GroupAction::Renamed("ours".into()));
    // Bob is away.
    empty_outbox(&carol);
    decide(&carol, &bob, |step, contact| {
        people::block(step.rows, contact)
    });
    run_due(&carol, 1).unwrap();
    deliver(&all, 1);
    let log = bob.at(1, |step| groups::known(step.rows, &id)).unwrap().log;
    assert_eq!(log.membership().name, "ours");
}

#[test]
fn a_contact_who_is_removed_stays_a_member_of_shared_groups() {
    let [carol, alice, bob] = acquainted();
    let all = [&carol, &alice, &bob];
    let id = group(&carol, &[&alice, &bob], 0);
    let conversation = ConversationId::Group(id);
    decide(&alice, &bob, |step, contact| {
        people::erase(step.rows, contact)
    });
    let direct = ConversationId::Direct(bob.device.public());
    assert!(seen(&alice, 0, &direct).is_empty());
    write(&alice, 1, &conversation, text("who hears this"));
    deliver(&all, 1);
    write(&bob, 1, &conversation, text("I do"));
    deliver(&all, 1);
    for party in all {
        assert_eq!(seen(party, 1, &conversation), ["I do", "who hears this"]);
    }
    let contact = alice.at(1, |step| contacts::find(step.rows, &bob.device.public()));
    let contact = contact.unwrap().unwrap();
    assert!(!contact.is_accepted() && contact.is_known());
    // Without a group nothing stays.
    act(&alice, 2, &id, GroupAction::Left);
    decide(&alice, &bob, |step, contact| {
        people::erase(step.rows, contact)
    });
    let contact = alice.at(2, |step| contacts::find(step.rows, &bob.device.public()));
    assert!(contact.unwrap().is_none());
}
