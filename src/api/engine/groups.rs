//! Groups: their logs, who is invited, and what is needed to write to the members (RFC windlass §9.6).

use super::conversation::ConversationId;
use super::receive::Outcome;
use super::{Device, Moment, contacts, damaged, get_row, put_row, send};
use crate::api::error::WindlassError;
use crate::bundle::VerifiedBundle;
use crate::chat::{
    Body, GroupAction, GroupEvent, GroupEventError, GroupId, GroupLog, Membership, Taken,
};
use crate::crypto::Secret;
use crate::identity::PublicIdentity;
use crate::limits::{FORMER_MEMBER_SECONDS, MAX_GROUP_MEMBERS};
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::{
    self,
    store::{FormerMember, GroupRow},
};

/// A group as it is known here.
pub(in crate::api) struct Group {
    pub(in crate::api) log: GroupLog,
    row: GroupRow,
}

impl Group {
    fn from_row(row: GroupRow) -> Result<Self, WindlassError> {
        let damaged = || damaged(Table::Groups);
        let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged())?;
        let events = row.events.iter().map(Vec::as_slice);
        let log = GroupLog::from_stored(id, events).map_err(|_| damaged())?;
        Ok(Self { log, row })
    }

    fn save(&mut self, store: &mut Writer<'_>) -> Result<(), WindlassError> {
        self.row.events = self.log.encoded().map(<[u8]>::to_vec).collect();
        let key = *self.log.id().as_bytes();
        put_row(store, Table::Groups, Key::new(&key), &self.row)
    }

    /// Who ever belonged to the group and does not now: since when that is known here.
    fn note_former(&mut self, now: u64) {
        let after = self.log.membership();
        let is_in = |one: &PublicIdentity| after.member(one).is_some();
        let known = core::mem::take(&mut self.row.former);
        for identity in self.log.ever_invited().iter().filter(|one| !is_in(one)) {
            let identity_key = identity.to_bytes().to_vec();
            let noted = known
                .iter()
                .find(|former| former.identity_key == identity_key);
            self.row.former.push(FormerMember {
                since: noted.map_or(now, |former| former.since),
                identity_key,
            });
        }
    }

    /// Whether what somebody writes is taken in: of members, and for a while of those who were it.
    pub(super) fn hears(&self, author: &PublicIdentity, now: u64) -> bool {
        let lately = self.row.former.iter().any(|former| {
            former.identity_key == author.to_bytes()
                && now.saturating_sub(former.since) / 1000 < FORMER_MEMBER_SECONDS
        });
        lately || self.log.membership().member(author).is_some()
    }

    /// Whether the user takes part.
    pub(in crate::api) fn is_joined(&self) -> bool {
        self.row.joined
    }

    /// Who invited, if it was somebody.
    pub(in crate::api) fn invited_by(&self) -> Option<PublicIdentity> {
        PublicIdentity::from_stored(&self.row.invited_by)
    }
}

pub(in crate::api) fn find(
    store: &impl Rows,
    id: &GroupId,
) -> Result<Option<Group>, WindlassError> {
    let row: Option<GroupRow> = get_row(store, Table::Groups, Key::new(id.as_bytes()))?;
    row.map(Group::from_row).transpose()
}

pub(in crate::api) fn known(store: &impl Rows, id: &GroupId) -> Result<Group, WindlassError> {
    find(store, id)?.ok_or(WindlassError::UnknownGroup)
}

pub(in crate::api) fn all(store: &impl Rows) -> Result<Vec<Group>, WindlassError> {
    let rows = store.scan(Table::Groups)?;
    let mut groups = rows
        .iter()
        .map(|bytes| {
            let row = wire::decode("group", bytes).map_err(|_| damaged(Table::Groups))?;
            Group::from_row(row)
        })
        .collect::<Result<Vec<_>, WindlassError>>()?;
    // The rows of the store come in no order.
    groups.sort_by_key(|group| *group.log.id());
    Ok(groups)
}

/// Puts a group of a backup back.
pub(super) fn restore(store: &mut Writer<'_>, row: GroupRow) -> Result<(), WindlassError> {
    Group::from_row(row)?.save(store)
}

/// The groups that we take part in and somebody belongs to.
pub(super) fn shared_with(
    store: &impl Rows,
    identity: &PublicIdentity,
) -> Result<Vec<GroupId>, WindlassError> {
    let groups = all(store)?
        .into_iter()
        .filter(|group| group.is_joined() && group.log.membership().member(identity).is_some());
    Ok(groups.map(|group| *group.log.id()).collect())
}

/// Makes a group.
pub(in crate::api) fn create(
    store: &mut Writer<'_>,
    device: &Device,
    name: &str,
    moment: &mut Moment,
) -> Result<GroupId, WindlassError> {
    let nonce = *Secret::random(&mut moment.rng).as_bytes();
    let (log, event) = GroupLog::create(&device.identity, name, nonce)?;
    let id = *log.id();
    let row = GroupRow {
        group_id: id.as_bytes().to_vec(),
        joined: true,
        ..GroupRow::default()
    };
    Group { log, row }.save(store)?;
    tell(store, device, &id, &[event], &[], moment)?;
    Ok(id)
}

/// Does something to a group, and tells all who belong to it, or did.
pub(in crate::api) fn act(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    action: GroupAction,
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let mut group = known(store, id)?;
    let before = group.log.membership();
    let adds = matches!(action, GroupAction::MembersAdded(_));
    if let GroupAction::MembersAdded(new) = &action {
        for identity in new {
            // Nobody can be written to without their bundle.
            let contact = contacts::find(store, identity)?;
            let contact = contact.ok_or(WindlassError::UnknownContact)?;
            contact.bundle.as_ref().ok_or(WindlassError::NoBundle)?;
        }
    }
    let leaves = action == GroupAction::Left;
    let joins = action == GroupAction::Joined;
    // Whoever is only invited does not know all the others yet.
    if !group.is_joined() && !joins && !leaves {
        return Err(WindlassError::NotAMember);
    }
    let event = group.log.write(&device.identity, &action)?;
    group.row.joined |= joins;
    group.row.joined &= !leaves;
    if joins || leaves {
        // Whoever refuses an invitation has to tell the others too.
        introduce(store, device, &group, moment)?;
        group.row.bundles = Vec::new();
    }
    group.note_former(moment.now);
    group.save(store)?;
    let former: Vec<_> = before.members().iter().map(|m| m.identity).collect();
    let events = if adds { log_of(&group) } else { vec![event] };
    tell(store, device, id, &events, &former, moment)
}

fn log_of(group: &Group) -> Vec<GroupEvent> {
    group
        .log
        .encoded()
        .filter_map(|bytes| GroupEvent::from_stored(bytes).ok())
        .collect()
}

/// Sends events to the members, and to those who were it.
fn tell(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    events: &[GroupEvent],
    former: &[PublicIdentity],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    let members = known(store, id)?.log.membership().members();
    let mut bundles = Vec::new();
    // With a single event there is nobody new: they know each other.
    if events.len() > 1 {
        for member in members.iter().take(MAX_GROUP_MEMBERS) {
            let contact = contacts::find(store, &member.identity)?;
            let bundle = contact.and_then(|contact| contact.bundle);
            bundles.extend(bundle.map(|bundle| bundle.encoded().to_vec()));
        }
    }
    let mut to: Vec<_> = members.iter().map(|member| member.identity).collect();
    to.extend(
        former
            .iter()
            .filter(|one| !members.iter().any(|m| m.identity == **one)),
    );
    let body = Body::GroupEvents {
        events: events
            .iter()
            .map(|event| event.encoded().to_vec())
            .collect(),
        bundles,
    };
    let conversation = ConversationId::Group(*id);
    send::post(store, device, &conversation, &to, body, None, moment)?;
    Ok(())
}

/// Members become contacts that we answer, for a group that the user takes part in.
fn introduce(
    store: &mut Writer<'_>,
    device: &Device,
    group: &Group,
    moment: &Moment,
) -> Result<(), WindlassError> {
    let membership = group.log.membership();
    for bytes in &group.row.bundles {
        let bundle = VerifiedBundle::decode(bytes).ok();
        let bundle = bundle.filter(|b| {
            *b.identity() != device.public() && membership.member(b.identity()).is_some()
        });
        if let Some(bundle) = bundle {
            contacts::take_in(store, device, &bundle, moment)?;
        }
    }
    for member in membership.members() {
        if let Some(mut contact) = contacts::find(store, &member.identity)?
            && !contact.row.introduced
        {
            super::trust::introduce(store, &mut contact)?;
        }
    }
    Ok(())
}

/// What came of events.
pub(super) struct TakenIn {
    pub(super) outcomes: Vec<Outcome>,
    /// Why an event was refused, if one was; the others are taken in all the same.
    pub(super) refused: Option<GroupEventError>,
    /// Whether any of it was news.
    pub(super) news: bool,
    /// Events that members we invited were not sent, since their authors did not know of them.
    pub(super) forward: Vec<(PublicIdentity, GroupEvent)>,
}

/// Takes in events of a group, which need not be known yet. An event proves itself, so it does not matter who brings it.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    from: &PublicIdentity,
    id: &GroupId,
    events: &[Vec<u8>],
    bundles: &[Vec<u8>],
    moment: &Moment,
) -> Result<TakenIn, WindlassError> {
    let own = device.public();
    let mut group = match find(store, id)? {
        Some(group) => group,
        None => Group {
            log: GroupLog::new(*id),
            row: GroupRow {
                group_id: id.as_bytes().to_vec(),
                ..GroupRow::default()
            },
        },
    };
    let before = group.log.membership();
    let mut taken = TakenIn {
        outcomes: Vec::new(),
        refused: None,
        news: false,
        forward: Vec::new(),
    };
    let mut new = Vec::new();
    for bytes in events {
        let event = GroupEvent::decode(bytes);
        match event.and_then(|event| Ok((group.log.take(event.clone())?, event))) {
            Ok((Taken::New | Taken::Waits, event)) => {
                taken.news = true;
                new.push(event);
            }
            Ok((Taken::Known, _)) => {}
            Err(error) => taken.refused = Some(error),
        }
    }
    if !taken.news {
        return Ok(taken);
    }
    for event in new.into_iter().filter(|event| *event.author() != own) {
        for (member, inviter) in group.log.unaware(&event) {
            if inviter == own && member != own {
                taken.forward.push((member, event.clone()));
            }
        }
    }
    let after = group.log.membership();
    let was_in = before.member(&own).is_some();
    let is_in = after.member(&own);
    // Another device of ours may have joined, or left.
    group.row.joined = is_in.is_some_and(|member| member.joined);
    if is_in.is_some() {
        for bundle in bundles {
            if !group.row.bundles.contains(bundle) && group.row.bundles.len() < MAX_GROUP_MEMBERS {
                group.row.bundles.push(bundle.clone());
            }
        }
    }
    if is_in.is_some() && !was_in {
        group.row.invited_by = from.to_bytes().to_vec();
    }
    if group.row.joined {
        introduce(store, device, &group, moment)?;
        group.row.bundles = Vec::new();
    }
    group.note_former(moment.now);
    group.save(store)?;
    let joined = group.row.joined;
    if is_in.is_some() && !was_in && !joined {
        taken.outcomes.push(Outcome::GroupInvitation {
            group: *id,
            by: *from,
            name: after.name.clone(),
        });
    } else if after != before {
        taken.outcomes.push(Outcome::GroupChanged { group: *id });
    }
    Ok(taken)
}

/// Sends events on.
pub(super) fn forward(
    store: &mut Writer<'_>,
    device: &Device,
    id: &GroupId,
    events: &[(PublicIdentity, GroupEvent)],
    moment: &mut Moment,
) -> Result<(), WindlassError> {
    for (member, event) in events {
        // Of whom the event is about: the one it goes to may never have heard of them.
        let about = match event.action() {
            GroupAction::MembersAdded(list) => list.as_slice(),
            _ => &[],
        };
        let mut bundles = Vec::new();
        for identity in about.iter().chain([event.author()]) {
            let contact = contacts::find(store, identity)?;
            bundles.extend(contact.and_then(|c| c.bundle).map(|b| b.encoded().to_vec()));
        }
        let body = Body::GroupEvents {
            events: vec![event.encoded().to_vec()],
            bundles,
        };
        let conversation = ConversationId::Group(*id);
        send::post(store, device, &conversation, &[*member], body, None, moment)?;
    }
    Ok(())
}

/// Whom a message to a group goes to: its members as they are known here, whether they joined yet or not.
pub(super) fn recipients(
    store: &impl Rows,
    device: &Device,
    id: &GroupId,
) -> Result<Vec<PublicIdentity>, WindlassError> {
    let group = known(store, id)?;
    let membership = group.log.membership();
    if !group.is_joined() || membership.member(&device.public()).is_none() {
        return Err(WindlassError::NotAMember);
    }
    Ok(membership.members().iter().map(|m| m.identity).collect())
}

/// Whether somebody may write to a group, as things are known here.
pub(super) fn membership(
    store: &impl Rows,
    id: &GroupId,
) -> Result<Option<Membership>, WindlassError> {
    Ok(find(store, id)?.map(|group| group.log.membership()))
}
