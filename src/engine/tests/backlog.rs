//! What waits to be handled is bounded, for each author and in all, and nothing of it is lost.

use super::hostile::{content, forge_with};
use super::*;
use crate::chat::Content;
use crate::engine::base::rows::put_row;
use crate::engine::history::{backlog, unhandled};
use crate::engine::records::settings::TrustPolicy;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::limits::{
    MAX_RECEIPT_IDS, MAX_UNHANDLED, MAX_UNHANDLED_BYTES, MIN_UNHANDLED_BY_ONE, RESEND_AFTER_SECONDS,
};

use crate::store::{Key, Table};
use crate::wire::store::BacklogRow;

const MIB: u64 = 1024 * 1024;

/// A program that keeps what it has not handled and answers everybody, and two people.
fn trio() -> [Party; 3] {
    let trio = [1, 2, 3].map(Party::new);
    introduce(&[&trio[0], &trio[1], &trio[2]], 0);
    trio[0]
        .at(0, |step| {
            trust::set_policy(step.rows, TrustPolicy::AcceptAll)?;
            unhandled::set_kept(step.rows, true)
        })
        .unwrap();
    trio
}

/// As if so much waited of somebody who is nobody here.
fn pretend(bot: &Party, author: u8, messages: u64, bytes: u64) {
    bot.at(0, |step| {
        backlog::add(step.rows, &[author; 32], messages, bytes)
    })
    .unwrap();
}

fn is_full(bot: &Party) -> bool {
    bot.store.read(|rows| backlog::is_full(rows)).unwrap()
}

fn waits(bot: &Party) -> Vec<(PublicIdentity, u64, u64)> {
    let found = bot.store.read(|rows| backlog::largest(rows, 100));
    let found = found.unwrap().into_iter();
    found
        .map(|one| (one.author, one.messages, one.bytes))
        .collect()
}

/// Writes so many bytes; whether they were taken in.
fn send(from: &Party, bot: &Party, len: usize) -> bool {
    let to = ConversationId::Direct(bot.device.public());
    write(from, 0, &to, Body::Opaque(vec![7; len]));
    let outcomes = carry(from, bot, 0);
    let refused = outcomes.iter().any(|outcome| match outcome {
        Outcome::Undecryptable { cause, from: of } => {
            assert_eq!(
                (*cause, *of),
                (Cause::BacklogLimit, Some(from.device.public()))
            );
            true
        }
        _ => false,
    });
    assert_ne!(refused, opens(&outcomes));
    !refused
}

#[test]
fn whoever_floods_leaves_room_for_those_who_come_next() {
    let [bot, flood, friend] = trio();
    let own = flood.device.public().to_bytes();
    bot.at(0, |step| backlog::add(step.rows, &own, 100, 12 * MIB))
        .unwrap();
    // A quarter of what is free, and so a fifth of all.
    assert!(send(&flood, &bot, 700_000));
    assert!(!send(&flood, &bot, 700_000));
    let waiting = waits(&bot);
    assert_eq!((waiting[0].0, waiting[0].1), (flood.device.public(), 101));
    assert!(waiting[0].2 <= MAX_UNHANDLED_BYTES / 5);
    let rows = bot.count(Table::Messages);
    for _ in 0..3 {
        assert!(!send(&flood, &bot, 700_000));
    }
    assert_eq!(bot.count(Table::Messages), rows);
    assert!(send(&friend, &bot, 700_000));
    // However many others flood.
    for author in 10..60 {
        pretend(&bot, author, 300, MIB * 9 / 10);
    }
    assert!(send(&friend, &bot, 30_000) && !is_full(&bot));
}

#[test]
fn a_little_of_everybody_waits_until_all_is_full() {
    let [bot, friend, _] = trio();
    pretend(&bot, 9, MAX_UNHANDLED - 8, MAX_UNHANDLED_BYTES - 40_000);
    assert!(send(&friend, &bot, 30_000) && !is_full(&bot));
    assert!(send(&friend, &bot, 30_000) && is_full(&bot));
    assert!(!send(&friend, &bot, 30_000));
    let few = MIN_UNHANDLED_BY_ONE - 2;
    assert!((0..few).all(|_| send(&friend, &bot, 1)));
    assert!(!send(&friend, &bot, 1));
}

#[test]
fn messages_without_any_length_are_bounded_by_their_number() {
    let [bot, friend, _] = trio();
    pretend(&bot, 9, MAX_UNHANDLED - 2, 2);
    assert!(send(&friend, &bot, 1) && !is_full(&bot));
    assert!(send(&friend, &bot, 1) && is_full(&bot));
}

/// Its author's program has no receipt, and sends it again by itself.
#[test]
fn what_was_refused_comes_again_once_something_was_handled() {
    let [bot, friend, _] = trio();
    pretend(&bot, 9, 9, MAX_UNHANDLED_BYTES - 400_000);
    assert!(send(&friend, &bot, 50_000));
    assert!(!send(&friend, &bot, 80_000));
    let number = bot.store.read(|rows| unhandled::waiting(rows, 0, 10));
    let number = number.unwrap()[0].number;
    let handled = bot.at(0, |step| unhandled::handled(step.rows, number));
    assert!(handled.unwrap().is_some());
    let later = START + 2 * RESEND_AFTER_SECONDS * 1000;
    run_due_at(&friend, later).unwrap();
    assert!(opens(&carry(&friend, &bot, 0)));
    // And only once.
    run_due_at(&friend, later + DAY).unwrap();
    assert!(!opens(&carry(&friend, &bot, 0)));
}

#[test]
fn one_author_can_be_dropped_and_the_others_stay() {
    let [bot, flood, friend] = trio();
    for _ in 0..3 {
        assert!(send(&flood, &bot, 1_000) && send(&friend, &bot, 10));
    }
    let dropped = bot.at(0, |step| {
        unhandled::drop_of(step.rows, &flood.device.public())
    });
    assert_eq!(dropped.unwrap(), 3);
    let waiting = waits(&bot);
    assert_eq!((waiting.len(), waiting[0].1), (1, 3));
    let names = bot.store.read(|rows| unhandled::waiting(rows, 0, 10));
    let names = names.unwrap();
    let own = friend.device.public();
    assert!(names.len() == 3 && names.iter().all(|one| one.author == own));
    // A queue goes on behind the last one it had, and fetches what it handles.
    let rest = bot
        .store
        .read(|rows| unhandled::waiting(rows, names[1].number, 10));
    assert_eq!(rest.unwrap()[0].number, names[2].number);
    let one = bot.store.read(|rows| unhandled::one(rows, names[0].number));
    assert!(one.unwrap().is_some());
    let mut unkept = |step: &mut Step<'_>| unhandled::set_kept(step.rows, false);
    bot.at(0, &mut unkept).unwrap();
    assert!(waits(&bot).is_empty());
}

#[test]
fn a_receipt_beside_a_content_counts_whole_and_costs_the_content_nothing() {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let said = write(
        &alice,
        0,
        &ConversationId::Direct(bob.device.public()),
        Body::Opaque(vec![7]),
    );
    let waits = || {
        let waits = (alice.store).read(|rows| unacknowledged::is_waiting(rows, &bob.end(), &said));
        waits.unwrap()
    };
    carry(&alice, &bob, 0);
    empty_outbox(&bob);
    let id = said.as_bytes();
    let too_many = id.repeat(MAX_RECEIPT_IDS + 1);
    for (place, receipt) in [&id[..15], &[id.as_slice(), &[0]].concat(), &too_many, id]
        .into_iter()
        .enumerate()
    {
        assert!(waits());
        let text = Content {
            id: MessageId::from_bytes(&[place as u8; 16]).unwrap(),
            ..content(1, None, Body::Text("beside".into()))
        };
        let envelope = forge_with(&bob, &alice, 0, &text, None, receipt);
        let outcomes = take(&alice, 0, &envelope).unwrap();
        assert!(opens(&outcomes));
        let delivered = |outcome: &Outcome| match outcome {
            Outcome::Peer(_, PeerNews::Delivered(ids)) => ids.clone(),
            _ => Vec::new(),
        };
        let told: Vec<_> = outcomes.iter().flat_map(delivered).collect();
        assert_eq!(told, if place == 3 { vec![said] } else { Vec::new() });
    }
    assert!(!waits());
}

/// Each process that has the store keeps a part of the sum; one handles what another took in.
#[test]
fn what_all_have_is_the_sum_of_what_each_process_counted() {
    let [bot, ..] = trio();
    let of_another = |messages: i64| {
        let row = BacklogRow {
            author_identity_key: Vec::new(),
            messages,
            bytes: 0,
        };
        let key = Key::ordered(b"backlog of all", &[7]);
        bot.at(0, |step| put_row(step.rows, Table::Unhandled, key, &row))
            .unwrap();
    };
    pretend(&bot, 9, MAX_UNHANDLED - 1, 0);
    assert!(!is_full(&bot));
    of_another(1);
    assert!(is_full(&bot));
    of_another(-5);
    pretend(&bot, 9, 5, 0);
    assert!(!is_full(&bot));
    pretend(&bot, 9, 1, 0);
    assert!(is_full(&bot));
}
