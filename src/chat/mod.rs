//! What messages say (RFC windlass §9; 62/STATUS-PAYLOADS).

mod content;
mod control;

pub use content::{Body, Content, ContentError, MessageId};
pub use control::{
    ConversationState, Copy, DeviceUpdate, HealingRequest, ID_PREFIX_LEN, IdentityKey, KnownContact,
};
