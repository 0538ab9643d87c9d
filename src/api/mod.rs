//! The facade: what a developer holds, in Rust and in every language. One type to a file; the engine below does the work.

#[macro_use]
mod exported;

mod attachment;
mod attachment_chunks;
mod attachment_stream;
mod bundle;
mod by_id;
mod bytes;
mod change_listener;
mod chat_settings;
mod client;
mod clock;
mod code;
mod contact;
mod conversation;
#[cfg(not(target_arch = "wasm32"))]
mod database;
mod device_link;
mod encrypted_store;
mod error;
mod error_info;
mod error_of_store;
mod event;
#[cfg(feature = "uniffi")]
mod foreign_bytes;
mod found_contact;
mod group;
mod group_change;
mod group_link;
mod hand_over;
mod handed_over;
mod identity;
mod link_preview;
mod listed_conversation;
mod message;
mod outbox_listener;
mod path;
mod pinned;
mod presence;
mod profile;
mod progress;
mod receipts;
mod rich_sending;
mod rich_text;
mod scheduled;
mod session;
mod simulation;
#[cfg(not(target_arch = "wasm32"))]
mod store_files;
mod store_key;
mod typing;
mod typing_now;
mod verification;

pub use attachment::{Attachment, AttachmentInfo};
pub use attachment_stream::{AttachmentOpener, AttachmentSealer};
pub use bundle::Bundle;
pub use bytes::Bytes;
pub use change_listener::ChangeListener;
pub use chat_settings::ChatSettings;
pub use client::{
    Backlog, Client, DeviceInfo, KeptEvent, OutgoingEnvelope, OutgoingFile, OutgoingMessage,
    PendingLink, Received, Sent, StateChange, StateDocument, StateOwner, UnhandledMessage,
    WaitingMessage,
};
pub use code::{CodeProgress, CodeReader, qr_frames, qr_png, qr_read, qr_svg, qr_terminal};
pub use contact::Contact;
pub use conversation::{Conversation, ConversationSummary, SearchPage};
pub use device_link::{DeviceLink, LinkCheck};
pub use encrypted_store::{EncryptedStore, Inspection, ShredReport, TableRows};
pub use error::WindlassError;
pub use error_info::{ErrorInfo, error_info, errors};
pub use event::Event;
pub use found_contact::{FoundContact, find_contact};
pub use group::GroupMember;
pub use group_change::{GroupChange, GroupChangeKind};
pub use group_link::{InvitationLink, PendingJoin};
pub use hand_over::{HandOver, Peeked, PeekedMessage};
pub use identity::Identity;
pub use link_preview::LinkPreview;
pub use listed_conversation::ListedConversation;
pub use message::{Body, Message, Reaction};
pub use outbox_listener::OutboxListener;
pub use profile::Profile;
pub use progress::{ProgressError, ProgressListener};
pub use receipts::{DeviceReceipt, MemberReceipt, MessageReceipts};
pub use rich_text::{Forward, RichText, TextRun, TextSpan, TextStyle, join_runs, text_runs};
pub use scheduled::ScheduledMessage;
pub use session::{Session, SessionState, SessionStatus};
pub use simulation::{Delivery, Faults, Simulation, Tally};
pub use store_key::StoreKey;
pub use typing::{TypedCommand, fold_text, read_command, read_emoji, read_number};
pub use verification::SafetyEmoji;

pub use crate::chat::{GroupPermission, MessageOrigin};
pub use crate::engine::records::settings::TrustPolicy;
pub use crate::engine::sync::outcome::{RefusalReason, UndecryptableCause};
pub use crate::session::PostQuantum;

/// Shorthand of the facade.
pub type Result<T> = core::result::Result<T, WindlassError>;
