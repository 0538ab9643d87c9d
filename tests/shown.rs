//! What the store file shows to somebody who has it and no key: sizes, counts and times, and nobody.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use support::clients::{self, invite};
use support::files::Folder;
use support::party::Party;
use support::rows::rows;
use windlass::store::StoreFile;
use windlass::{Attachment, Conversation, Message};

/// Of a key's bytes: as many as no two have in common by chance.
const TELLING: usize = 8;

/// What waits on any side reaches all others.
fn carry(parties: &[&Party]) {
    let all: Vec<_> = parties.iter().map(|party| &party.client).collect();
    for from in &all {
        clients::carry(from, &all);
    }
}

fn latest(conversation: &Conversation) -> Message {
    conversation.messages(1, None).unwrap().pop().unwrap()
}

/// Everything that a conversation can hold, from both sides.
fn talk(ours: &Conversation, theirs: &Conversation, folder: &Folder, everybody: &[&Party]) {
    for (conversation, text) in [(ours, "a word of ours"), (theirs, "a word of theirs")] {
        conversation.send(text.into()).unwrap();
        carry(everybody);
    }
    for (side, conversation) in [ours, theirs].into_iter().enumerate() {
        let said = latest(conversation);
        conversation.react(said.clone(), "⚓".into()).unwrap();
        conversation.mark_read(true).unwrap();
        carry(everybody);
        conversation.send("to be edited".into()).unwrap();
        let edited = latest(conversation);
        conversation
            .edit(edited, "as it was edited".into())
            .unwrap();
        conversation.send("to be deleted".into()).unwrap();
        conversation.delete(latest(conversation)).unwrap();
        let sealed = folder.text(&format!("{side} {}", conversation.address()));
        let attachment =
            Attachment::encrypt(folder.text("a chart.txt"), sealed, "a/b".into(), None);
        conversation
            .send_attachment(&attachment.unwrap(), "a place of ours".into())
            .unwrap();
        carry(everybody);
    }
    ours.set_disappearing(Some(Duration::from_secs(3_600)))
        .unwrap();
    carry(everybody);
    for conversation in [ours, theirs] {
        conversation.send("to disappear".into()).unwrap();
        carry(everybody);
        conversation
            .react(latest(conversation), "👍".into())
            .unwrap();
    }
    // What stays in the outbox, and is not acknowledged.
    for conversation in [ours, theirs] {
        conversation.send("under way".into()).unwrap();
    }
}

#[test]
fn a_populated_file_shows_no_identity() {
    let [alice, bob, carol] = [(); 3].map(|()| Party::new());
    let everybody = [&alice, &bob, &carol];
    for one in everybody {
        for other in everybody {
            if one.address() != other.address() {
                invite(one, other);
            }
        }
    }
    let folder = Folder::new();
    fs::write(folder.path("a chart.txt"), b"here be dragons").unwrap();
    let of = |party: &Party, with: &str| {
        let conversation = Arc::clone(&party.client).conversation(with.into());
        conversation.unwrap()
    };
    let ours = of(&alice, &bob.address());
    talk(&ours, &of(&bob, &alice.address()), &folder, &everybody);
    let others = vec![bob.address(), carol.address()];
    let group = Arc::clone(&alice.client).create_group("the night watch".into(), others);
    let group = group.unwrap();
    for _ in 0..3 {
        carry(&everybody);
    }
    let theirs = of(&bob, &group.address());
    theirs.join().unwrap();
    for _ in 0..3 {
        carry(&everybody);
    }
    talk(&group, &theirs, &folder, &everybody);

    let mut nobody = Vec::new();
    for party in everybody {
        let address = party.address();
        nobody.push((format!("the address {address}"), address.into_bytes()));
        let key = party.identity().public_key().to_vec();
        for part in key.windows(TELLING) {
            nobody.push((
                format!("a part {part:02x?} of an identity key"),
                part.to_vec(),
            ));
        }
    }
    for text in [
        "the night watch",
        "a chart.txt",
        "a place of ours",
        "a word of",
        "dragons",
        "edited",
        "disappear",
        "⚓",
    ] {
        nobody.push((text.to_owned(), text.into()));
    }
    for party in [&alice, &bob] {
        let image = party.disk.image();
        let file = image.file(StoreFile::Rows).unwrap();
        // By their keys first, which say behind the hash in which table it stands.
        let mut tables = Vec::new();
        for (key, _) in rows(&image) {
            tables.extend(key.get(17).copied());
            for (name, bytes) in &nobody {
                let shown = key.windows(bytes.len()).any(|part| part == bytes);
                assert!(!shown, "{name} in a key {key:02x?}");
            }
        }
        tables.dedup();
        // Messages, timeline, outbox, expiries, unacknowledged, annotations, groups: all are there to be looked at.
        for tag in [11, 12, 13, 14, 16, 19, 20] {
            assert!(tables.contains(&tag), "nothing in table {tag}");
        }
        // And what pages hold that are not in use any more.
        let places: std::collections::HashSet<_> = file.windows(TELLING).collect();
        for (name, bytes) in &nobody {
            let shown = match bytes.first_chunk::<TELLING>() {
                Some(start) => {
                    places.contains(start.as_slice())
                        && file.windows(bytes.len()).any(|part| part == bytes)
                }
                None => false,
            };
            assert!(!shown, "{name} in the file");
        }
    }
}
