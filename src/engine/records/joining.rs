//! What a store holds of a device that is not one of an identity yet, while it is linked (RFC windlass §8.5).

use crate::crypto::Secret;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::JOINING;
use crate::engine::records::linking::is_over;
use crate::link::{LinkAnswer, NewDevice};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::JoiningRow;

/// The new device's side, and whoever answered it.
pub(crate) struct Joining {
    pub(crate) new: NewDevice,
    pub(crate) answer: Option<LinkAnswer>,
    begun_at: u64,
}

impl Joining {
    pub(crate) const fn begun(new: NewDevice, now: u64) -> Self {
        Self {
            new,
            answer: None,
            begun_at: now,
        }
    }
}

/// What was begun, unless that is over.
pub(crate) fn find(store: &dyn Rows, now: u64) -> Result<Option<Joining>, EngineError> {
    let row: Option<JoiningRow> = get_row(store, Table::Device, JOINING)?;
    let Some(row) = row.filter(|row| !is_over(row.begun_at, now)) else {
        return Ok(None);
    };
    let secret = Secret::try_from_slice(&row.secret).ok_or_else(|| damaged(Table::Device))?;
    let answer = match row.answer.as_slice() {
        [] => None,
        bytes => Some(LinkAnswer::from_bytes(bytes)?),
    };
    Ok(Some(Joining {
        new: NewDevice::from_bytes(&secret),
        answer,
        begun_at: row.begun_at,
    }))
}

pub(crate) fn save(store: &mut dyn RowsMut, joining: &Joining) -> Result<(), EngineError> {
    let row = JoiningRow {
        secret: joining.new.to_bytes().as_bytes().to_vec(),
        answer: joining
            .answer
            .map_or_else(Vec::new, |answer| answer.to_bytes()),
        begun_at: joining.begun_at,
    };
    put_row(store, Table::Device, JOINING, &row)
}

/// The key is of no more use: it is finished, over, or not wanted.
pub(crate) fn erase(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    store.delete(Table::Device, JOINING)?;
    Ok(())
}
