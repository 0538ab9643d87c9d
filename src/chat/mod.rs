//! What messages say (RFC windlass §9; 62/STATUS-PAYLOADS).

mod content;

pub use content::{Body, Content, ContentError, MessageId};
