//! What messages say (RFC windlass §9; 62/STATUS-PAYLOADS).

mod attachment;
mod body;
mod body_wire;
mod bounds;
mod chat_settings;
mod content;
mod control;
mod deleted_group;
mod device_link;
mod file_name;
mod floor;
mod group;
mod link_preview;
mod names;
mod origin;
mod picture;
mod profile;
mod proof;
mod rich_text;

pub use attachment::Attachment;
pub use body::Body;
pub use bounds::ContentError;
pub use chat_settings::{ChatSetting, ChatSettingKind, ChatSettings};
pub use content::Content;
pub use control::{
    ConversationState, Copy, DeviceUpdate, HealingRequest, KnownContact, KnownDevice, MessageName,
    ReadMark,
};
pub use deleted_group::DeletedGroup;
pub use device_link::DeviceLink;
pub use file_name::safe_name;
pub use floor::{Decision, Floor, FloorKey, FloorName, FloorTimer, NamedMessage};
#[cfg(test)]
pub(crate) use group::APPLIED;
pub use group::{
    EventHash, GroupAction, GroupEvent, GroupEventError, GroupEventNames, GroupId, GroupLinkToken,
    GroupLog, GroupPermission, GroupPermissions, GroupSync, GroupTag, GroupView, Member,
    Membership, Taken,
};
pub use link_preview::LinkPreview;
pub use names::{IdentityKey, MessageId};
pub use origin::MessageOrigin;
pub use picture::Picture;
pub use profile::Profile;
pub use proof::{Day, OwnWordsKey, WINDOW_DAYS};
pub use rich_text::{Forward, Span, SpanKind, Text};
