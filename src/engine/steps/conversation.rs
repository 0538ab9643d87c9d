//! How a message gets into its conversation, and why it is refused (RFC windlass §9).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, GroupId};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::history::message::Incoming;
use crate::engine::history::record::Recorded;
use crate::engine::history::{gone, message, record};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::groups::{GroupDelivery, GroupNewsChange};
use crate::engine::records::{contacts, doubts, groups, trust};
use crate::engine::sync::outcome::{ConversationNews, Outcome, RefusalReason as Refusal};
use crate::engine::sync::{group_events, people};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::Rows;
use crate::wire::store::ConversationRow;

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
    let content = &incoming.content;
    let is_gone = gone::covers(
        step.rows,
        &incoming.conversation,
        &incoming.name(),
        content.lamport,
        content.sent_at,
    )?;
    // Events of a group are taken into its log whatever became of the conversation.
    if is_gone && !matches!(content.body, Body::GroupEvents { .. }) {
        outcomes.push(refused(incoming, Refusal::Deleted));
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
        if is_gone {
            outcomes.push(refused(incoming, Refusal::Deleted));
            return Ok(true);
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
            id: incoming.content.id,
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
    let contact = contacts::find(step.rows, &from)?;
    let answered = contact.map_or(Ok(false), |contact| trust::answers(step.rows, &contact))?;
    if !known && !answered {
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
