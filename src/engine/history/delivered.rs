//! Who has what we wrote (RFC windlass §9.4). Each who has it is a row of its own: a message may be long, and many have it. The row says which of
//! their devices said so: no device has a row.

use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::history::message;
use crate::engine::history::message::Stored;
use crate::engine::records::contacts::{self, Contact};
use crate::identity::PublicIdentity;
use crate::limits::MAX_DEVICES;
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{DeliveredDeviceRow, DeliveredRow};
use crate::x3dh::Party;

/// Somebody has a message.
pub(crate) struct Delivered {
    pub(crate) to: PublicIdentity,
    /// When that came to be known here.
    pub(crate) at: u64,
    devices: Vec<DeliveredDeviceRow>,
}

impl Delivered {
    /// Which of their devices said so, and when that came to be known here; the first of them first.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (u32, u64)> {
        let devices = self.devices.iter();
        devices.map(|one| (one.device_id, self.at.saturating_add(one.later)))
    }
}

/// What a receipt says that is not known.
pub(crate) enum Receipt {
    /// They have a message.
    New,
    /// Nothing: it is known, or counts for nothing.
    Known,
    /// They have what is not here.
    OfUnknown,
}

fn key<'a>(message: &'a [u8], by: &'a [u8]) -> Key<'a> {
    Key::named(message, &[], by)
}

/// Notes the receipt, by a device, of a message that we wrote to its person, or to a group they belong to. A receipt for another's conversation
/// counts for nothing.
pub(crate) fn note(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    party: &Party,
    now: u64,
) -> Result<Receipt, EngineError> {
    let by = &party.identity;
    // First what costs little, however long the message is.
    if let Some(row) = find(store, message, by)? {
        note_device(store, message, row, party, now)?;
        return Ok(Receipt::Known);
    }
    let Some(stored) = message::find(store, message)? else {
        return Ok(Receipt::OfUnknown);
    };
    if !stored.may_be_delivered_to(by) {
        return Ok(Receipt::Known);
    }
    let row = DeliveredRow {
        message_id: message.id.as_bytes().to_vec(),
        identity_key: by.to_bytes().to_vec(),
        at: now.max(1),
        devices: vec![device(party, 0)],
    };
    put(store, message, &row)?;
    Ok(Receipt::New)
}

fn device(party: &Party, later: u64) -> DeliveredDeviceRow {
    DeliveredDeviceRow {
        device_id: party.device_id,
        later,
    }
}

/// Another device of theirs said so too. Once as many have said so as somebody may have devices, one that they have no more makes room.
fn note_device(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    mut row: DeliveredRow,
    party: &Party,
    now: u64,
) -> Result<(), EngineError> {
    let id = party.device_id;
    if row.devices.iter().any(|known| known.device_id == id) {
        return Ok(());
    }
    if row.devices.len() >= MAX_DEVICES {
        let theirs = contacts::find(store, &party.identity)?;
        let theirs: Vec<_> = theirs.iter().flat_map(Contact::parties).collect();
        let is_theirs = |known: &DeliveredDeviceRow| {
            let mut theirs = theirs.iter();
            theirs.any(|one| one.device_id == known.device_id)
        };
        let Some(gone) = row.devices.iter().position(|known| !is_theirs(known)) else {
            return Ok(());
        };
        row.devices.remove(gone);
    }
    let later = now.saturating_sub(row.at);
    row.devices.push(device(party, later));
    put(store, message, &row)
}

fn find(
    store: &dyn Rows,
    message: &MessageRef,
    by: &PublicIdentity,
) -> Result<Option<DeliveredRow>, EngineError> {
    let (group, by) = (message.key(), by.to_bytes());
    get_row(store, Table::Delivered, key(&group, &by))
}

fn put(
    store: &mut dyn RowsMut,
    message: &MessageRef,
    row: &DeliveredRow,
) -> Result<(), EngineError> {
    let group = message.key();
    let key = key(&group, &row.identity_key);
    put_row(store, Table::Delivered, key, row)
}

/// Since when it is known that somebody has a message of ours.
pub(crate) fn at(
    store: &dyn Rows,
    message: &MessageRef,
    by: &PublicIdentity,
) -> Result<Option<u64>, EngineError> {
    Ok(find(store, message, by)?.map(|row| row.at))
}

/// Who has a message, the first of them first.
pub(crate) fn of(store: &dyn Rows, stored: &Stored) -> Result<Vec<Delivered>, EngineError> {
    if !stored.may_be_delivered() {
        return Ok(Vec::new());
    }
    let (table, group) = (Table::Delivered, stored.name().key());
    let rows = store.range(table, &group, WHOLE_GROUP, Direction::Forward, usize::MAX)?;
    let mut all = Vec::new();
    for (_, bytes) in rows {
        let row: DeliveredRow = decode(table, &bytes)?;
        let to = PublicIdentity::from_stored(&row.identity_key).ok_or_else(|| damaged(table))?;
        let (at, devices) = (row.at, row.devices);
        all.push(Delivered { to, at, devices });
    }
    // In the store they are sorted by hashes that no other store has.
    all.sort_by_key(|one| (one.at, one.to.to_bytes()));
    Ok(all)
}

/// Nobody has a message any more.
pub(crate) fn erase_of(store: &mut dyn RowsMut, message: &MessageRef) -> Result<(), EngineError> {
    store.delete_range(Table::Delivered, &message.key(), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// Puts the receipt of a backup back; `own` wrote the message.
pub(crate) fn restore(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    row: &DeliveredRow,
) -> Result<(), EngineError> {
    let own = own.to_bytes();
    let message = MessageRef::from_columns(Table::Delivered, &own, &row.message_id)?;
    // One of nothing would be deleted by nothing.
    if message::contains(store, &message)? {
        put(store, &message, row)?;
    }
    Ok(())
}
