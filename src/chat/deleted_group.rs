//! What outlives a group that the user deleted, as the devices of one identity tell each other (RFC windlass §9.6.16).

use super::group::{EventHash, GroupId};
use crate::limits::{MAX_GROUP_EVENT_LEN, MAX_GROUP_EVENTS};
use crate::wire::{self, WireError, malformed, v2};

/// A group that was deleted. It comes back by an invitation that is none of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedGroup {
    /// Which.
    pub group: GroupId,
    /// The events that invited the user and were known then.
    pub invitations: Vec<EventHash>,
    /// The signed event by which the user left; empty if they did not belong to it.
    pub left: Vec<u8>,
    /// When; milliseconds since the epoch.
    pub deleted_at: u64,
}

impl DeletedGroup {
    pub(super) fn from_wire(deleted: v2::DeletedGroup) -> Result<Self, WireError> {
        wire::check_len("group event", deleted.left.len(), MAX_GROUP_EVENT_LEN)?;
        if deleted.invitations.len() > MAX_GROUP_EVENTS {
            return Err(malformed("deleted group"));
        }
        let invitations = deleted.invitations.iter();
        Ok(Self {
            group: GroupId::from_bytes(&deleted.group)?,
            invitations: invitations
                .map(|hash| wire::array("event hash", hash))
                .collect::<Result<_, _>>()?,
            left: deleted.left,
            deleted_at: deleted.deleted_at,
        })
    }

    pub(super) fn to_wire(&self) -> v2::DeletedGroup {
        v2::DeletedGroup {
            group: self.group.as_bytes().to_vec(),
            invitations: self.invitations.iter().map(|hash| hash.to_vec()).collect(),
            left: self.left.clone(),
            deleted_at: self.deleted_at,
        }
    }

    /// About how long it is as it travels.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of_val(self) + size_of_val(self.invitations.as_slice()) + self.left.len()
    }
}
