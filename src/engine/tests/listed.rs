//! The list of conversations is read a page at a time, at the same cost however many there are.

use super::counting::cost_of;
use super::hostile::content;
use super::*;
use crate::engine::history::message::Incoming;
use crate::engine::history::{record, summary};
use crate::engine::records::listed;

/// Somebody wrote, in a conversation with them.
fn hear(party: &Party, from: PublicIdentity, lamport: u64, said: &str) {
    let content = content(lamport, None, text(said));
    let encoded = content.to_bytes();
    let conversation = ConversationId::Direct(from);
    let heard = party.at(0, |step| {
        let incoming = Incoming {
            author: from,
            conversation,
            content: content.clone(),
            encoded: &encoded,
            copied_from: None,
        };
        let row = conversations::row(step.rows, &conversation)?;
        record::record(step, &incoming, row).map(|_| ())
    });
    heard.unwrap();
}

/// So many people, each of whom wrote, in this order.
fn with_people(party: &Party, count: usize) -> Vec<PublicIdentity> {
    let people: Vec<_> = (0..count)
        .map(|_| IdentityKeyPair::generate(&mut rng()).public())
        .collect();
    for one in &people {
        hear(party, *one, 1, "ahoy");
    }
    people
}

fn page(party: &Party, after: Option<u64>, limit: usize) -> Vec<summary::Summary> {
    let page = party.at(0, |step| summary::page(step.rows, after, limit, step.now));
    page.unwrap()
}

fn names(page: &[summary::Summary]) -> Vec<ConversationId> {
    page.iter().map(|one| one.id).collect()
}

#[test]
fn a_page_of_the_list_costs_the_same_however_many_conversations_there_are() {
    let costs = [12, 60].map(|count| {
        let party = Party::new(1);
        with_people(&party, count);
        let page = |step: &mut Step<'_>| {
            let page = summary::page(step.rows, None, 10, step.now)?;
            assert_eq!(page.len(), 10);
            Ok(())
        };
        cost_of(&party, 0, page).rows_read()
    });
    assert_eq!(costs[0], costs[1]);
    // Of each: the place, the row, the last place, the message, and what is said of it.
    assert!(costs[0] <= 10 * 8, "{costs:?}");
}

#[test]
fn pages_go_on_where_the_last_one_ended_whatever_comes_meanwhile() {
    let party = Party::new(1);
    let mut people = with_people(&party, 9);
    people.reverse();
    let expected: Vec<_> = people.iter().copied().map(ConversationId::Direct).collect();
    let first = page(&party, None, 3);
    assert_eq!(names(&first), expected[..3]);
    let said = first[0]
        .last_message
        .as_ref()
        .and_then(|shown| shown.words());
    assert_eq!((said, first[0].unread.messages), (Some("ahoy"), 1));
    // One of those that were to come, and one that was there.
    hear(&party, people[7], 2, "again");
    hear(&party, people[1], 2, "again");
    let second = page(&party, Some(first[2].place), 3);
    assert_eq!(names(&second), expected[3..6]);
    let third = page(&party, Some(second[2].place), 3);
    assert_eq!(names(&third), [expected[6], expected[8]]);
    assert_eq!(page(&party, Some(third[1].place), 3).len(), 0);
    let anew = page(&party, None, 3);
    assert_eq!(names(&anew), [expected[1], expected[7], expected[0]]);
    assert_eq!((anew[0].unread.messages, anew[2].unread.messages), (2, 1));
    assert_eq!(party.count(Table::Listed), 9);
}

#[test]
fn what_is_deleted_is_in_no_page_and_a_backup_has_the_list() {
    let party = Party::new(1);
    let people = with_people(&party, 3);
    let gone = ConversationId::Direct(people[1]);
    let erased = party.at(0, |step| deletion::erase_conversation(step.rows, &gone));
    erased.unwrap();
    let left = [people[2], people[0]].map(ConversationId::Direct);
    assert_eq!(names(&page(&party, None, 10)), left);
    let copy: Box<dyn StorageEngine> = Box::new(super::backups::copied(&party));
    let listed: Result<_, EngineError> = copy.read(|rows| listed::page(rows, None, 10));
    let listed = listed.unwrap().into_iter().map(|(_, row)| {
        ConversationId::from_columns(&row.peer_identity_key, &row.group_id).unwrap()
    });
    assert_eq!(listed.collect::<Vec<_>>(), left);
}

#[test]
fn who_is_first_already_writes_nothing_into_the_list() {
    let party = Party::new(1);
    let people = with_people(&party, 2);
    let conversation = ConversationId::Direct(people[1]);
    let again = |step: &mut Step<'_>| {
        let mut row = conversations::row(step.rows, &conversation)?;
        listed::touch(step.rows, &mut row)
    };
    assert_eq!(cost_of(&party, 0, again).bytes_written(), 0);
}

/// Processes that have the store together may put two conversations at one place.
#[test]
fn conversations_that_share_a_place_are_in_one_page() {
    let party = Party::new(1);
    let people = with_people(&party, 4);
    let share = |step: &mut Step<'_>| {
        let place = conversations::row(step.rows, &ConversationId::Direct(people[2]))?.place;
        for person in [people[0], people[1]] {
            let id = ConversationId::Direct(person);
            let mut row = conversations::row(step.rows, &id)?;
            listed::forget(step.rows, &row)?;
            row.place = place;
            listed::enter(step.rows, &row)?;
            conversations::save(step.rows, &id, &row)?;
        }
        Ok::<_, EngineError>(())
    };
    party.at(0, share).unwrap();
    let first = page(&party, None, 2);
    assert_eq!(first.len(), 4);
    assert_eq!(names(&first)[0], ConversationId::Direct(people[3]));
    assert_eq!(page(&party, Some(first[3].place), 2).len(), 0);
    // One of them comes first when something happens in it, and the others stay.
    hear(&party, people[1], 2, "again");
    let anew = names(&page(&party, None, 1));
    assert_eq!(anew, [ConversationId::Direct(people[1])]);
    assert_eq!(page(&party, None, 10).len(), 4);
}
