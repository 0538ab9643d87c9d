//! The page of the tables says what there is, and nobody fills one without end.

use std::collections::BTreeMap;

use super::hostile::{content, forge};
use super::*;
use crate::chat::{Content, Copy, DeviceUpdate, HealingRequest};
use crate::engine::sync::feed;

const PAGE: &str = include_str!("../../../docs/tables.md");

/// The rows of the page.
fn page() -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.filter(|row| !row.starts_with("| ---"))
        .map(|row| {
            let cells = row.trim_matches('|').split('|');
            cells.map(str::trim).collect()
        })
        .collect()
}

#[test]
fn the_page_names_every_table_and_who_deletes_its_rows() {
    let page = page();
    let named: Vec<&str> = page.iter().map(|row| row[0]).collect();
    let tables: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    assert_eq!(named, tables, "docs/tables.md, and src/store/table.rs");
    for row in &page {
        assert!(
            row.len() == 5 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
        assert!(row[4].parse::<usize>().is_ok(), "{row:?}");
        let words = row[2].split_whitespace();
        for named in words.filter(|word| word.starts_with("src/")) {
            let (path, name) = named.trim_end_matches(',').split_once("::").unwrap();
            let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let source = std::fs::read_to_string(root.join(path)).unwrap();
            assert!(source.contains(&format!("fn {name}(")), "{named}");
        }
    }
}

fn made_up() -> MessageId {
    MessageId::random(&mut rng())
}

/// Every body that somebody can send, about what there is not.
fn bodies(day: u64, author: &Party) -> Vec<Body> {
    let own = author.device.public().to_bytes();
    let said = content(1, None, text("never said"));
    vec![
        text("ahoy"),
        Body::Data {
            media_type: "a/b".into(),
            data: vec![7; 2_000],
        },
        Body::Opaque(vec![7; 2_000]),
        Body::DeliveryReceipt((0..50).map(|_| made_up()).collect()),
        Body::ReadReceipt {
            lamport: 1_000_000 + day,
        },
        Body::Reaction {
            author: own,
            target: made_up(),
            emoji: "x".into(),
            removed: false,
        },
        Body::Edit {
            target: made_up(),
            text: "x".into(),
        },
        Body::Deletion { target: made_up() },
        Body::HealingRequest(HealingRequest::default()),
        Body::HealingAnswer {
            messages: 1_000,
            bundle: Vec::new(),
        },
        Body::DeviceUpdate(DeviceUpdate::default()),
        Body::Copy(Copy {
            author: own,
            conversation: own,
            content: said.to_bytes(),
        }),
        Body::GroupEvents {
            events: vec![vec![7; 100]],
            bundles: Vec::new(),
        },
    ]
}

/// What somebody sends on a day, to somebody: some of it lost, so that keys are kept for it.
fn send_everything(from: &Party, to: &Party, day: u64, group: Option<GroupId>) {
    let own = from.bundle(day, false);
    for (number, body) in bodies(day, from).into_iter().enumerate() {
        let clock = 10 + day * 100 + number as u64;
        let content: Content = content(clock, group, body);
        if number % 4 == 0 {
            forge(from, to, day, &content, Some(&own));
        }
        let envelope = forge(from, to, day, &content, Some(&own));
        let _ = take(to, day, &envelope);
    }
}

#[test]
fn after_a_hostile_year_every_table_is_within_its_bound() {
    let [alice, friend, mallory] = [1, 2, 3].map(Party::new);
    introduce(&[&alice, &friend, &mallory], 0);
    let crew = group(&friend, &[&alice, &mallory], 0);
    // An application that keeps events, and never comes to read them.
    alice.at(0, |step| feed::set_kept(step, true)).unwrap();
    for day in (1..=365).step_by(15) {
        let bundle = alice.bundle(day, false);
        for party in [&friend, &mallory] {
            party.add(day, &bundle);
            alice.add(day, &party.bundle(day, false));
        }
        send_everything(&mallory, &alice, day, None);
        send_everything(&mallory, &alice, day, Some(crew));
        // She begins anew, as if she had lost all her sessions.
        let party = crate::x3dh::Party {
            identity: alice.device.public(),
            device_id: alice.device.device_id,
        };
        mallory
            .at(day, |step| sessions::erase_all(step.rows, &party))
            .unwrap();
        let eve = Party::new(100 + u8::try_from(day / 15).unwrap());
        eve.add(day, &bundle);
        send_everything(&eve, &alice, day, None);
        // Alice says something too, and nobody acknowledges it.
        alice.send(day, &mallory).unwrap();
        let due = alice.at(day, |step| upkeep::plan(step.rows, step.now));
        let due = due.unwrap();
        alice.at(day, |step| upkeep::maintain(step, &due)).unwrap();
        empty_outbox(&alice);
        empty_outbox(&mallory);
    }
    let most: BTreeMap<&str, usize> = page()
        .iter()
        .map(|row| (row[0], row[4].parse().unwrap()))
        .collect();
    let counts = Table::ALL.map(|table| (table.name(), alice.count(table)));
    for (name, count) in counts {
        assert!(count <= most[name], "{name}: {count} rows; {counts:?}");
    }
}
