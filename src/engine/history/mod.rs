//! Messages: where they stand in their conversations, what they say of each other, when they go, and how they are read.

pub(crate) mod annotations;
pub(crate) mod backlog;
pub(crate) mod changes;
pub(crate) mod deletion;
pub(crate) mod delivered;
pub(crate) mod early;
pub(crate) mod expiries;
pub(crate) mod folding;
pub(crate) mod follows;
pub(crate) mod gone;
pub(crate) mod held;
pub(crate) mod inventory;
pub(crate) mod message;
pub(crate) mod pinned;
pub(crate) mod pins;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod redating;
pub(crate) mod searching;
pub(crate) mod summary;
pub(crate) mod unhandled;
pub(crate) mod unread;
pub(crate) mod view;
