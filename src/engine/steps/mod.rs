//! One file for each thing that the facade asks of the engine, each in one step of the store.

pub(crate) mod admit;
pub(crate) mod backup;
pub(crate) mod content;
pub(crate) mod conversation;
pub(crate) mod create;
mod first;
mod group;
pub(crate) mod join;
pub(crate) mod link;
pub(crate) mod receive;
pub(crate) mod scheduled;
mod unreadable;
pub(crate) mod upkeep;
pub(crate) mod write;
