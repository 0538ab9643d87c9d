//! What is known of the other devices of the user: which bundle knows best, what a device showed, and that nothing is left of one that is gone.

use super::unread::devices_and_friend;
use super::*;
use crate::bundle::{DeviceBundle, PrekeySecrets, build};
use crate::limits::{MAX_DEVICES, NEW_DEVICE_SECONDS};
use crate::wire::store::OwnDeviceRow;

const WEEK: u64 = NEW_DEVICE_SECONDS * 1000;

fn devices(ids: impl Iterator<Item = u32>) -> Vec<DeviceBundle> {
    ids.map(|id| PrekeySecrets::generate(&mut rng()).device(id, 1))
        .collect()
}

/// A bundle of the user's, issued so many seconds ago.
fn bundle(party: &Party, devices: &[DeviceBundle], ago: u64) -> VerifiedBundle {
    build(&party.device.identity, devices, None, START / 1000 - ago).unwrap()
}

fn merge(party: &Party, bundle: &VerifiedBundle) -> usize {
    let merged = party.at(0, |step| own_devices::merge_bundle(step, bundle, None));
    merged.unwrap().added.len()
}

fn row(party: &Party, id: u32) -> OwnDeviceRow {
    let row = party.at(0, |step| own_devices::find(step.rows, id));
    row.unwrap().unwrap()
}

#[test]
fn no_more_devices_are_taken_in_than_an_identity_may_have() {
    let party = Party::new(1);
    let many = devices(1..=u32::try_from(MAX_DEVICES).unwrap());
    // This one is among them, and not in that bundle.
    assert_eq!(merge(&party, &bundle(&party, &many, 0)), MAX_DEVICES - 1);
}

#[test]
fn of_another_device_the_bundle_that_was_issued_later_knows_best() {
    let party = Party::new(1);
    let [older, newer] = [(); 2].map(|()| devices(1..=1));
    assert_eq!(merge(&party, &bundle(&party, &newer, 5)), 1);
    let known = row(&party, 1);
    assert_eq!(merge(&party, &bundle(&party, &older, 9)), 0);
    assert!(row(&party, 1) == known);
    // A form of a bundle that came without the long key takes it from nobody.
    let short = bundle(&party, &newer, 1).without_kem_keys();
    assert_eq!(merge(&party, &short), 0);
    let now_known = row(&party, 1);
    assert_eq!(now_known.issued_at, START / 1000 - 1);
    assert!(!known.kem_key.is_empty() && now_known.kem_key == known.kem_key);
}

#[test]
fn what_a_device_shows_again_was_shown_when_it_was_shown_first() {
    let party = Party::new(1);
    merge(&party, &bundle(&party, &devices(1..=1), 0));
    let show = |token: u8, since: u64| {
        let noted = party.at(0, |step| {
            own_devices::note_shown(step.rows, 1, vec![token; 32], since)
        });
        noted.unwrap();
        row(&party, 1).shown_at
    };
    assert_eq!([show(1, 5), show(1, 9), show(2, 9)], [5, 5, 9]);
    // Of one that was removed nothing is noted any more.
    party.at(0, |step| own_devices::remove(step, &[1])).unwrap();
    let removed = row(&party, 1);
    show(3, 11);
    party
        .at(1, |step| own_devices::seen(step.rows, 1, step.now))
        .unwrap();
    assert!(row(&party, 1) == removed);
}

#[test]
fn whoever_has_our_bundle_has_heard_of_a_device_a_week_after_it_came() {
    let party = Party::new(1);
    merge(&party, &bundle(&party, &devices(1..=1), 0));
    let may_not_know = |written_at: u64, has_bundle_of: u64, now: u64| {
        let found = party.at_time(now, |step| {
            let all = own_devices::siblings(step.rows)?;
            own_devices::perhaps_unheard_of(step.rows, &all, written_at, has_bundle_of, now)
        });
        !found.unwrap().is_empty()
    };
    let (late, issued) = (START + 4 * WEEK, START / 1000);
    assert!(!may_not_know(START + WEEK, issued, late));
    assert!(may_not_know(START + WEEK - 1, issued, late));
    assert!(may_not_know(START + WEEK, issued - 1, late));
    // While it is new, whatever they say.
    assert!(may_not_know(START + WEEK, issued, START + WEEK - 1));
}

#[test]
fn nothing_of_a_removed_device_is_left_but_that_it_was_removed() {
    let [first, second, _friend] = devices_and_friend();
    let id = second.device.device_id;
    // Something passed between them.
    first.at(0, updates::share_removed).unwrap();
    deliver(&[&first, &second], 0);
    let pairs = first.count(Table::Pairs);
    first
        .at(1, |step| own_devices::remove(step, &[id]))
        .unwrap();
    assert_eq!(first.count(Table::Pairs), pairs - 1);
    assert!(row(&first, id).removed);
}

#[test]
fn an_update_that_is_not_acknowledged_counts_as_one_try_for_each_time() {
    let [first, second, _friend] = devices_and_friend();
    let id = second.device.device_id;
    deliver(&[&first, &second], 0);
    let share = |day| {
        first.at(day, updates::share_removed).unwrap();
        row(&first, id).update_tries
    };
    assert_eq!([share(1), share(1), share(2)], [0, 0, 1]);
    // Whoever asks is there.
    first.at(2, |step| updates::heard(step.rows, id)).unwrap();
    assert_eq!(row(&first, id).update_tries, 0);
}

#[test]
fn a_new_device_is_told_to_trust_those_that_are_known_to_be_linked() {
    let [first, second, _friend] = devices_and_friend();
    let trusted = |party: &Party| party.at(1, |step| updates::whom_to_trust(step)).unwrap();
    let both = [first.device.device_id, second.device.device_id];
    assert_eq!(trusted(&first), both);
    // Not one that only stands in a bundle.
    let mut three = first.bundle(1, false).devices().to_vec();
    three.retain(|one| one.device_id != first.device.device_id);
    three.extend(devices(1..=1));
    merge(&first, &bundle(&first, &three, 0));
    assert_eq!(trusted(&first), both);
}

#[test]
fn two_bundles_of_one_second_can_be_told_apart() {
    let party = Party::new(1);
    let issued = || {
        let made = party.at(0, |step| {
            prekeys::invalidate_own_bundle(step.rows)?;
            own_bundle::reusable(step)
        });
        made.unwrap().issued_at()
    };
    let first = issued();
    assert!(issued() > first);
}
