mod hostile;
mod permissions;

use std::cell::Cell;

use super::*;
use crate::crypto::{CryptoRng, Secret, SeededRandom, seeded};
use crate::identity::IdentityKeyPair;

thread_local! {
    /// How many events were applied by tests of this thread: what a log costs.
    pub(crate) static APPLIED: Cell<usize> = const { Cell::new(0) };
}

fn next(rng: &mut SeededRandom) -> u32 {
    let rng: &mut dyn CryptoRng = rng;
    rng.next_u32()
}

fn people(count: u8) -> Vec<IdentityKeyPair> {
    (0..count)
        .map(|seed| IdentityKeyPair::from_seed(&Secret::new([seed + 1; 32])))
        .collect()
}

fn names(membership: &Membership, people: &[IdentityKeyPair]) -> Vec<(usize, bool)> {
    membership
        .members()
        .iter()
        .map(|member| {
            let at = people.iter().position(|p| p.public() == member.identity);
            (at.unwrap(), member.admin.is_some())
        })
        .collect()
}

/// A log with everybody in it, and the first as its admin.
fn group(people: &[IdentityKeyPair]) -> GroupLog {
    let (mut log, _) = GroupLog::create(&people[0], "harbour", [7; 16]).unwrap();
    let others: Vec<_> = people[1..].iter().map(IdentityKeyPair::public).collect();
    log.write(&people[0], &GroupAction::MembersAdded(others))
        .unwrap();
    log
}

#[test]
fn any_order_of_the_events_makes_the_same_members() {
    let people = people(6);
    for seed in 0..300 {
        let mut rng = seeded(&Secret::new([seed as u8; 32]));
        let mut logs = vec![group(&people); 3];
        let mut written: Vec<GroupEvent> = Vec::new();
        for _ in 0..20 {
            let one = next(&mut rng) as usize % 3;
            let who = next(&mut rng) as usize % 6;
            let whom = vec![people[next(&mut rng) as usize % 6].public()];
            let what = GroupPermission::ALL[next(&mut rng) as usize % 3];
            let action = match next(&mut rng) % 12 {
                0 => GroupAction::Renamed(format!("name {}", next(&mut rng))),
                1 => GroupAction::MembersAdded(whom),
                2 => GroupAction::Joined,
                3 => GroupAction::Left,
                4 => GroupAction::MembersRemoved(whom),
                5 | 6 => GroupAction::AdminsAdded(whom),
                7 | 8 => GroupAction::Permitted {
                    what,
                    admins_only: next(&mut rng).is_multiple_of(2),
                },
                9 => GroupAction::Described(format!("about {}", next(&mut rng))),
                _ => GroupAction::AdminsRemoved(whom),
            };
            // Some date back what they write, or say that they knew less than they did.
            let event = if next(&mut rng).is_multiple_of(3) {
                let events: Vec<_> = logs[one].events().map(GroupEvent::hash).collect();
                let mut parents: Vec<_> = (0..2)
                    .map(|_| events[next(&mut rng) as usize % events.len()])
                    .collect();
                parents.sort_unstable();
                parents.truncate(1 + next(&mut rng) as usize % 2);
                parents.dedup();
                let event = GroupEvent::sign(&people[who], logs[one].id(), &parents, &action);
                event.and_then(|event| logs[one].take(event.clone()).map(|_| event))
            } else {
                logs[one].write(&people[who], &action)
            };
            written.extend(event);
            // Some of it reaches the others at once, in any order and twice.
            for _ in 0..2 {
                if let Some(event) = written.get(next(&mut rng) as usize % written.len().max(1)) {
                    let _ = logs[next(&mut rng) as usize % 3].take(event.clone());
                }
            }
        }
        for log in &mut logs {
            for _ in 0..2 {
                let mut order: Vec<_> = written.clone();
                order.sort_by_key(|_| next(&mut rng));
                for event in order {
                    let _ = log.take(event);
                }
            }
            assert!(!log.waits(), "{seed}");
        }
        let members = logs[0].membership();
        assert!(logs.iter().all(|log| log.membership() == members), "{seed}");
        // And from what is stored.
        let stored = GroupLog::from_stored(*logs[0].id(), logs[1].encoded()).unwrap();
        assert_eq!(stored.membership(), members);
    }
}

#[test]
fn what_is_part_of_a_log_is_so_to_the_last_byte() {
    let people = people(2);
    let mut log = group(&people);
    let renamed = log.write(&people[0], &GroupAction::Renamed("ours".into()));
    let known = renamed.unwrap().encoded().to_vec();
    assert!(log.has_encoded(&known));
    // Of one body there is one event, and this is another signature: it is verified, and refused.
    let mut forged = known.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(!log.has_encoded(&forged) && GroupEvent::decode(&forged).is_err());
    assert!(!log.has_encoded(&known[1..]) && !log.has_encoded(&[]));
    assert!(!GroupLog::new(*log.id()).has_encoded(&known));
}

#[test]
fn nobody_does_what_only_admins_may() {
    let people = people(3);
    let mut log = group(&people);
    let whom = vec![people[2].public()];
    for action in [
        GroupAction::Renamed("mine".into()),
        GroupAction::MembersRemoved(whom.clone()),
        GroupAction::AdminsAdded(whom.clone()),
        GroupAction::MembersAdded(whom.clone()),
    ] {
        assert_eq!(
            log.write(&people[1], &action),
            Err(GroupEventError::NotAnAdmin)
        );
    }
    let stranger = IdentityKeyPair::from_seed(&Secret::new([99; 32]));
    assert_eq!(
        log.write(&stranger, &GroupAction::Joined),
        Err(GroupEventError::NotAMember)
    );
    assert_eq!(
        log.write(&people[0], &GroupAction::MembersAdded(whom)),
        Err(GroupEventError::NoEffect)
    );
    assert_eq!(log.len(), 2);
}

#[test]
fn whoever_was_put_out_gains_nothing_by_an_event_that_is_dated_back() {
    let people = people(4);
    let mut log = group(&people[..3]);
    log.write(
        &people[0],
        &GroupAction::AdminsAdded(vec![people[1].public()]),
    )
    .unwrap();
    // What the second admin knows when the first puts them out.
    let mut theirs = log.clone();
    log.write(
        &people[0],
        &GroupAction::MembersRemoved(vec![people[1].public()]),
    )
    .unwrap();
    for action in [
        GroupAction::MembersAdded(vec![people[3].public()]),
        GroupAction::AdminsAdded(vec![people[2].public()]),
        GroupAction::Renamed("mine".into()),
    ] {
        let event = theirs.write(&people[1], &action).unwrap();
        assert_eq!(log.take(event), Ok(Taken::New));
    }
    assert_eq!(names(log.membership(), &people), [(0, true), (2, false)]);
    assert_eq!(log.membership().name, "harbour");
    // The younger admin cannot remove the elder at all.
    assert_eq!(
        theirs.write(
            &people[1],
            &GroupAction::MembersRemoved(vec![people[0].public()])
        ),
        Err(GroupEventError::NotAnAdmin)
    );
}

#[test]
fn when_the_last_admin_leaves_the_eldest_member_is_one() {
    let people = people(3);
    let mut log = group(&people);
    log.write(&people[0], &GroupAction::Left).unwrap();
    let admins = names(log.membership(), &people);
    assert_eq!(admins.iter().filter(|(_, admin)| *admin).count(), 1);
    assert!(admins[0].1);
}

#[test]
fn an_event_is_of_its_group_and_signed_by_its_author() {
    let people = people(2);
    let mut log = group(&people);
    let (other, _) = GroupLog::create(&people[0], "other", [8; 16]).unwrap();
    let event = log
        .write(&people[0], &GroupAction::Renamed("new".into()))
        .unwrap();
    assert_eq!(
        other.clone().take(event.clone()),
        Err(GroupEventError::OtherGroup)
    );
    for at in 0..event.encoded().len() {
        let mut changed = event.encoded().to_vec();
        changed[at] ^= 1;
        assert!(GroupEvent::decode(&changed).is_err(), "byte {at}");
    }
    assert_eq!(GroupEvent::decode(event.encoded()), Ok(event));
    let address = log.id().to_string();
    assert_eq!(
        (address.len(), GroupId::from_address(&address)),
        (62, Some(*log.id()))
    );
    assert_eq!(GroupId::from_address(&people[0].public().address()), None);
}

#[test]
fn what_a_request_names_has_its_salt_and_ascends() {
    use crate::limits::{MAX_GROUP_EVENTS, MAX_GROUP_MEMBERS};
    use crate::wire::v2;

    let read = |salt: usize, names: &[u64], rest: usize, bundles: usize| {
        let mut have: Vec<u8> = names.iter().flat_map(|name| name.to_be_bytes()).collect();
        have.resize(have.len() + rest, 1);
        let sync = v2::GroupSync {
            salt: vec![7; salt],
            have,
            events: Vec::new(),
            bundles: vec![vec![1]; bundles],
        };
        GroupSync::from_wire(sync)
            .map(|sync| sync.have.is_some())
            .ok()
    };
    let most: Vec<u64> = (0..=MAX_GROUP_EVENTS as u64).collect();
    assert_eq!(read(0, &[], 0, MAX_GROUP_MEMBERS), Some(false));
    assert_eq!(read(16, &[], 0, 0), Some(true));
    assert_eq!(read(16, &most[1..], 0, 0), Some(true));
    assert_eq!(read(16, &most, 0, 0), None);
    assert_eq!(read(0, &[1], 0, 0), None);
    assert_eq!(read(15, &[1], 0, 0), None);
    assert_eq!(read(16, &[1], 7, 0), None);
    assert_eq!(read(16, &[1, 1], 0, 0), None);
    assert_eq!(read(16, &[2, 1], 0, 0), None);
    assert_eq!(read(0, &[], 0, MAX_GROUP_MEMBERS + 1), None);
}
