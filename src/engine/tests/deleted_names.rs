//! What is remembered of deleted messages: up to which clock and date everything is gone, and so many names beside it.

use super::annotated::id;
use super::*;
use crate::chat::Floor;
use crate::engine::records::floors;
use crate::limits::MAX_FLOOR_NAMES;
use crate::wire::store::FloorRow;

fn message(number: u32) -> MessageRef {
    MessageRef {
        author: somebody(9),
        id: id(number),
    }
}

#[test]
fn what_was_written_after_a_deletion_is_not_deleted() {
    let party = Party::new(1);
    let gone = party.at(0, |step| {
        let floor = Floor {
            conversation: floors::key(step.rows)?.conversation(&[4; 32], false),
            clock: 10,
            lamport: 10,
            until: START,
            ..Floor::default()
        };
        Ok(floors::merge(step.rows, &floor, step.now)?.unwrap())
    });
    let gone = gone.unwrap();
    for (lamport, sent_at, is_gone) in [
        (10, START, true),
        (1, START - 1, true),
        (10, START + 1, false),
        (11, START, false),
    ] {
        assert_eq!(gone.is_deleted(&message(1), lamport, sent_at), is_gone);
        assert_eq!(gone.covers(&message(1), lamport, sent_at), is_gone);
    }
}

#[test]
fn where_names_make_room_nothing_below_the_first_of_them_comes_back() {
    let party = Party::new(1);
    let which = ([4; 32], false);
    let most = u32::try_from(MAX_FLOOR_NAMES).unwrap();
    let note = |numbers: std::ops::RangeInclusive<u32>| {
        let gone = party.at(0, |step| {
            let key = floors::key(step.rows)?;
            let name = |number: u32| {
                let MessageRef { author, id } = message(number);
                key.message(number.into(), &author.to_bytes(), &id)
            };
            let row = FloorRow {
                conversation: key.conversation(&which.0, which.1).to_vec(),
                until: START,
                expired: numbers.clone().flat_map(name).collect(),
                ..FloorRow::default()
            };
            floors::restore(step.rows, &row)?;
            let next = numbers.end() + 1;
            let said = (&message(next), next.into(), START);
            floors::note(step.rows, &which, said, false, step.now)
        });
        gone.unwrap()
    };
    let full = note(1..=most - 1);
    assert!((1..=most).all(|number| full.names(&message(number))));
    assert!(!full.covers(&message(0), 1, START));
    let over = note(1..=most);
    assert!(!over.names(&message(1)) && over.names(&message(2)));
    assert!(over.covers(&message(0), 1, START) && !over.covers(&message(0), 2, START));
}
