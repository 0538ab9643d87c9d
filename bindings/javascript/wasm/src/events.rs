//! What has a kind and its fields: an object whose property `type` says which it is. A kind that the core has and this does not is `unknown`, and a
//! test of the package misses it (test/facade.test.js).

use wasm_bindgen::JsValue;
use windlass::{Body, Event, Peeked, TextStyle};

use crate::values::{Record, ToJs};

macro_rules! kinds {
    ($($type:ident { $($kind:ident { $($field:ident),* })+ })+) => { $(
        impl ToJs for $type {
            #[allow(unreachable_patterns)]
            fn to_js(self) -> JsValue {
                match self { $(
                    Self::$kind { $($field,)* .. } => Record::new()
                        .with("type", crate::values::camel(stringify!($kind)))
                        $(.with(stringify!($field), $field))*
                        .to_js(),
                )+
                    _ => Record::new().with("type", "unknown").to_js(),
                }
            }
        }
    )+ };
}

kinds! {
    Body {
        Text { text }
        Data { media_type, data }
        Opaque { data }
        IdentityChange { address }
        Attachment { attachment }
        DisappearingTimer { after }
        Group { change }
        Unknown {}
    }
    Peeked {
        Message { message }
        Quiet {}
        Unreadable {}
    }
    Event {
        Message { message }
        Edited { message }
        Deleted { conversation, author, message_id }
        ConversationDeleted { conversation }
        ChatSettingsChanged { conversation }
        ScheduledChanged { conversation }
        Reacted { conversation, author, message_id, by, emoji, removed }
        Pinned { conversation, author, message_id, by, removed }
        Read { conversation, by }
        Typing { conversation, by, active }
        DisappearingChanged { conversation, by, after }
        GroupInvitation { group, name, by }
        GroupChanged { group }
        GroupIncomplete { group, resolved }
        Refused { address, conversation, reason }
        Delivered { address, message_ids }
        Duplicate { message_id }
        ContactRequest { address }
        SessionEstablished { address, device_id }
        SessionHealed { address, device_id }
        Healing { address, attempt }
        Resent { address, messages }
        DevicesChanged { address, added, removed }
        IdentityChanged { address, new_address, was_verified }
        Synchronising { address, device_id, messages }
        Blocked { address }
        Undecryptable { cause, address }
        ProfileChanged { address }
        Presence { address, available }
        RollbackNoticed {}
        Missed { events }
    }
    TextStyle {
        Mention { address }
        Bold {}
        Italic {}
        Strike {}
        Monospace {}
        Spoiler {}
        Quote {}
    }
}
