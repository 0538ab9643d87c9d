//! That somebody's devices changed is told whoever brings the bundle that says so (RFC windlass §8.3): it may be a thief's device.

use super::hostile::{bundle_of, content, forge};
use super::*;
use crate::chat::{Decision, KnownContact};

/// Of somebody who has another device since, and whom these outcomes tell so.
const NEW: u32 = 77;

fn newer_bundle(of: &Party) -> VerifiedBundle {
    bundle_of(of, &[of.device.device_id, NEW], START / 1000 + 60)
}

fn times_told(of: &Party, outcomes: &[Outcome]) -> usize {
    let told = outcomes.iter().filter(|outcome| match outcome {
        Outcome::Peer(who, PeerNews::DevicesChanged(change)) => {
            *who == of.device.public() && change.added == [NEW] && change.removed.is_empty()
        }
        _ => false,
    });
    told.count()
}

#[test]
fn a_member_of_a_group_brings_it() {
    let [alice, bob, carol] = acquainted();
    let id = group(&carol, &[&alice, &bob], 0);
    let renamed = carol.at(1, |step| {
        let mut group = groups::known(step.rows, &id)?;
        let action = GroupAction::Renamed("ours".into());
        let event = group.log.write(&step.device.identity, &action)?;
        Ok(event.encoded().to_vec())
    });
    let body = Body::GroupEvents {
        events: vec![renamed.unwrap()],
        bundles: vec![newer_bundle(&bob).encoded().to_vec()],
    };
    for expected in [1, 0] {
        let said = content(100, Some(id), body.clone());
        let envelope = forge(&carol, &alice, 1, &said, None);
        let outcomes = take(&alice, 1, &envelope).unwrap();
        assert_eq!(times_told(&bob, &outcomes), expected);
    }
}

#[test]
fn who_invited_brings_it_and_it_is_told_when_the_user_joins() {
    let [alice, bob, carol] = acquainted();
    carol.add(1, &newer_bundle(&bob));
    let id = carol.at(1, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    let mut both = [alice.device.public(), bob.device.public()];
    both.sort_by_key(PublicIdentity::to_bytes);
    let invite = GroupAction::MembersAdded(both.to_vec());
    let done = carol.at(1, |step| group_events::act(step, &id, &invite));
    done.unwrap();
    // Of an invitation that was not answered nothing is kept but itself.
    assert_eq!(times_told(&bob, &carry(&carol, &alice, 1)), 0);
    let told = alice.at(1, |step| group_events::act(step, &id, &GroupAction::Joined));
    assert_eq!(times_told(&bob, &told.unwrap()), 1);
}

#[test]
fn a_device_of_our_own_brings_it() {
    let [alice, bob] = acquainted();
    let mut known = KnownContact {
        devices: Vec::new(),
        bundle: newer_bundle(&bob).encoded().to_vec(),
        verified: false,
        accepted: true,
        blocked: false,
        standing: Decision::default(),
        verification: Decision::default(),
    };
    let hear = |known: &KnownContact, day| {
        let told = alice.at(day, |step| {
            let mut outcomes = Vec::new();
            people::receive(step, known, &mut outcomes)?;
            Ok(outcomes)
        });
        times_told(&bob, &told.unwrap())
    };
    assert_eq!([hear(&known, 1), hear(&known, 1)], [1, 0]);
    // Of whom the user does not want to hear, nothing is told.
    known.bundle = bundle_of(&bob, &[bob.device.device_id], START / 1000 + 120)
        .encoded()
        .to_vec();
    known.blocked = true;
    known.standing = Decision {
        clock: 100,
        device_id: 9,
    };
    assert_eq!(hear(&known, 1), 0);
}

#[test]
fn a_contact_who_goes_on_as_another_brings_it() {
    let [alice, bob, dave] = acquainted();
    let bundle = newer_bundle(&dave).encoded().to_vec();
    let said = content(100, None, Body::IdentityChange(bundle));
    let envelope = forge(&bob, &alice, 1, &said, None);
    let outcomes = take(&alice, 1, &envelope).unwrap();
    assert_eq!(times_told(&dave, &outcomes), 1);
}
