//! What devices tell each other beside messages: what is missing, what the user decided, who belongs to a group.

pub(crate) mod chat_settings;
pub(crate) mod deletions;
pub(crate) mod feed;
pub(crate) mod group_deletion;
pub(crate) mod group_events;
pub(crate) mod group_joins;
pub(crate) mod group_links;
pub(crate) mod group_sync;
pub(crate) mod hand_over;
pub(crate) mod healing;
pub(crate) mod outcome;
pub(crate) mod peek;
pub(crate) mod people;
pub(crate) mod profiles;
pub(crate) mod reading;
pub(crate) mod receipts;
pub(crate) mod transient;
pub(crate) mod updates;
pub(crate) mod waiting;
