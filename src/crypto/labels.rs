//! Every label of the protocol, in one table. None is used twice, and none is the beginning of another (a test checks both).
//!
//! RFC windlass §3.5 lists them; another test compares that table with this one.

/// Begin of the `info` of the PQXDH key derivation (PQXDH §2.2); the mode follows.
pub const PQXDH: &[u8] = b"Windlass v2 PQXDH";
/// Prefix of the hash that names a session.
pub const SESSION_ID: &[u8] = b"Windlass v2 session id";
/// `info` of the root chain step (Double Ratchet §7.2, `KDF_RK`).
pub const ROOT_CHAIN: &[u8] = b"Windlass v2 root chain";
/// `info` from SK to the header keys and tags of the first two chains (Double Ratchet §4.3).
pub const HEADER_KEYS: &[u8] = b"Windlass v2 header keys";
/// `info` from an agreement with a signed prekey to the key that seals who began a session.
pub const SEALED_HANDSHAKE: &[u8] = b"Windlass v2 sealed handshake";
/// `info` from SK to the root key and chain keys of epoch 0 (Double Ratchet §5, `KDF_SCKA_INIT`).
pub const EPOCH_START: &[u8] = b"Windlass v2 first epoch";
/// `info` from an agreed post-quantum secret to the next epoch's (Double Ratchet §5, `KDF_SCKA_RK`).
pub const EPOCH_STEP: &[u8] = b"Windlass v2 next epoch";
/// `info` from the message keys of both ratchets to an AES-256 key (Double Ratchet §6, `KDF_HYBRID`).
pub const MESSAGE_KEY: &[u8] = b"Windlass v2 message key";
/// `info` from the two identities' static agreement to the sender hint's key.
pub const SENDER_HINT: &[u8] = b"Windlass v2 sender hint";
/// Prefix of what a bundle's signature signs.
pub const BUNDLE_SIGNATURE: &[u8] = b"Windlass v2 bundle signature";
/// Prefix of the hash behind a safety number.
pub const SAFETY_NUMBER: &[u8] = b"Windlass v2 safety number";
/// Prefix of the checksum at the end of a URI.
pub const URI_CHECKSUM: &[u8] = b"Windlass v2 uri checksum";
/// Prefix of the short hash that tells a repeated envelope from a reused message number.
pub const ACCEPTED_DIGEST: &[u8] = b"Windlass v2 accepted digest";

/// Prefix of the hash that names a group.
pub const GROUP_ID: &[u8] = b"Windlass v2 group id";
/// Prefix of what the signature of a group's event signs.
pub const GROUP_EVENT: &[u8] = b"Windlass v2 signed group event";
/// Prefix of the hash that names an event of a group.
pub const GROUP_EVENT_HASH: &[u8] = b"Windlass v2 hash of group event";
/// `info` from an attachment's key to the key of its chunks.
pub const ATTACHMENT: &[u8] = b"Windlass v2 attachment";
/// Prefix of the hash of a new device's key, which is its code.
pub const LINK_CODE: &[u8] = b"Windlass v2 link code";
/// Prefix of the hash of all that two devices showed each other before the transfer.
pub const LINK_TRANSCRIPT: &[u8] = b"Windlass v2 link transcript";
/// Prefix of the hash from that to the digits that are compared.
pub const LINK_DIGITS: &[u8] = b"Windlass v2 link digits";
/// `info` from the agreement of two devices to the key of a device transfer.
pub const DEVICE_TRANSFER: &[u8] = b"Windlass v2 device transfer";

/// `info` from the key of a day to that by which an identity proves its own words of that day to itself.
pub const OWN_WORDS: &[u8] = b"Windlass v2 own words";
/// `info` from the key of a day to that of the next.
pub const OWN_WORDS_NEXT_DAY: &[u8] = b"Windlass v2 next day of own words";
/// Prefix of the short hash by which a request for healing names a message that is there.
pub const MESSAGE_NAME: &[u8] = b"Windlass v2 message name";
/// `info` from a device's healing root of a day to that of the next.
pub const HEALING_STEP: &[u8] = b"Windlass v2 healing step";
/// `info` from a device's healing root of a day to its healing key for another device.
pub const HEALING_KEY: &[u8] = b"Windlass v2 healing key";
/// HKDF info of what a healing key is masked with that is held for a day.
pub const HEALING_HELD: &[u8] = b"Windlass v2 held first key";
/// Prefix of what the MAC covers by which a request for healing proves a day.
pub const HEALING_PROOF: &[u8] = b"Windlass v2 healing proof";
/// RFC §9.8.3.
pub const PROFILE_ID: &[u8] = b"Windlass v2 id of profile";

/// Prefix of the hash by which a link says of which group it is to whoever knows the group.
pub const GROUP_LINK: &[u8] = b"Windlass v2 link to group";

/// `info` from a seed to the key by which the devices of an identity name what was deleted.
pub const FLOOR: &[u8] = b"Windlass v2 floor";
/// Prefix of the digest by which members of a group see whether they know the same events.
pub const GROUP_VIEW: &[u8] = b"Windlass v2 view of group";
/// Prefix of the short hash by which a request names an event of a group that is there.
pub const GROUP_EVENT_NAME: &[u8] = b"Windlass v2 name of group event";

/// All of the above, with the names that the RFC's table uses.
pub const ALL: &[(&str, &[u8])] = &[
    ("PQXDH", PQXDH),
    ("SESSION_ID", SESSION_ID),
    ("ROOT_CHAIN", ROOT_CHAIN),
    ("HEADER_KEYS", HEADER_KEYS),
    ("SEALED_HANDSHAKE", SEALED_HANDSHAKE),
    ("EPOCH_START", EPOCH_START),
    ("EPOCH_STEP", EPOCH_STEP),
    ("MESSAGE_KEY", MESSAGE_KEY),
    ("SENDER_HINT", SENDER_HINT),
    ("BUNDLE_SIGNATURE", BUNDLE_SIGNATURE),
    ("SAFETY_NUMBER", SAFETY_NUMBER),
    ("URI_CHECKSUM", URI_CHECKSUM),
    ("ACCEPTED_DIGEST", ACCEPTED_DIGEST),
    ("LINK_CODE", LINK_CODE),
    ("LINK_TRANSCRIPT", LINK_TRANSCRIPT),
    ("LINK_DIGITS", LINK_DIGITS),
    ("DEVICE_TRANSFER", DEVICE_TRANSFER),
    ("GROUP_ID", GROUP_ID),
    ("GROUP_EVENT", GROUP_EVENT),
    ("GROUP_EVENT_HASH", GROUP_EVENT_HASH),
    ("ATTACHMENT", ATTACHMENT),
    ("OWN_WORDS", OWN_WORDS),
    ("OWN_WORDS_NEXT_DAY", OWN_WORDS_NEXT_DAY),
    ("MESSAGE_NAME", MESSAGE_NAME),
    ("FLOOR", FLOOR),
    ("GROUP_VIEW", GROUP_VIEW),
    ("GROUP_EVENT_NAME", GROUP_EVENT_NAME),
    ("HEALING_STEP", HEALING_STEP),
    ("HEALING_KEY", HEALING_KEY),
    ("HEALING_HELD", HEALING_HELD),
    ("HEALING_PROOF", HEALING_PROOF),
    ("PROFILE_ID", PROFILE_ID),
    ("GROUP_LINK", GROUP_LINK),
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn no_label_begins_another() {
        for (i, (_, a)) in ALL.iter().enumerate() {
            for (_, b) in ALL.iter().skip(i + 1) {
                assert!(!a.starts_with(b) && !b.starts_with(a));
            }
        }
    }
}
