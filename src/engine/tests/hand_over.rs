//! What is handed over reads what comes next as the store would, and nothing else can be had of it.

mod bytes;

use super::hostile::{content, forge};
use super::linked::linked;
use super::*;
use crate::chat::{ChatSettingKind, Profile};
use crate::crypto::{CryptoRng, seeded};
use crate::engine::records::chat_settings;
use crate::engine::sync::hand_over::HandedOver;
use crate::engine::sync::peek::{Opened, Peeked, PeekedMessage};
use crate::engine::sync::{profiles, transient};
use crate::wire;
use crate::wire::store::{HandOverBody, SessionRow, SignedPrekeyRow};

fn key() -> Secret<32> {
    Secret::new([77; 32])
}

fn gathered(party: &Party) -> HandedOver {
    let read: Result<_, EngineError> =
        (party.store).read(|rows| HandedOver::of(rows, &party.device));
    read.unwrap()
}

/// The bytes of a day.
fn sealed(party: &Party, day: u64) -> Vec<u8> {
    let sealed = gathered(party).seal(&key(), START + day * DAY, &mut rng());
    sealed.unwrap()
}

fn handed_over(party: &Party) -> Opened {
    Opened::open(&sealed(party, 0), &key(), START).unwrap()
}

/// The words of a message, `quiet` or `unreadable`.
fn seen(opened: &Opened, envelope: &[u8]) -> String {
    match opened.peek(&Envelope::decode(envelope).unwrap()).unwrap() {
        Peeked::Message(message) => match message.content.body {
            Body::Text(text) => text.text,
            _ => "no text".to_owned(),
        },
        Peeked::Quiet => "quiet".to_owned(),
        Peeked::Unreadable => "unreadable".to_owned(),
    }
}

fn message_in(opened: &Opened, envelope: &[u8]) -> Option<Box<PeekedMessage>> {
    match opened.peek(&Envelope::decode(envelope).unwrap()).unwrap() {
        Peeked::Message(message) => Some(message),
        Peeked::Quiet | Peeked::Unreadable => None,
    }
}

/// What somebody writes, as it goes to one other.
fn said(from: &Party, to: &Party, words: &str) -> Vec<u8> {
    write(
        from,
        0,
        &ConversationId::Direct(to.device.public()),
        text(words),
    );
    sent_to(from, to)
}

fn sent_to(from: &Party, to: &Party) -> Vec<u8> {
    let mut waiting = empty_outbox(from).into_iter();
    let theirs = waiting.find(|waiting| waiting.recipient == to.device.public());
    theirs.unwrap().envelope
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && all.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_a_push_brings_is_read_twice_the_same_and_received_as_new_later() {
    let [alice, bob] = acquainted();
    let before = handed_over(&alice);
    let envelope = said(&bob, &alice, "land ho");
    assert_eq!(seen(&before, &envelope), "land ho");
    assert_eq!(seen(&before, &envelope), "land ho");
    assert!(opens(&take(&alice, 0, &envelope).unwrap()));
    // What was handed over before still reads it; what is handed over now knows that it is here.
    assert_eq!(seen(&before, &envelope), "land ho");
    assert_eq!(seen(&handed_over(&alice), &envelope), "quiet");
}

#[test]
fn several_are_read_in_any_order_and_what_is_late_for_the_store_too() {
    let [alice, bob] = acquainted();
    let opened = handed_over(&alice);
    let envelopes: Vec<_> = (0..5).map(|n| said(&bob, &alice, &n.to_string())).collect();
    for n in [4, 0, 2, 3, 1] {
        assert_eq!(seen(&opened, &envelopes[n]), n.to_string());
    }
    // One was taken in: what stands in front of it was skipped, and its key is not handed over.
    take(&alice, 0, &envelopes[2]).unwrap();
    let later = handed_over(&alice);
    assert_eq!(seen(&later, &envelopes[1]), "unreadable");
    assert_eq!(seen(&later, &envelopes[2]), "unreadable");
    assert_eq!(seen(&later, &envelopes[4]), "4");
    for n in [1, 0] {
        assert!(opens(&take(&alice, 0, &envelopes[n]).unwrap()));
    }
    assert_eq!(seen(&handed_over(&alice), &envelopes[1]), "quiet");
}

/// In how many sessions the other side can begin a chain.
fn roots_in(party: &Party) -> usize {
    let body = gathered(party);
    let body: HandOverBody = wire::decode("body", body.bytes()).unwrap();
    let ratchets = body.sessions.iter().flat_map(|row| &row.ratchet);
    ratchets.filter(|one| !one.root_key.is_empty()).count()
}

#[test]
fn the_other_side_may_turn_once_and_not_twice() {
    let [alice, bob] = acquainted();
    for words in ["one", "two"] {
        take(&bob, 0, &said(&alice, &bob, words)).unwrap();
        empty_outbox(&bob);
    }
    let opened = handed_over(&alice);
    let first = said(&bob, &alice, "turned");
    assert_eq!(seen(&opened, &first), "turned");
    assert_eq!(seen(&opened, &said(&bob, &alice, "and on")), "and on");
    let roots = roots_in(&alice);
    assert!(opens(&alice.receive(0, &first)));
    // She has not answered, and nothing but the same chain can come.
    assert_eq!(roots_in(&alice), roots - 1);
    take(&bob, 0, &said(&alice, &bob, "three")).unwrap();
    empty_outbox(&bob);
    let second = said(&bob, &alice, "turned again");
    assert_eq!(seen(&opened, &second), "unreadable");
    assert_eq!(seen(&handed_over(&alice), &second), "turned again");
}

/// Over all that the two ratchets do: turns, keys and epochs of the post-quantum one.
#[test]
fn whatever_the_store_tells_was_told_before_by_what_was_handed_over() {
    let [alice, bob] = acquainted();
    let random: &mut dyn CryptoRng = &mut seeded(&Secret::new([6; 32]));
    let mut epochs = 0;
    for n in 0..400_u32 {
        let mut byte = [0];
        random.fill_bytes(&mut byte);
        let words = n.to_string();
        if byte[0] % 2 == 0 {
            let envelope = said(&alice, &bob, &words);
            take(&bob, 0, &envelope).unwrap();
        } else {
            let opened = handed_over(&alice);
            let envelope = said(&bob, &alice, &words);
            assert_eq!(seen(&opened, &envelope), words);
            assert!(opens(&take(&alice, 0, &envelope).unwrap()));
            epochs = epochs.max(epoch_of(&alice));
        }
        empty_outbox(&alice);
        empty_outbox(&bob);
    }
    assert!(epochs > 3, "{epochs} epochs");
}

/// The latest epoch that something came in.
fn epoch_of(party: &Party) -> u32 {
    let rows: Vec<SessionRow> = rows_of(party, Table::Sessions);
    let epochs = rows.iter().map(|row| {
        let ratchet = row.ratchet.as_ref().unwrap();
        let epochs = ratchet.epochs.as_ref().unwrap();
        epochs.receiving.as_ref().unwrap().epoch
    });
    epochs.max().unwrap()
}

fn rows_of<M: prost::Message + Default>(party: &Party, table: Table) -> Vec<M> {
    let rows: Result<_, StoreError> = party.store.read(|rows| rows.scan(table));
    let rows = rows.unwrap();
    rows.iter()
        .map(|row| wire::decode("row", row).unwrap())
        .collect()
}

#[test]
fn nothing_of_the_seed_of_prekeys_of_what_is_sent_or_of_the_past_is_in_it() {
    let [alice, bob] = acquainted();
    alice.bundle(0, true);
    write(
        &alice,
        0,
        &ConversationId::Direct(bob.device.public()),
        text("my own secret words"),
    );
    let words: Vec<_> = (0..3)
        .map(|n| said(&bob, &alice, &format!("their words {n}")))
        .collect();
    // Two are skipped.
    take(&alice, 0, &words[2]).unwrap();
    let handed_over = gathered(&alice);
    let bytes = handed_over.bytes();
    let mut receiving = 0;
    for row in rows_of::<SessionRow>(&alice, Table::Sessions) {
        let ratchet = row.ratchet.as_ref().unwrap();
        let epochs = ratchet.epochs.as_ref().unwrap();
        let (sending, scka) = (
            epochs.sending.as_ref().unwrap(),
            epochs.scka.as_ref().unwrap(),
        );
        for secret in [
            &row.hint_key,
            &ratchet.sending_chain_key,
            &ratchet.header_key,
            &ratchet.next_header_key,
            &epochs.root_key,
            &sending.chain_key,
            &sending.next_chain_key,
            &scka.seed,
        ] {
            assert!(!holds(bytes, secret));
        }
        receiving += usize::from(holds(bytes, &ratchet.receiving_chain_key));
    }
    assert!(receiving > 0, "the search finds what is there");
    for row in rows_of::<SignedPrekeyRow>(&alice, Table::SignedPrekeys) {
        assert!(!row.secret.is_empty() && !holds(bytes, &row.secret));
        assert!(!holds(bytes, &row.kem_seed));
    }
    let one_time: Vec<crate::wire::store::OneTimePrekeyRow> =
        rows_of(&alice, Table::OneTimePrekeys);
    assert!(!one_time.is_empty() && one_time.iter().all(|row| !holds(bytes, &row.secret)));
    let skipped: Vec<crate::wire::store::SkippedKeyRow> = rows_of(&alice, Table::SkippedKeys);
    assert!(skipped.len() >= 2 && skipped.iter().all(|row| !holds(bytes, &row.message_key)));
    let seed = alice.device.identity.seed();
    for secret in [seed.as_bytes().as_slice(), b"words".as_slice()] {
        assert!(!holds(bytes, secret));
    }
    assert!(holds(bytes, &bob.device.public().to_bytes()));
}

#[test]
fn words_of_a_group_are_shown_of_its_members_alone_with_its_name_and_whether_it_is_mute() {
    let [alice, bob, carol] = acquainted();
    let crew = group(&alice, &[&bob], 0);
    let id = ConversationId::Group(crew);
    let muted = alice.at(0, |step| {
        chat_settings::set(
            step.rows,
            &id,
            1,
            (ChatSettingKind::MutedUntil, START + DAY, ""),
        )?;
        let bob = ConversationId::Direct(bob.device.public());
        chat_settings::set(step.rows, &bob, 1, (ChatSettingKind::Name, 0, "Bosun"))
    });
    muted.unwrap();
    let opened = handed_over(&alice);
    write(&bob, 0, &id, text("all hands"));
    let envelope = sent_to(&bob, &alice);
    let message = message_in(&opened, &envelope).unwrap();
    assert!(message.conversation == id && message.author == bob.device.public());
    let names = (
        message.conversation_name.as_str(),
        message.author_name.as_str(),
    );
    assert_eq!(names, ("crew", "Bosun"));
    assert_eq!(message.muted_until, START + DAY);
    assert!(opens(&take(&alice, 0, &envelope).unwrap()));
    // Whoever is not a member says nothing in it, and a group that is not known is the application's to look at.
    let other = carol.at(0, |step| group_events::create(step, "other"));
    for group in [crew, other.unwrap()] {
        let content = content(9, Some(group), text("psst"));
        let envelope = forge(&carol, &alice, 0, &content, None);
        assert_eq!(seen(&opened, &envelope), "unreadable");
    }
}

#[test]
fn receipts_typing_reactions_and_news_of_a_known_group_are_quiet() {
    let [alice, bob] = acquainted();
    let crew = group(&alice, &[&bob], 0);
    let to_alice = ConversationId::Direct(alice.device.public());
    let envelope = said(&alice, &bob, "ahoy");
    let opened = handed_over(&alice);
    take(&bob, 0, &envelope).unwrap();
    assert_eq!(seen(&opened, &sent_to(&bob, &alice)), "quiet");
    bob.at(0, |step| transient::tell_typing(step, &to_alice, true))
        .unwrap();
    assert_eq!(seen(&opened, &sent_to(&bob, &alice)), "quiet");
    let reaction = Body::Reaction {
        author: bob.device.public().to_bytes(),
        target: MessageId::from_bytes(&[5; 16]).unwrap(),
        emoji: "👍".into(),
        removed: false,
    };
    for body in [reaction, Body::DisappearingTimer(0)] {
        write(&bob, 0, &to_alice, body);
        assert_eq!(seen(&opened, &sent_to(&bob, &alice)), "quiet");
    }
    bob.at(0, |step| group_events::act(step, &crew, &GroupAction::Left))
        .unwrap();
    assert_eq!(seen(&opened, &sent_to(&bob, &alice)), "quiet");
}

#[test]
fn who_is_blocked_is_quiet_who_was_removed_is_nobody_and_no_key_of_either_is_in_it() {
    let [alice, bob] = acquainted();
    let change = |block: bool| {
        let changed = alice.at(0, |step| {
            let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
            if block {
                people::block(step.rows, &mut contact)
            } else {
                people::remove(step, &mut contact)
            }
        });
        changed.unwrap();
    };
    let envelope = said(&bob, &alice, "ahoy");
    assert_eq!(seen(&handed_over(&alice), &envelope), "ahoy");
    for (block, expected) in [(true, "quiet"), (false, "unreadable")] {
        change(block);
        assert_eq!(seen(&handed_over(&alice), &envelope), expected);
        let body = gathered(&alice);
        let rows: HandOverBody = wire::decode("body", body.bytes()).unwrap();
        assert!(rows.sessions.is_empty() && rows.people.is_empty());
    }
}

#[test]
fn who_waits_to_be_accepted_is_quiet_once_the_user_was_asked() {
    let (alice, bob) = (Party::new(1), Party::new(2));
    alice.add(0, &bob.bundle(0, false));
    let first = said(&alice, &bob, "who are you");
    assert_eq!(seen(&handed_over(&bob), &first), "unreadable");
    let told = take(&bob, 0, &first).unwrap();
    assert!(
        told.iter()
            .any(|one| matches!(one, Outcome::Peer(_, PeerNews::ContactRequest)))
    );
    let second = said(&alice, &bob, "answer me");
    assert_eq!(seen(&handed_over(&bob), &second), "quiet");
    let accepted = bob.at(0, |step| {
        let mut contact = contacts::find(step.rows, &alice.device.public())?.unwrap();
        people::accept(step, &mut contact)
    });
    accepted.unwrap();
    assert_eq!(seen(&handed_over(&bob), &second), "answer me");
}

#[test]
fn what_devices_of_the_user_tell_each_other_is_quiet_and_no_key_of_theirs_is_in_it() {
    let (first, second) = linked();
    let friend = Party::new(2);
    introduce(&[&first, &friend], 0);
    deliver(&[&first, &second, &friend], 0);
    first.send(0, &friend).unwrap();
    deliver(&[&first, &second, &friend], 0);
    let opened = handed_over(&second);
    first.send(0, &friend).unwrap();
    let copy = empty_outbox(&first);
    let copy = copy
        .iter()
        .find(|one| one.recipient == second.device.public());
    assert_eq!(seen(&opened, &copy.unwrap().envelope), "quiet");
    let body = gathered(&second);
    for row in rows_of::<SessionRow>(&second, Table::Sessions) {
        let own = row.peer_identity_key == second.device.public().to_bytes();
        let ratchet = row.ratchet.as_ref().unwrap();
        let found = holds(body.bytes(), &ratchet.receiving_chain_key);
        assert!(!(own && found));
    }
}

#[test]
fn people_are_named_as_the_user_names_them_or_as_they_name_themselves() {
    let [alice, bob] = acquainted();
    let name = |opened: &Opened| {
        let message = message_in(opened, &said(&bob, &alice, "ahoy"));
        message.unwrap().author_name
    };
    assert_eq!(name(&handed_over(&alice)), "");
    let profile = Profile {
        name: "Robert".into(),
        ..Profile::default()
    };
    bob.at(0, |step| profiles::set(step, profile.clone()))
        .unwrap();
    bob.at(0, profiles::go_round).unwrap();
    deliver(&[&alice, &bob], 0);
    assert_eq!(name(&handed_over(&alice)), "Robert");
    let id = ConversationId::Direct(bob.device.public());
    let set = alice.at(0, |step| {
        chat_settings::set(step.rows, &id, 1, (ChatSettingKind::Name, 0, "Bosun"))
    });
    set.unwrap();
    assert_eq!(name(&handed_over(&alice)), "Bosun");
}
