//! Both sides of the handshake: X3DH §3.3 and §3.4.

use super::{HandshakeMessage, Party, SealedHandshake};
use crate::bundle::DeviceBundle;
use crate::crypto::{
    AgreementError, CryptoRng, DhPublic, DhSecret, Secret, SharedSecret, hkdf_sha256, labels,
    sha256,
};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::PROTOCOL_VERSION;

/// Names a session on both sides; 16 bytes.
pub type SessionId = [u8; 16];

/// Length in bytes of [`AssociatedData`].
pub const ASSOCIATED_DATA_LEN: usize = 4 + 32 + 32 + 4 + 4;

/// `version || IK_A || IK_B || device_A || device_B`, A the initiator, numbers big endian. Every length is fixed, so no two
/// handshakes share it.
pub type AssociatedData = [u8; ASSOCIATED_DATA_LEN];

/// What both sides have after a handshake.
#[derive(Debug)]
pub struct Agreement {
    /// SK of X3DH §3.3: the first root key.
    pub shared_secret: SharedSecret,
    /// AD of X3DH §3.3.
    pub associated_data: AssociatedData,
    /// The name of the session.
    pub session_id: SessionId,
}

/// The initiator's side: a fresh ephemeral key against one device of a bundle whose signature was checked (X3DH §3.3). The handshake comes
/// as it is and as it travels.
pub fn initiate(
    identity: &IdentityKeyPair,
    device_id: u32,
    their_identity: &PublicIdentity,
    their_device: &DeviceBundle,
    rng: &mut dyn CryptoRng,
) -> Result<(Agreement, HandshakeMessage, SealedHandshake), AgreementError> {
    let ephemeral = DhSecret::generate(rng);
    let signed_prekey = &their_device.signed_prekey.key;
    let one_time_prekey = their_device.one_time_prekey;
    let with_signed_prekey = ephemeral.agree(signed_prekey)?;
    let sealing = with_signed_prekey.duplicate();
    let dh = [
        Some(identity.to_dh().agree(signed_prekey)?),
        Some(ephemeral.agree(&their_identity.to_dh())?),
        Some(with_signed_prekey),
        one_time_prekey
            .map(|prekey| ephemeral.agree(&prekey.key))
            .transpose()?,
    ];
    let initiator = Party {
        identity: identity.public(),
        device_id,
    };
    let responder = Party {
        identity: *their_identity,
        device_id: their_device.device_id,
    };
    let message = HandshakeMessage {
        initiator,
        ephemeral_key: ephemeral.public(),
        signed_prekey_id: their_device.signed_prekey.id,
        one_time_prekey_id: one_time_prekey.map(|prekey| prekey.id),
    };
    let one_time_key = one_time_prekey.map(|prekey| prekey.key);
    let keys = SessionKeys {
        ephemeral: message.ephemeral_key,
        signed_prekey: *signed_prekey,
        one_time_prekey: one_time_key,
    };
    let sealed = message.seal(&responder, signed_prekey, &sealing, rng);
    Ok((agreement(&dh, initiator, responder, &keys), message, sealed))
}

/// The responder's secrets for one handshake.
#[derive(Debug)]
pub struct ResponderKeys<'a> {
    /// The identity that the message was sent to.
    pub identity: &'a IdentityKeyPair,
    /// The device that the message was sent to.
    pub device_id: u32,
    /// The signed prekey that the message names.
    pub signed_prekey: &'a DhSecret,
    /// The one-time prekey that the message names, if it names one.
    pub one_time_prekey: Option<&'a DhSecret>,
}

/// The responder's side (X3DH §3.4).
pub fn respond(
    keys: &ResponderKeys<'_>,
    message: &HandshakeMessage,
) -> Result<Agreement, AgreementError> {
    let ephemeral = &message.ephemeral_key;
    let dh = [
        Some(
            keys.signed_prekey
                .agree(&message.initiator.identity.to_dh())?,
        ),
        Some(keys.identity.to_dh().agree(ephemeral)?),
        Some(keys.signed_prekey.agree(ephemeral)?),
        keys.one_time_prekey
            .map(|prekey| prekey.agree(ephemeral))
            .transpose()?,
    ];
    let responder = Party {
        identity: keys.identity.public(),
        device_id: keys.device_id,
    };
    let session_keys = SessionKeys {
        ephemeral: *ephemeral,
        signed_prekey: keys.signed_prekey.public(),
        one_time_prekey: keys.one_time_prekey.map(DhSecret::public),
    };
    Ok(agreement(&dh, message.initiator, responder, &session_keys))
}

/// The public keys that make one handshake different from every other.
struct SessionKeys {
    ephemeral: DhPublic,
    signed_prekey: DhPublic,
    one_time_prekey: Option<DhPublic>,
}

fn agreement(
    dh: &[Option<SharedSecret>; 4],
    initiator: Party,
    responder: Party,
    keys: &SessionKeys,
) -> Agreement {
    let associated_data = associated_data(initiator, responder);
    Agreement {
        shared_secret: derive(dh),
        session_id: session_id(&associated_data, keys),
        associated_data,
    }
}

/// KDF(DH1 || DH2 || DH3 [|| DH4]) of X3DH §2.2 and §3.3: HKDF with a zero salt over F || KM, F being 32 bytes 0xFF.
fn derive(dh: &[Option<SharedSecret>; 4]) -> SharedSecret {
    let mut input = Secret::<{ 32 * 5 }>::zero();
    let bytes = input.as_mut_bytes();
    let mut parts = bytes.chunks_exact_mut(32);
    let mut len = 0;
    if let Some(f) = parts.next() {
        f.fill(0xff);
        len += f.len();
    }
    for (part, shared) in parts.zip(dh.iter().flatten()) {
        part.copy_from_slice(shared.as_bytes());
        len += part.len();
    }
    let used = input.as_bytes().get(..len).unwrap_or_default();
    hkdf_sha256(&[0; 32], used, labels::X3DH)
}

fn associated_data(initiator: Party, responder: Party) -> AssociatedData {
    let mut data = [0; ASSOCIATED_DATA_LEN];
    let parts: [&[u8]; 5] = [
        &PROTOCOL_VERSION.to_be_bytes(),
        &initiator.identity.to_bytes(),
        &responder.identity.to_bytes(),
        &initiator.device_id.to_be_bytes(),
        &responder.device_id.to_be_bytes(),
    ];
    for (to, from) in data
        .iter_mut()
        .zip(parts.iter().flat_map(|part| part.iter()))
    {
        *to = *from;
    }
    data
}

/// A hash of the handshake's public values. It is in every header and so under every message's authentication: two sides that
/// have a session of the same name agree on every key that went into it.
fn session_id(associated_data: &AssociatedData, keys: &SessionKeys) -> SessionId {
    // No valid public key is all zero, so an absent one-time prekey is told from every present one.
    let one_time_prekey = keys.one_time_prekey.map_or([0; 32], |key| *key.as_bytes());
    let hash = sha256(&[
        labels::SESSION_ID,
        associated_data,
        keys.ephemeral.as_bytes(),
        keys.signed_prekey.as_bytes(),
        &one_time_prekey,
    ]);
    let mut id = SessionId::default();
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    id
}
