//! Every bound, with its reason. RFC windlass §3.6 lists the ones that a peer must know; a test compares the two.

/// The protocol version that this code speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// How far a receiving chain may jump ahead in one message. A chain step costs about a microsecond, so a forged header costs at
/// most some 25 ms; a bot that was offline while a peer wrote 25,000 messages still follows.
pub const MAX_CHAIN_JUMP: u32 = 25_000;

/// Skipped message keys kept for one session; the oldest go first. Bounds what a peer can make us store to about 200 KiB.
pub const MAX_SKIPPED_KEYS: u32 = 2_000;

/// Receiving chains of one session whose skipped keys are kept. A message that is more than five turns of the conversation late
/// is asked for again (healing), and its key does not lie around until then.
pub const MAX_RECEIVING_CHAINS: usize = 5;

/// Sessions kept for one remote device. Two sides that start at once make two; every further one is a state that a past
/// compromise could still read, so the archive stays short.
pub const MAX_SESSIONS_PER_DEVICE: usize = 5;

/// Used message numbers remembered for one chain, to tell a duplicate from a sender who went back in time.
pub const MAX_ACCEPTED_PER_CHAIN: u32 = 2_000;

/// Devices of one identity. A message costs a ciphertext for each.
pub const MAX_DEVICES: usize = 8;

/// Length in bytes of an encoded bundle body. Eight devices with one-time prekeys need about 800.
pub const MAX_BUNDLE_BODY_LEN: usize = 8_192;

/// Length in bytes of an envelope: eight ciphertexts of the longest content are refused earlier, by [`MAX_CONTENT_LEN`].
pub const MAX_ENVELOPE_LEN: usize = 16 * 1024 * 1024;

/// Length in bytes of an encoded content. Larger things are attachments.
pub const MAX_CONTENT_LEN: usize = 1_200_000;

/// Length in bytes of a text.
pub const MAX_TEXT_LEN: usize = 262_144;

/// Length in bytes of the bytes of a data or opaque body.
pub const MAX_DATA_LEN: usize = 1_048_576;

/// Length in bytes of a media type (RFC 6838 §4.2 allows 127 on each side of the slash).
pub const MAX_MEDIA_TYPE_LEN: usize = 255;

/// Message ids in one delivery receipt.
pub const MAX_RECEIPT_IDS: usize = 1_024;

/// How far ahead of everything seen a Lamport clock may be. A clock near the end of its range would leave no room to answer.
pub const MAX_LAMPORT: u64 = 1 << 62;

/// Length in characters of a bundle's URI: what fits a QR code's alphanumeric mode at version 40 with low error correction.
pub const MAX_URI_LEN: usize = 4_296;

/// How long a bundle is valid. Longer than signed prekeys live would only fail later, at the first message.
pub const BUNDLE_LIFETIME_SECONDS: u64 = 30 * DAY_SECONDS;

/// How old a signed prekey gets before a new one takes its place (X3DH §3.2: "once a week, or once a month").
pub const SIGNED_PREKEY_LIFETIME_SECONDS: u64 = 7 * DAY_SECONDS;

/// How long the private key of a retired signed prekey lives on, for first messages that come late. As long as a bundle that
/// names it is valid.
pub const SIGNED_PREKEY_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// How far a bundle's issue time may lie in the future: clocks differ (one day is the largest usual mistake, a time zone).
pub const MAX_CLOCK_SKEW_SECONDS: u64 = DAY_SECONDS;

/// Iterations of the hash behind a safety number, as in Signal's numeric fingerprints.
pub const SAFETY_NUMBER_ITERATIONS: u32 = 5_200;

const DAY_SECONDS: u64 = 86_400;
