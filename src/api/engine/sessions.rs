//! Sessions, their skipped keys and what they accepted, as rows (RFC windlass §7.6, §7.7; Sesame §3.2).

use std::cell::RefCell;
use std::ops::Bound;

use super::{ageing, damaged, get_row, put_row};
use crate::api::error::WindlassError;
use crate::chat::MessageId;
use crate::crypto::Secret;
use crate::limits::{MAX_ACCEPTED_PER_CHAIN, MAX_SESSIONS_PER_DEVICE};
use crate::ratchet::{MessageKey, Position, RatchetError, SkippedChange, SkippedKeys};
use crate::session::Session;
use crate::store::{Direction, Key, Rows, StoreError, Table, WHOLE_GROUP, Writer};
use crate::wire::{
    self,
    store::{AcceptedRow, ArchiveRow, SkippedKeyRow},
};
use crate::x3dh::{Party, SessionId};

pub(super) fn load(store: &impl Rows, id: &SessionId) -> Result<Option<Session>, WindlassError> {
    store
        .get(Table::Sessions, Key::new(id))?
        .map(|row| Session::from_row(&row).map_err(|_| damaged(Table::Sessions)))
        .transpose()
}

pub(super) fn save(store: &mut Writer<'_>, session: &Session) -> Result<(), WindlassError> {
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
fn archive(store: &impl Rows, peer: &Party) -> Result<ArchiveRow, WindlassError> {
    Ok(get_row(store, Table::Archives, Key::new(&archive_key(peer)))?.unwrap_or_default())
}

/// The session to send with: the one that last received (Sesame §3.3), or the one we began last.
pub(in crate::api) fn active(
    store: &impl Rows,
    peer: &Party,
) -> Result<Option<Session>, WindlassError> {
    match archive(store, peer)?.session_ids.first() {
        Some(id) => {
            let id = session_id(id)?;
            load(store, &id)
        }
        None => Ok(None),
    }
}

/// Puts a session first in its archive. What falls out at the end is erased with all that belongs to it.
pub(super) fn promote(store: &mut Writer<'_>, session: &Session) -> Result<(), WindlassError> {
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
fn least_useful(store: &impl Rows, row: &ArchiveRow) -> Result<usize, WindlassError> {
    let last = row.session_ids.len().saturating_sub(1);
    for (at, id) in row.session_ids.iter().enumerate().skip(1).rev() {
        if load(store, &session_id(id)?)?.is_some_and(|session| session.is_pending()) {
            return Ok(at);
        }
    }
    Ok(last)
}

/// Erases every session with a device, and all that belongs to them.
pub(super) fn erase_all(store: &mut Writer<'_>, peer: &Party) -> Result<(), WindlassError> {
    for id in archive(store, peer)?.session_ids {
        erase(store, &session_id(&id)?)?;
    }
    store.delete(Table::Archives, Key::new(&archive_key(peer)))?;
    Ok(())
}

/// How many keys are kept for messages of a device that have not come.
pub(super) fn gaps(store: &impl Rows, peer: &Party) -> Result<u32, WindlassError> {
    let mut gaps = 0;
    for id in archive(store, peer)?.session_ids {
        gaps += load(store, &session_id(&id)?)?.map_or(0, |session| session.skipped());
    }
    Ok(gaps)
}

fn erase(store: &mut Writer<'_>, id: &SessionId) -> Result<(), WindlassError> {
    store.delete(Table::Sessions, Key::new(id))?;
    store.delete_range(Table::SkippedKeys, id, WHOLE_GROUP, usize::MAX)?;
    store.delete_range(Table::Accepted, id, WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

fn session_id(bytes: &[u8]) -> Result<SessionId, WindlassError> {
    bytes.try_into().map_err(|_| damaged(Table::Archives))
}

/// The skipped keys of one session, looked up in the store.
pub(super) struct StoredSkippedKeys<'a, R: Rows> {
    pub(super) store: &'a R,
    pub(super) session: SessionId,
    /// A failure of the store, which the ratchet's own errors have no place for.
    pub(super) failure: RefCell<Option<StoreError>>,
}

impl<R: Rows> SkippedKeys for StoredSkippedKeys<'_, R> {
    fn get(&self, position: Position) -> Result<Option<MessageKey>, RatchetError> {
        let order = order(position);
        let row: Option<SkippedKeyRow> = match self
            .store
            .get(Table::SkippedKeys, Key::ordered(&self.session, &order))
        {
            Ok(row) => row
                .map(|bytes| wire::decode("skipped key", &bytes))
                .transpose()
                .map_err(|_| RatchetError::Damaged)?,
            Err(error) => {
                let text = error.to_string();
                *self.failure.borrow_mut() = Some(error);
                return Err(RatchetError::SkippedKeys(text));
            }
        };
        Ok(row
            .and_then(|row| Secret::try_from_slice(&row.message_key))
            .map(MessageKey::new))
    }
}

/// Makes the changes to the skipped keys durable that go with a session's new state.
pub(super) fn apply(
    store: &mut Writer<'_>,
    session: &SessionId,
    changes: &[SkippedChange],
    now: u64,
) -> Result<(), WindlassError> {
    if (changes.iter()).any(|change| matches!(change, SkippedChange::Keep(..))) {
        ageing::note(store, session, now)?;
    }
    for change in changes {
        match change {
            SkippedChange::ForgetChain(chain) => {
                let (low, high) = chain_bounds(*chain);
                let bounds = (
                    Bound::Included(low.as_slice()),
                    Bound::Included(high.as_slice()),
                );
                store.delete_range(Table::SkippedKeys, session, bounds, usize::MAX)?;
                store.delete_range(Table::Accepted, session, bounds, usize::MAX)?;
            }
            SkippedChange::EraseOldest { chain, count } => {
                let (low, high) = chain_bounds(*chain);
                let bounds = (
                    Bound::Included(low.as_slice()),
                    Bound::Included(high.as_slice()),
                );
                store.delete_range(Table::SkippedKeys, session, bounds, *count as usize)?;
            }
            SkippedChange::Erase(position) => {
                store.delete(Table::SkippedKeys, Key::ordered(session, &order(*position)))?;
            }
            SkippedChange::Keep(position, key) => {
                let row = SkippedKeyRow {
                    message_key: key.as_bytes().to_vec(),
                    skipped_at: now,
                };
                put_row(
                    store,
                    Table::SkippedKeys,
                    Key::ordered(session, &order(*position)),
                    &row,
                )?;
            }
        }
    }
    Ok(())
}

/// Erases the keys of a session that were skipped up to a time.
pub(super) fn erase_skipped(
    store: &mut Writer<'_>,
    id: &SessionId,
    until: u64,
) -> Result<(), WindlassError> {
    let Some(session) = load(store, id)? else {
        return Ok(());
    };
    let damaged = || damaged(Table::SkippedKeys);
    let mut erased = Vec::new();
    for (order, bytes) in store.range(
        Table::SkippedKeys,
        id,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )? {
        let row: SkippedKeyRow = wire::decode("skipped key", &bytes).map_err(|_| damaged())?;
        if row.skipped_at <= until {
            store.delete(Table::SkippedKeys, Key::ordered(id, &order))?;
            erased.push(position(&order).ok_or_else(damaged)?);
        }
    }
    save(store, &session.without_skipped(&erased))
}

/// What came under a number that was used before.
pub(super) fn accepted(
    store: &impl Rows,
    session: &SessionId,
    position: Position,
) -> Result<Option<AcceptedRow>, WindlassError> {
    get_row(
        store,
        Table::Accepted,
        Key::ordered(session, &order(position)),
    )
}

/// Remembers what came under a number, and forgets the numbers of the chain that are far behind it.
pub(super) fn remember(
    store: &mut Writer<'_>,
    session: &SessionId,
    position: Position,
    digest: [u8; 16],
    message: Option<MessageId>,
) -> Result<(), WindlassError> {
    let row = AcceptedRow {
        digest: digest.to_vec(),
        message_id: message.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    };
    put_row(
        store,
        Table::Accepted,
        Key::ordered(session, &order(position)),
        &row,
    )?;
    if let Some(number) = position.number.checked_sub(MAX_ACCEPTED_PER_CHAIN) {
        let (low, _) = chain_bounds(position.chain);
        let high = order(Position { number, ..position });
        let bounds = (
            Bound::Included(low.as_slice()),
            Bound::Included(high.as_slice()),
        );
        store.delete_range(Table::Accepted, session, bounds, usize::MAX)?;
    }
    Ok(())
}

/// Sorts by chain, then by number: by age.
fn order(position: Position) -> [u8; 8] {
    (u64::from(position.chain) << 32 | u64::from(position.number)).to_be_bytes()
}

/// The other way round.
fn position(order: &[u8]) -> Option<Position> {
    let (chain, number) = order.split_first_chunk::<4>()?;
    Some(Position {
        chain: u32::from_be_bytes(*chain),
        number: u32::from_be_bytes(number.try_into().ok()?),
    })
}

fn chain_bounds(chain: u32) -> ([u8; 8], [u8; 8]) {
    (
        order(Position { chain, number: 0 }),
        order(Position {
            chain,
            number: u32::MAX,
        }),
    )
}
