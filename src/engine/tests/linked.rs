//! A device that was linked, and what may go wrong until it knows everything.

use super::*;

/// A device and another that it linked on a day; the request of the new one was lost.
pub(super) fn linked_on(day: u64, first: Party) -> (Party, Party) {
    let new = Party::new(1);
    let know = |knows: &Party, of: &Party| {
        let (bundle, id) = (of.bundle(day, false), of.device.device_id);
        let known = knows.at(day, |step| {
            own_devices::merge_bundle(step, &bundle, Some(id))
        });
        assert_eq!(known.unwrap().added, [id]);
    };
    know(&new, &first);
    let token = first.at(day, linking::begin);
    let token = token.unwrap();
    let asked = new.at(day, |step| {
        own_devices::note_linked(step.rows, first.device.device_id, step.now)?;
        healing::ask_for_history(step, &token)
    });
    asked.unwrap();
    assert_eq!(empty_outbox(&new).len(), 1);
    know(&first, &new);
    (first, new)
}

pub(super) fn linked() -> (Party, Party) {
    linked_on(0, Party::new(1))
}

fn contacts_of(party: &Party) -> usize {
    let known = party.at(0, |step| contacts::all(step.rows));
    known.unwrap().len()
}

#[test]
fn a_new_device_that_was_answered_without_the_contacts_asks_again() {
    let (first, new) = linked();
    let friend = Party::new(2);
    introduce(&[&first, &friend], 0);
    // A copy in a session of the first device's own is an answer, whatever became of the request.
    first.send(0, &friend).unwrap();
    let copy = empty_outbox(&first).pop().unwrap();
    assert!(copy.recipient == new.device.public());
    let outcomes = take(&new, 0, &copy.envelope).unwrap();
    assert!(
        (outcomes.iter()).any(|o| matches!(o, Outcome::Peer(_, PeerNews::SessionHealed { .. })))
    );
    empty_outbox(&new);
    assert_eq!(contacts_of(&new), 0);

    run_due(&new, 1).unwrap();
    deliver(&[&first, &new], 1);
    assert_eq!(contacts_of(&new), 1);
    // The friend is asked for the latest; the first device has told all.
    run_due(&new, 2).unwrap();
    let asked = empty_outbox(&new);
    assert!((asked.iter()).all(|waiting| waiting.recipient == friend.device.public()));
}

#[test]
fn a_device_that_has_no_contacts_says_so() {
    let (first, new) = linked();
    run_due(&new, 1).unwrap();
    deliver(&[&first, &new], 1);
    for day in 2..9 {
        run_due(&new, day).unwrap();
        assert_eq!(empty_outbox(&new).len(), 0);
    }
}

#[test]
fn a_request_that_was_lost_may_be_made_again_for_the_whole_history() {
    let [first, friend] = [1, 2].map(Party::new);
    introduce(&[&first, &friend], 0);
    first.send(0, &friend).unwrap();
    deliver(&[&first, &friend], 0);
    // Longer ago than what any other request is answered with.
    let (first, new) = linked_on(20, first);
    let hours = |hours: u64| START + 20 * DAY + hours * 3_600_000;
    // The answer to the second is lost as well.
    run_due_at(&new, hours(1)).unwrap();
    for waiting in empty_outbox(&new) {
        let envelope = Envelope::decode(&waiting.envelope).unwrap();
        first
            .at_time(hours(1), |step| {
                receive::receive(step, &envelope).map(|_| ())
            })
            .unwrap();
    }
    empty_outbox(&first);
    run_due_at(&new, hours(3)).unwrap();
    deliver(&[&first, &new], 20);
    let conversation = ConversationId::Direct(friend.device.public());
    assert_eq!(texts(&new, 20, &conversation).unwrap().len(), 1);
}

#[test]
fn a_new_device_gets_what_is_not_shown_by_itself_too() {
    let [first, friend] = [1, 2].map(Party::new);
    // The friend never hears of the new device.
    introduce(&[&first, &friend], 0);
    let (first, new) = linked_on(0, first);
    let to = ConversationId::Direct(first.device.public());
    let carry = || {
        for waiting in empty_outbox(&friend) {
            take(&first, 0, &waiting.envelope).unwrap();
        }
        deliver(&[&first, &new], 0);
    };
    let said = write(&friend, 0, &to, text("ahoy"));
    carry();
    let author = friend.device.public();
    let deleted = |party: &Party, id: &MessageId| {
        let message = MessageRef { author, id: *id };
        let found = party.at(0, |step| message::find(step.rows, &message));
        found.unwrap().unwrap().deleted
    };
    assert!(!deleted(&new, &said));
    write(&friend, 0, &to, Body::Deletion { target: said });
    carry();
    assert!(deleted(&first, &said));
    assert!(deleted(&new, &said));
}

#[test]
fn a_single_use_bundle_that_another_device_was_given_is_its_to_use() {
    let (first, new) = linked();
    let friend = Party::new(2);
    let bundle = friend.bundle(0, true);
    first.add(0, &bundle);
    let found = first.at(0, |step| {
        let contact = contacts::find(step.rows, bundle.identity())?.unwrap();
        updates::share_contact(step, &contact)
    });
    found.unwrap();
    deliver(&[&first, &new], 0);
    let used = |party: &Party| {
        let contact = party.at(0, |step| contacts::find(step.rows, bundle.identity()));
        contact.unwrap().unwrap().row.one_time_prekeys_used
    };
    assert!(!used(&first));
    assert!(used(&new));
}

#[test]
fn a_request_that_was_made_since_it_was_looked_is_not_forgotten() {
    let (first, _new) = linked();
    let own = first.device.public();
    let doubt = first.at(0, |step| doubts::note_missing(step.rows, &own, step.now));
    doubt.unwrap();
    let due = first.at(1, |step| upkeep::plan(step.rows, step.now));
    let asked = first.at(1, |step| healing::ask(step, &own, None));
    assert_eq!(asked.unwrap(), Some(1));
    first
        .at(1, |step| upkeep::run(step, due.as_ref().unwrap()))
        .unwrap();
    let row = first.at(1, |step| doubts::row(step.rows, &own));
    let row = row.unwrap().unwrap();
    assert!(row.waiting && row.attempts == 1);
}

/// The author did not know the new device when they wrote, and does not send it what was written before they did: whoever has it hands it on, however
/// late it came, and however long they were silent.
#[test]
fn what_comes_weeks_late_from_who_did_not_know_the_new_device_goes_on_to_it() {
    for (written, day) in [(1, 2), (1, 20), (20, 20)] {
        let (first, friend) = (Party::new(1), Party::new(2));
        introduce(&[&first, &friend], 0);
        let (first, new) = linked_on(0, first);
        empty_outbox(&first);
        friend.send(written, &first).unwrap();
        let late = empty_outbox(&friend).pop().unwrap();
        take(&first, day, &late.envelope).unwrap();
        let own = new.device.public();
        let mut copies = empty_outbox(&first).into_iter();
        let id = new.device.device_id;
        let is_copy = |waiting: &outbox::QueuedEnvelope| {
            let envelope = Envelope::decode(&waiting.envelope).unwrap();
            waiting.recipient == own && envelope.part_for(id).is_some()
        };
        assert!(copies.any(|waiting| is_copy(&waiting)), "day {day}");
    }
}
