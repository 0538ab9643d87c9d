//! The list of contacts is read a page at a time, at the same cost however many there are, and nobody who is gone is in it.

use super::counting::cost_of;
use super::*;
use crate::engine::records::{contact_list, doubts};
use crate::engine::sync::people;
use crate::limits::MAX_HEALING_ATTEMPTS;
use crate::session::HintKey;
use crate::wire::store::HealingRow;

/// What happens to what is known of somebody.
type Change = fn(&mut HealingRow);

/// So many contacts, in the order in which they came.
fn with_contacts(party: &Party, count: usize) -> Vec<PublicIdentity> {
    let people: Vec<_> = (0..count)
        .map(|_| IdentityKeyPair::generate(&mut rng()).public())
        .collect();
    for one in &people {
        save(party, one);
    }
    people
}

/// A contact is saved, and once more.
fn save(party: &Party, identity: &PublicIdentity) {
    let saved = party.at(0, |step| {
        let mut contact = contacts::find_or_new(step.rows, step.device, identity, step.now)?;
        contact.save(step.rows)?;
        contact.row.accepted = true;
        contact.save(step.rows)
    });
    saved.unwrap();
}

fn page(party: &Party, after: u64, limit: usize) -> Vec<(PublicIdentity, u64)> {
    let page = party.at(0, |step| contacts::page(step.rows, after, limit));
    let contacts = page.unwrap().into_iter();
    contacts.map(|one| (one.identity, one.row.place)).collect()
}

fn names(page: &[(PublicIdentity, u64)]) -> Vec<PublicIdentity> {
    page.iter().map(|(identity, _)| *identity).collect()
}

#[test]
fn a_page_of_contacts_costs_the_same_however_many_there_are() {
    let costs = [12, 60].map(|count| {
        let party = Party::new(1);
        with_contacts(&party, count);
        let page = |step: &mut Step<'_>| {
            assert_eq!(contacts::page(step.rows, 0, 10)?.len(), 10);
            Ok(())
        };
        cost_of(&party, 0, page).rows_read()
    });
    assert_eq!(costs, [20, 20], "a place and a contact");
}

#[test]
fn pages_go_on_where_the_last_one_ended_whoever_comes_or_goes_meanwhile() {
    let party = Party::new(1);
    let people = with_contacts(&party, 7);
    let first = page(&party, 0, 3);
    assert_eq!(names(&first), people[..3]);
    // One of those that were read, and one that was to come. Who is saved again stays where they are.
    for gone in [people[2], people[3]] {
        let removed = party.at(0, |step| {
            let mut contact = contacts::find(step.rows, &gone)?.unwrap();
            people::remove(step, &mut contact)
        });
        removed.unwrap();
    }
    save(&party, &people[0]);
    let second = page(&party, first[2].1, 3);
    assert_eq!(names(&second), people[4..]);
    // Who comes back comes last.
    save(&party, &people[3]);
    let third = page(&party, second[2].1, 3);
    assert_eq!(names(&third), [people[3]]);
    assert!(page(&party, third[0].1, 3).is_empty());
    let rows = [Table::Contacts, Table::ContactList].map(|table| party.count(table));
    assert_eq!(rows, [6, 6]);
}

#[test]
fn a_backup_has_the_list_in_its_order() {
    let party = Party::new(1);
    let people = with_contacts(&party, 9);
    let copy: Box<dyn StorageEngine> = Box::new(super::backups::copied(&party));
    let listed: Result<_, EngineError> = copy.read(|rows| contacts::page(rows, 0, 10));
    let listed: Vec<_> = listed.unwrap().iter().map(|one| one.identity).collect();
    assert_eq!(listed, people);
}

#[test]
fn a_hint_finds_its_contact_by_the_list_alone() {
    let party = Party::new(1);
    let people = with_contacts(&party, 20);
    let cost = cost_of(&party, 0, |step| {
        let wrote = people[13];
        let key = HintKey::between(&step.device.identity, &wrote).unwrap();
        let chain = [7; 16];
        let hint = key.hint(&wrote, &chain);
        let found = contact_list::by_hint(step.rows, &chain, &hint)?;
        assert_eq!(found, (Some(wrote), 20));
        Ok(())
    });
    assert_eq!(cost.rows_read(), 20);
    assert!(cost.bytes_read() <= 20 * 120, "{}", cost.bytes_read());
}

#[test]
fn a_round_of_upkeep_looks_at_whom_something_is_missing_of_and_at_nobody_else() {
    let costs = [12, 60].map(|count| {
        let party = Party::new(1);
        for identity in with_contacts(&party, count) {
            // Each of them was asked once, and has answered.
            let answered = party.at(0, |step| {
                doubts::note_gap(step.rows, &identity, step.now)?;
                let mut row = doubts::row(step.rows, &identity)?.unwrap();
                (row.gap_since, row.follows_missing) = (0, false);
                row.known_gaps = 1;
                doubts::save(step.rows, &mut row)
            });
            answered.unwrap();
        }
        let round = |step: &mut Step<'_>| {
            let due = upkeep::plan(step.rows, step.now)?;
            assert!(upkeep::maintain(step, &due)?.is_some(), "the first one");
            Ok(())
        };
        assert_eq!(party.count(Table::Healing), count);
        cost_of(&party, 1, round).rows_read()
    });
    assert_eq!(costs[0], costs[1]);
}

#[test]
fn whoever_something_is_missing_of_is_looked_at_until_it_came() {
    let party = Party::new(1);
    let people = with_contacts(&party, 3);
    let open = || {
        let open = party.at(0, |step| doubts::open(step.rows)).unwrap();
        let mut keys: Vec<_> = open.iter().map(|row| row.identity_key.clone()).collect();
        keys.sort();
        keys
    };
    let key = |one: usize| people[one].to_bytes().to_vec();
    let change = |one: usize, change: Change| {
        let changed = party.at(0, |step| {
            let mut row = doubts::row_or_new(step.rows, &people[one])?;
            change(&mut row);
            doubts::save(step.rows, &mut row)
        });
        changed.unwrap();
    };
    let changes: [(Change, Change); 4] = [
        (|row| row.gap_since = 7, |row| row.gap_since = 0),
        (
            |row| row.needs_bundle = true,
            |row| row.needs_bundle = false,
        ),
        (
            |row| row.update_asks_left = 2,
            |row| row.update_asks_left = 0,
        ),
        (
            |row| row.waiting = true,
            |row| row.attempts = MAX_HEALING_ATTEMPTS,
        ),
    ];
    for (begin, end) in changes {
        change(1, begin);
        assert_eq!(open(), [key(1)]);
        change(1, end);
        assert!(open().is_empty());
    }
    change(0, |row| row.gap_since = 7);
    let removed = party.at(0, |step| doubts::erase(step.rows, &people[0]));
    removed.unwrap();
    assert!(open().is_empty());
    assert_eq!(party.count(Table::Healing), 1);
}
