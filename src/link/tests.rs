#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use super::*;
use crate::bundle::{PrekeySecrets, VerifiedBundle, build};
use crate::chat::OwnWordsKey;
use crate::crypto::{Secret, SeededRandom, seeded};
use crate::identity::IdentityKeyPair;
use crate::wire::UriFault;

fn rng(byte: u8) -> SeededRandom {
    seeded(&Secret::new([byte; 32]))
}

fn bundle(identity: &IdentityKeyPair) -> VerifiedBundle {
    let own = PrekeySecrets::generate(&mut rng(8)).device(7, 1);
    build(identity, &[own], None, 1_000).unwrap()
}

/// Both sides, the existing one having read the code of the new one.
fn devices() -> (NewDevice, ExistingDevice, IdentityKeyPair) {
    let identity = IdentityKeyPair::generate(&mut rng(5));
    let new = NewDevice::new(&mut rng(6));
    let code = LinkCode::from_uri(&new.code().to_uri().to_lowercase()).unwrap();
    let existing = ExistingDevice::new(code, identity.public(), &mut rng(7));
    (new, existing, identity)
}

fn transfer(agreed: &Agreed, identity: &IdentityKeyPair) -> Vec<u8> {
    let words = OwnWordsKey::random(20_000, &mut rng(9));
    let token = LinkToken::new([9; 16]);
    agreed
        .seal(
            identity,
            &bundle(identity),
            &token,
            &words,
            &[1],
            &mut rng(10),
        )
        .unwrap()
}

#[test]
fn a_transfer_opens_for_the_device_that_showed_the_code_and_for_no_other() {
    let (new, existing, identity) = devices();
    let answer = LinkAnswer::from_uri(&existing.answer().to_uri()).unwrap();
    let reply = LinkReply::from_uri(&new.reply().to_uri()).unwrap();
    let [ours, theirs] = [new.agree(&answer), existing.agree(&reply)].map(Result::unwrap);
    assert_eq!(ours.digits(), theirs.digits());
    assert_eq!(ours.digits().len(), LINK_DIGITS);
    assert_eq!(*ours.identity(), identity.public());
    let bytes = transfer(&theirs, &identity);
    let opened = ours.open(&bytes).unwrap();
    assert_eq!(opened.identity.public(), identity.public());
    assert_eq!(opened.bundle.devices().len(), 1);
    assert_eq!(opened.token, LinkToken::new([9; 16]));
    let other = NewDevice::new(&mut rng(11)).agree(&answer).unwrap();
    assert_eq!(other.open(&bytes).unwrap_err(), LinkError::Sealed);
    let uri = transfer_to_uri(&bytes);
    assert_eq!(transfer_from_uri(&uri), Ok(bytes));
}

#[test]
fn every_changed_byte_of_a_transfer_is_noticed() {
    let (new, existing, identity) = devices();
    let bytes = transfer(&existing.agree(&new.reply()).unwrap(), &identity);
    let agreed = new.agree(&existing.answer()).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(agreed.open(&changed).is_err(), "byte {at}");
    }
    assert!(agreed.open(&[]).is_err());
}

#[test]
fn a_transfer_of_another_identity_than_the_one_that_answered_is_refused() {
    let (new, existing, _) = devices();
    let other = IdentityKeyPair::generate(&mut rng(12));
    let bytes = transfer(&existing.agree(&new.reply()).unwrap(), &other);
    let agreed = new.agree(&existing.answer()).unwrap();
    assert_eq!(agreed.open(&bytes).unwrap_err(), LinkError::Identity);
}

#[test]
fn the_code_binds_the_new_device_to_its_key_before_it_is_answered() {
    let (new, existing, _) = devices();
    let other = NewDevice::new(&mut rng(13));
    let refused = existing.agree(&other.reply()).unwrap_err();
    assert_eq!(refused, LinkError::OtherDevice);
    // Neither it nor what follows from it is in the code.
    assert_ne!(new.code().as_bytes(), new.reply().as_bytes());
}

/// Who stands between the two has to answer the new device before its key is shown, and to show the existing device a code before that one
/// answers: whichever key is chosen with more knowledge, the string of the other side is fixed.
#[test]
fn whoever_is_between_the_two_is_seen_by_other_digits() {
    let (new, existing, identity) = devices();
    let direct = new.agree(&existing.answer()).unwrap().digits();
    let mut seen = BTreeSet::from([direct.clone()]);
    for byte in 20..40 {
        // Towards the new device, with the true address and with the attacker's own.
        let own = IdentityKeyPair::generate(&mut rng(byte));
        for shown in [identity.public(), own.public()] {
            let fake = ExistingDevice::new(new.code(), shown, &mut rng(byte));
            seen.insert(new.agree(&fake.answer()).unwrap().digits());
        }
        // Towards the existing device.
        let fake = NewDevice::new(&mut rng(byte));
        let deceived = ExistingDevice::new(fake.code(), identity.public(), &mut rng(7));
        seen.insert(deceived.agree(&fake.reply()).unwrap().digits());
    }
    assert_eq!(seen.len(), 61);
    assert_eq!(direct, existing.agree(&new.reply()).unwrap().digits());
}

#[test]
fn a_code_that_is_mistyped_or_another_is_refused() {
    let (new, existing, _) = devices();
    let code = new.code().to_uri();
    let linked = format!("https://example.org/#{code}");
    let mistyped = &code[..code.len() - 1];
    let (answer, reply) = (existing.answer().to_uri(), new.reply().to_uri());
    for (text, fault) in [
        (mistyped, UriFault::Damaged),
        ("", UriFault::Scheme),
        ("WINDLASS:", UriFault::Damaged),
        ("WINDLASS:L", UriFault::Damaged),
        ("WINDLASS:BAAAA", UriFault::Damaged),
        ("https://example.org", UriFault::Scheme),
        (&linked, UriFault::Link),
        (&answer, UriFault::Kind),
        (&reply, UriFault::Kind),
    ] {
        let read = LinkCode::from_uri(text);
        assert_eq!(read, Err(LinkError::Text(fault)), "{text}");
    }
    let kind = |read: Result<(), LinkError>| assert_eq!(read, Err(LinkError::Text(UriFault::Kind)));
    kind(LinkAnswer::from_uri(&code).map(|_| ()));
    kind(LinkReply::from_uri(&answer).map(|_| ()));
    kind(transfer_from_uri(&reply).map(|_| ()));
}

#[test]
fn keys_that_are_none_are_refused() {
    let (_, existing, _) = devices();
    let mut answer = existing.answer().to_bytes();
    answer[..32].fill(0);
    assert_eq!(LinkAnswer::from_bytes(&answer), Err(LinkError::Code));
    assert_eq!(LinkReply::from_bytes(&[0; 32]), Err(LinkError::Code));
    for len in [0, 31, 33, 63, 65] {
        let bytes = vec![9; len];
        assert_eq!(LinkAnswer::from_bytes(&bytes), Err(LinkError::Code));
        assert_eq!(LinkReply::from_bytes(&bytes), Err(LinkError::Code));
        assert_eq!(LinkCode::from_bytes(&bytes), Err(LinkError::Code));
    }
}
