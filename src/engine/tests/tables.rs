//! The page of the tables says what there is, and nobody fills one without end.

use std::collections::{BTreeMap, BTreeSet};

use super::hostile::{content, forge};
use super::*;
use crate::bundle::{DeviceBundle, build};
use crate::chat::{
    Attachment, Copy, Decision, DeviceUpdate, GroupEvent, GroupEventNames, GroupLinkToken,
    GroupLog, GroupSync, HealingRequest, KnownContact, Profile,
};
use crate::engine::sync::feed;
use crate::limits::{MAX_DISAPPEARING_SECONDS, MAX_GROUP_INVITATIONS_BY_ONE};

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

/// Somebody who was never heard of, as their bundle says.
pub(super) fn invented(day: u64, prekeys_of: &Party) -> VerifiedBundle {
    let identity = IdentityKeyPair::generate(&mut rng());
    let device = DeviceBundle {
        device_id: 5,
        ..prekeys_of.bundle(day, false).devices()[0].clone()
    };
    build(&identity, &[device], None, START / 1000 + day * 86_400).unwrap()
}

/// An event of a group that builds on nothing that there is.
fn unfounded(author: &Party, group: &GroupId) -> Vec<u8> {
    let parent = *Secret::<32>::random(&mut rng()).as_bytes();
    let action = GroupAction::Renamed("?".into());
    let event = GroupEvent::sign(&author.device.identity, group, &[parent], &action);
    event.unwrap().encoded().to_vec()
}

/// An invitation to a new group, with people who were never heard of.
fn invitation(author: &Party, to: &Party, day: u64) -> (GroupId, Body) {
    let own = &author.device.identity;
    let nonce = *Secret::<16>::random(&mut rng()).as_bytes();
    let (mut log, first) = GroupLog::create(own, "spam", nonce).unwrap();
    let others = [(); 2].map(|()| invented(day, author));
    let others_and_you = others.iter().map(|one| *one.identity());
    let mut members: Vec<_> = others_and_you.chain([to.device.public()]).collect();
    members.sort_by_key(PublicIdentity::to_bytes);
    let invites = log.write(own, &GroupAction::MembersAdded(members)).unwrap();
    let encoded = |event: &GroupEvent| event.encoded().to_vec();
    let body = Body::GroupEvents {
        events: [&first, &invites].map(encoded).to_vec(),
        bundles: others.iter().map(|one| one.encoded().to_vec()).collect(),
    };
    (*log.id(), body)
}

/// What is shown, or would be.
fn words(day: u64, author: &Party) -> Vec<Body> {
    let own = author.device.public().to_bytes();
    vec![
        text("ahoy"),
        Body::Data {
            media_type: "a/b".into(),
            data: vec![7; 2_000],
        },
        Body::Opaque(vec![7; 2_000]),
        Body::Attachment(Attachment {
            media_type: "a/b".into(),
            name: "chart".into(),
            size: 1_000_000,
            key: Secret::random(&mut rng()),
            digest: [7; 32],
            location: "nowhere".into(),
            caption: "ahoy".into(),
        }),
        Body::Reaction {
            author: own,
            target: made_up(),
            emoji: "⚓".into(),
            removed: false,
        },
        Body::Edit {
            target: made_up(),
            text: "x".into(),
        },
        Body::Pin {
            author: own,
            target: made_up(),
            removed: false,
        },
        Body::Deletion { target: made_up() },
        // Of a year, or none: most of it has to be there to be counted.
        Body::DisappearingTimer(day % 2 * MAX_DISAPPEARING_SECONDS * 1000),
        Body::IdentityChange(invented(day, author).encoded().to_vec()),
        Body::Unknown,
    ]
}

/// What devices say to each other.
fn control(day: u64, author: &Party, group: &GroupId) -> Vec<Body> {
    let own = author.device.public().to_bytes();
    let said = content(1, None, text("never said"));
    let somebody = KnownContact {
        bundle: invented(day, author).encoded().to_vec(),
        verified: true,
        accepted: true,
        blocked: false,
        standing: Decision::default(),
        verification: Decision::default(),
        devices: Vec::new(),
    };
    vec![
        Body::DeliveryReceipt((0..50).map(|_| made_up()).collect()),
        Body::ReadReceipt {
            lamport: 1_000_000 + day,
        },
        Body::HealingRequest(HealingRequest::default()),
        Body::HealingAnswer {
            messages: 1_000,
            bundle: invented(day, author).encoded().to_vec(),
        },
        Body::DeviceUpdate(DeviceUpdate {
            contacts: vec![somebody],
            ..DeviceUpdate::default()
        }),
        Body::Copy(Copy {
            author: own,
            conversation: own,
            content: said.to_bytes(),
        }),
        Body::GroupEvents {
            events: vec![vec![7; 100], unfounded(author, group)],
            bundles: vec![invented(day, author).encoded().to_vec()],
        },
        Body::Typing { active: true },
        Body::Presence { available: true },
        Body::Profile(Profile {
            name: "?".into(),
            changed_at: START + day * DAY,
            ..Profile::default()
        }),
        Body::GroupJoinRequest(GroupLinkToken::random(&mut rng())),
        Body::GroupSync(GroupSync {
            have: Some(GroupEventNames::of([[7; 32]].into_iter(), &mut rng())),
            events: vec![unfounded(author, group)],
            bundles: vec![invented(day, author).encoded().to_vec()],
        }),
    ]
}

/// Every body that somebody can send, about what there is not.
fn bodies(day: u64, author: &Party, group: &GroupId) -> Vec<Body> {
    let mut all = words(day, author);
    all.extend(control(day, author, group));
    all
}

/// A number for each kind of body: one that is new has to be sent, too.
fn kind(body: &Body) -> usize {
    match body {
        Body::Text(_) => 0,
        Body::Data { .. } => 1,
        Body::DeliveryReceipt(_) => 2,
        Body::Opaque(_) => 3,
        Body::HealingRequest(_) => 4,
        Body::HealingAnswer { .. } => 5,
        Body::Copy(_) => 6,
        Body::DeviceUpdate(_) => 7,
        Body::IdentityChange(_) => 8,
        Body::Reaction { .. } => 9,
        Body::Edit { .. } => 10,
        Body::Deletion { .. } => 11,
        Body::ReadReceipt { .. } => 12,
        Body::DisappearingTimer(_) => 13,
        Body::GroupEvents { .. } => 14,
        Body::GroupSync(_) => 15,
        Body::Attachment(_) => 16,
        Body::Unknown => 17,
        Body::Typing { .. } => 18,
        Body::Pin { .. } => 19,
        Body::Profile(_) => 20,
        Body::Presence { .. } => 21,
        Body::GroupJoinRequest(_) => 22,
    }
}

/// What somebody sends on a day, to somebody, with so many invitations: some of it lost, so that keys are kept for it.
fn send_everything(
    (from, to): (&Party, &Party),
    day: u64,
    (group, in_group): (&GroupId, bool),
    invitations: usize,
) {
    let own = from.bundle(day, false);
    let which = in_group.then_some(*group);
    let bodies = bodies(day, from, group).into_iter();
    let kinds: BTreeSet<_> = bodies.clone().map(|body| kind(&body)).collect();
    assert!(kinds.into_iter().eq(0..23), "a body that is never sent");
    let invites = (0..invitations).map(|_| invitation(from, to, day));
    let invites = invites.map(|(group, body)| (Some(group), body));
    let all = bodies.map(|body| (which, body)).chain(invites);
    for (number, (which, body)) in all.enumerate() {
        let clock = 10 + day * 100 + number as u64;
        let content = content(clock, which, body);
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
        send_everything((&mallory, &alice), day, (&crew, false), 0);
        // More of these than there is room for.
        send_everything(
            (&mallory, &alice),
            day,
            (&crew, true),
            MAX_GROUP_INVITATIONS_BY_ONE / 2 + 1,
        );
        // She begins anew, as if she had lost all her sessions.
        let party = alice.end();
        mallory
            .at(day, |step| sessions::erase_all(step.rows, &party))
            .unwrap();
        let eve = Party::new(100 + u8::try_from(day / 15).unwrap());
        eve.add(day, &bundle);
        send_everything((&eve, &alice), day, (&crew, false), 1);
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
    let mut over = counts.to_vec();
    over.retain(|(name, count)| *count > most[name]);
    assert!(over.is_empty(), "{over:?}; of all {counts:?}");
}
