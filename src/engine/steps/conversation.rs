//! How a message gets into its conversation, and why it is refused (RFC windlass §9).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, GroupId};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::step::Step;
use crate::engine::delivery::resend;
use crate::engine::history::message::Incoming;
use crate::engine::history::record::Recorded;
use crate::engine::history::{gone, held, message, record};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::groups::{GroupDelivery, MemberList};
use crate::engine::records::{doubts, groups};
use crate::engine::steps::group::{self, EventsTaken};
use crate::engine::sync::outcome::{ConversationNews, Outcome, RefusalReason as Refusal};
use crate::engine::sync::{group_joins, group_sync, people};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::Rows;
use crate::wire::store::ConversationRow;

/// Puts a message into its conversation, unless it is refused, and with it what was held for it. Whether it is to be acknowledged.
pub(crate) fn receive_message(
    step: &mut Step<'_>,
    incoming: &Incoming<'_>,
    outcomes: &mut Vec<Outcome>,
) -> Result<bool, EngineError> {
    let acknowledged = take_in(step, incoming, outcomes)?;
    if let ConversationId::Group(group) = &incoming.conversation {
        // A copy of another's words says what they knew at another time.
        let (author, view) = (incoming.author, incoming.content.view.as_ref());
        let of_now = incoming.copied_from.is_none_or(|from| from == author);
        let view = view.filter(|_| of_now);
        group_sync::hear(step, group, &author, view, outcomes)?;
        if matches!(incoming.content.body, Body::GroupEvents { .. }) {
            release(step, group, outcomes)?;
            group_joins::take_part(step, group, outcomes)?;
        }
    }
    Ok(acknowledged)
}

fn take_in(
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
        outcomes.push(Outcome::refused(incoming, Refusal::Deleted));
        return Ok(true);
    }
    // What was deleted here is not brought back by another device of the user's.
    let of_sibling = incoming.copied_from == Some(step.device.public());
    if of_sibling
        && !incoming.content.body.passes_blocks()
        && group::is_deleted(step.rows, incoming)?
    {
        return Ok(true);
    }
    let mut row = conversations::row(step.rows, &incoming.conversation)?;
    let clamped = clamped(incoming, &row);
    let incoming = clamped.as_ref().unwrap_or(incoming);
    if let Some(refusal) = refusal(step, incoming)? {
        if refusal.reason == Refusal::UnknownGroup && held_back(step, incoming)? {
            return Ok(true);
        }
        if refusal.may_be_early && group::may_be_missing(step.rows, incoming)? {
            doubts::note_missing(step.rows, &from, step.now)?;
        }
        outcomes.push(Outcome::refused(incoming, refusal.reason));
        return Ok(!refusal.may_be_early);
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
        match group::receive_events(step, &group, &delivery, incoming, outcomes)? {
            EventsTaken::Shown => {}
            EventsTaken::Refused(acknowledged) => return Ok(acknowledged),
            EventsTaken::Early => {
                if held_back(step, incoming)? {
                    return Ok(true);
                }
                doubts::note_missing(step.rows, &from, step.now)?;
                return Ok(false);
            }
        }
        if is_gone {
            outcomes.push(Outcome::refused(incoming, Refusal::Deleted));
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

/// Holds a message of a group that another device of ours gave until what it builds on has come, if there is room: whether it is held. It is durable
/// here then, so it is acknowledged.
fn held_back(step: &mut Step<'_>, incoming: &Incoming<'_>) -> Result<bool, EngineError> {
    match &incoming.conversation {
        ConversationId::Group(group) if incoming.copied_from == Some(step.device.public()) => {
            held::hold(step.rows, group, incoming, step.now)
        }
        _ => Ok(false),
    }
}

/// The log of a group may have grown: what was held for that is taken in. As often as there was something, for one may have waited for another.
pub(crate) fn release(
    step: &mut Step<'_>,
    group: &GroupId,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    if groups::member_list(step.rows, group)?.is_none() {
        return Ok(());
    }
    let own = step.device.public();
    loop {
        let mut taken = false;
        for one in held::take(step.rows, group)? {
            let incoming = one.incoming(own);
            if message::contains(step.rows, &incoming.name())? {
                continue;
            }
            // It says itself what becomes of it; what is still too early is held again.
            take_in(step, &incoming, outcomes)?;
            let is_here = message::contains(step.rows, &incoming.name())?;
            taken |= is_here;
            if is_here && incoming.author == own {
                resend::take_over(step, &incoming)?;
            }
        }
        if !taken {
            return Ok(());
        }
    }
}

/// The message with a clock that counts, if its own is too far ahead. Nobody pushes another's clock so far that a third one would not follow: it
/// stands at the end of what is here.
fn clamped<'a>(incoming: &Incoming<'a>, row: &ConversationRow) -> Option<Incoming<'a>> {
    let furthest = row.lamport.saturating_add(MAX_LAMPORT_JUMP);
    let is_ahead = incoming.content.lamport > furthest;
    is_ahead.then(|| Incoming {
        content: Content {
            lamport: furthest,
            ..incoming.content.clone()
        },
        ..*incoming
    })
}

/// Why a message is refused.
struct Refused {
    reason: Refusal,
    /// What may be only early is not acknowledged, so it comes again when more may be known.
    may_be_early: bool,
}

impl Refused {
    fn early(reason: Refusal) -> Self {
        Self {
            reason,
            may_be_early: true,
        }
    }
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
        Recorded::Pinned { to, removed } => ConversationNews::Pinned {
            to,
            by,
            id: incoming.content.id,
            removed,
        },
        Recorded::TimerChanged(after) => ConversationNews::TimerChanged { by, after },
    };
    Some(Outcome::InConversation(incoming.conversation, news))
}

/// Why a message is refused; nothing if it is not.
fn refusal(step: &Step<'_>, incoming: &Incoming<'_>) -> Result<Option<Refused>, EngineError> {
    let is_events = matches!(incoming.content.body, Body::GroupEvents { .. });
    let mut others = vec![step.device.public()];
    match &incoming.conversation {
        // Events prove themselves, and tell who belongs to a group.
        ConversationId::Group(_) if is_events => return Ok(None),
        ConversationId::Direct(_) if is_events => {
            return Ok(Some(Refused::early(Refusal::UnknownGroup)));
        }
        ConversationId::Group(group) => {
            let list = groups::member_list(step.rows, group)?;
            if let Some(reason) = group::refusal(step, incoming, list.as_ref())? {
                return Ok(Some(Refused::early(reason)));
            }
            others.extend(list.iter().flat_map(MemberList::members));
        }
        ConversationId::Direct(peer) => others.push(*peer),
    }
    let reason = refusal_of_target(step.rows, incoming, &others)?;
    Ok(reason.map(|reason| Refused {
        reason,
        may_be_early: false,
    }))
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
