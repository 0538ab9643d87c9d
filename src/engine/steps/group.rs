//! What of a group is taken in, and from whom (RFC windlass §9.6.8 to §9.6.10).

use crate::chat::{Body, Content, GroupEvent, GroupId, GroupLog, GroupPermission};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::message::Incoming;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::groups::{GroupDelivery, MemberList};
use crate::engine::records::{
    contacts, doubts, group_joins, group_views, groups, invitations, trust,
};
use crate::engine::sync::group_events;
use crate::engine::sync::outcome::{Outcome, RefusalReason as Refusal};
use crate::identity::PublicIdentity;
use crate::session::Received;
use crate::store::Rows;
use crate::wire;
use crate::wire::v2::Payload;

/// Why words of a group are refused; nothing if they are not. Each of these may be early: the news that explains it is under way.
pub(super) fn refusal(
    step: &Step<'_>,
    incoming: &Incoming<'_>,
    list: Option<&MemberList>,
) -> Result<Option<Refusal>, EngineError> {
    let Some(list) = list else {
        let deleted = is_deleted(step.rows, incoming)?;
        return Ok(Some(if deleted {
            Refusal::NotTakingPart
        } else {
            Refusal::UnknownGroup
        }));
    };
    let (own, author) = (step.device.public(), &incoming.author);
    // What a device of ours hands on it took in itself; and our own words prove themselves.
    if *author == own || incoming.copied_from == Some(own) {
        return Ok(None);
    }
    if !list.has(&own) {
        return Ok(Some(Refusal::NotTakingPart));
    }
    if !list.has(author) {
        return Ok(Some(Refusal::NotAMember));
    }
    // A user who is only invited hears of people whom they know anyway.
    if !list.is_joined() {
        let contact = contacts::find(step.rows, author)?;
        if !contact.is_some_and(|contact| contact.is_accepted()) {
            return Ok(Some(Refusal::NotTakingPart));
        }
    }
    let may = may_say(list, author, &incoming.content.body);
    Ok((!may).then_some(Refusal::NotAnAdmin))
}

/// Whether somebody may write that to a group (RFC windlass §9.6.18). Who writes without knowing that it is not for them any more is refused too:
/// they could say at any time later that they did not know.
pub(super) fn may_say(list: &MemberList, author: &PublicIdentity, body: &Body) -> bool {
    match body {
        // It deletes what others write.
        Body::DisappearingTimer(_) => list.is_admin(author),
        body => !body.is_said() || list.may(author, GroupPermission::Write),
    }
}

/// Whether a message of somebody who is blocked is looked at all the same: it tells of a group that they belong to, or did.
pub(super) fn passes_block(store: &dyn Rows, received: &Received) -> Result<bool, EngineError> {
    let payload = received.payload.as_ref();
    let payload: Option<Payload> = payload.and_then(|bytes| wire::decode("payload", bytes).ok());
    let content = payload.and_then(|payload| Content::from_bytes(&payload.content).ok());
    let Some((group, body)) = content.and_then(|content| Some((content.group?, content.body)))
    else {
        return Ok(false);
    };
    let from = received.session.peer().identity;
    let list = groups::member_list(store, &group)?;
    match list {
        Some(list) if body.passes_blocks() => list.knows(store, &from),
        _ => Ok(false),
    }
}

/// Whether a message that is refused may show that something is missing here: not if its author is known to be out, or we are.
pub(super) fn may_be_missing(
    store: &dyn Rows,
    incoming: &Incoming<'_>,
) -> Result<bool, EngineError> {
    Ok(match &incoming.conversation {
        ConversationId::Direct(_) => true,
        ConversationId::Group(group) => match groups::member_list(store, group)? {
            Some(list) => !list.knows(store, &incoming.author)?,
            None => !invitations::is_deleted(store, group)?,
        },
    })
}

/// Whether a message is of a group that was deleted here.
pub(super) fn is_deleted(store: &dyn Rows, incoming: &Incoming<'_>) -> Result<bool, EngineError> {
    match &incoming.conversation {
        ConversationId::Direct(_) => Ok(false),
        ConversationId::Group(group) => invitations::is_deleted(store, group),
    }
}

/// Whether events bring back a group that was deleted here: somebody invites the user anew.
fn comes_back(
    step: &mut Step<'_>,
    group: &GroupId,
    events: &[Vec<u8>],
) -> Result<bool, EngineError> {
    let mut log = GroupLog::new(*group);
    for event in events {
        let _ = GroupEvent::decode(event).and_then(|event| log.take(event));
    }
    let views = group_views::load(step.rows, group)?;
    let anew = views.is_invited_anew(&log, &step.device.public());
    if anew {
        group_views::erase(step.rows, group)?;
    }
    Ok(anew)
}

/// What becomes of a message with events of a group.
pub(super) enum EventsTaken {
    /// It stands in the conversation.
    Shown,
    /// It is not shown; whether it is to be acknowledged.
    Refused(bool),
    /// It builds on events that are not here.
    Early,
}

/// Events of a group: they go into its log, and on to members who lack them.
pub(super) fn receive_events(
    step: &mut Step<'_>,
    group: &GroupId,
    delivery: &GroupDelivery<'_>,
    incoming: &Incoming<'_>,
    outcomes: &mut Vec<Outcome>,
) -> Result<EventsTaken, EngineError> {
    let (own, from) = (step.device.public(), *delivery.from);
    if invitations::is_deleted(step.rows, group)? && !comes_back(step, group, delivery.events)? {
        return Ok(EventsTaken::Refused(true));
    }
    // Nobody's log is begun by a person whom the user does not know.
    let known = groups::member_list(step.rows, group)?.is_some() || from == own;
    let contact = contacts::find(step.rows, &from)?;
    let invites = contact.map_or(Ok(false), |contact| trust::may_invite(step.rows, &contact))?;
    if !known && !invites {
        // Asked for when they are accepted.
        doubts::note_missing(step.rows, &from, step.now)?;
        outcomes.push(Outcome::refused(incoming, Refusal::UnknownGroup));
        return Ok(EventsTaken::Refused(false));
    }
    // One that the user asked for comes in beside all others.
    let has_room = known
        || invitations::has_room(step.rows, &from)?
        || group_joins::is_asked_for(step.rows, group, step.now)?;
    if !has_room {
        outcomes.push(Outcome::refused(incoming, Refusal::TooManyInvitations));
        return Ok(EventsTaken::Refused(false));
    }
    let mut news = groups::receive_events(step, group, delivery)?;
    outcomes.extend(Outcome::of_group_news(*group, from, &mut news));
    group_events::relay(step, group, news.relay)?;
    // A conversation shows what is part of the group's log, told by a member; nothing else that looks like it.
    if let Some(error) = news.refused {
        outcomes.push(Outcome::refused(incoming, Refusal::of(error)));
        return Ok(EventsTaken::Refused(true));
    }
    let conversation = &incoming.conversation;
    let by_member =
        from == own || groups::accepts_from(step.rows, conversation, &incoming.author, step.now)?;
    if !by_member {
        doubts::note_missing(step.rows, &from, step.now)?;
        outcomes.push(Outcome::refused(incoming, Refusal::NotAMember));
        return Ok(EventsTaken::Refused(false));
    }
    if news.early {
        return Ok(EventsTaken::Early);
    }
    Ok(EventsTaken::Shown)
}
