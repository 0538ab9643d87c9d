//! The primitives that the protocol asks for, called bare and nothing around them: below this no implementation gets that calls the same crates
//! in the same way.

use std::hint::black_box;

use aes_gcm::aead::{Aead, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use ml_kem::kem::{Decapsulate, Encapsulate};
use ml_kem::{DecapsulationKey768, EncapsulationKey768};
use rand_core::Rng;
use sha2::Sha256;
use windlass::crypto::{DhPublic, Secret, SeededRandom};
use x25519_dalek::{PublicKey, StaticSecret};

/// Of header and body: what stands in the clear beside them.
const ASSOCIATED: [u8; 169] = [7; 169];

/// What one message costs both sides within a turn: on each a step of the classical and of the post-quantum chain, the key made of both, and header
/// and body under AES-256-GCM; and the hint by which the sender is found.
pub fn message(padded: &[u8], rng: &mut SeededRandom) {
    let mut nonces = [[0; 12]; 2];
    nonces.iter_mut().for_each(|nonce| rng.fill_bytes(nonce));
    let mut body = Vec::new();
    let mut header = Vec::new();
    for side in 0..2 {
        chain_step();
        chain_step();
        let key: [u8; 32] = hkdf(&[3; 32], &[4; 32]);
        if side == 0 {
            body = seal(&key, nonces[0], padded);
            black_box(mac(&[5; 32], b"sixteen bytes and the sender's key"));
            header = seal(&[6; 32], nonces[1], &[8; 44]);
        } else {
            black_box(open(&[6; 32], nonces[1], &header));
            black_box(open(&key, nonces[0], &body));
        }
    }
}

/// What one message costs more when it begins a turn: a key pair, an agreement on each side, and the keys that follow from it.
pub fn turn(rng: &mut SeededRandom) {
    let remote = PublicKey::from([9; 32]);
    let own = secret(rng);
    black_box(PublicKey::from(&own));
    for _ in 0..2 {
        let shared = own.diffie_hellman(&remote);
        black_box(hkdf::<112>(&[1; 32], shared.as_bytes()));
    }
}

/// A session with a signed prekey and an ML-KEM prekey, without a one-time prekey: three agreements on each side, and the capsule. The first
/// message and its answer are on top, each of which begins a turn.
pub fn set_up(kem: &DecapsulationKey768, padded: &[u8], rng: &mut SeededRandom) {
    let remote = PublicKey::from([9; 32]);
    let own = secret(rng);
    black_box(PublicKey::from(&own));
    for _ in 0..6 {
        black_box(own.diffie_hellman(&remote));
    }
    let public: &EncapsulationKey768 = kem.encapsulation_key();
    let (ciphertext, shared) = public.encapsulate_with_rng(rng);
    black_box((shared, kem.decapsulate(&ciphertext)));
    for _ in 0..2 {
        turn(rng);
        message(padded, rng);
    }
}

/// Both halves of an agreement, for the bare crate.
pub fn agreement(secret: &Secret<32>, public: &DhPublic) -> (StaticSecret, PublicKey) {
    (StaticSecret::from(*secret.as_bytes()), PublicKey::from(*public.as_bytes()))
}

fn secret(rng: &mut SeededRandom) -> StaticSecret {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    StaticSecret::from(bytes)
}

fn chain_step() {
    let keyed = Hmac::<Sha256>::new_from_slice(black_box(&[2; 32])).unwrap();
    for constant in [1, 2] {
        let mut one = keyed.clone();
        one.update(&[constant]);
        black_box(one.finalize());
    }
}

fn mac(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut keyed = Hmac::<Sha256>::new_from_slice(key).unwrap();
    keyed.update(text);
    keyed.finalize().into_bytes().into()
}

fn hkdf<const N: usize>(salt: &[u8], input: &[u8]) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(Some(salt), input).expand(b"a label", &mut output).unwrap();
    output
}

fn seal(key: &[u8; 32], nonce: [u8; 12], msg: &[u8]) -> Vec<u8> {
    let payload = Payload { msg, aad: &ASSOCIATED };
    Aes256Gcm::new(key.into()).encrypt(&Nonce::from(nonce), payload).unwrap()
}

fn open(key: &[u8; 32], nonce: [u8; 12], msg: &[u8]) -> Vec<u8> {
    let payload = Payload { msg, aad: &ASSOCIATED };
    Aes256Gcm::new(key.into()).decrypt(&Nonce::from(nonce), payload).unwrap()
}
