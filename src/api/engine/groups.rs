//! Groups: their logs, who is invited, and what is needed to write to the members (RFC windlass §9.6).

use super::conversation::ConversationId;
use super::receive::Outcome;
use super::{Device, Moment, contacts, damaged, get_row, put_row, spread};
use crate::api::error::WindlassError;
use crate::bundle::VerifiedBundle;
use crate::chat::{GroupAction, GroupEvent, GroupEventError, GroupId, GroupLog, Membership, Taken};
use crate::crypto::Secret;
use crate::identity::PublicIdentity;
use crate::limits::{FORMER_MEMBER_SECONDS, MAX_GROUP_MEMBERS};
use crate::store::{Key, Rows, Table, Writer};
use crate::wire::{
    self,
    store::{GroupMemberRow, GroupRow},
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

    fn new(id: &GroupId) -> Self {
        let row = GroupRow {
            group_id: id.as_bytes().to_vec(),
            ..GroupRow::default()
        };
        let log = GroupLog::new(*id);
        Self { log, row }
    }

    fn save(&mut self, store: &mut Writer<'_>) -> Result<(), WindlassError> {
        self.row.events = self.log.encoded().map(<[u8]>::to_vec).collect();
        let key = *self.log.id().as_bytes();
        put_row(store, Table::Groups, Key::new(&key), &self.row)
    }

    /// Who belongs to the group, and who did: since when that is known here. `told_at` is when whoever told of it did.
    fn note_members(&mut self, told_at: u64, now: u64) {
        let noted = |rows: &[GroupMemberRow], identity: &PublicIdentity, new: u64| {
            let identity_key = identity.to_bytes().to_vec();
            let known = rows.iter().find(|row| row.identity_key == identity_key);
            GroupMemberRow {
                since: known.map_or(new, |row| row.since),
                identity_key,
            }
        };
        let membership = self.log.membership();
        let members = membership.members();
        let members = members
            .iter()
            .map(|member| noted(&self.row.members, &member.identity, told_at));
        let ever = self.log.ever_invited();
        let former = ever
            .iter()
            .filter(|one| membership.member(one).is_none())
            .map(|one| noted(&self.row.former, one, now));
        (self.row.members, self.row.former) = (members.collect(), former.collect());
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

/// Who belongs to a group and who did, as it was noted when its log changed last: without a look at the log.
pub(super) struct Roll(GroupRow);

impl Roll {
    /// The members, the eldest first.
    pub(super) fn members(&self) -> impl Iterator<Item = PublicIdentity> {
        let members = self.0.members.iter();
        members.filter_map(|member| PublicIdentity::from_stored(&member.identity_key))
    }

    fn has(&self, identity: &PublicIdentity) -> bool {
        self.members().any(|member| member == *identity)
    }

    /// Whether what somebody writes is taken in: of members, and for a while of those who were it.
    pub(super) fn hears(&self, author: &PublicIdentity, now: u64) -> bool {
        let lately = self.0.former.iter().any(|former| {
            former.identity_key == author.to_bytes()
                && now.saturating_sub(former.since) / 1000 < FORMER_MEMBER_SECONDS
        });
        lately || self.has(author)
    }

    /// Whom another device of ours sent what it wrote at a time. Somebody who was not known yet is left out: they may have come later,
    /// and learn nothing of what was before.
    pub(super) fn members_at(&self, time: u64) -> Vec<Vec<u8>> {
        let members = self.0.members.iter().filter(|member| member.since <= time);
        members.map(|member| member.identity_key.clone()).collect()
    }
}

fn row(store: &impl Rows, id: &GroupId) -> Result<Option<GroupRow>, WindlassError> {
    get_row(store, Table::Groups, Key::new(id.as_bytes()))
}

/// Who belongs to a group that is known.
pub(super) fn roll(store: &impl Rows, id: &GroupId) -> Result<Option<Roll>, WindlassError> {
    Ok(row(store, id)?.map(Roll))
}

/// Whether somebody has a say in a conversation: of a group that is known, who belongs to it or did lately.
pub(super) fn hears(
    store: &impl Rows,
    conversation: &ConversationId,
    author: &PublicIdentity,
    now: u64,
) -> Result<bool, WindlassError> {
    match conversation {
        ConversationId::Direct(_) => Ok(true),
        ConversationId::Group(group) => {
            Ok(roll(store, group)?.is_some_and(|roll| roll.hears(author, now)))
        }
    }
}

pub(in crate::api) fn find(
    store: &impl Rows,
    id: &GroupId,
) -> Result<Option<Group>, WindlassError> {
    row(store, id)?.map(Group::from_row).transpose()
}

pub(in crate::api) fn known(store: &impl Rows, id: &GroupId) -> Result<Group, WindlassError> {
    find(store, id)?.ok_or(WindlassError::UnknownGroup)
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
    let damaged = || damaged(Table::Groups);
    let mut shared = Vec::new();
    for bytes in store.scan(Table::Groups)? {
        let roll = Roll(wire::decode("group", &bytes).map_err(|_| damaged())?);
        if roll.0.joined && roll.has(identity) {
            shared.push(GroupId::from_bytes(&roll.0.group_id).map_err(|_| damaged())?);
        }
    }
    // The rows of the store come in no order.
    shared.sort_unstable();
    Ok(shared)
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
    let mut group = Group {
        log,
        ..Group::new(&id)
    };
    group.row.joined = true;
    group.note_members(moment.now, moment.now);
    group.save(store)?;
    spread::tell(store, device, &id, &[event], &[], moment)?;
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
    let before = group.log.membership().members();
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
    if joins && group.is_joined() {
        return Ok(());
    }
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
    group.note_members(moment.now, moment.now);
    group.save(store)?;
    let former: Vec<_> = before.iter().map(|member| member.identity).collect();
    let events = if adds {
        group.log.events().cloned().collect()
    } else {
        vec![event]
    };
    spread::tell(store, device, id, &events, &former, moment)
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
            contacts::take_in_passed_on(store, device, &bundle, moment)?;
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
    /// Whether an event is not part of the log yet, for it builds on others that have not come.
    pub(super) early: bool,
    /// Events that members we invited were not sent, since their authors did not know of them.
    pub(super) forward: Vec<(PublicIdentity, GroupEvent)>,
}

/// Takes in events of a group, which need not be known yet. An event proves itself, so it does not matter who brings it; but
/// only somebody who has a say in the group brings what has to wait.
#[allow(clippy::too_many_arguments)] // What is known of a message when it comes.
pub(super) fn take_in(
    store: &mut Writer<'_>,
    device: &Device,
    from: &PublicIdentity,
    id: &GroupId,
    events: &[Vec<u8>],
    bundles: &[Vec<u8>],
    told_at: u64,
    moment: &Moment,
) -> Result<TakenIn, WindlassError> {
    let own = device.public();
    let mut group = find(store, id)?.unwrap_or_else(|| Group::new(id));
    let before = group.log.membership().clone();
    let known = group.log.len();
    let heard = *from == own || hears(store, &ConversationId::Group(*id), from, moment.now)?;
    let mut taken = TakenIn {
        outcomes: Vec::new(),
        refused: None,
        early: false,
        forward: Vec::new(),
    };
    for bytes in events {
        let log = &mut group.log;
        let result = GroupEvent::decode(bytes).and_then(|event| {
            // Whatever builds on nothing that is here, anybody can write who knows the group's id.
            let may_wait = heard && log.was_invited(event.author());
            if may_wait || log.has_parents_of(&event) {
                log.take(event)
            } else {
                Ok(Taken::Waits)
            }
        });
        match result {
            Ok(Taken::Waits) => taken.early = true,
            Ok(Taken::New | Taken::Known) => {}
            Err(error) => taken.refused = Some(error),
        }
    }
    if group.log.len() == known {
        if group.log.waits() {
            group.save(store)?;
        }
        return Ok(taken);
    }
    for (member, inviter, event) in group.log.unaware(known) {
        if inviter == own && member != own && *event.author() != own {
            taken.forward.push((member, event.clone()));
        }
    }
    let after = group.log.membership().clone();
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
    group.note_members(told_at, moment.now);
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

/// Whom a message to a group goes to: its members as they are known here, whether they joined yet or not.
pub(super) fn recipients(
    store: &impl Rows,
    device: &Device,
    id: &GroupId,
) -> Result<Vec<PublicIdentity>, WindlassError> {
    let roll = roll(store, id)?.ok_or(WindlassError::UnknownGroup)?;
    if !roll.0.joined || !roll.has(&device.public()) {
        return Err(WindlassError::NotAMember);
    }
    Ok(roll.members().collect())
}

/// Whether somebody may write to a group, as things are known here.
pub(super) fn membership(
    store: &impl Rows,
    id: &GroupId,
) -> Result<Option<Membership>, WindlassError> {
    Ok(find(store, id)?.map(|group| group.log.membership().clone()))
}
