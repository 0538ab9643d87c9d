//! What is said in a group before the group is known waits for it, and nothing of it has to be sent again.

use super::hostile::content;
use super::transfer::{carry_batch, link, messages_of};
use super::*;
use crate::engine::history::held;
use crate::engine::history::message::Incoming;
use crate::limits::{HELD_SECONDS, MAX_HELD_BYTES};

fn is_refused(outcomes: &[Outcome]) -> bool {
    let refused = |outcome: &Outcome| {
        let Outcome::InConversation(_, news) = outcome else {
            return false;
        };
        matches!(news, ConversationNews::Refused { .. })
    };
    outcomes.iter().any(refused)
}

/// Whatever order the network has: what a new device is given of a group is there once all has come, without anybody asking again.
#[test]
fn a_new_device_has_the_groups_however_they_come() {
    let [first, friend] = acquainted();
    let id = group(&first, &[&friend], 0);
    let conversation = ConversationId::Group(id);
    for (from, said) in [(&first, "ahoy"), (&friend, "ahoy yourself")] {
        write(from, 0, &conversation, text(said));
        deliver(&[&first, &friend], 0);
    }
    let (first, new) = link(first);
    carry_batch(&new, &first);
    let mut waiting = empty_outbox(&first);
    waiting.retain(|one| one.recipient == new.device.public());
    waiting.reverse();
    for one in &waiting {
        assert!(!is_refused(&taken(&new, 0, &one.envelope)));
    }
    let said = |party: &Party| {
        let said = texts(party, 0, &conversation).unwrap().into_iter();
        said.map(|(by, text, _)| (by, text)).collect::<Vec<_>>()
    };
    assert_eq!(said(&new), said(&first));
    assert_eq!(
        messages_of(&new, &conversation),
        messages_of(&first, &conversation)
    );
    assert_eq!(new.count(Table::Held), 0);
    // All of it is acknowledged: nothing waits to be sent again.
    carry_batch(&new, &first);
    let to = new.end();
    let waits = first.at(0, |step| unacknowledged::of_device(step.rows, &to, 100));
    assert_eq!(waits.unwrap().len(), 0);
}

/// Of a device of one's own alone; and only so much, and not for ever.
#[test]
fn what_is_held_is_bounded_and_goes() {
    let new = Party::new(1);
    let friend = IdentityKeyPair::generate(&mut rng()).public();
    let own = new.device.public();
    let group = GroupId::from_bytes(&[7; 32]).unwrap();
    let gives = |giver: PublicIdentity, lamport: u64, len: usize| {
        let said = content(lamport, Some(group), text(&"a".repeat(len)));
        let encoded = said.to_bytes();
        let taken = new.at(0, |step| {
            let incoming = Incoming {
                author: friend,
                conversation: ConversationId::Group(group),
                content: said.clone(),
                encoded: &encoded,
                copied_from: Some(giver),
            };
            conversation::receive_message(step, &incoming, &mut Vec::new())
        });
        taken.unwrap()
    };
    assert!(!gives(friend, 9, 1));
    assert_eq!(new.count(Table::Held), 0);
    let len = 250_000;
    let fits = u64::try_from(len).unwrap();
    let fits = MAX_HELD_BYTES / fits;
    for number in 0..fits {
        assert!(gives(own, 10 + number, len));
    }
    assert!(!gives(own, 100, len));
    // With how much that is.
    let rows = usize::try_from(fits).unwrap() + 1;
    assert_eq!(new.count(Table::Held), rows);
    let erase = |at: u64| {
        let erased = new.at_time(START + at, |step| {
            held::erase_old(step.rows, &own, step.now)
        });
        erased.unwrap()
    };
    assert!(!erase(0));
    assert!(erase(DAY));
    assert_eq!(new.count(Table::Held), rows);
    assert!(erase(HELD_SECONDS * 1000));
    assert_eq!(new.count(Table::Held), 0);
    assert!(!erase(2 * HELD_SECONDS * 1000));
}
