//! Sessions, their skipped keys and what they accepted, as rows (RFC windlass §7.6, §7.7; Sesame §3.2).

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::limits::MAX_SESSIONS_PER_DEVICE;
use crate::session::Session;
use crate::store::{Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::ArchiveRow;
use crate::x3dh::{Party, SessionId};

pub(crate) fn load(store: &dyn Rows, id: &SessionId) -> Result<Option<Session>, EngineError> {
    store
        .get(Table::Sessions, Key::new(id))?
        .map(|row| Session::from_row(&row).map_err(|_| damaged(Table::Sessions)))
        .transpose()
}

pub(crate) fn save(store: &mut dyn RowsMut, session: &Session) -> Result<(), EngineError> {
    Ok(store.put(Table::Sessions, Key::new(&session.id()), &session.to_row())?)
}

fn archive_key(peer: &Party) -> Vec<u8> {
    [
        peer.identity.to_bytes().as_slice(),
        &peer.device_id.to_be_bytes(),
    ]
    .concat()
}

/// The sessions with a device, the one that last received first.
fn archive(store: &dyn Rows, peer: &Party) -> Result<ArchiveRow, EngineError> {
    Ok(get_row(store, Table::Archives, Key::new(&archive_key(peer)))?.unwrap_or_default())
}

/// The session to send with: the one that last received (Sesame §3.3), or the one we began last.
pub(crate) fn active(store: &dyn Rows, peer: &Party) -> Result<Option<Session>, EngineError> {
    match archive(store, peer)?.session_ids.first() {
        Some(id) => {
            let id = session_id(id)?;
            load(store, &id)
        }
        None => Ok(None),
    }
}

/// Puts a session first in its archive. What falls out at the end is erased with all that belongs to it.
pub(crate) fn promote(store: &mut dyn RowsMut, session: &Session) -> Result<(), EngineError> {
    let peer = session.peer();
    let mut row = archive(store, &peer)?;
    let id = session.id();
    if row.session_ids.first().is_some_and(|first| *first == id) {
        return Ok(());
    }
    row.session_ids.retain(|other| *other != id);
    row.session_ids.insert(0, id.to_vec());
    while row.session_ids.len() > MAX_SESSIONS_PER_DEVICE {
        let last = row.session_ids.remove(least_useful(store, &row)?);
        erase(store, &session_id(&last)?)?;
    }
    put_row(store, Table::Archives, Key::new(&archive_key(&peer)), &row)
}

/// The session to erase of a list that is too long: the oldest that the other side never answered, but the newest; else the oldest. Whoever
/// spoils bytes can make us begin some, and what is under way comes in the others.
fn least_useful(store: &dyn Rows, row: &ArchiveRow) -> Result<usize, EngineError> {
    let last = row.session_ids.len().saturating_sub(1);
    for (at, id) in row.session_ids.iter().enumerate().skip(1).rev() {
        if load(store, &session_id(id)?)?.is_some_and(|session| session.is_pending()) {
            return Ok(at);
        }
    }
    Ok(last)
}

/// Erases every session with a device, and all that belongs to them.
pub(crate) fn erase_all(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    for id in archive(store, peer)?.session_ids {
        erase(store, &session_id(&id)?)?;
    }
    store.delete(Table::Archives, Key::new(&archive_key(peer)))?;
    Ok(())
}

/// How many keys are kept for messages of a device that have not come.
pub(crate) fn gaps(store: &dyn Rows, peer: &Party) -> Result<u32, EngineError> {
    let mut gaps = 0;
    for id in archive(store, peer)?.session_ids {
        gaps += load(store, &session_id(&id)?)?.map_or(0, |session| session.skipped());
    }
    Ok(gaps)
}

fn erase(store: &mut dyn RowsMut, id: &SessionId) -> Result<(), EngineError> {
    store.delete(Table::Sessions, Key::new(id))?;
    store.delete_range(Table::SkippedKeys, id, WHOLE_GROUP, usize::MAX)?;
    store.delete_range(Table::Accepted, id, WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

fn session_id(bytes: &[u8]) -> Result<SessionId, EngineError> {
    bytes.try_into().map_err(|_| damaged(Table::Archives))
}
