//! Brings the events of a group to those who have to know them (RFC windlass §9.6.8).

use std::collections::BTreeMap;

use super::conversation::ConversationId;
use super::groups::{self, Roll};
use super::{Device, Moment, contacts, fitting, send};
use crate::api::error::WindlassError;
use crate::chat::{Body, GroupAction, GroupEvent, GroupId};
use crate::identity::PublicIdentity;
use crate::limits::{MAX_CONTENT_LEN, MAX_GROUP_MEMBERS};
use crate::store::{Rows, Writer};

/// Bytes of events in one message: what fits a content with the bundles of a full group.
const EVENTS_IN_MESSAGE: usize = MAX_CONTENT_LEN / 2;

/// Sends events to the members, and to those who were it.
pub(super) fn tell(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    events: &[GroupEvent],
    former: &[PublicIdentity],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let roll = groups::roll(store, id)?;
    let mut to: Vec<_> = roll.iter().flat_map(Roll::members).collect();
    // With a single event there is nobody new: they know each other.
    let bundles = if events.len() > 1 {
        bundles(store, &to)?
    } else {
        Vec::new()
    };
    for one in former {
        if !to.contains(one) {
            to.push(*one);
        }
    }
    post(store, device, id, &to, events, bundles, moment)
}

/// Sends events on to members whom their authors did not know of. Whoever brings them decides how many they are, so each member gets
/// all of theirs together.
pub(super) fn forward(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    events: Vec<(PublicIdentity, GroupEvent)>,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let mut by_member: BTreeMap<[u8; 32], (PublicIdentity, Vec<GroupEvent>)> = BTreeMap::new();
    for (member, event) in events {
        let theirs = by_member.entry(member.to_bytes());
        theirs.or_insert_with(|| (member, Vec::new())).1.push(event);
    }
    for (member, events) in by_member.into_values() {
        // Of whom the events are about: the one they go to may never have heard of them.
        let mut about: Vec<PublicIdentity> = Vec::new();
        for event in &events {
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
        let bundles = bundles(store, &about)?;
        post(store, device, id, &[member], &events, bundles, moment)?;
    }
    Ok(())
}

/// The bundles of people, as many as a group has members.
fn bundles(store: &impl Rows, of: &[PublicIdentity]) -> Result<Vec<Vec<u8>>, WindlassError> {
    let mut bundles = Vec::new();
    for identity in of {
        let contact = contacts::find(store, identity)?;
        let bundle = contact.and_then(|contact| contact.bundle);
        bundles.extend(bundle.map(|bundle| bundle.encoded().to_vec()));
        if bundles.len() == MAX_GROUP_MEMBERS {
            break;
        }
    }
    Ok(bundles)
}

/// Posts events in as many messages as they need. The bundles go with the last, by which whoever gets them is a member.
fn post(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    to: &[PublicIdentity],
    events: &[GroupEvent],
    bundles: Vec<Vec<u8>>,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let conversation = ConversationId::Group(*id);
    let (mut left, mut bundles) = (events, Some(bundles));
    while !left.is_empty() {
        let count = fitting(left, EVENTS_IN_MESSAGE, |event| event.encoded().len());
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
        send::post(store, device, &conversation, to, body, None, moment)?;
    }
    Ok(())
}
