//! ML-KEM-768 against what others say of it: Project Wycheproof's vectors (<https://github.com/C2SP/wycheproof>), which hold NIST's, and a
//! second implementation.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::convert::Infallible;

use libcrux_ml_kem::mlkem768;
use rand_core::{TryCryptoRng, TryRng};
use support::sessions::secret;
use windlass::crypto::{
    KEM_CIPHERTEXT_LEN, KEM_SEED_LEN, KemPublic, KemSecret, SeededRandom, seeded,
};
use wycheproof::mlkem::{TestName, TestSet};
use wycheproof::{TestResult, mlkem};

/// The randomness that a vector states, and no more.
struct Stated<'a>(&'a [u8]);

impl TryRng for Stated<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("ML-KEM takes its randomness as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("ML-KEM takes its randomness as bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (taken, left) = self.0.split_at(bytes.len());
        bytes.copy_from_slice(taken);
        self.0 = left;
        Ok(())
    }
}

impl TryCryptoRng for Stated<'_> {}

fn cases(name: TestName) -> impl Iterator<Item = mlkem::Test> {
    let set = TestSet::load(name).unwrap();
    set.test_groups.into_iter().flat_map(|group| group.tests)
}

fn key_of(seed: &[u8]) -> KemSecret {
    let seed: [u8; KEM_SEED_LEN] = seed.try_into().unwrap();
    KemSecret::from_bytes(windlass::crypto::Secret::new(seed))
}

#[test]
fn keys_of_seeds() {
    let mut made = 0;
    for case in cases(TestName::MlKem768KeyGenSeed) {
        let public = key_of(case.seed.as_ref().unwrap()).public();
        assert_eq!(
            public.as_bytes()[..],
            case.encaps_key.unwrap()[..],
            "case {}",
            case.tc_id
        );
        made += 1;
    }
    println!("ML-KEM-768: {made} key pairs");
    assert!(made > 20);
}

#[test]
fn encapsulation() {
    let (mut made, mut refused) = (0, 0);
    for case in cases(TestName::MlKem768Encaps) {
        let Ok(key) = KemPublic::from_bytes(case.encaps_key.as_ref().unwrap()) else {
            assert_ne!(case.result, TestResult::Valid, "case {}", case.tc_id);
            refused += 1;
            continue;
        };
        assert_ne!(case.result, TestResult::Invalid, "case {}", case.tc_id);
        let (ciphertext, shared) = key
            .encapsulate(&mut Stated(case.msg.as_ref().unwrap()))
            .unwrap();
        assert_eq!(ciphertext[..], case.ct.unwrap()[..], "case {}", case.tc_id);
        assert_eq!(
            shared.as_bytes()[..],
            case.shared_secret.unwrap()[..],
            "case {}",
            case.tc_id
        );
        made += 1;
    }
    println!("ML-KEM-768: {made} encapsulated, {refused} keys refused (length, modulus)");
    assert!(made > 20 && refused > 20);
}

#[test]
fn decapsulation() {
    let (mut opened, mut refused) = (0, 0);
    for case in cases(TestName::MlKem768) {
        let seed = case.seed.as_ref().unwrap();
        let ciphertext: Option<[u8; KEM_CIPHERTEXT_LEN]> =
            case.ct.as_ref().and_then(|bytes| bytes[..].try_into().ok());
        let (Some(ciphertext), true) = (ciphertext, seed.len() == KEM_SEED_LEN) else {
            assert_ne!(case.result, TestResult::Valid, "case {}", case.tc_id);
            refused += 1;
            continue;
        };
        let shared = key_of(seed).decapsulate(&ciphertext);
        assert_eq!(case.result, TestResult::Valid, "case {}", case.tc_id);
        assert_eq!(
            shared.as_bytes()[..],
            case.shared_secret.unwrap()[..],
            "case {}",
            case.tc_id
        );
        opened += 1;
    }
    println!(
        "ML-KEM-768: {opened} decapsulated (implicit rejections too), {refused} lengths refused"
    );
    assert!(opened > 20 && refused > 0);
}

/// Keys, ciphertexts and secrets of either implementation are the other's, and so is what a spoilt ciphertext gives.
#[test]
fn a_second_implementation_agrees() {
    let mut rng: SeededRandom = seeded(&secret(&[7; 32]));
    for _ in 0..100 {
        let ours = KemSecret::generate(&mut rng);
        let theirs = mlkem768::generate_key_pair(*ours.to_bytes().as_bytes());
        assert_eq!(theirs.pk(), ours.public().as_bytes());
        let (ciphertext, shared) = ours.public().encapsulate(&mut rng).unwrap();
        let opened = mlkem768::decapsulate(theirs.private_key(), &(*ciphertext).into());
        assert_eq!(opened, *shared.as_bytes());
        let (sealed, shared) = mlkem768::encapsulate(theirs.public_key(), opened);
        assert_eq!(*ours.decapsulate(sealed.as_slice()).as_bytes(), shared);
        let mut spoilt = *ciphertext;
        spoilt[usize::from(opened[0])] ^= 1;
        let rejected = mlkem768::decapsulate(theirs.private_key(), &spoilt.into());
        assert_eq!(*ours.decapsulate(&spoilt).as_bytes(), rejected);
        assert_ne!(rejected, opened);
    }
}
