//! What members, and those who were it, cannot do by events that they make up or date back.

use super::*;
use crate::limits::{
    MAX_GROUP_EVENT_LEN, MAX_GROUP_EVENTS, MAX_GROUP_MEMBERS, MAX_GROUP_PARENTS,
    MAX_WAITING_GROUP_EVENTS_OF_AUTHOR,
};

/// Signs an event as somebody who names what they like as the latest they know, and gives it to a log.
pub(super) fn forge(
    log: &mut GroupLog,
    author: &IdentityKeyPair,
    parents: &[EventHash],
    action: GroupAction,
) -> Result<(Taken, EventHash), GroupEventError> {
    let mut parents = parents.to_vec();
    parents.sort_unstable();
    let event = GroupEvent::sign(author, log.id(), &parents, &action)?;
    let hash = event.hash();
    Ok((log.take(event)?, hash))
}

#[test]
fn members_who_are_no_admins_cannot_fill_a_log() {
    let people = people(4);
    let mut log = group(&people);
    let rename = |log: &mut GroupLog, name: &str| {
        let action = GroupAction::Renamed(name.into());
        log.write(&people[0], &action).unwrap();
    };
    log.write(&people[1], &GroupAction::Joined).unwrap();
    let again = log.write(&people[1], &GroupAction::Joined);
    assert_eq!(again, Err(GroupEventError::NoEffect));
    for name in ["one", "two", "three"] {
        rename(&mut log, name);
    }
    let events: Vec<_> = log.events().map(GroupEvent::hash).collect();
    let newcomer = IdentityKeyPair::from_seed(&Secret::new([99; 32]));
    // On top of another event that lists them, beside somebody who is new.
    let both = vec![people[1].public(), newcomer.public()];
    let listed = log.write(&people[0], &GroupAction::MembersAdded(both));
    let listed = listed.unwrap().hash();
    let again = forge(&mut log, &people[1], &[listed], GroupAction::Joined);
    assert_eq!(again, Err(GroupEventError::NoEffect));
    // On top of whatever there was, alone and in pairs; by one who joined and one who did not.
    let before = log.len();
    for author in &people[1..3] {
        for action in [GroupAction::Joined, GroupAction::Left] {
            for a in &events {
                for b in &events {
                    let parents = if a == b { vec![*a] } else { vec![*a, *b] };
                    let _ = forge(&mut log, author, &parents, action.clone());
                }
            }
        }
    }
    // One joins; both leave on top of their invitation, the first also on top of having joined.
    assert_eq!(log.len(), before + 4);
    let len = log.len();
    rename(&mut log, "four");
    assert_eq!(log.len(), len + 1);
}

#[test]
fn events_that_wait_take_nobodys_place_in_the_log() {
    let people = people(3);
    let mut log = group(&people);
    for number in 0..2 * MAX_GROUP_EVENTS {
        let mut parent = [7; 32];
        parent[..8].copy_from_slice(&number.to_be_bytes());
        let taken = forge(&mut log, &people[1], &[parent], GroupAction::Joined);
        assert_eq!(taken.unwrap().0, Taken::Waits);
    }
    assert_eq!(log.len(), 2);
    assert_eq!(log.waiting().len(), MAX_WAITING_GROUP_EVENTS_OF_AUTHOR);
    // The oldest made room, so an honest one that is early is still waited for.
    let mut ahead = group(&people);
    let first = ahead.write(&people[0], &GroupAction::Renamed("a".into()));
    let second = ahead.write(&people[0], &GroupAction::Renamed("b".into()));
    assert_eq!(log.take(second.unwrap()), Ok(Taken::Waits));
    assert_eq!(log.take(first.unwrap()), Ok(Taken::New));
    assert_eq!(log.membership().name, "b");
}

#[test]
fn an_event_has_one_encoding_and_a_length_that_is_bounded() {
    use prost::Message;

    let people = people(2);
    let log = group(&people);
    let event = log.events().last().unwrap();
    let signed = crate::wire::v2::SignedGroupEvent::decode(event.encoded()).unwrap();
    // A field that says nothing, signed by the author.
    let padded = |len: usize| {
        let mut body = signed.body.clone();
        body.extend_from_slice(&[0xc2, 0x0c]);
        prost::encoding::encode_varint(len as u64, &mut body);
        body.resize(body.len() + len, 7);
        let signature = people[0].sign_group_event(&body).to_vec();
        crate::wire::v2::SignedGroupEvent { body, signature }.encode_to_vec()
    };
    for len in [1, 10_000] {
        assert!(matches!(
            GroupEvent::decode(&padded(len)),
            Err(GroupEventError::Wire(_))
        ));
    }
    let most: Vec<_> = (0..MAX_GROUP_MEMBERS as u8)
        .map(|seed| IdentityKeyPair::from_seed(&Secret::new([seed + 1; 32])).public())
        .collect();
    let parents: Vec<_> = (0..MAX_GROUP_PARENTS as u8).map(|n| [n; 32]).collect();
    let largest = GroupEvent::sign(
        &people[0],
        log.id(),
        &parents,
        &GroupAction::MembersAdded(most),
    );
    assert!(largest.unwrap().encoded().len() <= MAX_GROUP_EVENT_LEN);
}

#[test]
fn the_lists_of_an_event_ascend_and_are_within_their_bounds() {
    use crate::wire::v2::{GroupEventBody, Members, SignedGroupEvent, group_event_body::Event};
    use prost::Message;

    let people = people(2);
    let log = group(&people);
    let mut keys: Vec<_> = (0..=MAX_GROUP_MEMBERS as u8)
        .map(|seed| IdentityKeyPair::from_seed(&Secret::new([seed + 1; 32])).public())
        .map(|key| key.to_bytes().to_vec())
        .collect();
    keys.sort_unstable();
    let reads = |parents: &[u8], identity_keys: &[Vec<u8>]| {
        let identity_keys = identity_keys.to_vec();
        let body = GroupEventBody {
            group_id: log.id().as_bytes().to_vec(),
            author: people[0].public().to_bytes().to_vec(),
            parents: parents.iter().map(|n| vec![*n; 32]).collect(),
            event: Some(Event::MembersAdded(Members { identity_keys })),
        }
        .encode_to_vec();
        let signature = people[0].sign_group_event(&body).to_vec();
        let read = GroupEvent::decode(&SignedGroupEvent { body, signature }.encode_to_vec());
        assert!(matches!(read, Ok(_) | Err(GroupEventError::Wire(_))));
        read.is_ok()
    };
    let most: Vec<u8> = (1..=MAX_GROUP_PARENTS as u8 + 1).collect();
    assert!(reads(&most[1..], &keys[1..]));
    assert!(!reads(&most, &keys[1..]));
    assert!(!reads(&most[1..], &keys));
    assert!(!reads(&[1], &[]));
    for order in [[0, 0], [1, 0]] {
        assert!(!reads(&[1], &order.map(|at: usize| keys[at].clone())));
        assert!(!reads(&order.map(|at: usize| most[at]), &keys[1..]));
    }
}

#[test]
fn a_group_is_made_by_one_event() {
    let people = people(2);
    let mut log = group(&people);
    let again = GroupAction::Created {
        name: "another".into(),
        nonce: [7; 16],
    };
    assert_eq!(
        forge(&mut log, &people[0], &[], again),
        Err(GroupEventError::OtherGroup)
    );
}

#[test]
fn a_full_log_costs_a_look_at_all_before_for_each_of_its_events() {
    let people = people(3);
    let (admin, other) = (&people[0], &people[1]);
    let mut log = group(&people);
    let add = |log: &mut GroupLog, by: &IdentityKeyPair, on: &[EventHash], action: GroupAction| {
        let (taken, hash) = forge(log, by, on, action).unwrap();
        assert_eq!(taken, Taken::New);
        hash
    };
    let mut last = vec![log.events().last().unwrap().hash()];
    APPLIED.set(0);
    // Again and again somebody is made an admin, and not any more, and writes something beside that.
    while log.len() + 4 <= MAX_GROUP_EVENTS {
        let whom = vec![other.public()];
        let up = add(
            &mut log,
            admin,
            &last,
            GroupAction::AdminsAdded(whom.clone()),
        );
        let name = format!("name {}", log.len());
        let beside = add(&mut log, other, &[up], GroupAction::Renamed(name));
        let down = add(&mut log, admin, &[up], GroupAction::AdminsRemoved(whom));
        let name = format!("name {}", log.len());
        last = vec![add(
            &mut log,
            admin,
            &[beside, down],
            GroupAction::Renamed(name),
        )];
    }
    let taken = APPLIED.get();
    for _ in 0..100 {
        assert_eq!(log.membership().members().len(), 3);
    }
    assert!(taken <= MAX_GROUP_EVENTS * MAX_GROUP_EVENTS / 2);
    // What is beside a removal is left out, and begun anew, once for each; and that once for all who ask.
    assert!(APPLIED.get() - taken <= MAX_GROUP_EVENTS * MAX_GROUP_EVENTS / 3);
}

/// A creator who made another admin, and left; the other went on alone. The log, and as it was before.
fn without_the_creator(people: &[IdentityKeyPair], nonce: u8) -> (GroupLog, GroupLog) {
    let (mut log, _) = GroupLog::create(&people[0], "crew", [nonce; 16]).unwrap();
    let mut write = |by: usize, action: GroupAction| log.write(&people[by], &action).unwrap();
    write(0, GroupAction::MembersAdded(vec![people[1].public()]));
    write(1, GroupAction::Joined);
    write(0, GroupAction::AdminsAdded(vec![people[1].public()]));
    let before = log.clone();
    let mut write = |by: usize, action: GroupAction| log.write(&people[by], &action).unwrap();
    write(0, GroupAction::Left);
    write(1, GroupAction::MembersAdded(vec![people[2].public()]));
    write(2, GroupAction::Joined);
    write(1, GroupAction::Renamed("without them".into()));
    (log, before)
}

#[test]
fn whoever_left_has_no_say_any_more() {
    let people = people(4);
    // Hashes decide where nothing else does, so one group may go well by chance.
    for nonce in 0..8 {
        let (log, before) = without_the_creator(&people, nonce);
        has_no_say(&people, log, &before);
    }
}

fn has_no_say(people: &[IdentityKeyPair], mut log: GroupLog, before: &GroupLog) {
    let after = log.membership().clone();
    assert_eq!(names(&after, people), [(1, true), (2, false)]);
    let parents: Vec<_> = before.events().map(GroupEvent::hash).collect();
    let mut taken = 0;
    for parent in &parents {
        for action in [
            GroupAction::MembersAdded(vec![people[3].public()]),
            GroupAction::MembersRemoved(vec![people[1].public()]),
            GroupAction::AdminsRemoved(vec![people[1].public()]),
            GroupAction::Renamed("mine".into()),
            // As if they had left long before: all that they did since would be undone, and the group with it.
            GroupAction::Left,
        ] {
            let mut forged = log.clone();
            taken += usize::from(forge(&mut forged, &people[0], &[*parent], action).is_ok());
            assert_eq!(*forged.membership(), after);
        }
    }
    assert!(taken > parents.len());
    // Nor by several that build on each other.
    let invitation = GroupAction::MembersAdded(vec![people[3].public()]);
    let (_, invited) = forge(&mut log, &people[0], &parents[..1], invitation).unwrap();
    forge(&mut log, &people[3], &[invited], GroupAction::Joined).unwrap();
    forge(&mut log, &people[0], &[invited], GroupAction::Left).unwrap();
    assert_eq!(*log.membership(), after);
}

#[test]
fn whoever_was_an_admin_takes_nobody_along_by_a_leave_that_is_dated_back() {
    for put_out in [true, false] {
        let people = people(4);
        let mut log = group(&people[..2]);
        let second = vec![people[1].public()];
        log.write(&people[0], &GroupAction::AdminsAdded(second.clone()))
            .unwrap();
        let parents: Vec<_> = log.events().map(GroupEvent::hash).collect();
        let invitation = GroupAction::MembersAdded(vec![people[2].public()]);
        log.write(&people[1], &invitation).unwrap();
        let removal = if put_out {
            GroupAction::MembersRemoved(second)
        } else {
            GroupAction::AdminsRemoved(second)
        };
        log.write(&people[0], &removal).unwrap();
        let after = log.membership().clone();
        assert!(after.member(&people[2].public()).is_some());
        let mut taken = 0;
        for parent in parents {
            let mut forged = log.clone();
            let left = forge(&mut forged, &people[1], &[parent], GroupAction::Left);
            taken += usize::from(left.is_ok());
            assert_eq!(*forged.membership(), after);
        }
        assert_eq!(taken, 2);
        // Who leaves without having known of the removal is gone all the same.
        let (mut theirs, events) = (log.clone(), log.events().cloned().collect::<Vec<_>>());
        let heads: Vec<_> = events[..events.len() - 1]
            .iter()
            .map(GroupEvent::hash)
            .collect();
        forge(
            &mut theirs,
            &people[1],
            &heads[heads.len() - 1..],
            GroupAction::Left,
        )
        .unwrap();
        assert_eq!(names(theirs.membership(), &people), [(0, true), (2, false)]);
    }
}

#[test]
fn what_nobody_has_is_dropped_with_all_that_waits_for_it() {
    let people = people(3);
    let mut log = group(&people);
    let mut ahead = group(&people);
    let hidden = ahead
        .write(&people[0], &GroupAction::Renamed("a".into()))
        .unwrap();
    let second = ahead
        .write(&people[0], &GroupAction::Renamed("b".into()))
        .unwrap();
    let third = ahead
        .write(&people[0], &GroupAction::Renamed("c".into()))
        .unwrap();
    let (_, other) = forge(&mut log, &people[1], &[[7; 32]], GroupAction::Joined).unwrap();
    for event in [&second, &third] {
        assert_eq!(log.take(event.clone()), Ok(Taken::Waits));
    }
    log.drop_waiting(&[second.hash()]);
    let left: Vec<_> = log.waiting().iter().map(GroupEvent::hash).collect();
    assert_eq!(left, [other]);
    // It is as if it had never come: all of it may come again.
    for event in [&third, &second, &hidden] {
        log.take(event.clone()).unwrap();
    }
    assert_eq!(log.membership().name, "c");
}

#[test]
fn views_are_equal_where_the_events_are() {
    let people = people(4);
    let mut one = group(&people);
    let mut other = group(&people);
    assert_eq!(one.view(), other.view());
    let event = one
        .write(&people[0], &GroupAction::Renamed("a".into()))
        .unwrap();
    assert_ne!(one.view().digest, other.view().digest);
    let heads = other.view().heads.clone();
    assert!(one.view().heads.iter().all(|head| !other.has_head(head)));
    assert!(heads.iter().all(|head| one.has_head(head)));
    let whom = people[1].public();
    assert_eq!(one.beyond(&heads, &whom), [&event]);
    assert!(other.beyond(&heads, &whom).is_empty());
    // Whoever waits for something shows no more than they have.
    let later = one
        .write(&people[0], &GroupAction::Renamed("b".into()))
        .unwrap();
    let before = other.view().clone();
    other.take(later).unwrap();
    assert_eq!(*other.view(), before);
    other.take(event).unwrap();
    assert_eq!(one.view(), other.view());
}
