//! What the content of a message does (RFC windlass §9).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, Copy, DeviceUpdate, HealingRequest, MessageId};
use crate::crypto::SecretBytes;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::resend;
use crate::engine::history::message;
use crate::engine::history::message::Incoming;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::pairs::Standing;
use crate::engine::records::{
    contacts, doubts, groups, own_devices, own_words, pair_rows, pairs, trust,
};
use crate::engine::steps::conversation::{receive_message, release};
use crate::engine::sync::outcome::{
    ConversationNews, Outcome, PeerNews, RefusalReason as Refusal, UndecryptableCause as Cause,
};
use crate::engine::sync::{
    chat_settings, deletions, group_deletion, group_joins, group_links, group_sync, healing,
    people, profiles, reading, receipts, transient, updates,
};
use crate::identity::PublicIdentity;
use crate::limits::MAX_HEALING_CONVERSATIONS;
use crate::x3dh::Party;

/// Does what a content says. The id of the message that is in the history now, if it is one.
pub(crate) fn receive(
    step: &mut Step<'_>,
    from: &Party,
    content: Content,
    encoded: &[u8],
    standing: &Standing,
    outcomes: &mut Vec<Outcome>,
) -> Result<Option<MessageId>, EngineError> {
    let peer = from.identity;
    match content.body {
        Body::DeliveryReceipt(receipt) => {
            let ids = receipts::apply_receipt(step, from, &receipt)?;
            outcomes.push(Outcome::Peer(peer, PeerNews::Delivered(ids)));
            Ok(None)
        }
        Body::HealingRequest(request) => {
            receive_request(step, from, &request, standing, outcomes)?;
            Ok(None)
        }
        Body::HealingAnswer { messages, bundle } => {
            receive_answer(step, from, messages, &bundle, outcomes)?;
            // It was asked because it did not acknowledge, or seemed to be another.
            if standing.established {
                healing::resend_waiting(step, from)?;
            }
            Ok(None)
        }
        Body::DeviceUpdate(update) if peer == step.device.public() => {
            receive_update(step, from, update, standing, outcomes)?;
            Ok(Some(content.id))
        }
        Body::DeviceUpdate(_) => Ok(None),
        Body::ReadReceipt { lamport } => {
            let conversation = ConversationId::of(&content, &peer);
            if reading::read_by(step.rows, &conversation, &peer, lamport, step.now)? {
                outcomes.push(Outcome::InConversation(
                    conversation,
                    ConversationNews::Read { by: peer },
                ));
            }
            Ok(None)
        }
        Body::Typing { .. } | Body::Presence { .. } if peer != step.device.public() => {
            outcomes.extend(transient::receive(step, &peer, &content)?);
            Ok(None)
        }
        Body::Profile(profile) if peer != step.device.public() => {
            let taken = profiles::receive(step, &peer, &profile, outcomes)?;
            Ok(taken.then_some(content.id))
        }
        Body::GroupSync(sync) => {
            if let Some(group) = content.group {
                let view = content.view.as_ref();
                group_sync::receive(step, from, &group, &sync, view, outcomes)?;
                if !sync.events.is_empty() {
                    release(step, &group, outcomes)?;
                    group_joins::take_part(step, &group, outcomes)?;
                }
            }
            Ok(None)
        }
        Body::GroupJoinRequest(token) if peer != step.device.public() => {
            group_links::let_in(step, &peer, &token, outcomes)?;
            Ok(None)
        }
        Body::Copy(copy) => receive_copy(step, from, &copy, outcomes),
        // A device of our own writes to other people, never to us.
        _ if peer == step.device.public() => Ok(None),
        _ => {
            let incoming = Incoming {
                author: peer,
                conversation: ConversationId::of(&content, &peer),
                content,
                encoded,
                copied_from: None,
            };
            let id = incoming.content.id;
            let acknowledged = receive_message(step, &incoming, outcomes)?;
            Ok(acknowledged.then_some(id))
        }
    }
}

/// Somebody asks for what they lack. They get it if they are answered at all.
fn receive_request(
    step: &mut Step<'_>,
    from: &Party,
    request: &HealingRequest,
    standing: &Standing,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let peer = from.identity;
    let contact = contacts::find(step.rows, &peer)?;
    let answers = match &contact {
        Some(contact) => trust::answers(step.rows, contact)?,
        None => peer == step.device.public(),
    };
    if !answers && contact.is_some_and(|contact| !contact.row.blocked) {
        // They are asked when they are accepted: what they hold back until they hear of us comes with that.
        doubts::note_missing(step.rows, &peer, step.now)?;
    }
    if answers {
        let answered = healing::answer(step, from, request, standing)?;
        let messages = answered.messages;
        outcomes.push(Outcome::Peer(peer, PeerNews::Resent { messages }));
        let asked = answered.asked;
        outcomes.extend(asked.map(|attempt| Outcome::Peer(peer, PeerNews::Healing { attempt })));
    }
    Ok(())
}

/// The other side has our request, and says how many messages follow and which devices of ours it knows.
fn receive_answer(
    step: &mut Step<'_>,
    from: &Party,
    messages: u64,
    bundle: &[u8],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let (peer, device_id) = (from.identity, from.device_id);
    // A peer that was not asked has nothing to say.
    if !doubts::is_answer_due(step.rows, &peer)? {
        return Ok(());
    }
    if doubts::answer_received(step.rows, &peer, messages, step.now)? {
        outcomes.push(Outcome::Peer(peer, PeerNews::SessionHealed { device_id }));
    }
    pairs::answered(step.rows, from)?;
    let identity = step.device.public();
    if let Ok(bundle) = VerifiedBundle::decode(bundle)
        && *bundle.identity() == identity
    {
        let change = own_devices::merge_bundle(step, &bundle, None)?;
        if !change.is_empty() {
            outcomes.push(Outcome::Peer(identity, PeerNews::DevicesChanged(change)));
        }
    }
    outcomes.push(Outcome::Peer(
        peer,
        PeerNews::Synchronising {
            device_id,
            messages,
        },
    ));
    Ok(())
}

/// A message that was not written to this device: by another of ours to anyone, or our own, given back by a person it was written to.
fn receive_copy(
    step: &mut Step<'_>,
    from: &Party,
    copy: &Copy,
    outcomes: &mut Vec<Outcome>,
) -> Result<Option<MessageId>, EngineError> {
    let own = step.device.public();
    let Some(incoming) = decode_copy(from, copy) else {
        outcomes.push(Outcome::Undecryptable {
            cause: Cause::Content,
            from: Some(from.identity),
        });
        return Ok(None);
    };
    let message = incoming.name();
    let is_new = !message::contains(step.rows, &message)?;
    if let Some(reason) = refusal_of_copy(step, from, &incoming, is_new)? {
        outcomes.push(Outcome::InConversation(
            incoming.conversation,
            ConversationNews::Refused {
                from: from.identity,
                reason,
            },
        ));
        return Ok(None);
    }
    let acknowledged = receive_message(step, &incoming, outcomes)?;
    if is_new && acknowledged {
        pair_rows::note_given(step.rows, from)?;
        if from.identity != own {
            doubts::copy_received(step.rows, &from.identity)?;
            doubts::note_missing_everywhere(step)?;
            // What a device that was linked meanwhile was told of the past did not have it (RFC windlass §8.3.5).
            let written_at = incoming.content.sent_at;
            let siblings = own_devices::siblings(step.rows)?;
            let (rows, now) = (&*step.rows, step.now);
            let new = own_devices::perhaps_unheard_of(rows, &siblings, written_at, u64::MAX, now)?;
            resend::relay(step, new, &message)?;
        } else if message.author == own {
            resend::take_over(step, &incoming)?;
        }
    }
    Ok(acknowledged.then_some(message.id))
}

/// The message that a copy brings; nothing if the copy contradicts itself.
fn decode_copy<'a>(from: &Party, copy: &'a Copy) -> Option<Incoming<'a>> {
    let content = Content::from_bytes(&copy.content).ok()?;
    let author = PublicIdentity::from_bytes(&copy.author).ok()?;
    let conversation = ConversationId::from_wire(&copy.conversation, content.group.is_some())?;
    if let Some(group) = content.group
        && conversation != ConversationId::Group(group)
    {
        return None;
    }
    let encoded: &SecretBytes = &copy.content;
    Some(Incoming {
        author,
        conversation,
        content,
        encoded,
        copied_from: Some(from.identity),
    })
}

/// Why a copy is refused; nothing if it is not. What is not here is given by another identity only in answer to a request of ours.
fn refusal_of_copy(
    step: &mut Step<'_>,
    from: &Party,
    incoming: &Incoming<'_>,
    is_new: bool,
) -> Result<Option<Refusal>, EngineError> {
    if !is_believed(step, from, incoming)? {
        return Ok(Some(Refusal::NotProved));
    }
    let is_foreign = from.identity != step.device.public();
    let unasked =
        is_foreign && is_new && !doubts::is_copy_due(step.rows, &from.identity, step.now)?;
    Ok(unasked.then_some(Refusal::NotAsked))
}

/// Whether the giver of a copy may give it. Words of our own are taken back only from people they were written to, as they were
/// written, and for a fortnight (RFC windlass §8.4.6).
fn is_believed(
    step: &mut Step<'_>,
    from: &Party,
    incoming: &Incoming<'_>,
) -> Result<bool, EngineError> {
    let (own, author) = (step.device.public(), incoming.author);
    if !incoming.content.body.is_message() {
        return Ok(false);
    }
    if from.identity == own {
        return Ok(match incoming.conversation {
            ConversationId::Direct(peer) => peer != own && (author == own || author == peer),
            ConversationId::Group(_) => true,
        });
    }
    let theirs = match incoming.conversation {
        ConversationId::Direct(peer) => peer == from.identity,
        ConversationId::Group(group) => {
            groups::member_list(step.rows, &group)?.is_some_and(|list| list.has(&from.identity))
        }
    };
    if author != own || !theirs {
        return Ok(false);
    }
    let (name, group) = incoming.conversation.wire();
    Ok(own_words::kept(step)?.holds(&name, group, incoming.encoded))
}

fn receive_update(
    step: &mut Step<'_>,
    from: &Party,
    update: DeviceUpdate,
    standing: &Standing,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let (id, since) = (from.device_id, standing.known_since);
    // Whoever has the seed alone has no say about what was before.
    let linked = own_devices::is_linked(step.rows, id, since, step.now)?;
    if update.complete {
        doubts::update_received(step)?;
    }
    let change = own_devices::remove(step, &update.removed)?;
    if !change.is_empty() {
        let identity = step.device.public();
        outcomes.push(Outcome::Peer(identity, PeerNews::DevicesChanged(change)));
    }
    for mark in &update.read {
        reading::mark_elsewhere(step, mark)?;
    }
    outcomes.extend(deletions::receive(step, &update.floors)?);
    if linked {
        updates::hear_of_links(step, &update.links, from.device_id)?;
        outcomes.extend(group_deletion::receive(step, &update.deleted_groups)?);
    }
    for (count, known) in update.contacts.iter().enumerate() {
        let new = people::receive(step, known, outcomes)?;
        if linked {
            people::hear_of_devices(step, known)?;
        }
        // Should the history not come whole from our other devices, the contacts have the latest of it.
        if let Some(identity) = new.filter(|_| count < MAX_HEALING_CONVERSATIONS) {
            doubts::note_missing(step.rows, &identity, step.now)?;
        }
    }
    profiles::hear(step, update.profile.as_ref(), outcomes)?;
    chat_settings::receive(step, &update.chats, outcomes)
}
