//! Links, where a user has more than one device, or an older copy of one.

use super::*;
use crate::engine::tests::unread::devices_and_friend;

#[test]
fn the_device_that_made_a_link_answers_and_the_others_hear_of_it() {
    let [first, second, friend] = devices_and_friend();
    let carol = Party::new(5);
    let all = [&first, &second, &friend, &carol];
    let id = group(&first, &[&friend], 0);
    deliver(&all, 0);
    let link = link(&first, 0, &id, 1);
    follow(&carol, 0, &link);
    let request = empty_outbox(&carol).pop().unwrap();
    // The other device knows of no link, and nobody is asked there either.
    let before = (second.count(Table::Contacts), second.count(Table::Sessions));
    assert!(taken(&second, 0, &request.envelope).is_empty());
    let after = (second.count(Table::Contacts), second.count(Table::Sessions));
    assert_eq!(after, before);
    taken(&first, 0, &request.envelope);
    deliver(&all, 0);
    for party in [&first, &second, &friend, &carol] {
        assert_eq!(sees(party, &id, &carol), (true, true));
    }
    // What she says reaches both.
    write(&carol, 0, &ConversationId::Group(id), text("ahoy"));
    deliver(&all, 0);
    for party in [&first, &second] {
        let said = texts(party, 0, &ConversationId::Group(id)).unwrap();
        assert_eq!(said.len(), 1);
    }
}

#[test]
fn all_devices_of_whoever_asked_take_part() {
    let [first, second, friend] = devices_and_friend();
    let carol = Party::new(5);
    let all = [&first, &second, &friend, &carol];
    introduce(&[&carol, &friend], 0);
    let id = group(&carol, &[&friend], 0);
    follow(&first, 0, &link(&carol, 0, &id, 1));
    deliver(&all, 0);
    for party in all {
        assert_eq!(sees(party, &id, &first), (true, true));
    }
}

#[test]
fn an_older_copy_of_a_store_lets_nobody_in_and_asks_nobody() {
    let ([alice, _, carol], id) = crew_and_stranger();
    let link = link(&alice, 0, &id, 1);
    follow(&carol, 0, &link);
    for party in [&alice, &carol] {
        party.at(0, upkeep::note_rollback).unwrap();
    }
    assert!(uses_left(&alice, 0, &id).is_empty());
    assert_eq!(pending(&carol, 0), 0);
}
