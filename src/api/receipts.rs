//! What became of a message of ours, member by member; and whether others hear what the user read.

use std::time::SystemTime;

use super::clock::time;
use super::conversation::named;
use super::{Client, Conversation, Result, WindlassError};
use crate::engine::base::message_ref::MessageRef;
use crate::engine::history::delivered::{self, Delivered};
use crate::engine::records::contacts::{self, Contact};
use crate::engine::records::{conversations, outbox, settings, unacknowledged};
use crate::identity::PublicIdentity;
use crate::store::Rows;

/// What a device of somebody has said of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct DeviceReceipt {
    /// Its id, as `Contact.devices` has it.
    pub device_id: u32,
    /// When it said that it has it; nothing as long as it is waited for.
    pub delivered_at: Option<SystemTime>,
}

/// What one of those whom a message of ours was written to has said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct MemberReceipt {
    /// Their address.
    pub address: String,
    /// When their first device said that it has it.
    pub delivered_at: Option<SystemTime>,
    /// When they last said that they have read, this or something behind it. That is a person's: they tell nobody on which device they read.
    pub read_at: Option<SystemTime>,
    /// What their devices have said, the first of them first; behind them those that it was sent to and that have said nothing. A device that they
    /// have no more is not waited for, one that came later is not either, and none is for longer than a message is kept ready to be sent again.
    pub devices: Vec<DeviceReceipt>,
}

/// What became of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct MessageReceipts {
    /// True as long as an envelope with it waits for the transport.
    pub queued: bool,
    /// Those whom it was written to: the other side, or the members of the group at that time.
    pub members: Vec<MemberReceipt>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// What became of the message of ours that has this id: whether it left, and who has it and has read it since when. Sent is what does not
    /// wait and that nobody has said to have. `UnknownMessage` for what is not ours, or not here.
    pub fn receipts(&self, message_id: &str) -> Result<MessageReceipts> {
        let own = self.client.device.public();
        let name = named(&own.address(), message_id)?;
        let taken = self.client.store.1.ids();
        self.client.read(|rows| {
            let stored = self.named(rows, &name)?;
            let row = conversations::row(rows, &self.id)?;
            let delivered = delivered::of(rows, &stored)?;
            let members = stored.written_to().into_iter().map(|member| {
                let devices = devices_of(rows, &name, &member, &delivered)?;
                let theirs = delivered.iter().find(|one| one.to == member);
                let key = member.to_bytes();
                let read = row.read_by.iter().find(|mark| mark.identity_key == key);
                let read = read.filter(|mark| mark.lamport >= stored.content.lamport);
                Ok::<_, WindlassError>(MemberReceipt {
                    address: member.address(),
                    delivered_at: theirs.map(|one| time(one.at)),
                    read_at: read.map(|mark| time(mark.at)),
                    devices,
                })
            });
            Ok(MessageReceipts {
                members: members.collect::<Result<_>>()?,
                queued: outbox::carries(rows, &name.id, &taken)?,
            })
        })
    }
}

/// What the devices of somebody have said of a message, and which of them it waits for.
fn devices_of(
    rows: &dyn Rows,
    message: &MessageRef,
    member: &PublicIdentity,
    delivered: &[Delivered],
) -> Result<Vec<DeviceReceipt>> {
    let theirs = delivered.iter().find(|one| one.to == *member);
    let said = theirs.iter().flat_map(|one| one.devices());
    let said = said.map(|(device_id, at)| DeviceReceipt {
        device_id,
        delivered_at: Some(time(at)),
    });
    let mut devices: Vec<_> = said.collect();
    let contact = contacts::find(rows, member)?;
    for party in contact.iter().flat_map(Contact::parties) {
        let device_id = party.device_id;
        let has_said = devices.iter().any(|one| one.device_id == device_id);
        if !has_said && unacknowledged::is_scheduled(rows, &party, message)? {
            devices.push(DeviceReceipt {
                device_id,
                delivered_at: None,
            });
        }
    }
    Ok(devices)
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Whether others are told what the user has read; kept in the store.
    pub fn sends_read_receipts(&self) -> Result<bool> {
        self.read(|rows| Ok(!settings::row(rows)?.no_read_receipts))
    }

    /// Sets whether others are told what the user has read. Off, `mark_read` tells our own devices alone. Receipts of delivery cannot be switched
    /// off: without them the other side would send again what came.
    pub fn set_sends_read_receipts(&self, sends: bool) -> Result<()> {
        self.write(|step| {
            let mut row = settings::row(step.rows)?;
            row.no_read_receipts = !sends;
            Ok(settings::save(step.rows, &row)?)
        })
    }
}
