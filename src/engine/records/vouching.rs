//! Devices of ours that are known to be linked, by the tokens of their transfers: those that this device made, and those of which others tell that
//! are linked themselves (RFC windlass §8.5.11).

use crate::chat::DeviceLink;
use crate::crypto::{Secret, sha256};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::{linking, own_devices};
use crate::limits::LINK_LIFETIME_SECONDS;
use crate::link::LinkToken;
use crate::store::Rows;
use crate::wire::store::{PendingLinkRow, PendingLinksRow};
use crate::x3dh::Party;

const LIFETIME: u64 = LINK_LIFETIME_SECONDS * 1000;

/// The one that has a token.
fn of_token<'a>(
    pending: &'a mut PendingLinksRow,
    token: &LinkToken,
) -> Option<&'a mut PendingLinkRow> {
    let mut links = pending.links.iter_mut();
    links.find(|link| Secret::try_from_slice(&link.token).as_ref() == Some(token))
}

/// Whether a device may use it: the first that shows it, which may show it again. Of what a removed device told, one that was known by then.
fn is_open_to(
    store: &dyn Rows,
    link: &PendingLinkRow,
    device_id: u32,
    now: u64,
) -> Result<bool, EngineError> {
    if link.device_id != 0 && link.device_id != device_id {
        return Ok(false);
    }
    let known = own_devices::find(store, device_id)?.filter(|row| !row.removed);
    let by_then = |added_at| link.closed_at == 0 || due::was_by(added_at, link.closed_at, now);
    Ok(known.is_some_and(|row| by_then(row.added_at)))
}

/// A device of ours shows a token, in a session that is known to be its own since a time: if the user linked it, it is known as that from then on.
/// Whether it may have the whole history too.
pub(crate) fn shown(
    step: &mut Step<'_>,
    from: &Party,
    token: &LinkToken,
    known_since: u64,
) -> Result<bool, EngineError> {
    let (id, now) = (from.device_id, step.now);
    let mut pending = linking::pending(step.rows)?;
    let Some(link) = of_token(&mut pending, token) else {
        // Perhaps whoever linked it has not told of it yet.
        own_devices::note_shown(step.rows, id, hash(token), known_since)?;
        return Ok(false);
    };
    if !is_open_to(step.rows, link, id, now)? {
        return Ok(false);
    }
    let in_time = !due::has_come(link.expires_at, LIFETIME, now);
    if link.device_id != id {
        link.device_id = id;
        linking::save_pending(step.rows, &pending)?;
    }
    own_devices::prove_linked(step.rows, from, known_since)?;
    Ok(in_time)
}

fn hash(token: &LinkToken) -> Vec<u8> {
    sha256(&[token.as_bytes()]).to_vec()
}

/// A device of ours, which is linked, tells whom the user linked; those of them that are known to be it now.
pub(crate) fn hear(
    step: &mut Step<'_>,
    links: &[DeviceLink],
    by: u32,
) -> Result<Vec<u32>, EngineError> {
    let mut pending = linking::pending(step.rows)?;
    let before = pending.clone();
    let mut new = Vec::new();
    for told in links {
        let expires_at = told.expires_at.min(step.now.saturating_add(LIFETIME));
        if let Some(known) = of_token(&mut pending, &told.token) {
            known.expires_at = known.expires_at.min(expires_at);
            continue;
        }
        let mut link = PendingLinkRow {
            token: told.token.as_bytes().to_vec(),
            expires_at,
            device_id: told.device_id,
            by,
            closed_at: 0,
        };
        if let Some((party, shown_at)) = who_showed(step, &hash(&told.token))?
            && is_open_to(step.rows, &link, party.device_id, step.now)?
        {
            link.device_id = party.device_id;
            own_devices::prove_linked(step.rows, &party, shown_at)?;
            new.push(party.device_id);
        }
        linking::add(&mut pending, link);
    }
    if pending != before {
        linking::save_pending(step.rows, &pending)?;
    }
    Ok(new)
}

/// Which device showed a token before it was known here, and since when the session is known in which it did.
fn who_showed(step: &Step<'_>, hash: &[u8]) -> Result<Option<(Party, u64)>, EngineError> {
    let siblings = own_devices::siblings(step.rows)?;
    let mut rows = siblings.iter().map(|sibling| &sibling.row);
    let found = rows.find(|row| row.shown_token == hash);
    Ok(found.map(|row| {
        let party = Party {
            identity: step.device.public(),
            device_id: row.device_id,
        };
        (party, row.shown_at)
    }))
}

/// What this device tells the others that are linked: whom it links itself, and who showed it that they are linked.
pub(crate) fn links(step: &Step<'_>) -> Result<Vec<DeviceLink>, EngineError> {
    let linked = own_devices::linked(step.rows)?;
    let own = step.device.device_id;
    let pending = linking::pending(step.rows)?;
    let ours = |link: &&PendingLinkRow| {
        link.by == own || linked.iter().any(|(id, _)| *id == link.device_id)
    };
    let told = pending.links.iter().filter(ours).filter_map(|link| {
        Some(DeviceLink {
            token: Secret::try_from_slice(&link.token)?,
            expires_at: link.expires_at,
            device_id: link.device_id,
        })
    });
    Ok(told.collect())
}
