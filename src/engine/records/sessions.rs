//! Sessions, their skipped keys and what they accepted, as rows (RFC windlass §7.6, §7.7; Sesame §3.2).

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::limits::MAX_SESSIONS_PER_DEVICE;
use crate::ratchet::ChainTag;
use crate::session::{Session, SessionStanding, TagChanges};
use crate::store::{Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{ArchiveRow, ChainTagRow};
use crate::x3dh::{Party, SessionId};

pub(crate) fn load(store: &dyn Rows, id: &SessionId) -> Result<Option<Session>, EngineError> {
    store
        .get(Table::Sessions, Key::new(id))?
        .map(|row| Session::from_row(&row).map_err(|_| damaged(Table::Sessions)))
        .transpose()
}

/// The session that a chain tag belongs to: two look-ups, however many sessions there are.
pub(crate) fn by_tag(store: &dyn Rows, tag: &ChainTag) -> Result<Option<Session>, EngineError> {
    let row: Option<ChainTagRow> = get_row(store, Table::ChainTags, Key::new(tag))?;
    match row {
        Some(row) => load(store, &session_id(&row.session_id)?),
        None => Ok(None),
    }
}

/// Notes by which tags a session is found from now on.
pub(crate) fn apply_tags(
    store: &mut dyn RowsMut,
    id: &SessionId,
    changes: &TagChanges,
) -> Result<(), EngineError> {
    for tag in &changes.gone {
        store.delete(Table::ChainTags, Key::new(tag))?;
    }
    for tag in &changes.new {
        let row = ChainTagRow {
            session_id: id.to_vec(),
        };
        put_row(store, Table::ChainTags, Key::new(tag), &row)?;
    }
    Ok(())
}

/// A session that is new here.
pub(crate) fn create(store: &mut dyn RowsMut, session: &Session) -> Result<(), EngineError> {
    let tags = TagChanges {
        new: session.expected_tags(),
        gone: Vec::new(),
    };
    apply_tags(store, &session.id(), &tags)?;
    save(store, session)
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

/// The session to send with: the one that last received (Sesame §3.3), or the one we began first. Not one that was begun for a request
/// for healing and that nobody answered.
pub(crate) fn active(store: &dyn Rows, peer: &Party) -> Result<Option<Session>, EngineError> {
    find(store, peer, |session| !session.is_probe())
}

/// The first session of a device that is as asked for.
pub(crate) fn find(
    store: &dyn Rows,
    peer: &Party,
    fits: impl Fn(&Session) -> bool,
) -> Result<Option<Session>, EngineError> {
    for id in archive(store, peer)?.session_ids {
        if let Some(session) = load(store, &session_id(&id)?)?.filter(&fits) {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// All sessions with a device.
pub(crate) fn with(store: &dyn Rows, peer: &Party) -> Result<Vec<Session>, EngineError> {
    let mut found = Vec::new();
    for id in archive(store, peer)?.session_ids {
        found.extend(load(store, &session_id(&id)?)?);
    }
    Ok(found)
}

/// Since when the other end of the session to send with is known to be that device. No key of it is read.
pub(crate) fn known_since(store: &dyn Rows, peer: &Party) -> Result<Option<u64>, EngineError> {
    for id in archive(store, peer)?.session_ids {
        let row = store.get(Table::Sessions, Key::new(&session_id(&id)?))?;
        let standing = row.map(|row| SessionStanding::from_row(&row));
        let standing = standing.transpose();
        let standing = standing.map_err(|_| damaged(Table::Sessions))?;
        if let Some(standing) = standing.filter(|standing| !standing.probe) {
            return Ok(Some(standing.known_since));
        }
    }
    Ok(None)
}

/// Puts a session that received first in its archive. What falls out at the end is erased with all that belongs to it.
pub(crate) fn promote(store: &mut dyn RowsMut, session: &Session) -> Result<(), EngineError> {
    place(store, session, true)
}

/// Puts a session that was begun behind those that received: whoever spoils bytes, or withholds them, can make us begin some, and what
/// is written goes on in the ones that the other side is known to have.
pub(crate) fn begin(store: &mut dyn RowsMut, session: &Session) -> Result<(), EngineError> {
    place(store, session, false)
}

fn place(store: &mut dyn RowsMut, session: &Session, first: bool) -> Result<(), EngineError> {
    let peer = session.peer();
    let mut row = archive(store, &peer)?;
    let id = session.id();
    if first && row.session_ids.first().is_some_and(|first| *first == id) {
        return Ok(());
    }
    row.session_ids.retain(|other| *other != id);
    let at = if first { 0 } else { answered(store, &row)? };
    row.session_ids.insert(at, id.to_vec());
    while row.session_ids.len() > MAX_SESSIONS_PER_DEVICE {
        let last = row.session_ids.remove(least_useful(store, &row, at)?);
        erase(store, &session_id(&last)?)?;
    }
    put_row(store, Table::Archives, Key::new(&archive_key(&peer)), &row)
}

/// How many sessions stand in front of the first that nobody answered.
fn answered(store: &dyn Rows, row: &ArchiveRow) -> Result<usize, EngineError> {
    for (at, id) in row.session_ids.iter().enumerate() {
        if load(store, &session_id(id)?)?.is_none_or(|session| session.is_pending()) {
            return Ok(at);
        }
    }
    Ok(row.session_ids.len())
}

/// The session to erase of a list that is too long, but not the one that was placed just now: the oldest that was begun for a request and
/// never answered; or the oldest that was never answered; else the last. Whoever spoils bytes can make us begin some, and what is under
/// way comes in the others.
fn least_useful(store: &dyn Rows, row: &ArchiveRow, placed: usize) -> Result<usize, EngineError> {
    let mut least = None;
    for (at, id) in row.session_ids.iter().enumerate().rev() {
        let Some(session) = load(store, &session_id(id)?)?.filter(|_| at != placed) else {
            continue;
        };
        if session.is_probe() {
            return Ok(at);
        }
        if session.is_pending() && least.is_none() {
            least = Some(at);
        }
    }
    let last = row.session_ids.len().saturating_sub(1);
    Ok(least.unwrap_or(if last == placed {
        last.saturating_sub(1)
    } else {
        last
    }))
}

/// Erases every session with a device, and all that belongs to them.
pub(crate) fn erase_all(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    for id in archive(store, peer)?.session_ids {
        erase(store, &session_id(&id)?)?;
    }
    store.delete(Table::Archives, Key::new(&archive_key(peer)))?;
    Ok(())
}

/// Erases the sessions with a device that are known to be its own since before a time.
pub(crate) fn erase_known_before(
    store: &mut dyn RowsMut,
    peer: &Party,
    time: u64,
) -> Result<(), EngineError> {
    let mut row = archive(store, peer)?;
    let mut kept = Vec::new();
    for id in core::mem::take(&mut row.session_ids) {
        let session = load(store, &session_id(&id)?)?;
        if session.is_some_and(|session| session.known_since() < time) {
            erase(store, &session_id(&id)?)?;
        } else {
            kept.push(id);
        }
    }
    row.session_ids = kept;
    put_row(store, Table::Archives, Key::new(&archive_key(peer)), &row)
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
    if let Some(session) = load(store, id)? {
        let tags = TagChanges {
            new: Vec::new(),
            gone: session.expected_tags(),
        };
        apply_tags(store, id, &tags)?;
    }
    store.delete(Table::Sessions, Key::new(id))?;
    store.delete_range(Table::SkippedKeys, id, WHOLE_GROUP, usize::MAX)?;
    store.delete_range(Table::Accepted, id, WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

fn session_id(bytes: &[u8]) -> Result<SessionId, EngineError> {
    bytes.try_into().map_err(|_| damaged(Table::Archives))
}
