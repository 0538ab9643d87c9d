//! Making and changing a group, and bringing its events to those who have to know them (RFC windlass §9.6.8).

use std::collections::BTreeMap;

use crate::chat::{Body, GroupAction, GroupEvent, GroupId, GroupLog, MessageId};
use crate::crypto::Secret;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::groups::{Group, MemberList};
use crate::engine::records::{contacts, group_links, groups, invitations, trust};
use crate::engine::sync::feed;
use crate::engine::sync::outcome::Outcome;
use crate::identity::PublicIdentity;
use crate::limits::{MAX_CONTENT_LEN, MAX_GROUP_MEMBERS};
use crate::store::Rows;

/// Makes a group.
pub(crate) fn create(step: &mut Step<'_>, name: &str) -> Result<GroupId, EngineError> {
    let nonce = *Secret::random(step.rng).as_bytes();
    let (log, event) = GroupLog::create(&step.device.identity, name, nonce)?;
    let id = *log.id();
    let mut group = Group::made(log);
    group.note_members(step.rows, step.now, step.now)?;
    group.save(step.rows)?;
    announce(step, &id, &[event], &[])?;
    feed::note(step, &Outcome::GroupChanged { group: id });
    Ok(id)
}

/// The user does something to a group. What they are told by it, which is in the feed.
pub(crate) fn act(
    step: &mut Step<'_>,
    id: &GroupId,
    action: &GroupAction,
) -> Result<Vec<Outcome>, EngineError> {
    let outcomes = perform(step, id, action)?;
    feed::tell(step, &outcomes)?;
    Ok(outcomes)
}

/// Does something to a group, and tells all who belong to it, or did. What the user is to be told by it.
pub(crate) fn perform(
    step: &mut Step<'_>,
    id: &GroupId,
    action: &GroupAction,
) -> Result<Vec<Outcome>, EngineError> {
    let mut group = groups::known(step.rows, id)?;
    let before = group.log.membership().members();
    let adds = matches!(action, GroupAction::MembersAdded(_));
    if let GroupAction::MembersAdded(new) = action {
        check_reachable(step.rows, &step.device.public(), new)?;
    }
    let leaves = *action == GroupAction::Left;
    let joins = *action == GroupAction::Joined;
    let mut outcomes = Vec::new();
    if joins && group.is_joined() {
        return Ok(outcomes);
    }
    // A user who is only invited does not know all the others yet.
    if !group.is_joined() && !joins && !leaves {
        return Err(EngineError::NotAMember);
    }
    let event = group.log.write(&step.device.identity, action)?;
    let declines = leaves && !group.is_joined();
    if joins || leaves {
        group.set_joined(joins);
    }
    if joins {
        let changes = group.introduce_members(step)?.into_iter();
        outcomes.extend(changes.filter_map(|(of, change)| Outcome::devices_changed(of, change)));
        invitations::note_joined(step, &group.log)?;
    } else if leaves {
        group.forget_bundles();
        group_links::erase_of(step.rows, id)?;
    }
    group.note_members(step.rows, step.now, step.now)?;
    group.save(step.rows)?;
    feed::note(step, &Outcome::GroupChanged { group: *id });
    let former: Vec<_> = before.iter().map(|member| member.identity).collect();
    let events = if adds {
        group.log.events().cloned().collect()
    } else {
        vec![event]
    };
    if declines {
        decline(step, id, &events, &former)?;
        return Ok(outcomes);
    }
    announce(step, id, &events, &former)?;
    if leaves {
        groups::take_back(step, id, former.into_iter())?;
    }
    Ok(outcomes)
}

/// A user who declines an invitation tells those whom they know or answer, of whom one invited; who hands it on to the others. Nobody is introduced by it.
fn decline(
    step: &mut Step<'_>,
    id: &GroupId,
    events: &[GroupEvent],
    members: &[PublicIdentity],
) -> Result<(), EngineError> {
    let mut known = Vec::new();
    for one in members {
        let contact = contacts::find(step.rows, one)?;
        if contact.map_or(Ok(false), |contact| trust::may_invite(step.rows, &contact))? {
            known.push(*one);
        }
    }
    send(step, id, &known, events, Vec::new())
}

/// Nobody can be invited who cannot be written to.
fn check_reachable(
    store: &dyn Rows,
    own: &PublicIdentity,
    identities: &[PublicIdentity],
) -> Result<(), EngineError> {
    for identity in identities {
        if identity == own {
            return Err(EngineError::OwnAddress);
        }
        let contact = contacts::find(store, identity)?;
        let contact = contact.ok_or(EngineError::UnknownContact)?;
        contact.bundle.as_ref().ok_or(EngineError::NoBundle)?;
    }
    Ok(())
}

/// Bytes of events in one message: what fits a content with the bundles of a full group.
pub(crate) const EVENTS_IN_MESSAGE: usize = MAX_CONTENT_LEN / 2;

/// Sends events to the members, and to those who were it.
pub(crate) fn announce(
    step: &mut Step<'_>,
    id: &GroupId,
    events: &[GroupEvent],
    former: &[PublicIdentity],
) -> Result<(), EngineError> {
    let list = groups::member_list(step.rows, id)?;
    let mut to: Vec<_> = list.iter().flat_map(MemberList::members).collect();
    // With a single event there is nobody new: they know each other.
    let bundles = if events.len() > 1 {
        bundles(step.rows, &to)?
    } else {
        Vec::new()
    };
    for one in former {
        if !to.contains(one) {
            to.push(*one);
        }
    }
    send(step, id, &to, events, bundles)
}

/// Relays events to members whom their authors did not know of. The device that brings them decides how many they are, so each member
/// gets all of theirs together.
pub(crate) fn relay(
    step: &mut Step<'_>,
    id: &GroupId,
    events: Vec<(PublicIdentity, GroupEvent)>,
) -> Result<(), EngineError> {
    let mut by_member: BTreeMap<[u8; 32], (PublicIdentity, Vec<GroupEvent>)> = BTreeMap::new();
    for (member, event) in events {
        let theirs = by_member.entry(member.to_bytes());
        theirs.or_insert_with(|| (member, Vec::new())).1.push(event);
    }
    for (member, events) in by_member.into_values() {
        let bundles = bundles_about(step.rows, events.iter())?;
        send(step, id, &[member], &events, bundles)?;
    }
    Ok(())
}

/// The bundles of those whom events are about: the one they go to may never have heard of them.
pub(crate) fn bundles_about<'a>(
    store: &dyn Rows,
    events: impl Iterator<Item = &'a GroupEvent>,
) -> Result<Vec<Vec<u8>>, EngineError> {
    let mut about: Vec<PublicIdentity> = Vec::new();
    for event in events {
        let added = match event.action() {
            GroupAction::MembersAdded(list) => list.as_slice(),
            _ => &[],
        };
        for identity in added.iter().chain([event.author()]) {
            if !about.contains(identity) {
                about.push(*identity);
            }
        }
    }
    bundles(store, &about)
}

/// The bundles of people, as many as a group has members.
fn bundles(store: &dyn Rows, of: &[PublicIdentity]) -> Result<Vec<Vec<u8>>, EngineError> {
    let mut bundles = Vec::new();
    for identity in of {
        let contact = contacts::find(store, identity)?;
        let bundle = contact.and_then(|contact| contact.bundle);
        bundles.extend(bundle.map(|bundle| bundle.without_code_secret().encoded().to_vec()));
        if bundles.len() == MAX_GROUP_MEMBERS {
            break;
        }
    }
    Ok(bundles)
}

/// Sends events in as many messages as they need. The bundles go with the last, by which their reader is a member.
fn send(
    step: &mut Step<'_>,
    id: &GroupId,
    to: &[PublicIdentity],
    events: &[GroupEvent],
    bundles: Vec<Vec<u8>>,
) -> Result<(), EngineError> {
    let conversation = ConversationId::Group(*id);
    let (mut left, mut bundles) = (events, Some(bundles));
    while !left.is_empty() {
        let count = post::fitting(left, EVENTS_IN_MESSAGE, |event| event.encoded().len());
        let (now, later) = left.split_at(count);
        left = later;
        let with_it = if left.is_empty() {
            bundles.take()
        } else {
            None
        };
        let body = Body::GroupEvents {
            events: now.iter().map(|event| event.encoded().to_vec()).collect(),
            bundles: with_it.unwrap_or_default(),
        };
        let id = MessageId::random(step.rng);
        post::post(step, id, &conversation, to, body, None)?;
    }
    Ok(())
}
