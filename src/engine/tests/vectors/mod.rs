//! Vectors of what a device makes of what comes, from the engine itself: `tests/vectors/device`. `WINDLASS_WRITE_VECTORS=1` writes them anew.

mod answers;
mod copies;
mod firsts;
mod group_device;
mod group_stories;
mod histories;
mod links;
mod proved_days;
mod receipts;
mod requests;
mod updates;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::chat::{Content, OwnWordsKey};
use crate::engine::history::message::Incoming;
use crate::engine::history::{follows, pinned};
use crate::engine::records::own_words;

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// `UnknownPrekey` as the RFC writes it.
fn words(name: &str) -> String {
    let spaced = name.chars().map(|c| match c {
        'A'..='Z' => format!(" {}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    spaced.collect::<String>().trim_start().to_owned()
}

/// The key by which the device in every case knows its own words.
fn own_words_key() -> OwnWordsKey {
    let words = crate::wire::v2::OwnWords {
        day: 20_000,
        key: vec![5; 32],
    };
    OwnWordsKey::from_wire(&words).unwrap()
}

/// Cases of contents that come in some order, each by somebody.
fn of_contents(
    own: &PublicIdentity,
    peer: &PublicIdentity,
    cases: Vec<(&'static str, Vec<(&'static str, Content)>)>,
) -> Vec<(&'static str, Value)> {
    let encoded =
        |(by, content): &(&str, Content)| json!({ "by": by, "encoded": hex(&content.to_bytes()) });
    let key = |identity: &PublicIdentity| hex(&identity.to_bytes());
    let case = |(name, all): (_, Vec<_>)| {
        let contents: Vec<_> = all.iter().map(encoded).collect();
        let (own, peer) = (key(own), key(peer));
        (
            name,
            json!({ "own": own, "peer": peer, "contents": contents }),
        )
    };
    cases.into_iter().map(case).collect()
}

/// The user's device, and the other side of the conversation.
struct Two {
    own: Party,
    peer: PublicIdentity,
}

impl Two {
    fn new() -> Self {
        let (own, peer) = (Party::new(1), Party::new(2));
        own.add(0, &peer.bundle(0, false));
        let peer = peer.device.public();
        let words = own.at(0, |step| own_words::save(step.rows, &own_words_key()));
        words.unwrap();
        Self { own, peer }
    }

    fn side(&self, identity: &PublicIdentity) -> &'static str {
        if *identity == self.peer {
            "peer"
        } else {
            "own"
        }
    }
}

/// Takes a content in as a message of the other side, or as what another device of the user's wrote to them.
fn take_in(two: &Two, by: &str, encoded: &[u8]) -> &'static str {
    let own = two.own.device.public();
    let outcomes = two.own.at(0, |step| {
        let incoming = Incoming {
            author: if by == "own" { own } else { two.peer },
            conversation: ConversationId::Direct(two.peer),
            content: Content::from_bytes(encoded).unwrap(),
            encoded,
            copied_from: (by == "own").then_some(own),
        };
        let mut outcomes = Vec::new();
        conversation::receive_message(step, &incoming, &mut outcomes)?;
        Ok(outcomes)
    });
    let refused = |one: &Outcome| {
        let news = ConversationNews::Refused {
            from: own,
            reason: crate::engine::sync::outcome::RefusalReason::Deleted,
        };
        let same =
            |one: &ConversationNews| core::mem::discriminant(one) == core::mem::discriminant(&news);
        matches!(one, Outcome::InConversation(_, one) if same(one))
    };
    match outcomes.unwrap().as_slice() {
        [Outcome::Duplicate { .. }, ..] => "duplicate",
        [first, ..] if refused(first) => "refused",
        _ => "taken in",
    }
}

fn shown(two: &Two, shown: &Shown) -> Value {
    let reaction = |(by, emoji): &(PublicIdentity, String)| json!([two.side(by), emoji]);
    let stored = &shown.stored;
    json!({
        "by": two.side(&stored.author),
        "id": stored.content.id.to_string(),
        "text": if stored.deleted { None } else { shown.words() },
        "deleted": stored.deleted,
        "reactions": shown.reactions.iter().map(reaction).collect::<Vec<_>>(),
    })
}

/// What a conversation is after contents came in this order.
fn history(input: &Value) -> Value {
    let two = Two::new();
    let contents = input["contents"].as_array().unwrap().iter();
    let results: Vec<_> = contents
        .map(|content| {
            take_in(
                &two,
                content["by"].as_str().unwrap(),
                &unhex(&content["encoded"]),
            )
        })
        .collect();
    let id = ConversationId::Direct(two.peer);
    let read = two.own.at(0, |step| {
        let page = view::page(step.rows, &id, 1_000, None, step.now)?;
        let row = conversations::row(step.rows, &id)?;
        Ok((
            (page, pinned::of(step.rows, &id, step.now)?),
            follows::ids(&row)?,
            row.missing.clone(),
            conversations::next_lamport(&row),
        ))
    });
    let ((page, top), follows, missing, clock) = read.unwrap();
    let mut shown = json!({
        "results": results,
        "history": page.iter().map(|one| self::shown(&two, one)).collect::<Vec<_>>(),
        "next": {
            "clock": clock,
            "follows": follows.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "missing": missing.iter().map(|id| hex(id)).collect::<Vec<_>>(),
    });
    if !top.is_empty() {
        let top = top.iter().map(|one| one.stored.content.id.to_string());
        shown["top"] = top.collect();
    }
    shown
}

/// Compares a file with what the engine makes of its cases, or writes it.
fn compare(
    kind: &str,
    about: &str,
    all: Vec<(impl Into<String>, Value)>,
    expected: impl Fn(&Value) -> Value,
) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/device");
    let path = folder.join(format!("{kind}.json"));
    let case = |(name, input): (_, Value)| {
        let name: String = Into::into(name);
        let expect = expected(&input);
        json!({ "name": name, "input": input, "expect": expect })
    };
    let cases: Vec<_> = all.into_iter().map(case).collect();
    let file = json!({ "protocol": "windlass 2", "kind": kind, "about": about, "cases": cases });
    if std::env::var_os("WINDLASS_WRITE_VECTORS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&file).unwrap() + "\n").unwrap();
        return;
    }
    let stated: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(stated, file);
}

/// The two sides of every case.
fn sides() -> (PublicIdentity, PublicIdentity) {
    (Party::new(1).device.public(), Party::new(2).device.public())
}

#[test]
fn histories_are_what_the_vectors_say() {
    let (own, peer) = sides();
    let about =
        "What a conversation of two is after contents came in some order (RFC windlass 9.3, 9.5).";
    compare("history", about, histories::all(&own, &peer), history);
}

#[test]
fn what_is_acknowledged_is_what_the_vectors_say() {
    let (own, peer) = sides();
    let about = "Under which id each content is acknowledged, and as what it is told (RFC windlass 8.3, 9.4, B).";
    compare(
        "receipts",
        about,
        receipts::all(&own, &peer),
        receipts::expected,
    );
}

#[test]
fn what_is_given_back_is_taken_as_the_vectors_say() {
    let (own, peer) = sides();
    let about = "Own words that the other side gives back: asked for, promised and proved, or refused (RFC windlass 8.4.6, 9.1.4).";
    compare(
        "copies",
        about,
        copies::all(&own, &peer),
        receipts::expected,
    );
}

#[test]
fn what_devices_of_one_user_tell_each_other_is_merged_as_the_vectors_say() {
    let about = "What a device of one's own tells of people and of what was deleted, merged (RFC windlass 5.3.5, 8.3.4, 8.3.8, 8.3.9).";
    compare("updates", about, updates::all(), updates::expected);
}

#[test]
fn requests_are_answered_as_the_vectors_say() {
    let about = "What a request for healing is answered with (RFC windlass 8.4.4, 8.4.7, 8.4.11).";
    compare("answers", about, answers::cases(), answers::expected);
}

#[test]
fn requests_name_what_the_vectors_say() {
    let (own, peer) = sides();
    let about = "What a request for healing names of a conversation, of so many messages at most (RFC windlass 8.3.10, 8.4.2).";
    compare(
        "requests",
        about,
        requests::cases(&own, &peer),
        requests::expected,
    );
}

#[test]
fn requests_prove_what_the_vectors_say() {
    let about =
        "From when on a request for healing proves to have lost what came (RFC windlass 8.4.11).";
    compare(
        "proved-days",
        about,
        proved_days::cases(),
        proved_days::expected,
    );
}

#[test]
fn members_of_a_group_do_what_the_vectors_say() {
    let about = "What a member of a group acknowledges, tells, and sends to whom (RFC windlass 9.6.8 to 9.6.14).";
    compare(
        "group-device",
        about,
        group_stories::cases(),
        group_device::expected,
    );
}

#[test]
fn first_messages_are_told_as_the_vectors_say() {
    let about = "First messages with their payload, to a device that knows nobody (RFC windlass 7.6, 7.8, C.1).";
    compare("first-messages", about, firsts::cases(), firsts::expected);
}

#[test]
fn whom_a_device_takes_for_linked_is_what_the_vectors_say() {
    let about = "Which devices of the identity a device takes for linked after it was told of tokens and shown some (RFC windlass 8.5.9, 8.5.11).";
    compare("linked-devices", about, links::cases(), links::expected);
}

#[test]
fn groups_that_were_deleted_elsewhere_are_merged_as_the_vectors_say() {
    let about = "Which groups a device knows to be deleted after others told it of some (RFC windlass 9.6.16).";
    compare(
        "deleted-groups",
        about,
        links::deleted_cases(),
        links::deleted,
    );
}
