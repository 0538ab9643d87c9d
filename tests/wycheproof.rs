//! Project Wycheproof's vectors (<https://github.com/C2SP/wycheproof>) against `crypto/`, called as the protocol calls it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::sessions::{Scripted, secret};
use windlass::crypto::{
    DhPublic, DhSecret, VerifyingPublic, decrypt, encrypt, hkdf_sha256, hmac_sha256,
};
use wycheproof::{TestResult, aead, eddsa, hkdf, mac, xdh};

/// Every result has to be the stated one, or a refusal where the vectors leave the choice (`Acceptable`).
fn judge<T: PartialEq + std::fmt::Debug>(
    stated: TestResult,
    id: usize,
    found: Option<T>,
    right: &T,
) {
    match found {
        Some(found) => {
            assert!(!stated.must_fail(), "case {id} was accepted");
            assert_eq!(found, *right, "case {id}");
        }
        None => assert_ne!(stated, TestResult::Valid, "case {id} was refused"),
    }
}

#[test]
fn x25519() {
    let (mut agreed, mut refused) = (0, 0);
    for group in xdh::TestSet::load(xdh::TestName::X25519)
        .unwrap()
        .test_groups
    {
        for case in group.tests {
            let ours = DhSecret::from_bytes(&secret(&case.private_key));
            let found = DhPublic::from_bytes(&case.public_key)
                .ok()
                .and_then(|theirs| ours.agree(&theirs).ok())
                .map(|shared| shared.as_bytes().to_vec());
            *if found.is_some() {
                &mut agreed
            } else {
                &mut refused
            } += 1;
            judge(case.result, case.tc_id, found, &case.shared_secret.to_vec());
        }
    }
    println!("X25519: {agreed} agreed, {refused} refused (small order, not canonical)");
    assert!(agreed > 400 && refused > 30);
}

#[test]
fn ed25519() {
    let (mut verified, mut refused) = (0, 0);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)
        .unwrap()
        .test_groups
    {
        let key = VerifyingPublic::from_bytes(&group.key.pk).unwrap();
        for case in group.tests {
            let found = key.verify(b"", &case.msg, &case.sig).ok();
            *if found.is_some() {
                &mut verified
            } else {
                &mut refused
            } += 1;
            judge(case.result, case.tc_id, found, &());
        }
    }
    println!("Ed25519: {verified} verified, {refused} refused");
    assert!(verified > 50 && refused > 50);
}

#[test]
fn hkdf_with_sha256() {
    let mut count = 0;
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256)
        .unwrap()
        .test_groups
    {
        for case in group.tests {
            // The length is part of the type; one that is too long does not compile.
            macro_rules! derive {
                ($($size:literal)*) => {
                    match case.size {
                        $($size => hkdf_sha256::<$size>(&case.salt, &case.ikm, &case.info).as_bytes().to_vec(),)*
                        size => {
                            assert!(size > 255 * 32 && case.result == TestResult::Invalid, "{size}");
                            continue;
                        }
                    }
                };
            }
            let found = derive!(20 32 42 56 64 80 82 128 8160);
            judge(case.result, case.tc_id, Some(found), &case.okm.to_vec());
            count += 1;
        }
    }
    println!("HKDF-SHA-256: {count}");
    assert!(count > 70);
}

#[test]
fn hmac_with_sha256() {
    let (mut right, mut wrong) = (0, 0);
    for group in mac::TestSet::load(mac::TestName::HmacSha256)
        .unwrap()
        .test_groups
    {
        // Every key of the protocol has 32 bytes.
        if group.key_size != 256 {
            continue;
        }
        for case in group.tests {
            let key = case.key.as_slice().try_into().unwrap();
            // In two parts, as the protocol calls it.
            let (head, tail) = case.msg.split_at(case.msg.len() / 2);
            let tag = hmac_sha256(&key, &[head, tail]);
            let found = (tag.as_bytes()[..case.tag.len()] == case.tag[..]).then_some(());
            *if found.is_some() {
                &mut right
            } else {
                &mut wrong
            } += 1;
            judge(case.result, case.tc_id, found, &());
        }
    }
    println!("HMAC-SHA-256: {right} right tags, {wrong} wrong ones");
    assert!(right > 20 && wrong > 20);
}

#[test]
fn aes_256_gcm() {
    let (mut opened, mut refused) = (0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        // What the protocol uses: 256-bit keys, 96-bit nonces, whole tags.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for case in group.tests {
            let key = secret(&case.key);
            let sealed = [&case.nonce[..], &case.ct, &case.tag].concat();
            let found = decrypt(&key, &sealed, &case.aad)
                .ok()
                .map(|plaintext| plaintext.to_vec());
            if found.is_some() {
                let mut script = Scripted::default();
                script
                    .nonces
                    .push_back(case.nonce.as_slice().try_into().unwrap());
                let ours = encrypt(&key, &case.pt, &case.aad, &mut script).unwrap();
                assert_eq!(ours, sealed);
                opened += 1;
            } else {
                refused += 1;
            }
            judge(case.result, case.tc_id, found, &case.pt.to_vec());
        }
    }
    println!("AES-256-GCM: {opened} opened, {refused} refused");
    assert!(opened > 30 && refused > 20);
}
