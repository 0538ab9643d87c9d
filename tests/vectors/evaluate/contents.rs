//! What messages say.

use prost::Message;
use serde_json::{Value, json};
use windlass::bundle::VerifiedBundle;
use windlass::chat::{
    Body, ChatSetting, ChatSettings, Content, ConversationState, Decision, DeletedGroup, Floor,
    KnownContact, MessageOrigin, Profile, Span, SpanKind, Text,
};
use windlass::session::Envelope;
use windlass::wire::{WireError, v2};

use super::{bundle_code, bytes, error, hex, wire_code};

fn decision(decision: Decision) -> Value {
    json!({ "clock": decision.clock, "device_id": decision.device_id })
}

fn deleted_group(deleted: &DeletedGroup) -> Value {
    json!({
        "group": hex(deleted.group.as_bytes()),
        "invitations": deleted.invitations.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
        "left": hex(&deleted.left),
        "deleted_at": deleted.deleted_at,
    })
}

fn profile(told: &Profile) -> Value {
    json!({
        "name": told.name,
        "about": told.about,
        "picture": hex(told.picture.as_bytes()),
        "changed_at": told.changed_at,
    })
}

fn chat(chat: &ChatSettings) -> Value {
    let setting = |one: &ChatSetting| {
        json!({
            "kind": one.kind.number(),
            "number": one.number,
            "text": one.text,
            "decided": decision(one.decided),
        })
    };
    json!({
        "conversation": hex(&chat.conversation),
        "group": chat.group,
        "settings": chat.settings.iter().map(setting).collect::<Vec<_>>(),
    })
}

/// A text alone as it is; else with what counts of the rest.
fn words(text: &Text) -> Value {
    if *text == Text::from(text.text.clone()) {
        return json!(text.text);
    }
    let span = |span: &Span| {
        let mut shown = json!([span.kind.number(), span.start, span.length]);
        if let (SpanKind::Mention(identity), Some(list)) = (span.kind, shown.as_array_mut()) {
            list.push(json!(hex(&identity)));
        }
        shown
    };
    let forward =
        |forward: windlass::chat::Forward| json!({ "author": forward.author.map(|key| hex(&key)) });
    let mut shown = json!({
        "words": text.text,
        "spans": text.spans.iter().map(span).collect::<Vec<_>>(),
        "forward": text.forward.map(forward),
        "suggestions": text.suggestions,
    });
    if let Some(preview) = &text.preview {
        shown["preview"] = json!({
            "url": preview.url,
            "title": preview.title,
            "description": preview.description,
            "image": hex(preview.image.as_bytes()),
        });
    }
    shown
}

/// Whether bytes are accepted that try a bound.
pub fn bounds(input: &Value) -> Value {
    let pieces = input["pieces"].as_array().unwrap().iter();
    let piece = |piece: &Value| {
        let text = piece[0].as_str().unwrap();
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        bytes.repeat(usize::try_from(piece[1].as_u64().unwrap()).unwrap())
    };
    let encoded: Vec<u8> = pieces.flat_map(piece).collect();
    if input["of"] == "bundle" {
        return match VerifiedBundle::decode(&encoded) {
            Ok(_) => json!({ "accepted": encoded.len() }),
            Err(refused) => error(bundle_code(&refused)),
        };
    }
    let read: Result<(), WireError> = match input["of"].as_str().unwrap() {
        "content" => Content::from_bytes(&encoded).map(|_| ()),
        "envelope" => Envelope::decode(&encoded).map(|_| ()),
        of => unreachable!("no bounds of {of}"),
    };
    match read {
        Ok(()) => json!({ "accepted": encoded.len() }),
        Err(refused) => error(wire_code(&refused)),
    }
}

pub fn content(input: &Value) -> Value {
    let content = match Content::from_bytes(&bytes(input, "encoded")) {
        Ok(content) => content,
        Err(refused) => return error(wire_code(&refused)),
    };
    let body = match &content.body {
        Body::Text(text) => json!({ "text": words(text) }),
        Body::Data { media_type, data } => json!({ "media_type": media_type, "data": hex(data) }),
        Body::DeliveryReceipt(ids) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            json!({ "delivery_receipt": ids })
        }
        Body::Opaque(data) => json!({ "opaque": hex(data) }),
        Body::HealingRequest(request) => {
            let state = |state: &ConversationState| {
                json!({
                    "conversation": hex(&state.conversation),
                    "group": state.group,
                    "from_lamport": state.from_lamport,
                    "have": hex(&state.have.concat()),
                })
            };
            json!({ "healing_request": {
                "conversations": request.conversations.iter().map(state).collect::<Vec<_>>(),
                "went_back": request.went_back,
                "link_token": request.link_token.map(|token| hex(&token)),
                "salt": (!request.conversations.is_empty()).then(|| hex(&request.salt)),
            } })
        }
        Body::HealingAnswer { messages, bundle } => {
            json!({ "healing_answer": { "messages": messages, "bundle": hex(bundle) } })
        }
        Body::Copy(copy) => json!({ "copy": {
            "author": hex(&copy.author),
            "conversation": hex(&copy.conversation),
            "content": hex(&copy.content),
        } }),
        Body::DeviceUpdate(update) => {
            let contact = |contact: &KnownContact| {
                json!({
                    "bundle": hex(&contact.bundle),
                    "verified": contact.verified,
                    "accepted": contact.accepted,
                    "blocked": contact.blocked,
                    "standing": decision(contact.standing),
                    "verification": decision(contact.verification),
                    "devices": contact.devices.iter().map(|device| json!({
                        "device_id": device.device_id,
                        "known_since": device.known_since,
                    })).collect::<Vec<_>>(),
                })
            };
            let floor = |floor: &Floor| {
                json!({
                    "conversation": hex(&floor.conversation),
                    "clock": floor.clock,
                    "lamport": floor.lamport,
                    "until": floor.until,
                    "messages": hex(&floor.messages.concat()),
                    "timer": {
                        "lamport": floor.timer.lamport,
                        "message_id": hex(&floor.timer.message_id),
                        "milliseconds": floor.timer.milliseconds,
                    },
                    "removed": decision(floor.removed),
                })
            };
            let mut shown = json!({ "device_update": {
                "removed_devices": update.removed,
                "contacts": update.contacts.iter().map(contact).collect::<Vec<_>>(),
                "read": update.read.iter().map(|mark| json!({
                    "conversation": hex(&mark.conversation),
                    "group": mark.group,
                    "lamport": mark.lamport,
                    "messages": hex(&mark.messages.concat()),
                })).collect::<Vec<_>>(),
                "complete": update.complete,
                "floors": update.floors.iter().map(floor).collect::<Vec<_>>(),
                "links": update.links.iter().map(|link| json!({
                    "token": hex(link.token.as_bytes()),
                    "expires_at": link.expires_at,
                    "device_id": link.device_id,
                })).collect::<Vec<_>>(),
                "deleted_groups": update.deleted_groups.iter().map(deleted_group).collect::<Vec<_>>(),
            } });
            if !update.chats.is_empty() {
                let chats: Vec<_> = update.chats.iter().map(chat).collect();
                shown["device_update"]["chats"] = json!(chats);
            }
            if let Some(told) = &update.profile {
                shown["device_update"]["profile"] = profile(told);
            }
            shown
        }
        Body::Profile(told) => json!({ "profile": profile(told) }),
        Body::IdentityChange(bundle) => json!({ "identity_change": hex(bundle) }),
        Body::Reaction {
            author,
            target,
            emoji,
            removed,
        } => json!({ "reaction": {
            "author": hex(author),
            "message_id": target.to_string(),
            "emoji": emoji,
            "removed": removed,
        } }),
        Body::Edit { target, text } => {
            json!({ "edit": { "message_id": target.to_string(), "text": words(text) } })
        }
        Body::Deletion { target } => json!({ "deletion": target.to_string() }),
        Body::ReadReceipt { lamport } => json!({ "read_receipt": lamport }),
        Body::Typing { active } => json!({ "typing": active }),
        Body::Presence { available } => json!({ "presence": available }),
        Body::GroupJoinRequest(token) => json!({ "group_join_request": hex(token.as_bytes()) }),
        Body::DisappearingTimer(after) => json!({ "disappearing_timer": after }),
        Body::GroupEvents { events, bundles } => json!({ "group_events": {
            "events": events.iter().map(|event| hex(event)).collect::<Vec<_>>(),
            "bundles": bundles.iter().map(|bundle| hex(bundle)).collect::<Vec<_>>(),
        } }),
        Body::GroupSync(sync) => {
            let wire = sync_parts(&bytes(input, "encoded"));
            json!({ "group_sync": {
                "salt": sync.have.is_some().then(|| hex(&wire.salt)),
                "have": hex(&wire.have),
                "events": sync.events.iter().map(|event| hex(event)).collect::<Vec<_>>(),
                "bundles": sync.bundles.iter().map(|bundle| hex(bundle)).collect::<Vec<_>>(),
            } })
        }
        Body::Attachment(attachment) => {
            let mut shown = json!({ "attachment": {
                "media_type": attachment.media_type,
                "name": attachment.name,
                "size": attachment.size,
                "key": hex(attachment.key.as_bytes()),
                "location": attachment.location,
                "digest": hex(&attachment.digest),
            } });
            if attachment.caption != Text::default() {
                shown["attachment"]["caption"] = words(&attachment.caption);
            }
            shown
        }
        Body::Pin {
            author,
            target,
            removed,
        } => json!({ "pin": {
            "author": hex(author),
            "message_id": target.to_string(),
            "removed": removed,
        } }),
        Body::Unknown => json!("unknown"),
    };
    let mut shown = json!({
        "message_id": content.id.to_string(),
        "lamport": content.lamport,
        "sent_at": content.sent_at,
        "reply_to": content.reply_to.map(|id| id.to_string()),
        "group": content.group.map(|group| hex(group.as_bytes())),
        "follows": content.follows.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "body": body,
    });
    match content.origin {
        MessageOrigin::Person => {}
        MessageOrigin::Bot => shown["origin"] = json!("bot"),
        MessageOrigin::BotAnswer => shown["origin"] = json!("bot answer"),
    }
    if let Some(view) = &content.view {
        shown["view"] = json!({
            "digest": hex(&view.digest),
            "heads": view.heads.iter().map(|head| hex(head)).collect::<Vec<_>>(),
        });
    }
    shown
}

/// The salt and the names as they stand in the bytes.
fn sync_parts(encoded: &[u8]) -> v2::GroupSync {
    let content = v2::Content::decode(encoded).unwrap();
    let Some(v2::content::Body::GroupSync(sync)) = &content.body else {
        panic!("no group sync");
    };
    sync.clone()
}
