//! The peers, each called as its own documentation does.

use double_ratchet_2::ratchet::Ratchet;
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};
use x25519_dalek_2::StaticSecret;

/// Two ends of an Olm session some turns after their first message.
pub fn olm_pair() -> (Session, Session) {
    let (alice, mut bob) = (Account::new(), Account::new());
    let (mut ours, mut theirs) = olm_set_up(&alice, &mut bob, b"first");
    for _ in 0..3 {
        let back = theirs.encrypt(b"back").unwrap();
        ours.decrypt(&back).unwrap();
        let forth = ours.encrypt(b"forth").unwrap();
        theirs.decrypt(&forth).unwrap();
    }
    (ours, theirs)
}

/// A session, its first message and the answer: 3DH without a signature, as Olm has it.
pub fn olm_set_up(alice: &Account, bob: &mut Account, text: &[u8]) -> (Session, Session) {
    bob.generate_one_time_keys(1);
    let one_time = *bob.one_time_keys().values().next().unwrap();
    bob.mark_keys_as_published();
    olm_begin(alice, bob, one_time, text)
}

/// The same with a one-time key that was published before.
pub fn olm_begin(
    alice: &Account,
    bob: &mut Account,
    one_time: vodozemac::Curve25519PublicKey,
    text: &[u8],
) -> (Session, Session) {
    let config = SessionConfig::version_1();
    let begun = alice.create_outbound_session(config, bob.curve25519_key(), one_time);
    let mut ours = begun.unwrap();
    let OlmMessage::PreKey(first) = ours.encrypt(text).unwrap() else {
        unreachable!("the first message of a session");
    };
    let came = bob.create_inbound_session(config, alice.curve25519_key(), &first).unwrap();
    let mut theirs = came.session;
    let answer = theirs.encrypt(text).unwrap();
    ours.decrypt(&answer).unwrap();
    (ours, theirs)
}

/// There and to the other side, through the bytes that travel.
pub fn olm_message(from: &mut Session, to: &mut Session, text: &[u8]) {
    let (kind, bytes) = from.encrypt(text).unwrap().to_parts();
    let message = OlmMessage::from_parts(kind, &bytes).unwrap();
    assert_eq!(to.decrypt(&message).unwrap(), text);
}

/// What there is of it: the double ratchet alone, without padding, envelope or handshake.
pub type Bare = Ratchet<StaticSecret>;

/// Two ends some turns after their first message.
pub fn bare_pair() -> (Bare, Bare) {
    let (mut bob, key) = Bare::init_bob([1; 32]);
    let mut alice = Bare::init_alice([1; 32], key);
    for _ in 0..3 {
        bare_message(&mut alice, &mut bob, b"forth");
        bare_message(&mut bob, &mut alice, b"back");
    }
    (alice, bob)
}

/// There and to the other side.
pub fn bare_message(from: &mut Bare, to: &mut Bare, text: &[u8]) {
    let (header, ciphertext, nonce) = from.ratchet_encrypt(text, b"associated");
    assert_eq!(to.ratchet_decrypt(&header, &ciphertext, &nonce, b"associated"), text);
}
