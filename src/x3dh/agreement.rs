//! Both sides of the handshake: PQXDH §3.3 and §3.4.

use super::sealed::Seal;
use super::{HandshakeMessage, Mode, Party, SealedHandshake};
use crate::bundle::{CODE_SECRET_LEN, DeviceBundle, PrekeySecrets};
use crate::crypto::{
    AgreementError, CryptoRng, DhPublic, DhSecret, Secret, SharedSecret, hkdf_sha256, labels,
    sha256,
};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::PROTOCOL_VERSION;

/// Names a session on both sides; 16 bytes.
pub type SessionId = [u8; 16];

/// Length in bytes of [`AssociatedData`].
pub const ASSOCIATED_DATA_LEN: usize = 4 + 32 + 32 + 4 + 4 + 1 + 32;

/// `version || IK_A || IK_B || device_A || device_B || mode || SHA-256 of B's ML-KEM key`, A the initiator, numbers big endian. Every length
/// is fixed, so no two handshakes share it.
pub type AssociatedData = [u8; ASSOCIATED_DATA_LEN];

/// What both sides have after a handshake.
#[derive(Debug)]
pub struct Agreement {
    /// SK of PQXDH §3.3: the first root key.
    pub shared_secret: SharedSecret,
    /// AD of PQXDH §3.3.
    pub associated_data: AssociatedData,
    /// The name of the session.
    pub session_id: SessionId,
}

/// The initiator's side: a fresh ephemeral key against one device of a bundle whose signature was checked (PQXDH §3.3), with what nobody
/// else was given together with its one-time prekey. The handshake comes as it is and as it travels.
pub fn initiate(
    identity: &IdentityKeyPair,
    device_id: u32,
    their_identity: &PublicIdentity,
    their_device: &DeviceBundle,
    secret: Option<&Secret<CODE_SECRET_LEN>>,
    rng: &mut dyn CryptoRng,
) -> Result<(Agreement, HandshakeMessage, SealedHandshake), AgreementError> {
    let ephemeral = DhSecret::generate(rng);
    let signed_prekey = &their_device.signed_prekey.key;
    let one_time_prekey = their_device.one_time_prekey;
    let signed_prekey_point = signed_prekey.point();
    let with_signed_prekey = ephemeral.agree_at(&signed_prekey_point)?;
    let with_one_time_prekey = one_time_prekey
        .map(|prekey| ephemeral.agree(&prekey.key))
        .transpose()?;
    let kem_key = their_device.kem_prekey.key.as_ref();
    let encapsulated = kem_key
        .map(|key| key.encapsulate(rng))
        .transpose()
        .map_err(|_| AgreementError::InvalidPublicKey)?;
    let (kem_ciphertext, kem_shared) = encapsulated.unzip();
    let parts = Parts {
        dh: [
            identity.to_dh().agree_at(&signed_prekey_point)?,
            ephemeral.agree_at(&their_identity.to_dh_point())?,
            with_signed_prekey,
        ],
        one_time: with_one_time_prekey,
        kem: kem_shared.as_ref(),
        secret,
    };
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
        kem_ciphertext: kem_ciphertext
            .as_ref()
            .map(|bytes| sha256(&[bytes.as_slice()])),
        secret: secret.is_some(),
    };
    let keys = SessionKeys {
        signed_prekey: *signed_prekey,
        one_time_prekey: one_time_prekey.map(|prekey| prekey.key),
        kem_commitment: their_device.kem_prekey.commitment,
    };
    let seal = Seal {
        responder: &responder,
        ephemeral_key: &message.ephemeral_key,
        signed_prekey,
        kem_ciphertext: kem_ciphertext.as_deref(),
    };
    let [_, _, with_signed_prekey] = &parts.dh;
    let key = Seal::key(with_signed_prekey, parts.kem);
    let sealed = seal.seal(&message, &key, rng)?;
    Ok((
        agreement(&parts, &message, responder, &keys),
        message,
        sealed,
    ))
}

/// The responder's secrets for one handshake.
#[derive(Debug)]
pub struct ResponderKeys<'a> {
    /// The identity that the message was sent to.
    pub identity: &'a IdentityKeyPair,
    /// The device that the message was sent to.
    pub device_id: u32,
    /// The prekeys that the message names.
    pub prekeys: &'a PrekeySecrets,
    /// What the ciphertext gave, if one came: [`SealedHandshake::open`] says it.
    pub kem_shared: Option<&'a SharedSecret>,
    /// The one-time prekey that the message names, if it names one.
    pub one_time_prekey: Option<&'a DhSecret>,
    /// What was given with the one-time prekey, if the message says that it is used.
    pub secret: Option<&'a Secret<CODE_SECRET_LEN>>,
}

/// The responder's side (PQXDH §3.4).
pub fn respond(
    keys: &ResponderKeys<'_>,
    message: &HandshakeMessage,
) -> Result<Agreement, AgreementError> {
    let ephemeral = message.ephemeral_key.point();
    let their_identity = message.initiator.identity.to_dh_point();
    let signed_prekey = &keys.prekeys.signed_prekey;
    let parts = Parts {
        dh: [
            signed_prekey.agree_at(&their_identity)?,
            keys.identity.to_dh().agree_at(&ephemeral)?,
            signed_prekey.agree_at(&ephemeral)?,
        ],
        one_time: keys
            .one_time_prekey
            .map(|prekey| prekey.agree_at(&ephemeral))
            .transpose()?,
        kem: keys.kem_shared,
        secret: keys.secret,
    };
    let responder = Party {
        identity: keys.identity.public(),
        device_id: keys.device_id,
    };
    let session_keys = SessionKeys {
        signed_prekey: signed_prekey.public(),
        one_time_prekey: keys.one_time_prekey.map(DhSecret::public),
        kem_commitment: keys.prekeys.kem_commitment,
    };
    Ok(agreement(&parts, message, responder, &session_keys))
}

/// What both sides compute and nobody else can.
struct Parts<'a> {
    /// DH1, DH2, DH3.
    dh: [SharedSecret; 3],
    /// DH4.
    one_time: Option<SharedSecret>,
    /// SS.
    kem: Option<&'a SharedSecret>,
    secret: Option<&'a Secret<CODE_SECRET_LEN>>,
}

/// The responder's public keys, which with the handshake make it different from every other.
struct SessionKeys {
    signed_prekey: DhPublic,
    one_time_prekey: Option<DhPublic>,
    kem_commitment: [u8; 32],
}

fn agreement(
    parts: &Parts<'_>,
    message: &HandshakeMessage,
    responder: Party,
    keys: &SessionKeys,
) -> Agreement {
    let associated_data = associated_data(message, responder, &keys.kem_commitment);
    Agreement {
        shared_secret: derive(parts, message.mode()),
        session_id: session_id(&associated_data, message, keys),
        associated_data,
    }
}

/// KDF(F || DH1 || DH2 || DH3 [|| DH4] [|| SS] [|| secret]) of PQXDH §2.2 and §3.3: HKDF with a zero salt, F being 32 bytes 0xFF. The mode in
/// its `info` says which of the parts are there.
fn derive(parts: &Parts<'_>, mode: Mode) -> SharedSecret {
    let Parts {
        dh,
        one_time,
        kem,
        secret,
    } = parts;
    let mut input = Secret::<{ 32 * 7 }>::zero();
    let bytes = input.as_mut_bytes();
    let mut places = bytes.chunks_exact_mut(32);
    let mut len = 0;
    if let Some(f) = places.next() {
        f.fill(0xff);
        len += f.len();
    }
    let there = dh.iter().chain(one_time).chain(*kem).chain(*secret);
    for (place, part) in places.zip(there) {
        place.copy_from_slice(part.as_bytes());
        len += place.len();
    }
    let used = input.as_bytes().get(..len).unwrap_or_default();
    hkdf_sha256(&[0; 32], used, &[labels::PQXDH, &[mode.byte()]].concat())
}

fn associated_data(
    message: &HandshakeMessage,
    responder: Party,
    kem_commitment: &[u8; 32],
) -> AssociatedData {
    let mut data = [0; ASSOCIATED_DATA_LEN];
    let initiator = &message.initiator;
    let parts: [&[u8]; 7] = [
        &PROTOCOL_VERSION.to_be_bytes(),
        &initiator.identity.to_bytes(),
        &responder.identity.to_bytes(),
        &initiator.device_id.to_be_bytes(),
        &responder.device_id.to_be_bytes(),
        &[message.mode().byte()],
        kem_commitment,
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
fn session_id(
    associated_data: &AssociatedData,
    message: &HandshakeMessage,
    keys: &SessionKeys,
) -> SessionId {
    // The mode says whether these two are there.
    let one_time_prekey = keys.one_time_prekey.map_or([0; 32], |key| *key.as_bytes());
    let kem_ciphertext = message.kem_ciphertext.unwrap_or_default();
    let hash = sha256(&[
        labels::SESSION_ID,
        associated_data,
        message.ephemeral_key.as_bytes(),
        keys.signed_prekey.as_bytes(),
        &one_time_prekey,
        &kem_ciphertext,
    ]);
    let mut id = SessionId::default();
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    id
}
