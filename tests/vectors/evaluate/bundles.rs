//! Bundles, and the texts and codes that carry them.

use serde_json::{Value, json};
use windlass::bundle::{
    DeviceBundle, GroupInvitation, Invitation, KemPrekey, Prekey, UriError, VerifiedBundle, build,
};
use windlass::chat::{GroupId, GroupLinkToken};
use windlass::crypto::{DhPublic, KemPublic};
use windlass::wire::{Frames, UriFault, frames};

use super::{bundle_code, bytes, error, hex, key_pair, number};

/// The codes of a URI that is too long for one, and back.
pub fn code_frames(input: &Value) -> Value {
    let shown = frames(input["uri"].as_str().unwrap()).unwrap();
    let mut reader = Frames::default();
    let read: Vec<_> = shown
        .iter()
        .rev()
        .map(|frame| reader.take(frame).unwrap().uri)
        .collect();
    assert_eq!(read.last().unwrap().as_deref(), input["uri"].as_str());
    json!({ "frames": shown })
}

fn show_bundle(bundle: &VerifiedBundle) -> Value {
    let prekey = |prekey: &Prekey| json!({ "id": prekey.id, "key": hex(prekey.key.as_bytes()) });
    let devices: Vec<_> = bundle
        .devices()
        .iter()
        .map(|device| {
            json!({
                "device_id": device.device_id,
                "signed_prekey": prekey(&device.signed_prekey),
                "one_time_prekey": device.one_time_prekey.as_ref().map(prekey),
                "kem_commitment": hex(&device.kem_prekey.commitment),
                "has_kem_key": device.kem_prekey.key.is_some(),
            })
        })
        .collect();
    json!({
        "identity_key": hex(&bundle.identity().to_bytes()),
        "issued_at": bundle.issued_at(),
        "expires_at": bundle.expires_at(),
        "code_secret": bundle.code_secret().map(|secret| hex(secret.as_bytes())),
        "devices": devices,
    })
}

pub fn bundle(input: &Value) -> Value {
    let now = input["now"].as_u64();
    let bundle = VerifiedBundle::decode(&bytes(input, "encoded")).and_then(|bundle| {
        now.map_or(Ok(()), |now| bundle.check_time(now))?;
        Ok(bundle)
    });
    match bundle {
        Ok(bundle) => show_bundle(&bundle),
        Err(refused) => error(bundle_code(&refused)),
    }
}

pub fn bundle_build(input: &Value) -> Value {
    let prekey = |prekey: &Value| Prekey {
        id: number(prekey, "id"),
        key: DhPublic::from_bytes(&bytes(prekey, "key")).unwrap(),
    };
    let devices: Vec<_> = input["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| DeviceBundle {
            device_id: number(device, "device_id"),
            signed_prekey: prekey(&device["signed_prekey"]),
            kem_prekey: KemPrekey::of(KemPublic::from_bytes(&bytes(device, "kem_key")).unwrap()),
            one_time_prekey: Some(&device["one_time_prekey"])
                .filter(|device| !device.is_null())
                .map(prekey),
        })
        .collect();
    let issued_at = input["issued_at"].as_u64().unwrap();
    let secret = input["code_secret"].as_str();
    let secret = secret.map(|_| crate::support::sessions::secret(&bytes(input, "code_secret")));
    let bundle = build(
        &key_pair(input, "seed"),
        &devices,
        secret.as_ref(),
        issued_at,
    )
    .unwrap();
    json!({ "encoded": hex(bundle.encoded()), "uri": bundle.to_uri() })
}

pub fn uri(input: &Value) -> Value {
    match Invitation::from_uri(input["uri"].as_str().unwrap()) {
        Ok(Invitation { bundle, in_person }) => {
            json!({ "encoded": hex(bundle.encoded()), "in_person": in_person })
        }
        Err(refused) => uri_error(&refused),
    }
}

fn uri_error(refused: &UriError) -> Value {
    error(match refused {
        UriError::Text(UriFault::Scheme) => "scheme",
        UriError::Text(UriFault::Link) => "link",
        UriError::Text(UriFault::Kind) => "kind",
        UriError::Text(UriFault::Damaged) => "damaged",
        UriError::Text(UriFault::Incomplete) => "incomplete",
        UriError::Identity => "identity",
        UriError::Bundle(refused) => bundle_code(refused),
    })
}

/// What a link to a group says, and whether it is of this one.
pub fn group_link(input: &Value) -> Value {
    let group = GroupId::from_bytes(&bytes(input, "group")).unwrap();
    match GroupInvitation::from_uri(input["uri"].as_str().unwrap()) {
        Ok(link) => {
            let token = GroupLinkToken::from_bytes(link.token.as_bytes()).unwrap();
            json!({
                "token": hex(token.as_bytes()),
                "tag": hex(&link.group),
                "bundle": hex(link.bundle.encoded()),
                "is_of_group": token.tag_of(&group) == link.group,
            })
        }
        Err(refused) => uri_error(&refused),
    }
}
