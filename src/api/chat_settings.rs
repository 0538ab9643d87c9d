//! What the user sets for a conversation, on all their devices.

use std::time::{SystemTime, UNIX_EPOCH};

use super::clock::time;
use super::{Conversation, Result, WindlassError};
use crate::chat::{ChatSetting, ChatSettingKind, ContentError};
use crate::engine::records::chat_settings;
use crate::engine::sync;
use crate::limits::MAX_CHAT_NAME_LEN;
use crate::store::Rows;

/// What the user set for a conversation. The same on all devices of the user, and nobody else is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ChatSettings {
    /// Until when it is mute; nothing if it is not.
    pub muted_until: Option<SystemTime>,
    /// True when it is in the archive.
    pub archived: bool,
    /// True when it stands at the top of the list.
    pub pinned: bool,
    /// True when the user marked it as unread, until it is read.
    pub marked_unread: bool,
    /// The user's own name for it.
    pub nickname: Option<String>,
}

impl ChatSettings {
    pub(super) fn of(settings: &[ChatSetting]) -> Self {
        let mut all = Self::default();
        for one in settings {
            let is_set = one.number != 0;
            match one.kind {
                ChatSettingKind::MutedUntil => {
                    all.muted_until = is_set.then(|| time(one.number));
                }
                ChatSettingKind::Archived => all.archived = is_set,
                ChatSettingKind::Pinned => all.pinned = is_set,
                ChatSettingKind::MarkedUnread => all.marked_unread = is_set,
                ChatSettingKind::Name => {
                    all.nickname = Some(one.text.clone()).filter(|name| !name.is_empty());
                }
            }
        }
        all
    }

    pub(super) fn load(rows: &dyn Rows, conversation: &Conversation) -> Result<Self> {
        Ok(Self::of(&chat_settings::of(rows, &conversation.id)?))
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// What the user set for this conversation, on whichever device.
    pub fn settings(&self) -> Result<ChatSettings> {
        self.client.read(|rows| ChatSettings::load(rows, self))
    }

    /// The application tells nobody of what comes, until this time; nothing lets it tell again.
    pub fn set_muted_until(&self, until: Option<SystemTime>) -> Result<()> {
        let until = until.map_or(0, |until| {
            let since = until.duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        });
        self.set(ChatSettingKind::MutedUntil, until, "")
    }

    /// Puts it into the archive, or takes it out again. A message that comes does not.
    pub fn set_archived(&self, archived: bool) -> Result<()> {
        self.set(ChatSettingKind::Archived, archived.into(), "")
    }

    /// Puts it at the top of the list, or takes it from there. The order of `conversation_page` does not change by it.
    pub fn set_pinned(&self, pinned: bool) -> Result<()> {
        self.set(ChatSettingKind::Pinned, pinned.into(), "")
    }

    /// Marks it as unread until it is read, whatever is unread in it.
    pub fn mark_unread(&self) -> Result<()> {
        self.set(ChatSettingKind::MarkedUnread, 1, "")
    }

    /// The user's own name for it, of at most 256 bytes; nothing, or nothing but white space, takes it away. Nobody else is told.
    pub fn set_nickname(&self, nickname: Option<String>) -> Result<()> {
        let name = nickname.unwrap_or_default();
        let name = name.trim();
        if name.len() > MAX_CHAT_NAME_LEN {
            return Err(ContentError::TooLarge {
                what: "nickname",
                got: name.len(),
                max: MAX_CHAT_NAME_LEN,
            }
            .into());
        }
        self.set(ChatSettingKind::Name, 0, name)
    }
}

impl Conversation {
    fn set(&self, kind: ChatSettingKind, number: u64, text: &str) -> Result<()> {
        self.client.write(|step| {
            sync::chat_settings::set(step, &self.id, kind, number, text)?;
            Ok::<_, WindlassError>(())
        })
    }
}
