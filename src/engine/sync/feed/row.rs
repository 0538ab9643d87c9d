//! An outcome as the feed keeps it, and back.

use crate::bundle::DeviceChange;
use crate::chat::{Body, GroupId, MessageId};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::damaged;
use crate::engine::history::message::Stored;
use crate::engine::history::view::Shown;
use crate::engine::history::{message, view};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{contacts, groups};
use crate::engine::sync::outcome::{
    ConversationNews, Outcome, PeerNews, RefusalReason, UndecryptableCause,
};
use crate::identity::PublicIdentity;
use crate::store::{Rows, Table};
use crate::wire::store::feed_row::Event;
use crate::wire::store::{FeedInConversation, FeedOfGroup, FeedOfPerson, TimelineRow};

/// What the feed keeps of an outcome; nothing of one that tells how the work goes on, or that nothing has changed (decision 0046). No
/// arm stands for the rest: whoever adds an outcome decides.
pub(super) fn kept(outcome: &Outcome) -> Option<Event> {
    Some(match outcome {
        Outcome::Message(shown) => Event::Message(shown.stored.name().to_row()),
        Outcome::Edited(shown) => Event::Edited(shown.stored.name().to_row()),
        Outcome::InConversation(conversation, news) => return in_conversation(conversation, news),
        Outcome::GroupInvitation { group, by, name: _ } => Event::GroupInvitation(FeedOfGroup {
            group_id: group.as_bytes().to_vec(),
            by_identity_key: by.to_bytes().to_vec(),
            ..FeedOfGroup::default()
        }),
        Outcome::GroupIncomplete { group, resolved } => Event::GroupIncomplete(FeedOfGroup {
            group_id: group.as_bytes().to_vec(),
            resolved: *resolved,
            ..FeedOfGroup::default()
        }),
        Outcome::GroupChanged { group } => Event::GroupChanged(FeedOfGroup {
            group_id: group.as_bytes().to_vec(),
            ..FeedOfGroup::default()
        }),
        Outcome::Peer(peer, news) => return of_peer(peer, news),
        Outcome::Undecryptable { cause, from } => Event::Undecryptable(FeedOfPerson {
            identity_key: from.map_or_else(Vec::new, |from| from.to_bytes().to_vec()),
            cause: cause.number(),
            ..FeedOfPerson::default()
        }),
        Outcome::RollbackNoticed => Event::RollbackNoticed(true),
        // `Missed` is made when it is told.
        Outcome::Duplicate { .. } | Outcome::Missed { .. } => return None,
    })
}

fn in_conversation(conversation: &ConversationId, news: &ConversationNews) -> Option<Event> {
    let row = conversation.feed_row();
    let by = |by: &PublicIdentity| by.to_bytes().to_vec();
    let name = |author: &PublicIdentity, id: &MessageId| {
        let (author, id) = (*author, *id);
        MessageRef { author, id }.to_row()
    };
    Some(match news {
        ConversationNews::Deleted(message) => Event::Deleted(FeedInConversation {
            message: Some(message.to_row()),
            ..row
        }),
        ConversationNews::ConversationDeleted => Event::ConversationDeleted(row),
        ConversationNews::SettingsChanged => Event::SettingsChanged(row),
        ConversationNews::ScheduledChanged => Event::ScheduledChanged(row),
        // What the emoji is stands in its own row alone, and is deleted with it.
        ConversationNews::Reacted { by: author, id, .. } => Event::Reacted(name(author, id)),
        ConversationNews::Pinned { by: author, id, .. } => Event::Pinned(name(author, id)),
        ConversationNews::Read { by: reader } => Event::Read(FeedInConversation {
            by_identity_key: by(reader),
            ..row
        }),
        ConversationNews::TimerChanged { by: author, after } => {
            Event::TimerChanged(FeedInConversation {
                by_identity_key: by(author),
                value: *after,
                ..row
            })
        }
        ConversationNews::Refused { from, reason } => Event::Refused(FeedInConversation {
            by_identity_key: by(from),
            value: reason.number().into(),
            ..row
        }),
        // Worth nothing once it is late.
        ConversationNews::Typing { .. } => return None,
    })
}

fn of_peer(peer: &PublicIdentity, news: &PeerNews) -> Option<Event> {
    let row = FeedOfPerson {
        identity_key: peer.to_bytes().to_vec(),
        ..FeedOfPerson::default()
    };
    Some(match news {
        PeerNews::Delivered(ids) if ids.is_empty() => return None,
        PeerNews::Delivered(ids) => Event::Delivered(FeedOfPerson {
            message_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect(),
            ..row
        }),
        PeerNews::ContactRequest => Event::ContactRequest(row),
        PeerNews::ProfileChanged => Event::ProfileChanged(row),
        PeerNews::DevicesChanged(change) => Event::DevicesChanged(FeedOfPerson {
            added: change.added.clone(),
            removed: change.removed.clone(),
            ..row
        }),
        PeerNews::IdentityChanged { new, was_verified } => Event::IdentityChanged(FeedOfPerson {
            new_identity_key: new.to_bytes().to_vec(),
            was_verified: *was_verified,
            ..row
        }),
        PeerNews::SessionEstablished { .. }
        | PeerNews::SessionHealed { .. }
        | PeerNews::Healing { .. }
        | PeerNews::Resent { .. }
        | PeerNews::Synchronising { .. }
        | PeerNews::Presence { .. }
        | PeerNews::Blocked => return None,
    })
}

/// What is told of it now; nothing if what it is about was deleted since, or who it is about is no contact any more.
pub(super) fn told_again(
    store: &dyn Rows,
    own: &PublicIdentity,
    event: &Event,
) -> Result<Option<Outcome>, EngineError> {
    let outcome = outcome_of(store, event)?;
    if let Event::ConversationDeleted(_) = event {
        // Nothing of it has to be here.
        return Ok(outcome);
    }
    let who = match &outcome {
        Some(
            Outcome::InConversation(ConversationId::Direct(who), _)
            | Outcome::Peer(who, _)
            | Outcome::Undecryptable {
                from: Some(who), ..
            },
        ) if who != own => who,
        _ => return Ok(outcome),
    };
    let known = contacts::row(store, who)?.is_some();
    Ok(outcome.filter(|_| known))
}

fn outcome_of(store: &dyn Rows, event: &Event) -> Result<Option<Outcome>, EngineError> {
    Ok(match event {
        Event::Message(row) => message_of(store, row)?.map(Outcome::Message),
        Event::Edited(row) => message_of(store, row)?.map(Outcome::Edited),
        Event::Reacted(row) => reaction(store, row)?,
        Event::Pinned(row) => pin(store, row)?,
        Event::Deleted(row) => {
            let message = row.message.as_ref().ok_or_else(|| damaged(Table::Feed))?;
            Some(placed(row, ConversationNews::Deleted(name(message)?))?)
        }
        Event::ConversationDeleted(row) => {
            Some(placed(row, ConversationNews::ConversationDeleted)?)
        }
        Event::SettingsChanged(row) => Some(placed(row, ConversationNews::SettingsChanged)?),
        Event::ScheduledChanged(row) => Some(placed(row, ConversationNews::ScheduledChanged)?),
        Event::Read(row) => {
            let by = identity(&row.by_identity_key)?;
            Some(placed(row, ConversationNews::Read { by })?)
        }
        Event::TimerChanged(row) => {
            let (by, after) = (identity(&row.by_identity_key)?, row.value);
            Some(placed(row, ConversationNews::TimerChanged { by, after })?)
        }
        Event::Refused(row) => {
            let number = u32::try_from(row.value).ok();
            let reason = number.and_then(RefusalReason::of_number);
            let reason = reason.ok_or_else(|| damaged(Table::Feed))?;
            let from = identity(&row.by_identity_key)?;
            Some(placed(row, ConversationNews::Refused { from, reason })?)
        }
        Event::GroupInvitation(row) => {
            let (group, by) = (group_of(row)?, identity(&row.by_identity_key)?);
            groups::member_list(store, &group)?.map(|known| Outcome::GroupInvitation {
                group,
                by,
                name: known.name().to_owned(),
            })
        }
        Event::GroupIncomplete(row) => {
            let (group, resolved) = (group_of(row)?, row.resolved);
            let known = groups::member_list(store, &group)?;
            known.map(|_| Outcome::GroupIncomplete { group, resolved })
        }
        Event::GroupChanged(row) => {
            let group = group_of(row)?;
            let known = groups::member_list(store, &group)?;
            known.map(|_| Outcome::GroupChanged { group })
        }
        Event::Delivered(row)
        | Event::ContactRequest(row)
        | Event::ProfileChanged(row)
        | Event::DevicesChanged(row)
        | Event::IdentityChanged(row) => {
            let peer = identity(&row.identity_key)?;
            Some(Outcome::Peer(peer, peer_news(event, row)?))
        }
        Event::Undecryptable(row) => Some(undecryptable(row)?),
        Event::RollbackNoticed(_) => Some(Outcome::RollbackNoticed),
    })
}

fn identity(bytes: &[u8]) -> Result<PublicIdentity, EngineError> {
    PublicIdentity::from_stored(bytes).ok_or_else(|| damaged(Table::Feed))
}

fn name(row: &TimelineRow) -> Result<MessageRef, EngineError> {
    MessageRef::from_columns(Table::Feed, &row.author_identity_key, &row.message_id)
}

fn group_of(row: &FeedOfGroup) -> Result<GroupId, EngineError> {
    GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::Feed))
}

/// The message as it is now.
fn message_of(store: &dyn Rows, row: &TimelineRow) -> Result<Option<Box<Shown>>, EngineError> {
    let shown = view::shown(store, &name(row)?)?;
    Ok(shown
        .filter(|shown| !shown.stored.is_deleted())
        .map(Box::new))
}

/// What was said of a message, if it was not taken back.
fn said(store: &dyn Rows, row: &TimelineRow) -> Result<Option<Stored>, EngineError> {
    let found = message::find(store, &name(row)?)?;
    Ok(found.filter(|found| !found.is_deleted()))
}

fn reaction(store: &dyn Rows, row: &TimelineRow) -> Result<Option<Outcome>, EngineError> {
    let Some(found) = said(store, row)? else {
        return Ok(None);
    };
    let Body::Reaction {
        author,
        target,
        emoji,
        removed,
    } = found.content.body
    else {
        return Ok(None);
    };
    let news = ConversationNews::Reacted {
        to: MessageRef {
            author: identity(&author)?,
            id: target,
        },
        by: found.author,
        id: found.content.id,
        emoji,
        removed,
    };
    Ok(Some(Outcome::InConversation(found.conversation, news)))
}

fn pin(store: &dyn Rows, row: &TimelineRow) -> Result<Option<Outcome>, EngineError> {
    let Some(found) = said(store, row)? else {
        return Ok(None);
    };
    let Body::Pin {
        author,
        target,
        removed,
    } = found.content.body
    else {
        return Ok(None);
    };
    let news = ConversationNews::Pinned {
        to: MessageRef {
            author: identity(&author)?,
            id: target,
        },
        by: found.author,
        id: found.content.id,
        removed,
    };
    Ok(Some(Outcome::InConversation(found.conversation, news)))
}

fn placed(row: &FeedInConversation, news: ConversationNews) -> Result<Outcome, EngineError> {
    let conversation = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
    let conversation = conversation.ok_or_else(|| damaged(Table::Feed))?;
    Ok(Outcome::InConversation(conversation, news))
}

fn peer_news(event: &Event, row: &FeedOfPerson) -> Result<PeerNews, EngineError> {
    Ok(match event {
        Event::Delivered(_) => {
            let ids = row.message_ids.iter().map(|id| MessageId::from_bytes(id));
            let ids: Result<Vec<_>, _> = ids.collect();
            PeerNews::Delivered(ids.map_err(|_| damaged(Table::Feed))?)
        }
        Event::DevicesChanged(_) => PeerNews::DevicesChanged(DeviceChange {
            added: row.added.clone(),
            removed: row.removed.clone(),
        }),
        Event::IdentityChanged(_) => PeerNews::IdentityChanged {
            new: identity(&row.new_identity_key)?,
            was_verified: row.was_verified,
        },
        Event::ProfileChanged(_) => PeerNews::ProfileChanged,
        _ => PeerNews::ContactRequest,
    })
}

fn undecryptable(row: &FeedOfPerson) -> Result<Outcome, EngineError> {
    let cause = UndecryptableCause::of_number(row.cause);
    let known = !row.identity_key.is_empty();
    Ok(Outcome::Undecryptable {
        cause: cause.ok_or_else(|| damaged(Table::Feed))?,
        from: known.then(|| identity(&row.identity_key)).transpose()?,
    })
}
