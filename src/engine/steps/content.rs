//! What the content of a message does (RFC windlass §9).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, Copy, DeviceUpdate, GroupId, MessageId, ProofKey};
use crate::crypto::SecretBytes;
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::history::message::Incoming;
use crate::engine::history::record::Recorded;
use crate::engine::history::{message, record};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::groups::{GroupDelivery, GroupNewsChange};
use crate::engine::records::{contacts, doubts, groups, own_devices, trust, unacknowledged};
use crate::engine::sync::outcome::{
    ConversationNews, Outcome, PeerNews, RefusalReason as Refusal, UndecryptableCause as Cause,
};
use crate::engine::sync::{group_events, healing, people, reading, receipts, updates};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_HEALING_CONVERSATIONS, MAX_LAMPORT_JUMP};
use crate::store::Rows;
use crate::wire::store::ConversationRow;
use crate::x3dh::Party;

/// Does what a content says. The id of the message that is in the history now, if it is one.
pub(crate) fn receive(
    step: &mut Step<'_>,
    from: &Party,
    content: Content,
    encoded: &[u8],
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
            let answers = match contacts::find(step.rows, &peer)? {
                Some(contact) => trust::answers(step.rows, &contact)?,
                None => peer == step.device.public(),
            };
            if answers {
                let answered = healing::answer(step, from, &request)?;
                let messages = answered.messages;
                outcomes.push(Outcome::Peer(peer, PeerNews::Resent { messages }));
                let asked = answered.asked;
                outcomes.extend(
                    asked.map(|attempt| Outcome::Peer(peer, PeerNews::Healing { attempt })),
                );
            }
            Ok(None)
        }
        Body::HealingAnswer { messages, bundle } => {
            receive_answer(step, from, messages, &bundle, outcomes)?;
            Ok(None)
        }
        Body::DeviceUpdate(update) if peer == step.device.public() => {
            receive_update(step, update, outcomes)?;
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
    if !doubts::was_asked(step.rows, &peer)? {
        return Ok(());
    }
    doubts::answer_received(step.rows, &peer, messages, step.now)?;
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
    if !is_believed(step, from, &incoming)? {
        outcomes.push(refused(&incoming, Refusal::NotProved));
        return Ok(None);
    }
    let message = incoming.name();
    let is_new = !message::contains(step.rows, &message)?;
    let acknowledged = receive_message(step, &incoming, outcomes)?;
    if is_new && acknowledged {
        if from.identity != own {
            doubts::note_missing_everywhere(step)?;
        } else if message.author == own {
            take_over_resending(step, &incoming)?;
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

/// Whether the giver of a copy may give it. Words of our own are taken back only from people they were written to, and as they were
/// written (RFC windlass §8.4.6).
fn is_believed(
    step: &Step<'_>,
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
        ConversationId::Group(group) => groups::membership(step.rows, &group)?
            .is_some_and(|membership| membership.member(&from.identity).is_some()),
    };
    let (name, group) = incoming.conversation.wire();
    let key = ProofKey::of(&step.device.identity);
    Ok(author == own && theirs && key.holds(&name, group, incoming.encoded))
}

/// Should the device of ours that wrote a message not be there any more, this one sees to it that it arrives.
fn take_over_resending(step: &mut Step<'_>, incoming: &Incoming<'_>) -> Result<(), EngineError> {
    let own = step.device.public();
    let to = match incoming.conversation {
        ConversationId::Direct(peer) => vec![peer],
        ConversationId::Group(group) => {
            groups::recipients(step.rows, step.device, &group).unwrap_or_default()
        }
    };
    for peer in to.iter().filter(|peer| **peer != own) {
        let Some(contact) = contacts::find(step.rows, peer)? else {
            continue;
        };
        for party in contact.parties() {
            unacknowledged::schedule_late(step.rows, &party, &incoming.name(), step.now)?;
        }
    }
    Ok(())
}

fn receive_update(
    step: &mut Step<'_>,
    update: DeviceUpdate,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    if update.complete {
        doubts::update_received(step)?;
    }
    let change = own_devices::remove(step, &update.removed)?;
    if !change.is_empty() {
        let identity = step.device.public();
        outcomes.push(Outcome::Peer(identity, PeerNews::DevicesChanged(change)));
    }
    for mark in &update.read {
        if let Some(id) = ConversationId::from_wire(&mark.conversation, mark.group) {
            reading::mark(step.rows, &id, mark.lamport)?;
        }
    }
    for (count, known) in update.contacts.iter().enumerate() {
        let new = updates::receive_contact(step, known)?;
        // Should the history not come whole from our other devices, the contacts have the latest of it.
        if let Some(identity) = new.filter(|_| count < MAX_HEALING_CONVERSATIONS) {
            doubts::note_missing(step.rows, &identity, step.now)?;
        }
    }
    Ok(())
}

/// Puts a message into its conversation, unless it is refused. Whether it is to be acknowledged.
pub(crate) fn receive_message(
    step: &mut Step<'_>,
    incoming: &Incoming<'_>,
    outcomes: &mut Vec<Outcome>,
) -> Result<bool, EngineError> {
    let from = incoming.copied_from.unwrap_or(incoming.author);
    if message::contains(step.rows, &incoming.name())? {
        let id = Some(incoming.content.id);
        outcomes.push(Outcome::Duplicate { id });
        return Ok(true);
    }
    let mut row = conversations::row(step.rows, &incoming.conversation)?;
    if let Some(reason) = refusal(step, incoming, &row)? {
        // What may be only early comes again, when more is known.
        let early = matches!(reason, Refusal::UnknownGroup | Refusal::NotAMember);
        if early {
            doubts::note_missing(step.rows, &from, step.now)?;
        }
        outcomes.push(refused(incoming, reason));
        return Ok(!early);
    }
    if let (Body::GroupEvents { events, bundles }, ConversationId::Group(group)) =
        (&incoming.content.body, incoming.conversation)
    {
        let delivery = GroupDelivery {
            from: &from,
            events,
            bundles,
            // Our own devices go by one clock.
            told_at: if incoming.author == step.device.public() {
                incoming.content.sent_at.min(step.now)
            } else {
                step.now
            },
        };
        if let Some(acknowledged) = receive_events(step, &group, &delivery, incoming, outcomes)? {
            return Ok(acknowledged);
        }
        // What was relayed stands in the conversation now.
        row = conversations::row(step.rows, &incoming.conversation)?;
    }
    let recorded = record::record(step, incoming, row)?;
    outcomes.extend(outcome_of(incoming, recorded));
    if let (Body::IdentityChange(bundle), ConversationId::Direct(peer)) =
        (&incoming.content.body, incoming.conversation)
        && peer == incoming.author
        && let Ok(bundle) = VerifiedBundle::decode(bundle)
    {
        outcomes.extend(people::follow_identity(step, &peer, &bundle)?);
    }
    Ok(true)
}

fn refused(incoming: &Incoming<'_>, reason: Refusal) -> Outcome {
    let from = incoming.copied_from.unwrap_or(incoming.author);
    let news = ConversationNews::Refused { from, reason };
    Outcome::InConversation(incoming.conversation, news)
}

/// What is told of a message that was put into its conversation.
fn outcome_of(incoming: &Incoming<'_>, recorded: Recorded) -> Option<Outcome> {
    let by = incoming.author;
    let news = match recorded {
        Recorded::Shown(message) => return Some(Outcome::Message(message)),
        Recorded::Edited(message) => return Some(Outcome::Edited(message)),
        Recorded::Nothing => return None,
        Recorded::Deleted(message) => ConversationNews::Deleted(message),
        Recorded::Reacted { to, emoji, removed } => ConversationNews::Reacted {
            to,
            by,
            emoji,
            removed,
        },
        Recorded::TimerChanged(after) => ConversationNews::TimerChanged { by, after },
    };
    Some(Outcome::InConversation(incoming.conversation, news))
}

/// Events of a group: they go into its log, and on to members who lack them. If the message is not to be shown: whether it is to be
/// acknowledged.
fn receive_events(
    step: &mut Step<'_>,
    group: &GroupId,
    delivery: &GroupDelivery<'_>,
    incoming: &Incoming<'_>,
    outcomes: &mut Vec<Outcome>,
) -> Result<Option<bool>, EngineError> {
    let (own, from) = (step.device.public(), *delivery.from);
    // Nobody's log is begun by a person whom the user does not know.
    let known = groups::member_list(step.rows, group)?.is_some() || from == own;
    let accepted = contacts::find(step.rows, &from)?.is_some_and(|contact| contact.is_known());
    if !known && !accepted {
        // Asked for when they are accepted.
        doubts::note_missing(step.rows, &from, step.now)?;
        outcomes.push(refused(incoming, Refusal::UnknownGroup));
        return Ok(Some(false));
    }
    let news = groups::receive_events(step, group, delivery)?;
    outcomes.extend(news.change.map(|change| match change {
        GroupNewsChange::Invited { name } => Outcome::GroupInvitation {
            group: *group,
            by: from,
            name,
        },
        GroupNewsChange::Changed => Outcome::GroupChanged { group: *group },
    }));
    group_events::relay(step, group, news.relay)?;
    // A conversation shows what is part of the group's log, told by a member; nothing else that looks like it.
    if let Some(error) = news.refused {
        outcomes.push(refused(incoming, Refusal::of(error)));
        return Ok(Some(true));
    }
    let conversation = &incoming.conversation;
    let by_member =
        from == own || groups::accepts_from(step.rows, conversation, &incoming.author, step.now)?;
    if news.early || !by_member {
        doubts::note_missing(step.rows, &from, step.now)?;
        outcomes.extend((!by_member).then(|| refused(incoming, Refusal::NotAMember)));
        return Ok(Some(false));
    }
    Ok(None)
}

/// Why a message is refused; nothing if it is not.
fn refusal(
    step: &Step<'_>,
    incoming: &Incoming<'_>,
    row: &ConversationRow,
) -> Result<Option<Refusal>, EngineError> {
    let content = &incoming.content;
    if content.lamport > row.lamport.saturating_add(MAX_LAMPORT_JUMP) {
        return Ok(Some(Refusal::ClockAhead));
    }
    let is_events = matches!(content.body, Body::GroupEvents { .. });
    let mut others = vec![step.device.public()];
    match &incoming.conversation {
        // Events prove themselves, and tell who belongs to a group.
        ConversationId::Group(_) if is_events => return Ok(None),
        ConversationId::Direct(_) if is_events => return Ok(Some(Refusal::UnknownGroup)),
        ConversationId::Group(group) => {
            let Some(list) = groups::member_list(step.rows, group)? else {
                return Ok(Some(Refusal::UnknownGroup));
            };
            if !list.accepts_from(&incoming.author, step.now) {
                return Ok(Some(Refusal::NotAMember));
            }
            others.extend(list.members());
        }
        ConversationId::Direct(peer) => others.push(*peer),
    }
    refusal_of_target(step.rows, incoming, &others)
}

/// Why a body may not say of another message what it says (RFC windlass §9.5.4). Of one that has not come yet it may.
fn refusal_of_target(
    store: &dyn Rows,
    incoming: &Incoming<'_>,
    others: &[PublicIdentity],
) -> Result<Option<Refusal>, EngineError> {
    let (author, body) = (&incoming.author, &incoming.content.body);
    let Some((target_author, id)) = body.target(author.to_bytes()) else {
        return Ok(None);
    };
    if let Ok(author) = PublicIdentity::from_bytes(&target_author)
        && let Some(found) = message::find(store, &MessageRef { author, id })?
    {
        let may = found.is_message_of(&incoming.conversation);
        return Ok((!may).then_some(Refusal::InvalidTarget));
    }
    // Edits and deletions are of their author's messages. One that names another's is no mistake of the network.
    if matches!(body, Body::Edit { .. } | Body::Deletion { .. }) {
        for other in others.iter().filter(|other| *other != author) {
            let found = message::find(store, &MessageRef { author: *other, id })?;
            if found.is_some_and(|found| found.conversation == incoming.conversation) {
                return Ok(Some(Refusal::NotTheAuthor));
            }
        }
    }
    Ok(None)
}
