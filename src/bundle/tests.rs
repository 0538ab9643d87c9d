use prost::Message;

use super::*;
use crate::crypto::{DhSecret, Secret, seeded};
use crate::identity::IdentityKeyPair;
use crate::limits::{MAX_CLOCK_SKEW_SECONDS, MAX_CODE_LEN};
use crate::wire::{self, UriFault, WireError, v2};

const NOW: u64 = 1_800_000_000;

fn identity() -> IdentityKeyPair {
    IdentityKeyPair::from_seed(&Secret::new([11; 32]))
}

fn own_device(device_id: u32, one_time: bool) -> DeviceBundle {
    let mut rng = seeded(&Secret::new([device_id as u8; 32]));
    let device = PrekeySecrets::generate(&mut rng).device(device_id, 1);
    DeviceBundle {
        one_time_prekey: one_time.then(|| Prekey {
            id: 2,
            key: DhSecret::generate(&mut rng).public(),
        }),
        ..device
    }
}

/// As it is shown as a code: with a secret, without ML-KEM keys.
fn bundle() -> VerifiedBundle {
    full().without_kem_keys()
}

fn full() -> VerifiedBundle {
    let secret = Secret::new([77; CODE_SECRET_LEN]);
    build(&identity(), &[own_device(5, true)], Some(&secret), NOW).unwrap()
}

/// Signs `body` as it is, with whatever is wrong in it.
fn sign(body: &v2::BundleBody) -> Vec<u8> {
    let body = body.encode_to_vec();
    v2::SignedBundle {
        version: 2,
        signature: identity().sign_bundle(&body).to_vec(),
        body,
        kem_keys: Vec::new(),
        code_secret: Vec::new(),
    }
    .encode_to_vec()
}

fn body() -> v2::BundleBody {
    let signed: v2::SignedBundle = wire::decode("bundle", bundle().encoded()).unwrap();
    wire::decode("body", &signed.body).unwrap()
}

#[test]
fn a_bundle_comes_back_from_its_bytes_and_its_uri() {
    let bundle = bundle();
    assert_eq!(VerifiedBundle::decode(bundle.encoded()).unwrap(), bundle);
    assert_eq!(VerifiedBundle::from_uri(&bundle.to_uri()).unwrap(), bundle);
    let wrapped = bundle.to_uri().to_lowercase().replacen("a", "a\r\n ", 3);
    assert_eq!(VerifiedBundle::from_uri(&wrapped).unwrap(), bundle);
    assert!(bundle.to_uri().len() <= MAX_CODE_LEN);
    assert!(bundle.single_use());
}

#[test]
fn no_bit_can_be_changed_and_no_byte_added_or_taken() {
    // But for the secret, which nobody signed: who changes it makes a session that nobody has the key of.
    let good = bundle().without_code_secret().encoded().to_vec();
    for i in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[i] ^= 1 << bit;
            assert!(
                VerifiedBundle::decode(&changed).is_err(),
                "byte {i} bit {bit}"
            );
        }
        assert!(VerifiedBundle::decode(&good[..i]).is_err());
    }
    for extra in [0u8, 1, 0x0a, 0x22, 0xff] {
        let longer = [good.as_slice(), &[extra]].concat();
        assert!(VerifiedBundle::decode(&longer).is_err());
    }
    let unknown_field = [good.as_slice(), &[0x32, 0x00]].concat();
    assert!(VerifiedBundle::decode(&unknown_field).is_err());
}

#[test]
fn unknown_fields_of_the_body_survive() {
    let mut encoded_body = body().encode_to_vec();
    encoded_body.extend_from_slice(&[0x7a, 0x02, b'h', b'i']);
    let bytes = v2::SignedBundle {
        version: 2,
        signature: identity().sign_bundle(&encoded_body).to_vec(),
        body: encoded_body,
        kem_keys: Vec::new(),
        code_secret: Vec::new(),
    }
    .encode_to_vec();
    let bundle = VerifiedBundle::decode(&bytes).unwrap();
    assert_eq!(bundle.encoded(), bytes);
    assert_eq!(bundle.devices().len(), 1);
}

#[test]
fn another_identitys_signature_is_refused() {
    let encoded_body = body().encode_to_vec();
    let other = IdentityKeyPair::from_seed(&Secret::new([12; 32]));
    let bytes = v2::SignedBundle {
        version: 2,
        signature: other.sign_bundle(&encoded_body).to_vec(),
        body: encoded_body,
        kem_keys: Vec::new(),
        code_secret: Vec::new(),
    }
    .encode_to_vec();
    assert_eq!(
        VerifiedBundle::decode(&bytes),
        Err(BundleError::InvalidSignature)
    );
}

#[test]
fn a_higher_version_is_named() {
    let mut signed: v2::SignedBundle = wire::decode("bundle", bundle().encoded()).unwrap();
    signed.version = 3;
    assert_eq!(
        VerifiedBundle::decode(&signed.encode_to_vec()),
        Err(BundleError::Wire(WireError::UnsupportedVersion {
            what: "bundle",
            got: 3,
            max: 2
        }))
    );
}

#[test]
fn time_is_checked_apart_from_the_bytes() {
    let bundle = bundle();
    assert!(bundle.check_time(NOW).is_ok());
    assert_eq!(
        bundle.check_time(bundle.expires_at()),
        Err(BundleError::Expired {
            expires_at: bundle.expires_at()
        })
    );
    assert!(bundle.check_time(NOW - MAX_CLOCK_SKEW_SECONDS).is_ok());
    assert_eq!(
        bundle.check_time(NOW - MAX_CLOCK_SKEW_SECONDS - 1),
        Err(BundleError::FromTheFuture { issued_at: NOW })
    );
}

#[test]
fn wrong_contents_are_refused_although_signed() {
    type Change = fn(&mut v2::BundleBody);
    let changes: [(&str, Change); 10] = [
        ("no device", |body| body.devices.clear()),
        ("device twice", |body| {
            body.devices.push(body.devices[0].clone())
        }),
        ("device 0", |body| body.devices[0].device_id = 0),
        ("no commitment", |body| {
            body.devices[0].kem_commitment.pop();
        }),
        ("no signed prekey", |body| {
            body.devices[0].signed_prekey = None
        }),
        ("prekey 0", |body| {
            body.devices[0].one_time_prekey.as_mut().unwrap().id = 0
        }),
        ("small-order prekey", |body| {
            body.devices[0].signed_prekey.as_mut().unwrap().key = vec![0; 32]
        }),
        ("short prekey", |body| {
            body.devices[0].signed_prekey.as_mut().unwrap().key.pop();
        }),
        ("never valid", |body| body.expires_at = body.issued_at),
        ("nine devices", |body| {
            for id in 6..14 {
                let mut device = body.devices[0].clone();
                device.device_id = id;
                body.devices.push(device);
            }
        }),
    ];
    assert!(VerifiedBundle::decode(&sign(&body())).is_ok());
    for (name, change) in changes {
        let mut body = body();
        change(&mut body);
        assert!(VerifiedBundle::decode(&sign(&body)).is_err(), "{name}");
    }
}

#[test]
fn uris_of_others_damaged_ones_and_other_kinds_are_told_apart() {
    let uri = bundle().to_uri();
    let of = |text: &str| VerifiedBundle::from_uri(text).unwrap_err();
    assert_eq!(of("https://example.org/"), UriError::Text(UriFault::Scheme));
    assert_eq!(of(""), UriError::Text(UriFault::Scheme));
    assert_eq!(of("windlass:"), UriError::Text(UriFault::Damaged));
    assert_eq!(
        of(&uri.replacen(":B", ":Z", 1)),
        UriError::Text(UriFault::Kind)
    );
    assert_eq!(of(&uri[..uri.len() - 1]), UriError::Text(UriFault::Damaged));
    assert_eq!(of(&format!("{uri}A")), UriError::Text(UriFault::Damaged));
    // Where words follow without a space between.
    assert!(VerifiedBundle::from_uri(&format!("{uri}です")).is_ok());
    let swapped: String = uri
        .char_indices()
        .map(|(i, c)| match (i, c) {
            (40, 'A') => 'B',
            (40, _) => 'A',
            _ => c,
        })
        .collect();
    assert_eq!(of(&swapped), UriError::Text(UriFault::Damaged));
}

#[test]
fn keys_and_secret_are_detached_and_attached_and_it_stays_the_same_bundle() {
    let (full, code) = (full(), bundle());
    let kem_key = |bundle: &VerifiedBundle| bundle.devices()[0].kem_prekey.key.clone();
    assert!(kem_key(&full).is_some() && kem_key(&code).is_none());
    assert_eq!(code.code_secret(), full.code_secret());
    assert_eq!(code.with_kem_keys_of(&full), full);
    let plain = full.without_code_secret();
    assert_eq!(plain.code_secret(), None);
    assert_eq!(kem_key(&plain), kem_key(&full));
    for form in [&code, &plain, &plain.without_kem_keys()] {
        assert!(form.is_form_of(&full) && full.is_form_of(form));
        assert_eq!(VerifiedBundle::decode(form.encoded()).as_ref(), Ok(form));
    }
    // A key of somebody else does not fit, wherever it comes from.
    let other = build(&identity(), &[own_device(6, true)], None, NOW).unwrap();
    assert!(!other.is_form_of(&full));
    assert_eq!(kem_key(&code.with_kem_keys_of(&other)), None);
    let mut outer: v2::SignedBundle = wire::decode("bundle", code.encoded()).unwrap();
    outer.kem_keys = vec![kem_key(&other).unwrap().as_bytes().to_vec()];
    assert!(VerifiedBundle::decode(&outer.encode_to_vec()).is_err());
}

#[test]
fn the_secret_of_a_code_is_never_printed() {
    let printed = format!("{:?}", full());
    assert!(!printed.contains("77, 77") && !printed.contains("4d4d"));
}
