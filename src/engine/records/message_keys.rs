//! Message keys of a session as rows: those that were skipped and for how long they are kept (RFC windlass §7.4.9), and the numbers that
//! were used (RFC windlass §7.7).

use std::cell::RefCell;
use std::ops::Bound;

use crate::chat::MessageId;
use crate::crypto::Secret;
use crate::engine::base::clock::Clock;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::records::sessions;
use crate::limits::{MAX_ACCEPTED_PER_CHAIN, SKIPPED_KEY_RETENTION_SECONDS};
use crate::ratchet::{MessageKey, Position, RatchetError, SkippedChange, SkippedKeys};
use crate::store::{Direction, Key, Rows, RowsMut, StoreError, Table, WHOLE_GROUP};
use crate::wire;
use crate::wire::store::{AcceptedRow, SkippedAgeRow, SkippedKeyRow};
use crate::x3dh::SessionId;

/// The group of all sessions with skipped keys.
const GROUP: &[u8] = b"skipped keys";

/// What stands in the file about them is as exact as this.
const DAY: u64 = 86_400_000;

/// Sessions that one round looks at; the next one goes on.
const MAX_AT_ONCE: usize = 100;

/// Keys of a session are skipped now: on which day they are looked at. One row does for all of a day, whatever a peer makes us skip.
pub(crate) fn schedule_erasure(
    store: &mut dyn RowsMut,
    session: &SessionId,
    now: u64,
) -> Result<(), EngineError> {
    let end_of_day = (now / DAY).saturating_add(1).saturating_mul(DAY);
    let due = end_of_day.saturating_add(SKIPPED_KEY_RETENTION_SECONDS * 1000);
    let order = due.to_be_bytes();
    let key = Key::named(GROUP, &order, session);
    if store.get(Table::SkippedAges, key)?.is_some() {
        return Ok(());
    }
    let row = SkippedAgeRow {
        session_id: session.to_vec(),
    };
    put_row(store, Table::SkippedAges, key, &row)
}

/// Erases the skipped keys that are too old; whether anything has changed.
pub(crate) fn erase_old(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    let clock = Clock::read(store, now)?;
    if !clock.is_settled() {
        return Ok(false);
    }
    let end = now.saturating_add(1).to_be_bytes();
    let due = (Bound::Unbounded, Bound::Excluded(end.as_slice()));
    let longest = SKIPPED_KEY_RETENTION_SECONDS * 1000 + DAY + due::TOLERANCE;
    let ahead = now.saturating_add(longest).to_be_bytes();
    // Written by a clock that was wrong, they would stay for as long.
    let ahead = (Bound::Excluded(ahead.as_slice()), Bound::Unbounded);
    let mut changed = false;
    for bounds in [due, ahead] {
        let (table, forward) = (Table::SkippedAges, Direction::Forward);
        for (order, bytes) in store.range(table, GROUP, bounds, forward, MAX_AT_ONCE)? {
            let row: SkippedAgeRow = decode(table, &bytes)?;
            let session = row.session_id.try_into().map_err(|_| damaged(table))?;
            store.delete(table, Key::ordered(GROUP, &order))?;
            if let Some(oldest) = erase_skipped(store, &session, &clock)? {
                schedule_erasure(store, &session, oldest)?;
            }
            changed = true;
        }
    }
    Ok(changed)
}

/// The skipped keys of one session, looked up in the store.
pub(crate) struct StoredSkippedKeys<'a> {
    store: &'a dyn Rows,
    session: SessionId,
    /// A failure of the store, which the ratchet's own errors have no place for.
    failure: RefCell<Option<StoreError>>,
}

impl<'a> StoredSkippedKeys<'a> {
    pub(crate) fn new(store: &'a dyn Rows, session: SessionId) -> Self {
        Self {
            store,
            session,
            failure: RefCell::default(),
        }
    }

    /// The failure of the store, if there was one.
    pub(crate) fn finish(self) -> Result<(), EngineError> {
        match self.failure.into_inner() {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}

impl SkippedKeys for StoredSkippedKeys<'_> {
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
pub(crate) fn apply(
    store: &mut dyn RowsMut,
    session: &SessionId,
    changes: &[SkippedChange],
    now: u64,
) -> Result<(), EngineError> {
    if (changes.iter()).any(|change| matches!(change, SkippedChange::Keep(..))) {
        schedule_erasure(store, session, now)?;
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

/// Erases the keys of a session that are too old. Since when the oldest is kept that stays; one that lies ahead, since now.
fn erase_skipped(
    store: &mut dyn RowsMut,
    id: &SessionId,
    clock: &Clock,
) -> Result<Option<u64>, EngineError> {
    let Some(session) = sessions::load(store, id)? else {
        return Ok(None);
    };
    let mut oldest: Option<u64> = None;
    let damaged = || damaged(Table::SkippedKeys);
    let mut erased = Vec::new();
    for (order, bytes) in store.range(
        Table::SkippedKeys,
        id,
        WHOLE_GROUP,
        Direction::Forward,
        usize::MAX,
    )? {
        let mut row: SkippedKeyRow = decode(Table::SkippedKeys, &bytes)?;
        if clock.may_erase(row.skipped_at, SKIPPED_KEY_RETENTION_SECONDS * 1000) {
            store.delete(Table::SkippedKeys, Key::ordered(id, &order))?;
            erased.push(position(&order).ok_or_else(damaged)?);
            continue;
        }
        let mut since = clock.real(row.skipped_at);
        if due::pull_back(&mut since, clock.now) {
            row.skipped_at = since;
            put_row(store, Table::SkippedKeys, Key::ordered(id, &order), &row)?;
        }
        oldest = Some(oldest.map_or(since, |oldest| oldest.min(since)));
    }
    if !erased.is_empty() {
        sessions::save(store, &session.without_skipped(&erased))?;
    }
    Ok(oldest)
}

/// What came under a number that was used before.
pub(crate) fn accepted(
    store: &dyn Rows,
    session: &SessionId,
    position: Position,
) -> Result<Option<AcceptedRow>, EngineError> {
    get_row(
        store,
        Table::Accepted,
        Key::ordered(session, &order(position)),
    )
}

/// Remembers what came under a number, and forgets the numbers of the chain that are far behind it.
pub(crate) fn remember(
    store: &mut dyn RowsMut,
    session: &SessionId,
    position: Position,
    digest: [u8; 16],
    message: Option<MessageId>,
) -> Result<(), EngineError> {
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
