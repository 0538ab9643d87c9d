//! What the user decides on one device holds on the others, and is not undone by them.

use super::unread::{devices_and_friend, unread};
use super::*;
use crate::engine::records::{decisions, floors, pair_rows};
use crate::engine::sync::{deletions, reading};

fn contact(party: &Party, who: &PublicIdentity) -> Option<contacts::Contact> {
    party.at(0, |step| contacts::find(step.rows, who)).unwrap()
}

fn blocked(party: &Party, who: &PublicIdentity) -> bool {
    contact(party, who).is_some_and(|contact| contact.row.blocked)
}

/// Decides something about somebody, and tells the other devices.
fn decide(
    party: &Party,
    day: u64,
    who: &PublicIdentity,
    change: impl Fn(&mut Step<'_>, &mut contacts::Contact) -> Result<(), EngineError>,
) {
    let decided = party.at(day, |step| {
        let mut contact = contacts::find(step.rows, who)?.unwrap();
        change(step, &mut contact)?;
        updates::share_contact(step, &contact)
    });
    decided.unwrap();
}

/// A device asks its siblings for everything that it may not know.
fn ask_siblings(party: &Party, day: u64) {
    let asked = party.at(day, |step| healing::ask(step, &step.device.public(), None));
    assert!(asked.unwrap().is_some());
}

fn remove(party: &Party, day: u64, who: &PublicIdentity) {
    let removed = party.at(day, |step| {
        let mut contact = contacts::find(step.rows, who)?.unwrap();
        people::remove(step, &mut contact)
    });
    removed.unwrap();
}

#[test]
fn who_is_unblocked_on_one_device_is_so_on_the_others_and_stays_so() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let who = friend.device.public();
    decide(&first, 1, &who, |step, contact| {
        people::block(step.rows, contact)
    });
    deliver(&all, 1);
    assert!(blocked(&first, &who) && blocked(&second, &who));
    decide(&first, 2, &who, people::accept);
    deliver(&all, 2);
    assert!(!blocked(&first, &who) && !blocked(&second, &who));
    // The second device answers a request of the first with all it knows.
    for (asks, day) in [(&first, 3), (&second, 4)] {
        ask_siblings(asks, day);
        deliver(&all, day);
        assert!(!blocked(&first, &who) && !blocked(&second, &who));
    }
    let said = friend.send(4, &first).unwrap();
    assert!(opens(&take(&first, 4, &said).unwrap()));
}

#[test]
fn a_removed_contact_is_gone_everywhere_and_comes_back_from_no_device() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let who = friend.device.public();
    let conversation = ConversationId::Direct(who);
    first.send(0, &friend).unwrap();
    friend.send(0, &first).unwrap();
    deliver(&all, 0);
    // The second device does not hear of it at once.
    remove(&first, 1, &who);
    empty_outbox(&first);
    for day in 2..6 {
        let asks = if day % 2 == 0 { &first } else { &second };
        ask_siblings(asks, day);
        deliver(&all, day);
        for party in [&first, &second] {
            run_due(party, day).unwrap();
        }
        deliver(&all, day);
        for party in [&first, &second] {
            assert!(texts(party, day, &conversation).unwrap().is_empty());
            assert!(contact(party, &who).is_none());
            let listed = party.at(day, |step| conversations::all(step.rows)).unwrap();
            assert!(listed.is_empty());
        }
    }
    // Who writes again is a stranger, with a conversation of its own.
    for party in [&first, &second] {
        let device_id = party.device.device_id;
        let party = crate::x3dh::Party {
            identity: party.device.public(),
            device_id,
        };
        // With no prekey that was given to a contact either: that went with the contact.
        let anew = friend.at(7, |step| {
            pair_rows::forget(step.rows, &party)?;
            sessions::erase_all(step.rows, &party)
        });
        anew.unwrap();
    }
    let said = friend.send(7, &first).unwrap();
    for party in [&first, &second] {
        assert!(opens(&take(party, 7, &said).unwrap()));
        assert!(contact(party, &who).unwrap().is_stranger());
    }
    // What the devices tell each other of the removal once more does not take the stranger away.
    ask_siblings(&first, 8);
    deliver(&[&first, &second], 8);
    assert!(contact(&first, &who).is_some() && contact(&second, &who).is_some());
    // And whoever is added again is a contact again, on both.
    let bundle = friend.bundle(8, false);
    first
        .at(8, |step| {
            let contact = people::add(step, &bundle)?;
            updates::share_contact(step, &contact)
        })
        .unwrap();
    deliver(&[&first, &second], 8);
    assert!(contact(&second, &who).unwrap().is_accepted());
    assert!(!contact(&second, &who).unwrap().row.verified);
}

#[test]
fn a_mark_of_verification_does_not_outlive_a_removal() {
    let [first, second, friend] = devices_and_friend();
    let who = friend.device.public();
    decide(&first, 1, &who, |step, contact| {
        people::verify(step.rows, contact)
    });
    deliver(&[&first, &second], 1);
    assert!(contact(&second, &who).unwrap().row.verified);
    remove(&second, 2, &who);
    first
        .at(3, |step| {
            let contact = contacts::find(step.rows, &who)?.unwrap();
            updates::share_contact(step, &contact)
        })
        .unwrap();
    carry(&first, &second, 3);
    assert!(contact(&second, &who).is_none());
    carry(&second, &first, 3);
    assert!(contact(&first, &who).is_none());
    second.add(4, &friend.bundle(4, false));
    assert!(!contact(&second, &who).unwrap().row.verified);
}

#[test]
fn a_device_that_claims_a_decision_beyond_reach_has_not_the_last_word() {
    let [first, _second, friend] = devices_and_friend();
    let who = friend.device.public();
    let known = first.at(0, |step| {
        let contact = contacts::find(step.rows, &who)?.unwrap();
        let mut known = updates::known_contact(&contact).unwrap();
        known.blocked = true;
        known.standing.clock = 1 << 62;
        people::receive(step, &known, &mut Vec::new())
    });
    known.unwrap();
    assert!(!blocked(&first, &who));
    let standing = decisions::standing(&contact(&first, &who).unwrap().row);
    assert!(standing.clock < 10);
}

#[test]
fn a_message_that_the_user_deletes_is_gone_on_all_devices_however_late_they_get_it() {
    let [first, second, friend] = devices_and_friend();
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    let stays = write(&friend, 1, &theirs, text("stays"));
    let goes = write(&friend, 1, &theirs, text("goes"));
    let late = write(&friend, 1, &theirs, text("late"));
    let envelopes = empty_outbox(&friend);
    for waiting in &envelopes {
        take(&first, 1, &waiting.envelope).unwrap();
    }
    // The second device has the last one not yet.
    for waiting in &envelopes[..2] {
        take(&second, 1, &waiting.envelope).unwrap();
    }
    empty_outbox(&first);
    empty_outbox(&second);
    let author = friend.device.public();
    for id in [goes, late, goes] {
        let deleted = first.at(1, |step| {
            deletions::delete_message(step, &MessageRef { author, id })
        });
        assert!(deleted.unwrap());
    }
    let outcomes = carry(&first, &second, 1);
    let deleted = |outcome: &&Outcome| matches!(outcome, Outcome::InConversation(_, ConversationNews::Deleted(message)) if message.id == goes);
    assert_eq!(outcomes.iter().filter(deleted).count(), 1);
    take(&second, 1, &envelopes[2].envelope).unwrap();
    for day in [1, 40] {
        for party in [&first, &second] {
            party
                .at(day, |step| deletion::expire(step.rows, step.now))
                .unwrap();
            let there = texts(party, day, &ours).unwrap();
            assert_eq!(there.len(), 1);
            assert_eq!(there[0].1, "stays");
            assert!(unread(party, &ours) <= 1);
        }
    }
    let _ = stays;
    // A month later its name is forgotten as a message, and not that it is gone: the friend sends it once more.
    friend
        .at(40, |step| {
            for party in [&first, &second] {
                let to = party.end();
                unacknowledged::schedule_requested(
                    step.rows,
                    &to,
                    &MessageRef { author, id: goes },
                    step.now,
                    step.now,
                )?;
            }
            Ok(())
        })
        .unwrap();
    run_due(&friend, 40).unwrap();
    for waiting in empty_outbox(&friend) {
        for party in [&first, &second] {
            if let Ok(envelope) = Envelope::decode(&waiting.envelope) {
                let _ = party.at(40, |step| receive::receive(step, &envelope).map(|_| ()));
            }
        }
    }
    for party in [&first, &second] {
        assert_eq!(texts(party, 40, &ours).unwrap().len(), 1);
    }
}

#[test]
fn a_conversation_that_was_deleted_goes_on_with_its_clock_and_its_timer() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    write(&first, 1, &ours, Body::DisappearingTimer(5 * DAY));
    for said in ["one", "two"] {
        write(&friend, 1, &theirs, text(said));
        write(&first, 1, &ours, text(said));
        deliver(&all, 1);
    }
    let clock = |party: &Party| {
        party
            .at(1, |step| Ok(conversations::row(step.rows, &ours)?.lamport))
            .unwrap()
    };
    let before = clock(&first);
    first
        .at(1, |step| deletions::delete_conversation(step, &ours))
        .unwrap();
    // Again: nothing changes.
    first
        .at(1, |step| deletions::delete_conversation(step, &ours))
        .unwrap();
    let outcomes = carry(&first, &second, 1);
    let told = |outcome: &&Outcome| {
        matches!(
            outcome,
            Outcome::InConversation(_, ConversationNews::ConversationDeleted)
        )
    };
    assert_eq!(outcomes.iter().filter(told).count(), 1);
    for party in [&first, &second] {
        assert!(texts(party, 1, &ours).unwrap().is_empty());
        assert_eq!((unread(party, &ours), clock(party)), (0, before));
        assert!(
            contact(party, &friend.device.public())
                .unwrap()
                .is_accepted()
        );
        assert_eq!(
            party
                .at(1, |step| conversations::all(step.rows))
                .unwrap()
                .len(),
            0
        );
        assert_eq!(party.count(Table::Floors), 1);
        let timer = party.at(1, |step| conversations::disappearing(step.rows, &ours));
        assert_eq!(timer.unwrap(), Some(5 * DAY));
    }
    // Neither a mark nor a receipt of what was read brings it back into the list.
    friend
        .at(1, |step| reading::read_all(step, &theirs, true))
        .unwrap();
    carry(&friend, &first, 1);
    first
        .at(1, |step| reading::read_all(step, &ours, true))
        .unwrap();
    assert_eq!(
        first
            .at(1, |step| conversations::all(step.rows))
            .unwrap()
            .len(),
        0
    );
    // Whoever asks is not told of it, and is not believed that something is missing.
    ask_siblings(&second, 2);
    deliver(&all, 2);
    write(&friend, 2, &theirs, text("three"));
    deliver(&all, 2);
    for party in [&first, &second] {
        assert_eq!(texts(party, 2, &ours).unwrap().len(), 1);
        assert_eq!(unread(party, &ours), 1);
        run_due(party, 3).unwrap();
        deliver(&all, 3);
        assert_eq!(texts(party, 3, &ours).unwrap().len(), 1);
        party
            .at(8, |step| deletion::expire(step.rows, step.now))
            .unwrap();
        assert!(texts(party, 8, &ours).unwrap().is_empty());
    }
}

#[test]
fn what_never_came_before_a_conversation_was_deleted_is_not_lost() {
    let [first, second, friend] = devices_and_friend();
    let ours = ConversationId::Direct(friend.device.public());
    let theirs = ConversationId::Direct(first.device.public());
    write(&friend, 1, &theirs, text("on the way"));
    let late = empty_outbox(&friend);
    write(&friend, 1, &theirs, text("here"));
    carry(&friend, &first, 1);
    first
        .at(1, |step| deletions::delete_conversation(step, &ours))
        .unwrap();
    carry(&first, &second, 1);
    for party in [&first, &second] {
        assert!(opens(&take(party, 1, &late[0].envelope).unwrap()));
    }
}

#[test]
fn floors_and_decisions_are_in_a_backup() {
    let [first, _second, friend] = devices_and_friend();
    let who = friend.device.public();
    let ours = ConversationId::Direct(who);
    write(&first, 1, &ours, text("gone"));
    first
        .at(1, |step| deletions::delete_conversation(step, &ours))
        .unwrap();
    decide(&first, 1, &who, |step, contact| {
        people::block(step.rows, contact)
    });
    let state = |rows: &dyn Rows| {
        let standing = decisions::standing(&contacts::find(rows, &who)?.unwrap().row);
        Ok::<_, EngineError>((floors::all(rows)?, standing))
    };
    let before = first.store.read(state).unwrap();
    assert_eq!(before.0.len(), 1);
    let copy = backups::copied(&first);
    assert_eq!(copy.read(|rows| state(rows)).unwrap(), before);
}
