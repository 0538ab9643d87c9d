//! The rows of what this device and another gave each other, one for each other device.

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::session::HealingKey;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{HealingKeyRow, PairRow};
use crate::x3dh::Party;

fn key_of(peer: &Party) -> Vec<u8> {
    let id = peer.device_id.to_be_bytes();
    [peer.identity.to_bytes().as_slice(), &id].concat()
}

pub(super) fn row(store: &dyn Rows, peer: &Party) -> Result<Option<PairRow>, EngineError> {
    get_row(store, Table::Pairs, Key::new(&key_of(peer)))
}

pub(super) fn row_or_new(store: &dyn Rows, peer: &Party) -> Result<PairRow, EngineError> {
    Ok(row(store, peer)?.unwrap_or_else(|| PairRow {
        identity_key: peer.identity.to_bytes().to_vec(),
        device_id: peer.device_id,
        ..PairRow::default()
    }))
}

pub(crate) fn save(
    store: &mut dyn RowsMut,
    peer: &Party,
    row: &PairRow,
) -> Result<(), EngineError> {
    put_row(store, Table::Pairs, Key::new(&key_of(peer)), row)
}

/// When our bundle was issued that a device has told to have; seconds since the epoch, 0 if it told of none.
pub(crate) fn has_bundle_of(store: &dyn Rows, peer: &Party) -> Result<u64, EngineError> {
    Ok(row(store, peer)?.map_or(0, |row| row.acknowledged_bundle_at))
}

/// A key of ours for another device.
pub(super) fn key_row(day: u32, key: &HealingKey) -> HealingKeyRow {
    HealingKeyRow {
        day,
        key: key.as_bytes().to_vec(),
        since: 0,
        session_ids: Vec::new(),
    }
}

/// Notes how many messages a request of a device names that are not here; whether these are more than its last one named. Of the same, asking
/// again brings no more than it did: each of two may have what the other is not to be given.
pub(crate) fn note_ahead(
    store: &mut dyn RowsMut,
    peer: &Party,
    ahead: usize,
) -> Result<bool, EngineError> {
    let (mut row, ahead) = (
        row_or_new(store, peer)?,
        u32::try_from(ahead).unwrap_or(u32::MAX),
    );
    let news = ahead > row.ahead;
    if row.ahead != ahead {
        row.ahead = ahead;
        save(store, peer, &row)?;
    }
    Ok(news)
}

/// A device gave what was not here: whatever else its next request names is news.
pub(crate) fn note_given(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    note_ahead(store, peer, 0).map(|_| ())
}

/// Of a device nothing is known any more that was before a time.
pub(crate) fn forget_before(
    store: &mut dyn RowsMut,
    peer: &Party,
    time: u64,
) -> Result<(), EngineError> {
    let Some(mut row) = row(store, peer)? else {
        return Ok(());
    };
    row.keys.retain(|key| key.since >= time);
    if row.signed_prekey_since < time {
        (row.signed_prekey, row.signed_prekey_since) = (Vec::new(), 0);
    }
    save(store, peer, &row)
}

/// Nothing is known of a device any more.
pub(crate) fn forget(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    store.delete(Table::Pairs, Key::new(&key_of(peer)))?;
    Ok(())
}
