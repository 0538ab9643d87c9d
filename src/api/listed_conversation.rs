//! `ListedConversation`: a line of the list of chats.

use std::time::SystemTime;

use super::{ChatSettings, Message};

/// A conversation in a page of the list of them, with what an app shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ListedConversation {
    /// Address of the other side, or of the group.
    pub address: String,
    /// The group's name; nothing for a conversation of two.
    pub group_name: Option<String>,
    /// When something was last written or received.
    pub last_activity: SystemTime,
    /// Messages of others since the user last read.
    pub unread: u64,
    /// Those of them that mention the user, by what they say now.
    pub unread_mentions: u64,
    /// The latest message that is shown; nothing if there is none.
    pub last_message: Option<Message>,
    /// What the user set for it.
    pub settings: ChatSettings,
    /// Where it stands, for `after`.
    pub position: u64,
}
