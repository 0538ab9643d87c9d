//! Groups and attachments.

use serde_json::json;
use windlass::chat::{GroupAction, GroupEvent, GroupId, GroupLog};
use windlass::crypto::CryptoRng;
use windlass::identity::IdentityKeyPair;

use super::{Case, hex, misread, rng};

fn case(name: &str, id: &GroupId, events: &[GroupEvent]) -> Case {
    encoded(name, id, events.iter().map(GroupEvent::encoded))
}

pub fn encoded<'a>(name: &str, id: &GroupId, events: impl Iterator<Item = &'a [u8]>) -> Case {
    let events: Vec<_> = events.map(hex).collect();
    let input = json!({ "group_id": hex(id.as_bytes()), "events": events });
    (name.to_owned(), input)
}

pub fn group() -> Vec<Case> {
    let mut rng = rng(31);
    let people: Vec<_> = (0..6)
        .map(|_| IdentityKeyPair::generate(&mut rng))
        .collect();
    let one = |at: usize| vec![people[at].public()];
    let (mut log, created) = GroupLog::create(&people[0], "Harbour ⚓", [7; 16]).unwrap();
    let mut all = vec![created];
    let mut write = |log: &mut GroupLog, by: usize, action: GroupAction| {
        let event = log.write(&people[by], &action).unwrap();
        all.push(event.clone());
        event
    };
    let others = people[1..4].iter().map(IdentityKeyPair::public).collect();
    write(&mut log, 0, GroupAction::MembersAdded(others));
    write(&mut log, 1, GroupAction::Joined);
    write(&mut log, 0, GroupAction::AdminsAdded(one(1)));
    let mut cases = vec![case("invited, joined, promoted", log.id(), &all)];
    let reversed: Vec<_> = all.iter().rev().cloned().collect();
    cases.push(case("the same, the last first", log.id(), &reversed));
    cases.push(case(
        "the second is missing, so all wait",
        log.id(),
        &[&all[..1], &all[2..]].concat(),
    ));

    // Beside their removal the second admin does three things.
    let mut theirs = log.clone();
    let removal = log
        .write(&people[0], &GroupAction::MembersRemoved(one(1)))
        .unwrap();
    let mut beside = Vec::new();
    for action in [
        GroupAction::MembersAdded(one(4)),
        GroupAction::Renamed("mine".into()),
        GroupAction::AdminsAdded(one(2)),
    ] {
        beside.push(theirs.write(&people[1], &action).unwrap());
    }
    let both = [&all[..], &beside, std::slice::from_ref(&removal)].concat();
    cases.push(case("what is beside a removal is void", log.id(), &both));
    let early = [&all[..], &[removal], &beside].concat();
    cases.push(case("also when it comes later", log.id(), &early));

    let mut left = log.clone();
    let goes = left.write(&people[0], &GroupAction::Left).unwrap();
    cases.push(case(
        "the last admin leaves",
        log.id(),
        &[&early[..], &[goes]].concat(),
    ));

    // Of a stranger, of a member who is no admin, and with a signature that is changed.
    let (mut strange, _) = GroupLog::create(&people[5], "other", [8; 16]).unwrap();
    let other = strange
        .write(&people[5], &GroupAction::Renamed("x".into()))
        .unwrap();
    let parents = [all.last().unwrap().hash()];
    let sign = |by: usize, action: GroupAction| {
        GroupEvent::sign(&people[by], log.id(), &parents, &action).unwrap()
    };
    let refused = [
        sign(5, GroupAction::Joined),
        sign(2, GroupAction::Renamed("mine".into())),
        sign(1, GroupAction::MembersRemoved(one(0))),
        sign(0, GroupAction::MembersAdded(one(1))),
        other,
    ];
    cases.push(case(
        "what nobody may",
        log.id(),
        &[&all[..], &refused].concat(),
    ));

    for number in 0..6 {
        let (mut a, created) = GroupLog::create(&people[0], "random", [number; 16]).unwrap();
        let mut events = vec![created];
        let members = people[1..].iter().map(IdentityKeyPair::public).collect();
        events.push(
            a.write(&people[0], &GroupAction::MembersAdded(members))
                .unwrap(),
        );
        let mut logs = [a.clone(), a.clone(), a];
        for _ in 0..16 {
            let rng: &mut dyn CryptoRng = &mut rng;
            let mut below = |bound: usize| rng.next_u32() as usize % bound;
            let (log, who) = (below(3), below(4));
            let whom = one(below(6));
            let action = match below(7) {
                0 => GroupAction::Renamed(format!("name {}", below(100))),
                1 => GroupAction::MembersAdded(whom),
                2 => GroupAction::Joined,
                3 => GroupAction::MembersRemoved(whom),
                4 => GroupAction::AdminsRemoved(whom),
                _ => GroupAction::AdminsAdded(whom),
            };
            if let Ok(event) = logs[log].write(&people[who], &action) {
                events.push(event);
            }
            if let Some(event) = events.get(below(events.len())) {
                let _ = logs[below(3)].take(event.clone());
            }
        }
        cases.push(case(
            &format!("random history {number}"),
            logs[0].id(),
            &events,
        ));
    }
    cases.extend(misread::cases());
    cases.extend(super::group_bounds::cases());
    cases.extend(super::permissions::cases());
    cases
}

pub fn attachment() -> Vec<Case> {
    let case = |name: &str, chunks: &[&[u8]]| {
        let chunks: Vec<_> = chunks.iter().map(|chunk| hex(chunk)).collect();
        let input = json!({ "key": hex(&[9; 32]), "chunks": chunks });
        (name.to_owned(), input)
    };
    vec![
        case("an empty file", &[b""]),
        case("one chunk", &[b"anchor"]),
        case("three chunks", &[b"one", b"two", b"three"]),
    ]
}
