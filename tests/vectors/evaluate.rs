//! From the input of a case to what has to come out, by kind.

use prost::Message;
use serde_json::{Value, json};
use windlass::bundle::{
    BundleError, Invitation, OwnDevice, Prekey, UriError, VerifiedBundle, build,
};
use windlass::chat::{
    Body, Content, ConversationState, GroupEvent, GroupId, GroupLog, HealingRequest, KnownContact,
    MessageId, ProofKey,
};
use windlass::crypto::{self, DhPublic, DhSecret, Secret};
use windlass::identity::{
    AddressError, IdentityKeyPair, PublicIdentity, safety_code, safety_emoji, safety_number,
};
use windlass::link::{LinkError, LinkRequest};
use windlass::ratchet::{ChainKey, MessageKey, RootKey};
use windlass::session::{Envelope, Header, HintKey};
use windlass::wire::{Frames, UriFault, WireError, frames};
use windlass::x3dh::{self, ResponderKeys};

use crate::support::{Channel, Device, Scripted, refusal, secret};

/// What a case of `kind` gives for `input`.
pub fn evaluate(kind: &str, input: &Value) -> Value {
    match kind {
        "identity" => identity(input),
        "address" => address(input),
        "ed25519-key" => ed25519_key(input),
        "x25519" => x25519(input),
        "safety-number" => safety(input),
        "code-frames" => code_frames(input),
        "group" => group(input),
        "attachment" => attachment(input),
        "bundle" => bundle(input),
        "bundle-build" => bundle_build(input),
        "uri" => uri(input),
        "x3dh" => agreement(input),
        "root-step" => root_step(input),
        "chain-steps" => chain_steps(input),
        "message-key" => message_key(input),
        "sender-hint" => sender_hint(input),
        "own-words" => own_words(input),
        "message-name" => message_name(input),
        "padding" => padding(input),
        "unpadding" => unpadding(input),
        "header" => header(input),
        "envelope" => envelope(input),
        "content" => content(input),
        "conversation" => conversation(input),
        "device-transfer" => device_transfer(input),
        _ => unreachable!("no vectors of kind {kind}"),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn bytes(input: &Value, field: &str) -> Vec<u8> {
    let text = input[field].as_str().unwrap();
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn number(input: &Value, field: &str) -> u32 {
    u32::try_from(input[field].as_u64().unwrap()).unwrap()
}

fn key_pair(input: &Value, field: &str) -> IdentityKeyPair {
    IdentityKeyPair::from_seed(&secret(&bytes(input, field)))
}

fn public(input: &Value, field: &str) -> PublicIdentity {
    PublicIdentity::from_bytes(&bytes(input, field)).unwrap()
}

fn error(code: &str) -> Value {
    json!({ "error": code })
}

fn wire_code(error: &WireError) -> &'static str {
    match error {
        WireError::TooLong { .. } => "too long",
        WireError::Malformed { .. } => "malformed",
        WireError::UnsupportedVersion { .. } => "version",
    }
}

fn bundle_code(error: &BundleError) -> &'static str {
    match error {
        BundleError::Wire(error) => wire_code(error),
        BundleError::InvalidKey => "key",
        BundleError::InvalidSignature => "signature",
        BundleError::Expired { .. } => "expired",
        BundleError::FromTheFuture { .. } => "future",
    }
}

fn identity(input: &Value) -> Value {
    let pair = key_pair(input, "seed");
    let public = pair.public();
    json!({
        "public_key": hex(&public.to_bytes()),
        "address": public.address(),
        "x25519_secret": hex(pair.to_dh().to_bytes().as_bytes()),
        "x25519_public": hex(public.to_dh().as_bytes()),
    })
}

fn address(input: &Value) -> Value {
    match PublicIdentity::from_address(input["address"].as_str().unwrap()) {
        Ok(identity) => json!({ "public_key": hex(&identity.to_bytes()) }),
        Err(AddressError::Encoding) => error("encoding"),
        Err(AddressError::Prefix) => error("prefix"),
        Err(AddressError::Key(_)) => error("key"),
    }
}

fn ed25519_key(input: &Value) -> Value {
    match PublicIdentity::from_bytes(&bytes(input, "public_key")) {
        Ok(identity) => json!({ "x25519_public": hex(identity.to_dh().as_bytes()) }),
        Err(_) => error("key"),
    }
}

fn x25519(input: &Value) -> Value {
    let Ok(public) = DhPublic::from_bytes(&bytes(input, "public_key")) else {
        return error("key");
    };
    let ours = DhSecret::from_bytes(&secret(&bytes(input, "secret")));
    match ours.agree(&public) {
        Ok(shared) => json!({ "shared_secret": hex(shared.as_bytes()) }),
        Err(_) => error("agreement"),
    }
}

fn safety(input: &Value) -> Value {
    let (a, b) = (public(input, "a"), public(input, "b"));
    let digits = safety_number(&a, &b);
    let emoji = safety_emoji(&digits)
        .into_iter()
        .map(|(picture, _)| picture);
    json!({ "digits": digits, "emoji": emoji.collect::<String>(), "code_shown_by_a": safety_code(&a, &b) })
}

/// Takes the events of a group in, in the order given, and says who belongs to it and which were refused.
fn group(input: &Value) -> Value {
    let id = GroupId::from_bytes(&bytes(input, "group_id")).unwrap();
    let mut log = GroupLog::new(id);
    let mut refused = Vec::new();
    for (number, event) in input["events"].as_array().unwrap().iter().enumerate() {
        let encoded = data_encoding::HEXLOWER
            .decode(event.as_str().unwrap().as_bytes())
            .unwrap();
        if GroupEvent::decode(&encoded)
            .and_then(|event| log.take(event))
            .is_err()
        {
            refused.push(number);
        }
    }
    let membership = log.membership();
    let members = membership.members();
    let members = members.iter().map(|member| {
        json!({
            "identity": hex(&member.identity.to_bytes()),
            "joined": member.joined,
            "admin": member.admin.is_some(),
        })
    });
    json!({
        "address": id.to_string(),
        "name": membership.name,
        "members": members.collect::<Vec<_>>(),
        "refused": refused,
    })
}

/// Seals the chunks of a file.
fn attachment(input: &Value) -> Value {
    let cipher = crypto::ChunkCipher::new(&secret(&bytes(input, "key")));
    let chunks = input["chunks"].as_array().unwrap();
    let sealed: String = (0..)
        .zip(chunks)
        .map(|(number, chunk)| {
            let chunk = data_encoding::HEXLOWER
                .decode(chunk.as_str().unwrap().as_bytes())
                .unwrap();
            hex(&cipher.seal(number, number as usize + 1 == chunks.len(), &chunk))
        })
        .collect();
    json!({ "sealed": sealed })
}

/// The codes of a URI that is too long for one, and back.
fn code_frames(input: &Value) -> Value {
    let shown = frames(input["uri"].as_str().unwrap()).unwrap();
    let mut reader = Frames::default();
    let read: Vec<_> = shown
        .iter()
        .rev()
        .map(|frame| reader.take(frame).unwrap().uri)
        .collect();
    assert_eq!(read.last().unwrap().as_deref(), input["uri"].as_str());
    json!({ "frames": shown })
}

fn show_bundle(bundle: &VerifiedBundle) -> Value {
    let prekey = |prekey: &Prekey| json!({ "id": prekey.id, "key": hex(prekey.key.as_bytes()) });
    let devices: Vec<_> = bundle
        .devices()
        .iter()
        .map(|device| {
            json!({
                "device_id": device.device_id,
                "signed_prekey": prekey(&device.signed_prekey),
                "one_time_prekey": device.one_time_prekey.as_ref().map(prekey),
            })
        })
        .collect();
    json!({
        "identity_key": hex(&bundle.identity().to_bytes()),
        "issued_at": bundle.issued_at(),
        "expires_at": bundle.expires_at(),
        "devices": devices,
    })
}

fn bundle(input: &Value) -> Value {
    let now = input["now"].as_u64();
    let bundle = VerifiedBundle::decode(&bytes(input, "encoded")).and_then(|bundle| {
        now.map_or(Ok(()), |now| bundle.check_time(now))?;
        Ok(bundle)
    });
    match bundle {
        Ok(bundle) => show_bundle(&bundle),
        Err(refused) => error(bundle_code(&refused)),
    }
}

fn bundle_build(input: &Value) -> Value {
    let prekey = |prekey: &Value| Prekey {
        id: number(prekey, "id"),
        key: DhPublic::from_bytes(&bytes(prekey, "key")).unwrap(),
    };
    let devices: Vec<_> = input["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|device| OwnDevice {
            device_id: number(device, "device_id"),
            signed_prekey: prekey(&device["signed_prekey"]),
            one_time_prekey: Some(&device["one_time_prekey"])
                .filter(|device| !device.is_null())
                .map(prekey),
        })
        .collect();
    let issued_at = input["issued_at"].as_u64().unwrap();
    let bundle = build(&key_pair(input, "seed"), &devices, issued_at).unwrap();
    json!({ "encoded": hex(bundle.encoded()), "uri": bundle.to_uri() })
}

fn uri(input: &Value) -> Value {
    match Invitation::from_uri(input["uri"].as_str().unwrap()) {
        Ok(Invitation { bundle, in_person }) => {
            json!({ "encoded": hex(bundle.encoded()), "in_person": in_person })
        }
        Err(UriError::Text(UriFault::Scheme)) => error("scheme"),
        Err(UriError::Text(UriFault::Kind)) => error("kind"),
        Err(UriError::Text(UriFault::Damaged)) => error("damaged"),
        Err(UriError::Text(UriFault::Incomplete)) => error("incomplete"),
        Err(UriError::Identity) => error("identity"),
        Err(UriError::Bundle(refused)) => error(bundle_code(&refused)),
    }
}

/// A device of an input, with its prekeys if it has some.
fn device(input: &Value) -> Device {
    let prekey = |field: &str| {
        let prekey = &input[field];
        (!prekey.is_null()).then(|| {
            let bytes = secret(&bytes(prekey, "secret"));
            (number(prekey, "id"), DhSecret::from_bytes(&bytes))
        })
    };
    Device {
        identity: key_pair(input, "seed"),
        device_id: number(input, "device_id"),
        signed_prekey: prekey("signed_prekey")
            .unwrap_or_else(|| (1, DhSecret::from_bytes(&Secret::zero()))),
        one_time_prekey: prekey("one_time_prekey"),
    }
}

fn agreement(input: &Value) -> Value {
    let (initiator, responder) = (device(&input["initiator"]), device(&input["responder"]));
    let mut script = Scripted::default();
    let ephemeral = bytes(input, "ephemeral_secret");
    script.secrets.push_back(ephemeral.try_into().unwrap());
    let (ours, message) = x3dh::initiate(
        &initiator.identity,
        initiator.device_id,
        &responder.public(),
        &responder.bundle(),
        &mut script,
    )
    .unwrap();
    let keys = ResponderKeys {
        identity: &responder.identity,
        device_id: responder.device_id,
        signed_prekey: &responder.signed_prekey.1,
        one_time_prekey: responder.one_time_prekey.as_ref().map(|(_, key)| key),
    };
    let theirs = x3dh::respond(&keys, &message).unwrap();
    assert_eq!(ours.shared_secret, theirs.shared_secret);
    assert_eq!(ours.associated_data, theirs.associated_data);
    assert_eq!(ours.session_id, theirs.session_id);
    json!({
        "handshake": hex(&message.to_wire().encode_to_vec()),
        "shared_secret": hex(ours.shared_secret.as_bytes()),
        "associated_data": hex(&ours.associated_data),
        "session_id": hex(&ours.session_id),
    })
}

fn root_step(input: &Value) -> Value {
    let root = RootKey::new(secret(&bytes(input, "root_key")));
    let (root, chain) = root.step(&secret(&bytes(input, "dh_output")));
    json!({ "root_key": hex(root.as_bytes()), "chain_key": hex(chain.as_bytes()) })
}

fn chain_steps(input: &Value) -> Value {
    let mut chain = ChainKey::new(secret(&bytes(input, "chain_key")));
    let mut keys = Vec::new();
    for _ in 0..number(input, "steps") {
        let (key, next) = chain.step();
        keys.push(hex(key.as_bytes()));
        chain = next;
    }
    json!({ "message_keys": keys, "chain_key": hex(chain.as_bytes()) })
}

fn message_key(input: &Value) -> Value {
    let mut script = Scripted::default();
    let nonce = bytes(input, "nonce");
    script.nonces.push_back(nonce.try_into().unwrap());
    let key = MessageKey::new(secret(&bytes(input, "message_key")));
    let (plaintext, data) = (bytes(input, "plaintext"), bytes(input, "associated_data"));
    let sealed = key.seal(&plaintext, &data, &mut script);
    json!({ "sealed": hex(&sealed) })
}

fn sender_hint(input: &Value) -> Value {
    let ours = key_pair(input, "seed");
    let key = HintKey::between(&ours, &public(input, "other")).unwrap();
    let session_id = bytes(input, "session_id").try_into().unwrap();
    json!({
        "hint_key": hex(key.as_bytes()),
        "sent_by_us": hex(&key.hint(&ours.public(), &session_id)),
        "sent_by_other": hex(&key.hint(&public(input, "other"), &session_id)),
    })
}

fn own_words(input: &Value) -> Value {
    let conversation = bytes(input, "conversation").try_into().unwrap();
    let group = input["group"].as_bool().unwrap();
    let key = ProofKey::of(&key_pair(input, "seed"));
    json!({ "proved": hex(&key.prove(&conversation, group, &bytes(input, "content"))) })
}

fn message_name(input: &Value) -> Value {
    let [salt, id] = ["salt", "id"].map(|field| bytes(input, field));
    let id = MessageId::from_bytes(&id).unwrap();
    let author = public(input, "author").to_bytes();
    let name = HealingRequest::name(&salt.try_into().unwrap(), &author, &id);
    json!({ "name": hex(&name) })
}

fn padding(input: &Value) -> Value {
    json!({ "padded": hex(&crypto::pad(&bytes(input, "plaintext"))) })
}

fn unpadding(input: &Value) -> Value {
    match crypto::unpad(&bytes(input, "padded")) {
        Some(plaintext) => json!({ "plaintext": hex(&plaintext) }),
        None => error("padding"),
    }
}

fn show_header(header: &Header) -> Value {
    json!({
        "session_id": hex(&header.session_id),
        "sender_hint": hex(&header.sender_hint),
        "ratchet_key": hex(header.ratchet.ratchet_key.as_bytes()),
        "previous_chain_length": header.ratchet.previous_chain_length,
        "message_number": header.ratchet.message_number,
    })
}

fn header(input: &Value) -> Value {
    match Header::from_bytes(&bytes(input, "encoded")) {
        Ok(header) => show_header(&header),
        Err(refused) => error(wire_code(&refused)),
    }
}

fn envelope(input: &Value) -> Value {
    let envelope = match Envelope::decode(&bytes(input, "encoded")) {
        Ok(envelope) => envelope,
        Err(refused) => return error(wire_code(&refused)),
    };
    let messages: Vec<_> = envelope
        .parts
        .iter()
        .map(|part| {
            let handshake = part.handshake.map(|handshake| {
                json!({
                    "identity_key": hex(&handshake.initiator.identity.to_bytes()),
                    "device_id": handshake.initiator.device_id,
                    "ephemeral_key": hex(handshake.ephemeral_key.as_bytes()),
                    "signed_prekey_id": handshake.signed_prekey_id,
                    "one_time_prekey_id": handshake.one_time_prekey_id.unwrap_or(0),
                })
            });
            json!({
                "device_id": part.device_id,
                "handshake": handshake,
                "header": show_header(&part.header),
                "ciphertext": hex(&part.ciphertext),
            })
        })
        .collect();
    json!({ "messages": messages })
}

fn content(input: &Value) -> Value {
    let content = match Content::from_bytes(&bytes(input, "encoded")) {
        Ok(content) => content,
        Err(refused) => return error(wire_code(&refused)),
    };
    let body = match &content.body {
        Body::Text(text) => json!({ "text": text }),
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
                })
            };
            json!({ "device_update": {
                "removed_devices": update.removed,
                "contacts": update.contacts.iter().map(contact).collect::<Vec<_>>(),
                "read": update.read.iter().map(|mark| json!({
                    "conversation": hex(&mark.conversation),
                    "group": mark.group,
                    "lamport": mark.lamport,
                })).collect::<Vec<_>>(),
                "complete": update.complete,
            } })
        }
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
            json!({ "edit": { "message_id": target.to_string(), "text": text } })
        }
        Body::Deletion { target } => json!({ "deletion": target.to_string() }),
        Body::ReadReceipt { lamport } => json!({ "read_receipt": lamport }),
        Body::DisappearingTimer(after) => json!({ "disappearing_timer": after }),
        Body::GroupEvents { events, bundles } => json!({ "group_events": {
            "events": events.iter().map(|event| hex(event)).collect::<Vec<_>>(),
            "bundles": bundles.iter().map(|bundle| hex(bundle)).collect::<Vec<_>>(),
        } }),
        Body::Attachment(attachment) => json!({ "attachment": {
            "media_type": attachment.media_type,
            "name": attachment.name,
            "size": attachment.size,
            "key": hex(attachment.key.as_bytes()),
            "location": attachment.location,
        } }),
        Body::Unknown => json!("unknown"),
    };
    json!({
        "message_id": content.id.to_string(),
        "lamport": content.lamport,
        "sent_at": content.sent_at,
        "reply_to": content.reply_to.map(|id| id.to_string()),
        "group": content.group.map(|group| hex(group.as_bytes())),
        "follows": content.follows.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "body": body,
    })
}

/// Opens a device transfer with the secret of the code that it was made for.
fn device_transfer(input: &Value) -> Value {
    let mut script = Scripted::default();
    let secret = bytes(input, "code_secret");
    script.secrets.push_back(secret.try_into().unwrap());
    let request = LinkRequest::new(&mut script);
    match request.open(&bytes(input, "encoded")) {
        Ok(transfer) => json!({
            "code_uri": request.to_uri(),
            "identity_seed": hex(transfer.identity.seed().as_bytes()),
            "bundle": hex(transfer.bundle.encoded()),
            "link_token": hex(transfer.token.as_bytes()),
        }),
        Err(LinkError::Wire(refused)) => error(wire_code(&refused)),
        Err(LinkError::Key(_)) => error("key"),
        Err(LinkError::Sealed) => error("authentication"),
        Err(_) => error("contradiction"),
    }
}

/// Plays a schedule between two devices. A sent message is named by its place among all that were sent.
fn conversation(input: &Value) -> Value {
    let (alice, bob) = (device(&input["alice"]), device(&input["bob"]));
    let mut script = Scripted::default();
    let ephemeral = bytes(input, "ephemeral_secret");
    script.secrets.push_back(ephemeral.try_into().unwrap());
    let mut alice_end = alice.initiate(&bob, &mut script);
    let mut bob_end: Option<Channel> = None;

    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut results = Vec::new();
    for step in input["steps"].as_array().unwrap() {
        let by_alice = step["by"] == "alice";
        if !step["send"].is_null() {
            let mut script = Scripted::default();
            let ratchet_secret = bytes(step, "ratchet_secret").try_into().unwrap();
            script.secrets.push_back(ratchet_secret);
            let nonce = bytes(step, "nonce").try_into().unwrap();
            script.nonces.push_back(nonce);
            let end = if by_alice {
                &mut alice_end
            } else {
                bob_end.as_mut().unwrap()
            };
            let envelope = end.send(&bytes(step, "send"), &mut script);
            results.push(json!({ "envelope": hex(&envelope) }));
            sent.push(envelope);
            continue;
        }
        let mut envelope = sent[number(step, "receive") as usize].clone();
        if let Some(at) = step["flip_byte"].as_u64() {
            envelope[usize::try_from(at).unwrap()] ^= 1;
        }
        let received = if by_alice {
            alice_end.receive(&envelope)
        } else if let Some(end) = &mut bob_end {
            end.receive(&envelope)
        } else {
            // A session that received nothing yet is not kept.
            bob.respond(&envelope).and_then(|mut end| {
                let payload = end.receive(&envelope)?;
                bob_end = Some(end);
                Ok(payload)
            })
        };
        results.push(match received {
            Ok(payload) => json!({ "payload": hex(&payload) }),
            Err(refused) => error(refusal(&refused)),
        });
    }
    Value::Array(results)
}
