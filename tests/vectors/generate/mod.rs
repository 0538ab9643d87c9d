//! The inputs of all cases, from fixed seeds.

mod bounds;
mod bundles;
mod contents;
mod conversations;
mod doubled;
mod epochs;
mod group_bounds;
mod group_sync;
mod groups;
mod handshakes;
mod healing;
mod kem;
mod keys;
mod links;
mod messages;
mod misread;
mod origins;
mod permissions;
mod profiles;
mod reactions;
mod texts;
mod updates;

use prost::Message;
use rand_core::Rng;
use serde_json::{Value, json};
use windlass::bundle::VerifiedBundle;
use windlass::crypto::{DhSecret, Secret, SeededRandom, encrypt, hkdf_sha256, sha256};
use windlass::identity::IdentityKeyPair;
use windlass::wire::v2;

use crate::evaluate::hex;
use crate::support::seeds::rng;
use crate::support::sessions::Device;

/// A name and an input.
type Case = (String, Value);

/// Every file: kind, what it is about, cases.
pub fn all() -> Vec<(&'static str, &'static str, Vec<Case>)> {
    vec![
        (
            "identity",
            "From a 32-byte seed to the public key, the address and the X25519 pair (RFC windlass 5.1).",
            keys::identity(),
        ),
        (
            "address",
            "From an address to the public key (RFC windlass 5.1).",
            keys::address(),
        ),
        (
            "ed25519-key",
            "Public identity keys, accepted and refused (RFC windlass 3.1), and their X25519 form.",
            keys::ed25519_key(),
        ),
        (
            "x25519",
            "Agreements, accepted and refused (RFC windlass 3.2).",
            keys::x25519(),
        ),
        (
            "ml-kem",
            "Keys of seeds, encapsulation with coins that are given, decapsulation (RFC windlass 3.9). A ciphertext that was not made for a key opens to a secret that nobody has.",
            kem::ml_kem(),
        ),
        (
            "safety-number",
            "Sixty digits of two identities (RFC windlass 5.2).",
            keys::safety_number(),
        ),
        (
            "bundle",
            "Bundles as they travel, accepted and refused (RFC windlass 5.3). With `now`, the time is checked too.",
            bundles::bundle(),
        ),
        (
            "bundle-build",
            "From a seed, prekeys and a time to the bundle's bytes and URI (RFC windlass 5.3, 6).",
            bundles::bundle_build(),
        ),
        (
            "uri",
            "Invitation URIs, accepted and refused (RFC windlass 6).",
            bundles::uri(),
        ),
        (
            "code-frames",
            "A URI as the codes that are shown in turn (RFC windlass 6.6).",
            bundles::code_frames(),
        ),
        (
            "group-link",
            "Links to groups, accepted and refused, and whether one is of a group (RFC windlass 6.10, 9.6.19).",
            links::group_link(),
        ),
        (
            "pqxdh",
            "The handshake (RFC windlass 7.2).",
            handshakes::pqxdh(),
        ),
        (
            "root-step",
            "KDF_RK_HE (RFC windlass 7.4).",
            keys::root_step(),
        ),
        (
            "first-header-keys",
            "The header keys and tags of the first two chains (RFC windlass 7.3).",
            keys::first_header_keys(),
        ),
        (
            "chain-steps",
            "KDF_CK, several steps in a row (RFC windlass 7.4).",
            keys::chain_steps(),
        ),
        (
            "message-key",
            "From the keys of the two ratchets to the message key and to sealed bytes (RFC windlass 7.5), without padding.",
            keys::message_key(),
        ),
        (
            "first-epoch",
            "KDF_SCKA_INIT: the root and chain keys of epoch 0 (RFC windlass 7.4).",
            epochs::first_epoch(),
        ),
        (
            "epoch-step",
            "KDF_SCKA_RK: the root and chain keys of the next epoch (RFC windlass 7.4).",
            epochs::epoch_step(),
        ),
        (
            "plaintext",
            "What stands in front of a payload, without padding, accepted and refused (RFC windlass 7.5).",
            epochs::plaintext(),
        ),
        (
            "scka",
            "Schedules of the agreement on epochs alone (RFC windlass 7.4). A step sends so many messages at a time in milliseconds, or receives what \
             was sent as that number, counting what brought something, or takes something made up; or the other side has begun to send in the latest epoch. \
             `sent` has the place in the step and the bytes of what brought something, `secret` what the side knows from then on.",
            epochs::scka(),
        ),
        (
            "sender-hint",
            "The hints of both directions for one chain tag (RFC windlass 7.3).",
            keys::sender_hint(),
        ),
        (
            "message-name",
            "How a request for healing names a message (RFC windlass 8.4).",
            keys::message_name(),
        ),
        (
            "healing-proof",
            "From the healing root of a day to the key of a day for a device, and the proof of a request (RFC windlass 8.4.10, 8.4.11).",
            healing::healing_proof(),
        ),
        (
            "floor-name",
            "How devices of one identity name what was deleted or read (RFC windlass 8.3.8).",
            keys::floor_name(),
        ),
        (
            "padding",
            "Plaintexts and their padded form (RFC windlass 3.7).",
            keys::padding(),
        ),
        (
            "unpadding",
            "Padded bytes, accepted and refused (RFC windlass 3.7).",
            keys::unpadding(),
        ),
        (
            "header",
            "Sealed headers, accepted and refused (RFC windlass 7.3).",
            messages::header(),
        ),
        (
            "handshake",
            "Handshakes as they travel, opened by the receiving device, accepted and refused (RFC windlass 7.2.7).",
            handshakes::handshake(),
        ),
        (
            "envelope",
            "Envelopes, accepted and refused before any key is used (RFC windlass 7.1).",
            messages::envelope(),
        ),
        (
            "content",
            "Contents, accepted and refused (RFC windlass 9).",
            contents::content(),
        ),
        (
            "bounds",
            "The largest of each kind that is accepted, and one more (RFC windlass 3.6, 9.2). The bytes are pieces, each repeated.",
            bounds::bounds(),
        ),
        (
            "own-words",
            "Contents with the proof of who wrote them, for themselves (RFC windlass 9.1.4).",
            keys::own_words(),
        ),
        (
            "group",
            "Events of a group in some order, and who belongs to it then (RFC windlass 9.6).",
            groups::group(),
        ),
        (
            "attachment",
            "The chunks of a file, sealed (RFC windlass 9.7). Here they are short.",
            groups::attachment(),
        ),
        (
            "device-link",
            "What a new device and an existing one show each other, and the digits that their user compares (RFC windlass 8.5).",
            messages::device_link(),
        ),
        (
            "device-transfer",
            "Transfers to a new device, opened with the secret behind its code, accepted and refused (RFC windlass 8.5).",
            messages::device_transfer(),
        ),
        (
            "conversation",
            "Schedules between two devices, every envelope byte for byte (RFC windlass 7). A step either sends a payload or \
          receives the envelope of that number, perhaps with the lowest bit of one byte flipped, counted from the end. `ratchet_secret` is the private key to \
          take if the message starts a sending chain; otherwise it is not used. `nonce` is the body's, `header_nonce` the header's, `handshake_nonce` that of the sealed handshake. \
          `kem_seed` is d and z of a new key pair and `kem_coins` is m of a new ciphertext (FIPS 203), each if there is one. `now` is in milliseconds. \
          With `claims_epoch` the sender is faulty: its header says that epoch, and all else is as it would have been.",
            conversations::conversation(),
        ),
    ]
}

fn random<const N: usize>(rng: &mut SeededRandom) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn unhex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

const SMALL_ORDER_ED25519: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// The public key of the seed of 32 bytes 7, plus each of the seven points of order 2, 4 or 8.
const MIXED_ORDER_ED25519: [&str; 7] = [
    "fbb3211d177bccefd763d01a88f6473e43e5cf0a0740e44ab5c64460eefd4675",
    "b9b5ec0f7c7afb0ca40c0cb4224811f015268f125b6a2a4dac099f5d15344c09",
    "1f4f580e73ac208f06760190e9edc6f5916775dabd9c1cdca393175c2d6d1083",
    "03b5939c1d63adf5410aaf84ecd13a066ab889514141846dbde11596ebb92dd3",
    "f24bdee2e8843310289c2fe57709b8c1bc1a30f5f8bf1bb54a39bb9f1102b98a",
    "344a13f0838504f35bf3f34bddb7ee0fead970eda495d5b253f660a2eacbb3f6",
    "ceb0a7f18c53df70f989fe6f1612390a6e988a254263e3235c6ce8a3d292ef7c",
];

const SMALL_ORDER_X25519: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// A device as an input.
fn party(seed: [u8; 32], device: &Device, prekeys: bool) -> Value {
    let prekey = |(id, secret): &(u32, DhSecret)| json!({ "id": id, "secret": hex(secret.to_bytes().as_bytes()) });
    let mut party = json!({ "seed": hex(&seed), "device_id": device.device_id });
    if prekeys {
        let (id, secrets) = &device.signed_prekey;
        party["signed_prekey"] = json!({
            "id": id,
            "secret": hex(secrets.signed_prekey.to_bytes().as_bytes()),
            "kem_seed": hex(secrets.kem_prekey.to_bytes().as_bytes()),
        });
        party["shows_kem_key"] = json!(device.shows_kem_key);
        if let Some(one_time) = &device.one_time_prekey {
            party["one_time_prekey"] = prekey(one_time);
            if let Some(secret) = &device.code_secret {
                party["one_time_prekey"]["code_secret"] = json!(hex(secret.as_bytes()));
            }
        }
    }
    party
}

fn random_id(rng: &mut SeededRandom) -> u32 {
    rng.next_u32().max(1)
}
