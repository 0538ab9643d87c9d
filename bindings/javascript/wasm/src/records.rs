//! The records of the facade. A field that comes to one of them breaks nothing here, where the core is built apart; a test of the package misses it
//! (test/facade.test.js).

use wasm_bindgen::JsValue;
use windlass::{
    AttachmentInfo, Backlog, ChatSettings, CodeProgress, Contact, ConversationSummary, Delivery,
    DeviceInfo, DeviceReceipt, ErrorInfo, Forward, GroupChange, GroupChangeKind, GroupMember,
    GroupPermission, Inspection, InvitationLink, KeptEvent, LinkCheck, LinkPreview,
    ListedConversation, MemberReceipt, Message, MessageOrigin, MessageReceipts, OutgoingEnvelope,
    PeekedMessage, PendingJoin, PendingLink, PostQuantum, Profile, Reaction, Received,
    RefusalReason, RichText, SafetyEmoji, ScheduledMessage, SearchPage, Sent, SessionState,
    SessionStatus, ShredReport, StateDocument, TableRows, Tally, TextRun, TextSpan, TrustPolicy,
    TypedCommand, UndecryptableCause, UnhandledMessage, WaitingMessage,
};

use crate::values::{Record, ToJs, camel};

macro_rules! record {
    ($($type:ident { $($field:ident),+ $(,)? })+) => { $(
        impl ToJs for $type {
            fn to_js(self) -> JsValue {
                let Self { $($field,)+ .. } = self;
                Record::new()$(.with(stringify!($field), $field))+.to_js()
            }
        }
    )+ };
}

/// What has no fields is its name.
macro_rules! names {
    ($($type:ident)+) => { $(
        impl ToJs for $type {
            fn to_js(self) -> JsValue {
                camel(&format!("{self:?}")).into()
            }
        }
    )+ };
}

record! {
    AttachmentInfo { media_type, name, size, location }
    Backlog { address, messages, bytes }
    ChatSettings { muted_until, archived, pinned, marked_unread, nickname }
    CodeProgress { have, of, uri }
    Contact {
        address, added_at, added_by_us, accepted, introduced, blocked, verified, moved_to, devices, bundle_expires_at,
        position,
    }
    ConversationSummary { address, group_name, last_activity, unread }
    Delivery { person, device, events, refused }
    DeviceInfo { device_id, this_device, added_at, last_seen, linked }
    DeviceReceipt { device_id, delivered_at }
    ErrorInfo { code, retry, advice }
    Forward { author }
    GroupChange { kind, by, name, members, about, permission, admins_only }
    GroupMember { address, joined, admin }
    Inspection { schema_version, epoch, passphrase, tables, dirty_buckets, file_bytes, slots_in_database, slots_in_vault }
    InvitationLink { id, uri, code, created_at, expires_at, uses_left }
    KeptEvent { cursor, told_at, event }
    LinkCheck { address, digits, emoji }
    LinkPreview { url, title, about, image }
    ListedConversation { address, group_name, last_activity, unread, unread_mentions, last_message, settings, position }
    MemberReceipt { address, delivered_at, read_at, devices }
    Message {
        id, conversation, author, outgoing, body, text, reply_to, sent_at, origin, stored_at, delivered_at, copied, deleted,
        edited, reactions, delivered_to, read_by, rich_text, mentions_me,
    }
    MessageReceipts { queued, members }
    OutgoingEnvelope { id, to, bytes }
    PendingJoin { asked, asked_at, expires_at }
    PeekedMessage {
        id, conversation, conversation_name, author, author_name, in_group, body, text, rich_text, mentions_me, sent_at,
        muted_until, muted,
    }
    PendingLink { answer, check, ends_at }
    Profile { name, about, picture }
    Reaction { emoji, by }
    Received { events, refused, cursor }
    RichText { text, spans, forward, suggestions, preview }
    SafetyEmoji { picture, name }
    ScheduledMessage { id, conversation, text, reply_to, send_at, failed }
    SearchPage { messages, looked_at, next }
    Sent { message_id, envelopes, group_incomplete }
    SessionStatus { state, cause, attempts }
    ShredReport { buckets, rows }
    StateDocument { name, document }
    TableRows { table, rows }
    Tally { what, times }
    TextRun { text, styles }
    TextSpan { start, length, style }
    TypedCommand { name, words }
    UnhandledMessage { number, attempts, message }
    WaitingMessage { number, attempts, author, conversation }
}

names! { GroupChangeKind GroupPermission MessageOrigin PostQuantum RefusalReason SessionState TrustPolicy UndecryptableCause }
