//! What the user set for a conversation, as the devices of one identity tell each other (RFC windlass §8.3.12).

use super::bounds::fits;
use super::floor::Decision;
use super::names::IdentityKey;
use crate::limits::{MAX_CHAT_NAME_LEN, MAX_CHAT_SETTINGS, MAX_TIME_SECONDS};
use crate::wire::{self, WireError, malformed, v2};

/// What can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChatSettingKind {
    /// Until when it is mute.
    MutedUntil = 1,
    /// Whether it is in the archive.
    Archived = 2,
    /// Whether it stands at the top.
    Pinned = 3,
    /// Whether the user marked it as unread.
    MarkedUnread = 4,
    /// The user's own name for it.
    Name = 5,
}

impl ChatSettingKind {
    const ALL: [Self; 5] = [
        Self::MutedUntil,
        Self::Archived,
        Self::Pinned,
        Self::MarkedUnread,
        Self::Name,
    ];

    /// As it travels and is stored; never 0.
    #[must_use]
    pub fn number(self) -> u64 {
        self as u64
    }

    /// Nothing for a kind of a later version.
    #[must_use]
    pub fn of_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// One setting, and by which decision it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSetting {
    /// What is set.
    pub kind: ChatSettingKind,
    /// A time in milliseconds, or 0 and 1.
    pub number: u64,
    /// A name; empty for none, and for what is none.
    pub text: String,
    /// Of two the later counts.
    pub decided: Decision,
}

/// The settings of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSettings {
    /// The other side, or the group.
    pub conversation: IdentityKey,
    /// Whether it is a group.
    pub group: bool,
    /// By kind, each once.
    pub settings: Vec<ChatSetting>,
}

impl ChatSetting {
    /// Within its bounds: nothing but what its kind says.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.number = match self.kind {
            ChatSettingKind::MutedUntil => self.number.min(MAX_TIME_SECONDS * 1000),
            ChatSettingKind::Name => 0,
            _ => self.number.min(1),
        };
        if self.kind != ChatSettingKind::Name {
            self.text = String::new();
        }
        self
    }

    fn from_wire(setting: v2::ChatSetting) -> Result<Option<Self>, WireError> {
        fits("name", setting.text.len(), MAX_CHAT_NAME_LEN).map_err(|_| malformed("name"))?;
        let kind = ChatSettingKind::of_number(setting.kind);
        Ok(kind.map(|kind| {
            Self {
                kind,
                number: setting.number,
                text: setting.text,
                decided: Decision::from_wire(setting.decided),
            }
            .bounded()
        }))
    }
}

impl ChatSettings {
    pub(super) fn from_wire(chat: v2::ChatSettings) -> Result<Self, WireError> {
        let kinds = chat.settings.iter().map(|setting| setting.kind);
        let ascending = kinds.clone().zip(kinds.skip(1)).all(|(a, b)| a < b);
        if chat.settings.len() > MAX_CHAT_SETTINGS || !ascending {
            return Err(malformed("chat settings"));
        }
        let settings = chat.settings.into_iter().map(ChatSetting::from_wire);
        Ok(Self {
            conversation: wire::array("identity key", &chat.conversation)?,
            group: chat.group,
            settings: settings
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn to_wire(&self) -> v2::ChatSettings {
        let setting = |setting: &ChatSetting| v2::ChatSetting {
            kind: setting.kind.number(),
            number: setting.number,
            text: setting.text.clone(),
            decided: setting.decided.to_wire(),
        };
        v2::ChatSettings {
            conversation: self.conversation.to_vec(),
            group: self.group,
            settings: self.settings.iter().map(setting).collect(),
        }
    }
}
