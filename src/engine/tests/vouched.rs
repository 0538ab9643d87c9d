//! What linked devices tell each other of devices of contacts, and of each other: what it opens, and to whom it opens nothing.

use super::linked::linked_on;
use super::unread::devices_and_friend;
use super::*;
use crate::bundle::{PrekeySecrets, build};
use crate::chat::{KnownContact, KnownDevice};
use crate::engine::records::pairs;
use crate::limits::RESEND_RETENTION_SECONDS;
use crate::x3dh;

const HOUR: u64 = 3_600_000;

fn party_of(party: &Party) -> x3dh::Party {
    party.end()
}

/// What is due for some days, hour by hour, with everything delivered.
fn live(parties: &[&Party], days: std::ops::Range<u64>) {
    for day in days {
        for hour in (0..24).step_by(3) {
            for party in parties {
                run_due_at(party, START + day * DAY + hour * HOUR).unwrap();
            }
            deliver(parties, day);
        }
    }
}

fn is_there(party: &Party, of: &Party, id: MessageId) -> bool {
    let author = of.device.public();
    let message = MessageRef { author, id };
    let there = party.at(0, |step| message::contains(step.rows, &message));
    there.unwrap()
}

/// Two who know each other since the first day, and a message of the next that never arrived; then the author's device links another.
fn written_before_linking() -> ([Party; 3], MessageId) {
    let [first, friend] = [1, 2].map(Party::new);
    introduce(&[&first, &friend], 0);
    let to = ConversationId::Direct(friend.device.public());
    let late = write(&first, 1, &to, text("to whom it was written"));
    empty_outbox(&first);
    let (first, new) = linked_on(2, first);
    run_due_at(&new, START + 2 * DAY + 2 * HOUR).unwrap();
    deliver(&[&first, &new], 2);
    assert!(is_there(&new, &first, late));
    ([first, new, friend], late)
}

#[test]
fn what_was_written_before_a_device_was_linked_is_handed_on_by_it() {
    let ([first, new, friend], late) = written_before_linking();
    drop(first);
    live(&[&new, &friend], 3..6);
    assert!(is_there(&friend, &new, late));
}

#[test]
fn a_device_of_a_contact_that_appeared_since_gets_nothing_of_before_from_a_device_that_was_linked_then()
 {
    let [first, friend, thief] = [1, 2, 2].map(Party::new);
    introduce(&[&first, &friend], 0);
    let to = ConversationId::Direct(friend.device.public());
    let late = write(&first, 1, &to, text("to whom it was written"));
    empty_outbox(&first);
    // Signed with the friend's seed, and newer than all that is known of the friend.
    thief.bundle(2, false);
    first.add(2, &thief.bundle(2, false));
    let (first, new) = linked_on(3, first);
    run_due_at(&new, START + 3 * DAY + 2 * HOUR).unwrap();
    deliver(&[&first, &new], 3);
    assert!(is_there(&new, &first, late));
    live(&[&new, &thief], 4..9);
    assert!(!is_there(&thief, &new, late));
}

/// Since when a device knows the friend's, after a sibling told it of a time.
fn told(known_since: u64, linked: bool) -> (u64, u64) {
    let [first, second, friend] = devices_and_friend();
    let bundle = friend.bundle(0, false);
    if !linked {
        let unlinked = first.at(0, |step| {
            let mut row = own_devices::find(step.rows, second.device.device_id)?.unwrap();
            row.linked_at = 0;
            own_devices::save(step.rows, &row)
        });
        unlinked.unwrap();
    }
    let since = |party: &Party| {
        let key = bundle.devices()[0].signed_prekey.key;
        let since = party.at(0, |step| {
            pairs::prekey_since(step.rows, &party_of(&friend), &key)
        });
        since.unwrap().unwrap()
    };
    let before = since(&first);
    let told = second.at(1, |step| {
        let known = KnownContact {
            bundle: bundle.encoded().to_vec(),
            accepted: true,
            devices: vec![KnownDevice {
                device_id: friend.device.device_id,
                known_since,
            }],
            ..updates::known_contact(&contacts::find(step.rows, bundle.identity())?.unwrap())
                .unwrap()
        };
        let update = crate::chat::DeviceUpdate {
            contacts: vec![known],
            ..Default::default()
        };
        updates::share(step, Recipients::ALL, update)
    });
    told.unwrap();
    carry(&second, &first, 1);
    (before, since(&first))
}

#[test]
fn since_when_a_device_is_known_is_taken_from_linked_devices_alone_and_within_bounds() {
    assert_eq!(told(START - DAY, true), (START, START - DAY));
    assert_eq!(told(START - DAY, false), (START, START));
    // Never later; and not before all that may still be sent again, whatever a wrong clock says.
    assert_eq!(told(START + 9 * DAY, true), (START, START));
    let earliest = START + DAY - RESEND_RETENTION_SECONDS * 1000;
    assert_eq!(told(0, true), (START, earliest));
}

#[test]
fn what_is_told_of_one_prekey_says_nothing_of_another() {
    let [first, second, friend] = devices_and_friend();
    // Of the friend's seed, under the name of the friend's device.
    let device_id = friend.device.device_id;
    let posing = PrekeySecrets::generate(&mut rng()).device(device_id, 77);
    let key = posing.signed_prekey.key;
    let issued_at = (START + 2 * DAY) / 1000;
    let posing = build(&friend.device.identity, &[posing], None, issued_at).unwrap();
    first.add(2, &posing);
    let told = second.at(2, |step| {
        let contact = contacts::find(step.rows, posing.identity())?.unwrap();
        updates::share_contact(step, &contact)
    });
    told.unwrap();
    carry(&second, &first, 2);
    let since = first.at(2, |step| {
        pairs::prekey_since(step.rows, &party_of(&friend), &key)
    });
    assert_eq!(since.unwrap(), Some(START + 2 * DAY));
}
