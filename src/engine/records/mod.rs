//! The rows of the engine, a file for each kind. Nothing here sends anything.

pub(crate) mod contacts;
pub(crate) mod conversations;
pub(crate) mod decisions;
pub(crate) mod doubts;
pub(crate) mod floors;
pub(crate) mod group_views;
pub(crate) mod groups;
pub(crate) mod introductions;
pub(crate) mod invitations;
pub(crate) mod joining;
pub(crate) mod linking;
mod member_list;
pub(crate) mod message_keys;
pub(crate) mod outbox;
pub(crate) mod own_bundle;
pub(crate) mod own_devices;
pub(crate) mod own_words;
pub(crate) mod prekeys;
pub(crate) mod removed;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod strangers;
pub(crate) mod trust;
pub(crate) mod turns;
pub(crate) mod unacknowledged;
