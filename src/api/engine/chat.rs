//! What a content does to its conversation, whoever wrote it and however it came (RFC windlass §9).

use super::conversation::{self, ConversationId};
use super::receive::Outcome;
use super::{
    Device, Moment, annotations, contacts, groups, heads, healing, history, spread, trust,
    unhandled,
};
use crate::api::error::WindlassError;
use crate::api::event::RefusalReason as Refusal;
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, GroupEventError};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::{Rows, Writer};

/// Why a content is not taken in; nothing if it is.
fn refusal(
    store: &impl Rows,
    own: &PublicIdentity,
    author: &PublicIdentity,
    conversation: &ConversationId,
    content: &Content,
    now: u64,
) -> Result<Option<Refusal>, WindlassError> {
    let clock = conversation::row(store, conversation)?.lamport;
    if content.lamport > clock.saturating_add(MAX_LAMPORT_JUMP) {
        return Ok(Some(Refusal::ClockAhead));
    }
    let mut others = vec![*own];
    if let ConversationId::Group(group) = conversation {
        // Events prove themselves, and tell who belongs to a group.
        if matches!(content.body, Body::GroupEvents { .. }) {
            return Ok(None);
        }
        let Some(roll) = groups::roll(store, group)? else {
            return Ok(Some(Refusal::UnknownGroup));
        };
        if !roll.hears(author, now) {
            return Ok(Some(Refusal::NotAMember));
        }
        others.extend(roll.members());
    } else if matches!(content.body, Body::GroupEvents { .. }) {
        return Ok(Some(Refusal::UnknownGroup));
    } else if let ConversationId::Direct(peer) = conversation {
        others.push(*peer);
    }
    refusal_of_target(store, author, conversation, &content.body, &others)
}

/// Why a body may not say of another message what it says (RFC windlass §9.5.4). Of one that has not come yet it may.
fn refusal_of_target(
    store: &impl Rows,
    author: &PublicIdentity,
    conversation: &ConversationId,
    body: &Body,
    others: &[PublicIdentity],
) -> Result<Option<Refusal>, WindlassError> {
    let Some((target_author, target)) = body.target(author.to_bytes()) else {
        return Ok(None);
    };
    if let Ok(target_author) = PublicIdentity::from_bytes(&target_author)
        && let Some(found) = history::find(store, &target_author, &target)?
    {
        let may = found.is_message_of(conversation);
        return Ok((!may).then_some(Refusal::InvalidTarget));
    }
    // Edits and deletions are of their author's messages. One that names another's is no mistake of the network.
    if matches!(body, Body::Edit { .. } | Body::Deletion { .. }) {
        for other in others.iter().filter(|other| *other != author) {
            let found = history::find(store, other, &target)?;
            if found.is_some_and(|found| found.conversation == *conversation) {
                return Ok(Some(Refusal::NotTheAuthor));
            }
        }
    }
    Ok(None)
}

/// Puts a content that was not refused into its conversation, and does what it says.
#[allow(clippy::too_many_arguments)] // What is known of a message when it comes.
pub(super) fn take(
    store: &mut Writer<'_>,
    device: &Device,
    author: &PublicIdentity,
    id: &ConversationId,
    content: Content,
    encoded: &[u8],
    copied_from: Option<&PublicIdentity>,
    moment: &Moment,
) -> Result<Vec<Outcome>, WindlassError> {
    let own = device.public();
    let (message_id, body) = (content.id, content.body.clone());
    let (lamport, sent_at) = (content.lamport, content.sent_at);
    if let ConversationId::Direct(peer) = id {
        heads::take_in(store, peer, author, &own, &content, moment.now)?;
    }
    let target = annotations::note(store, author, &content)?;
    let timer = match &body {
        Body::DisappearingTimer(after) => {
            conversation::set_timer(store, id, author, &content, *after)?
        }
        _ => false,
    };
    let mut stored = history::append(store, author, id, content, encoded, copied_from, moment)?;
    if let ConversationId::Group(group) = id
        && *author == own
        && copied_from.is_some()
        && let Some(roll) = groups::roll(store, group)?
    {
        history::note_sent_to(store, author, &message_id, roll.members_at(sent_at))?;
    }
    let mut outcomes = Vec::new();
    if let Some(target) = target {
        outcomes.extend(annotations::take(
            store, author, &stored, target, moment.now,
        )?);
        return Ok(outcomes);
    }
    match &body {
        Body::GroupEvents { .. } => return Ok(outcomes),
        Body::DisappearingTimer(after) => {
            outcomes.extend(timer.then_some(Outcome::TimerChanged {
                conversation: *id,
                by: *author,
                after: *after,
            }));
            return Ok(outcomes);
        }
        _ => {}
    }
    // What is said of it may have been quicker.
    annotations::settle(store, &stored, moment.now)?;
    if annotations::deletes(store, author, &message_id)? {
        history::delete(store, author, &message_id, history::DELETED, moment.now)?;
        return Ok(outcomes);
    }
    stored.annotations = annotations::fold(store, author, &message_id)?;
    let mut row = conversation::row(store, id)?;
    if *author == own {
        // Whoever answers has read.
        row.read_lamport = row.read_lamport.max(lamport);
        row.unread = 0;
    } else if lamport > row.read_lamport {
        row.unread += 1;
    }
    conversation::save(store, id, &row)?;
    if *author != own && copied_from.is_none() {
        unhandled::note(store, author, &message_id)?;
    }
    outcomes.push(Outcome::Message(Box::new(stored)));
    if let (Body::IdentityChange(bundle), ConversationId::Direct(peer)) = (&body, id)
        && peer == author
        && let Ok(bundle) = VerifiedBundle::decode(bundle)
    {
        outcomes.extend(trust::follow(store, device, peer, &bundle, moment)?);
    }
    Ok(outcomes)
}

/// Takes in what came, unless it is refused; and whether it is to be acknowledged.
#[allow(clippy::too_many_arguments)] // What is known of a message when it comes.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    from: &PublicIdentity,
    author: &PublicIdentity,
    id: &ConversationId,
    content: Content,
    encoded: &[u8],
    copied: bool,
    moment: &mut Moment,
) -> Result<(Vec<Outcome>, bool), WindlassError> {
    if history::contains(store, author, &content.id)? {
        let id = Some(content.id);
        return Ok((vec![Outcome::Duplicate { id }], true));
    }
    let refuse = |reason| Outcome::Refused {
        from: *from,
        conversation: *id,
        reason,
    };
    if let Some(reason) = refusal(store, &device.public(), author, id, &content, moment.now)? {
        // What may be only early comes again, when more is known.
        let early = matches!(reason, Refusal::UnknownGroup | Refusal::NotAMember);
        if early {
            healing::suspect(store, from, moment.now)?;
        }
        return Ok((vec![refuse(reason)], !early));
    }
    let mut outcomes = Vec::new();
    if let (Body::GroupEvents { events, bundles }, ConversationId::Group(group)) =
        (&content.body, id)
    {
        // Nobody's log is begun by whom the user does not know.
        let own = device.public();
        let known = groups::roll(store, group)?.is_some() || *from == own;
        let accepted = contacts::find(store, from)?.is_some_and(|contact| contact.is_known());
        if !known && !accepted {
            // Asked for when they are accepted.
            healing::suspect(store, from, moment.now)?;
            return Ok((vec![refuse(Refusal::UnknownGroup)], false));
        }
        let now = moment.now;
        // Our own devices go by one clock.
        let told_at = if *author == own {
            content.sent_at.min(now)
        } else {
            now
        };
        let taken = groups::take_in(store, device, from, group, events, bundles, told_at, moment)?;
        outcomes.extend(taken.outcomes);
        spread::forward(store, device, group, taken.forward, moment)?;
        // A conversation shows what is part of the group's log, told by who has a say in it; nothing else that looks like it.
        if let Some(error) = taken.refused {
            outcomes.push(refuse(Refusal::of(error)));
            return Ok((outcomes, true));
        }
        let heard = *from == own || groups::hears(store, id, author, now)?;
        if taken.early || !heard {
            healing::suspect(store, from, now)?;
            outcomes.extend((!heard).then(|| refuse(Refusal::NotAMember)));
            return Ok((outcomes, false));
        }
    }
    let copied_from = copied.then_some(from);
    let done = take(
        store,
        device,
        author,
        id,
        content,
        encoded,
        copied_from,
        moment,
    )?;
    outcomes.extend(done);
    Ok((outcomes, true))
}

impl Refusal {
    fn of(error: GroupEventError) -> Self {
        match error {
            GroupEventError::NotAnAdmin => Self::NotAnAdmin,
            GroupEventError::NotAMember => Self::NotAMember,
            GroupEventError::Full => Self::GroupFull,
            GroupEventError::Void => Self::Void,
            GroupEventError::Wire(_) | GroupEventError::Signature | GroupEventError::OtherGroup => {
                Self::InvalidEvent
            }
        }
    }
}
