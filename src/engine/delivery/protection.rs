//! What keeps a message to somebody from whoever breaks X25519 later, and what the user asks for (RFC windlass §11.9).

use crate::bundle::DeviceBundle;
use crate::chat::{Body, Content};
use crate::engine::base::error::EngineError;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::contacts::Contact;
use crate::engine::records::{private_prekeys, sessions, settings};
use crate::session::PostQuantum;
use crate::store::Rows;
use crate::x3dh::Party;

/// Whether what the user says waits for a session that withstands a quantum computer.
pub(crate) fn is_required(store: &dyn Rows) -> Result<bool, EngineError> {
    Ok(settings::row(store)?.require_post_quantum)
}

/// Whether this content waits then: what the user says, and what others said. What devices say to each other by themselves goes on, or no session
/// would ever get there.
pub(crate) fn is_asked_for(store: &dyn Rows, content: &[u8]) -> Result<bool, EngineError> {
    if !is_required(store)? {
        return Ok(false);
    }
    let says =
        |content: Content| content.body.is_message() || matches!(content.body, Body::Copy(_));
    Ok(Content::from_bytes(content).is_ok_and(says))
}

/// What protects a session that is begun now with a device of a contact.
pub(crate) fn of_new_session(
    store: &dyn Rows,
    contact: &Contact,
    remote: &DeviceBundle,
) -> Result<PostQuantum, EngineError> {
    if remote.kem_prekey.key.is_some() {
        return Ok(PostQuantum::Kem);
    }
    let bundle = contact.bundle.as_ref();
    let invited = !contact.row.one_time_prekeys_used && remote.one_time_prekey.is_some();
    let secret = if invited {
        bundle.is_some_and(|bundle| bundle.code_secret().is_some())
    } else {
        let party = Party {
            identity: contact.identity,
            device_id: remote.device_id,
        };
        private_prekeys::next_has_secret(store, &party)?
    };
    Ok(if secret {
        PostQuantum::Secret
    } else {
        PostQuantum::None
    })
}

/// What protects the next message to a contact: the least of what their devices have.
pub(crate) fn of_contact(store: &dyn Rows, contact: &Contact) -> Result<PostQuantum, EngineError> {
    let mut least = None;
    for (party, remote) in contact.parties().iter().zip(contact.devices()) {
        let found = match sessions::active(store, party)? {
            Some(session) => session.post_quantum(),
            None => of_new_session(store, contact, remote)?,
        };
        least = Some(least.map_or(found, |least: PostQuantum| least.min(found)));
    }
    Ok(least.unwrap_or(PostQuantum::None))
}

/// The devices of a contact to which nothing that waits goes now, as they are to be asked.
pub(crate) fn held_back(store: &dyn Rows, contact: &Contact) -> Result<Vec<Party>, EngineError> {
    let mut held = Vec::new();
    for (party, remote) in contact.parties().iter().zip(contact.devices()) {
        if Recipients::ALL
            .protected(true)
            .choose(store, party)?
            .is_none()
            && of_new_session(store, contact, remote)? == PostQuantum::None
        {
            held.push(*party);
        }
    }
    Ok(held)
}
