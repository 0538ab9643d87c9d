//! Linking a device (RFC windlass §8.5): what each step shows, what nobody gets by watching or by standing between the two, and that
//! nothing secret leaves before the user agreed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::Arc;

use support::clients::{acquaint, texts};
use support::party::{Party, key};
use support::seeds::rng;
use windlass::store::Store;
use windlass::testing::{Clock, Disk};
use windlass::{Client, DeviceLink, EncryptedStore, LinkCheck, Result};

const DAY: u64 = 86_400_000;

/// A store without an identity.
fn empty(disk: &Disk) -> Arc<EncryptedStore> {
    let store = Store::create_on(disk.medium(), &key(1)).unwrap();
    Arc::new(EncryptedStore::from(store))
}

/// What a machine that stopped finds when it starts again.
fn restarted(disk: &Disk, clock: &Clock) -> (Disk, Arc<EncryptedStore>) {
    let disk = Disk::of(disk.image()).with(clock, rng(9));
    let store = Store::open_on(disk.medium(), &key(1)).unwrap();
    (disk, Arc::new(EncryptedStore::from(store)))
}

fn new_device() -> Arc<DeviceLink> {
    DeviceLink::new(empty(&Disk::default())).unwrap()
}

/// Up to where the user compares; what each of the two shows.
fn introduced(old: &Client, new: &DeviceLink) -> (LinkCheck, LinkCheck) {
    let shown = new.take_answer(old.link_device(new.to_uri()).unwrap());
    let checked = old.check_link(new.reply().unwrap());
    (checked.unwrap(), shown.unwrap())
}

fn refused<T>(result: Result<T>) -> String {
    let Err(error) = result else {
        panic!("not refused")
    };
    // What the user does about it differs, so its code does.
    let code = match error.to_string().as_str() {
        OVER => "link_over",
        TOO_EARLY => "link_too_early",
        ANSWERED => "link_answered",
        OTHER_DEVICE => "link_other_device",
        _ => "link_refused",
    };
    assert_eq!(error.code(), code);
    error.to_string()
}

const OVER: &str = "nothing is being linked any more; begin with a new code";
const TOO_EARLY: &str = "this is a later step; the other device's last code is to be read first";
const ANSWERED: &str =
    "another answer was read before; unless that one was right, cancel and begin with a new code";
const OTHER_DEVICE: &str = "this is not of the device whose code was read; begin with a new code";
const SEALED: &str = "the transfer was made for another code; begin with a new one";

#[test]
fn both_devices_show_one_address_and_one_string_and_the_new_one_is_of_the_identity() {
    let (old, friend) = (Party::new(), Party::new());
    acquaint(&old, &friend);
    old.send(friend.address(), "before".into()).unwrap();
    let new = new_device();
    assert_eq!(new.to_uri().len(), 68);
    assert_eq!(new.check().unwrap(), None);
    let (ours, theirs) = introduced(&old, &new);
    assert_eq!(ours, theirs);
    assert_eq!(ours.address, old.address());
    assert_eq!((ours.digits.len(), ours.emoji.len()), (9, 4));
    assert_eq!(new.check().unwrap(), Some(theirs));
    let client = new.finish(old.confirm_link().unwrap()).unwrap();
    assert_eq!(client.address(), old.address());
    assert_ne!(client.device_id(), old.device_id());
    for _ in 0..4 {
        for (from, to) in [(&client, &old.client), (&old.client, &client)] {
            for envelope in from.outbox(0).unwrap() {
                let _ = to.receive(envelope.bytes);
                from.mark_sent(vec![envelope.id]).unwrap();
            }
        }
    }
    assert_eq!(texts(&client, &friend), ["before"]);
    assert_eq!(old.devices().unwrap().len(), 2);
}

/// Whoever stands between the two and answers each in the other's name is seen: the two show different strings, whatever is swapped.
#[test]
fn whoever_is_between_the_two_is_seen_by_different_strings_and_gets_nothing() {
    let (old, attacker) = (Party::new(), Party::new());
    for relays_the_address in [false, true] {
        let (new, fake) = (new_device(), new_device());
        // The user was shown the attacker's code; and the new device is answered by the attacker.
        let answer = old.link_device(fake.to_uri()).unwrap();
        let stolen = fake.take_answer(answer.clone()).unwrap();
        let shown = if relays_the_address {
            // The answer to another code, given to the one that was not read.
            new.take_answer(answer).unwrap()
        } else {
            let answer = attacker.link_device(new.to_uri()).unwrap();
            new.take_answer(answer).unwrap()
        };
        let checked = old.check_link(fake.reply().unwrap()).unwrap();
        assert_eq!(stolen, checked);
        assert_ne!(checked.digits, shown.digits);
        assert_ne!(checked.emoji, shown.emoji);
        assert_eq!(checked.address == shown.address, relays_the_address);
        // The key of the true device is not that of the code that was read.
        assert_eq!(refused(old.check_link(new.reply().unwrap())), OTHER_DEVICE);
        old.cancel_link().unwrap();
        assert_eq!(refused(old.confirm_link()), OVER);
    }
}

#[test]
fn nothing_secret_leaves_before_the_user_agreed() {
    let seed = [0x5a; 32];
    let identity = windlass::Identity::from_seed(seed.to_vec().into()).unwrap();
    let old = Party::create(Disk::default(), Some(identity));
    let new = new_device();
    let code = new.to_uri();
    let answer = old.link_device(code.clone()).unwrap();
    new.take_answer(answer.clone()).unwrap();
    let reply = new.reply().unwrap();
    old.check_link(reply.clone()).unwrap();
    // All that was shown so far: two hashes' and keys' worth of bytes, and the public identity.
    let bytes = |uri: &str| {
        let base32 = &uri["WINDLASS:L".len()..];
        let bytes = data_encoding::BASE32_NOPAD.decode(base32.as_bytes());
        let bytes = bytes.unwrap();
        bytes[..bytes.len() - 4].to_vec()
    };
    let (code, answer, reply) = (bytes(&code), bytes(&answer), bytes(&reply));
    assert_eq!((code.len(), answer.len(), reply.len()), (32, 64, 32));
    assert_eq!(answer[32..], old.identity().public_key()[..]);
    for shown in [&code, &answer, &reply] {
        assert!(
            !shown
                .windows(8)
                .any(|window| seed.windows(8).any(|part| part == window))
        );
    }
    // The code that a camera saw is a hash of the key that is shown only when somebody answered.
    assert_ne!(code, reply);
    let waiting = old.outbox(0).unwrap();
    assert!(waiting.is_empty());
    let transfer = bytes(&old.confirm_link().unwrap());
    assert!(transfer.len() > 200);
    assert!(
        !transfer
            .windows(8)
            .any(|window| seed.windows(8).any(|part| part == window))
    );
}

#[test]
fn a_photographed_code_gives_nothing_and_an_answer_that_came_first_is_seen() {
    let (old, attacker) = (Party::new(), Party::new());
    let new = new_device();
    // The attacker photographed the code and answers first.
    let shown = new
        .take_answer(attacker.link_device(new.to_uri()).unwrap())
        .unwrap();
    assert_eq!(shown.address, attacker.address());
    assert_ne!(shown.address, old.address());
    // The right answer comes too late for this code, and the user learns why.
    let answer = old.link_device(new.to_uri()).unwrap();
    assert_eq!(refused(new.take_answer(answer)), ANSWERED);
    // Both shown to the attacker's transfer alone: the right one does not open.
    old.check_link(new.reply().unwrap()).unwrap();
    assert_eq!(refused(new.finish(old.confirm_link().unwrap())), SEALED);
    // After cancelling, a new code works.
    new.cancel().unwrap();
    assert_eq!(refused(new.reply()), OVER);
    // A photograph of every code of a link opens no transfer: each device has a key of its own.
    let (honest, photographer) = (new_device(), new_device());
    introduced(&old, &honest);
    photographer
        .take_answer(old.pending_link().unwrap().unwrap().answer)
        .unwrap();
    let transfer = old.confirm_link().unwrap();
    assert_eq!(refused(photographer.finish(transfer.clone())), SEALED);
    honest.finish(transfer).unwrap();
}

#[test]
fn steps_in_the_wrong_order_and_what_is_replayed_are_refused_and_change_nothing() {
    let old = Party::new();
    let new = new_device();
    assert_eq!(refused(old.confirm_link()), OVER);
    let early = new_device();
    early
        .take_answer(old.link_device(early.to_uri()).unwrap())
        .unwrap();
    assert_eq!(refused(old.confirm_link()), TOO_EARLY);
    let replayed_answer = old.pending_link().unwrap().unwrap().answer;
    let replayed_reply = early.reply().unwrap();
    assert_eq!(refused(new.reply()), TOO_EARLY);
    // A second code takes the place of the first.
    let answer = old.link_device(new.to_uri()).unwrap();
    assert_ne!(answer, replayed_answer);
    assert_eq!(refused(old.check_link(replayed_reply)), OTHER_DEVICE);
    assert_eq!(old.pending_link().unwrap().unwrap().check, None);
    // The same code gets the same answer: it was scanned twice.
    assert_eq!(old.link_device(new.to_uri()).unwrap(), answer);
    let check = new.take_answer(answer.clone()).unwrap();
    assert_eq!(new.take_answer(answer).unwrap(), check);
    assert_eq!(refused(new.take_answer(replayed_answer)), ANSWERED);
    assert_eq!(old.check_link(new.reply().unwrap()).unwrap(), check);
    let transfer = old.confirm_link().unwrap();
    assert_eq!(refused(old.confirm_link()), OVER);
    assert_eq!(refused(early.finish(transfer.clone())), SEALED);
    let client = new.finish(transfer.clone()).unwrap();
    // The transfer is of no more use, nor is the store that holds an identity.
    assert_eq!(refused(new.finish(transfer)), OVER);
    assert_eq!(client.address(), old.address());
    // A transfer whose bytes were changed.
    let new = new_device();
    introduced(&old, &new);
    let mut changed = old.confirm_link().unwrap().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let damaged = new.finish(String::from_utf8(changed).unwrap());
    assert_eq!(damaged.err().unwrap().code(), "uri_damaged");
}

#[test]
fn codes_come_as_windlass_uris_of_their_kind_and_never_behind_a_web_link() {
    let old = Party::new();
    let new = new_device();
    let linked = |uri: &str| format!("https://example.org/join#{uri}");
    let code = |result: Result<String>| result.unwrap_err().code();
    assert_eq!(
        code(old.link_device(linked(&new.to_uri()))),
        "uri_not_windlass"
    );
    assert_eq!(
        code(old.link_device("https://example.org".into())),
        "uri_not_windlass"
    );
    let invitation = old.bundle().unwrap().to_uri();
    assert_eq!(code(old.link_device(invitation)), "uri_unknown_kind");
    let answer = old.link_device(new.to_uri()).unwrap();
    assert_eq!(
        new.take_answer(linked(&answer)).unwrap_err().code(),
        "uri_not_windlass"
    );
    new.take_answer(answer.clone()).unwrap();
    let reply = new.reply().unwrap();
    assert_eq!(
        old.check_link(linked(&reply)).unwrap_err().code(),
        "uri_not_windlass"
    );
    assert_eq!(
        old.check_link(answer).unwrap_err().code(),
        "uri_unknown_kind"
    );
    old.check_link(reply).unwrap();
    let transfer = old.confirm_link().unwrap();
    assert_eq!(
        new.finish(linked(&transfer)).err().unwrap().code(),
        "uri_not_windlass"
    );
    new.finish(transfer).unwrap();
    // What is shown in person is scanned from a screen, and verifies: no link brings it.
    let friend = Party::new();
    let shown = friend.in_person_code().unwrap();
    let met = old.meet(linked(&shown));
    assert_eq!(met.unwrap_err().code(), "uri_not_windlass");
    let reader = windlass::CodeReader::new();
    assert_eq!(
        reader.take(linked(&shown)).unwrap_err().code(),
        "uri_not_windlass"
    );
    assert_eq!(
        reader.take(linked(&new.to_uri())).unwrap_err().code(),
        "uri_not_windlass"
    );
    assert!(windlass::Bundle::from_uri(linked(&friend.bundle().unwrap().to_uri())).is_ok());
    old.meet(shown).unwrap();
}

#[test]
fn a_link_survives_that_both_devices_stop_at_every_step() {
    let clock = Clock::at(1_893_456_000_000);
    let mut old = Party::create(Disk::default().with(&clock, rng(1)), None);
    let mut disk = Disk::default().with(&clock, rng(2));
    let mut new = DeviceLink::new(empty(&disk)).unwrap();
    let code = new.to_uri();
    let mut restart = |old: &mut Party, new: &mut Arc<DeviceLink>| {
        *old = Party::on(Disk::of(old.disk.image()).with(&clock, rng(3)));
        let (on, store) = restarted(&disk, &clock);
        disk = on;
        *new = DeviceLink::new(store).unwrap();
        assert_eq!(new.to_uri(), code);
    };
    restart(&mut old, &mut new);
    let answer = old.link_device(new.to_uri()).unwrap();
    restart(&mut old, &mut new);
    let pending = old.pending_link().unwrap().unwrap();
    assert_eq!((pending.answer, pending.check), (answer.clone(), None));
    let check = new.take_answer(answer).unwrap();
    restart(&mut old, &mut new);
    assert_eq!(new.check().unwrap().as_ref(), Some(&check));
    assert_eq!(old.check_link(new.reply().unwrap()).unwrap(), check);
    restart(&mut old, &mut new);
    let pending = old.pending_link().unwrap().unwrap();
    assert_eq!(pending.check, Some(check));
    let transfer = old.confirm_link().unwrap();
    restart(&mut old, &mut new);
    assert_eq!(old.pending_link().unwrap(), None);
    let client = new.finish(transfer).unwrap();
    assert_eq!(client.address(), old.address());
}

#[test]
fn a_link_is_over_after_a_day_whichever_way_the_clock_was_wrong() {
    let begun = 1_893_456_000_000;
    for now in [begun + DAY, begun - DAY] {
        let (clock, wrong) = (Clock::at(begun), Clock::at(now));
        let old = Party::create(Disk::default().with(&clock, rng(1)), None);
        let disk = Disk::default().with(&clock, rng(2));
        let new = DeviceLink::new(empty(&disk)).unwrap();
        let code = new.to_uri();
        introduced(&old, &new);
        let old = Party::on(Disk::of(old.disk.image()).with(&wrong, rng(3)));
        assert_eq!(old.pending_link().unwrap(), None);
        assert_eq!(refused(old.confirm_link()), OVER);
        old.maintain().unwrap();
        // The new device begins anew, with another key.
        let new = DeviceLink::new(restarted(&disk, &wrong).1).unwrap();
        assert_ne!(new.to_uri(), code);
        assert_eq!(new.check().unwrap(), None);
    }
    let clock = Clock::at(begun);
    let new = DeviceLink::new(empty(&Disk::default().with(&clock, rng(2)))).unwrap();
    clock.advance(DAY);
    assert_eq!(refused(new.reply()), OVER);
}

#[test]
fn a_store_with_an_identity_is_no_new_device() {
    let old = Party::new();
    let refused = DeviceLink::new(Arc::clone(&old.store)).unwrap_err();
    assert_eq!(refused.code(), "identity_exists");
}
