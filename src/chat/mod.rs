//! What messages say (RFC windlass §9; 62/STATUS-PAYLOADS).

mod body;
mod content;
mod control;
mod group;
mod proof;

pub use body::{Attachment, Body, ContentError};
pub use content::{Content, MessageId};
pub use control::{
    ConversationState, Copy, DeviceUpdate, HealingRequest, IdentityKey, KnownContact, MessageName,
    ReadMark,
};
#[cfg(test)]
pub(crate) use group::APPLIED;
pub use group::{
    EventHash, GroupAction, GroupEvent, GroupEventError, GroupId, GroupLog, Member, Membership,
    Taken,
};
pub use proof::ProofKey;
