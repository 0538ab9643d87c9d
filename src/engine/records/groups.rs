//! Groups: their logs, who is invited, and what is needed to write to the members (RFC windlass §9.6).

use crate::bundle::{DeviceChange, VerifiedBundle};
use crate::chat::{
    GroupAction, GroupEvent, GroupEventError, GroupId, GroupLog, GroupPermission, Membership, Taken,
};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::put_row;
use crate::engine::base::step::Step;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::group_logs::{self, Kept};
use crate::engine::records::introductions::{self, Origin};
pub(crate) use crate::engine::records::member_list::{
    MemberList, accepts_from, listed, member_list, recipients, shared_with,
};
use crate::engine::records::{
    chat_settings, contacts, former_members, group_links, group_views, member_list, strangers,
};
use crate::identity::PublicIdentity;
use crate::limits::MAX_GROUP_MEMBERS;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{GroupMemberRow, GroupRow};

/// A group as it is known here.
pub(crate) struct Group {
    pub(crate) log: GroupLog,
    row: GroupRow,
    kept: Kept,
}

impl Group {
    fn load(store: &dyn Rows, id: &GroupId, row: GroupRow) -> Result<Self, EngineError> {
        let (log, kept) = group_logs::load(store, id)?;
        Ok(Self { log, row, kept })
    }

    /// A group that we make.
    pub(crate) fn made(log: GroupLog) -> Self {
        let mut group = Self {
            log: log.clone(),
            ..Self::new(log.id())
        };
        group.row.joined = true;
        group
    }

    /// A group of which nothing is known yet.
    fn new(id: &GroupId) -> Self {
        let row = GroupRow {
            group_id: id.as_bytes().to_vec(),
            ..GroupRow::default()
        };
        Self {
            log: GroupLog::new(*id),
            row,
            kept: Kept::default(),
        }
    }

    pub(crate) fn save(&mut self, store: &mut dyn RowsMut) -> Result<(), EngineError> {
        group_logs::save(store, &self.log, &mut self.kept)?;
        let view = self.log.view();
        self.row.view_digest = view.digest.to_vec();
        self.row.view_heads = view.heads.iter().map(|head| head.to_vec()).collect();
        let key = *self.log.id().as_bytes();
        put_row(store, Table::Groups, Key::new(&key), &self.row)
    }

    /// Notes who belongs to the group, and who did: since when that is known here. `told_at` is the time of the news.
    pub(crate) fn note_members(
        &mut self,
        store: &mut dyn RowsMut,
        told_at: u64,
        now: u64,
    ) -> Result<(), EngineError> {
        let (id, membership) = (self.log.id(), self.log.membership());
        let before = core::mem::take(&mut self.row.members);
        let since = |identity: &PublicIdentity| {
            let key = identity.to_bytes();
            let known = before.iter().find(|row| row.identity_key == key);
            known.map(|row| row.since)
        };
        for member in membership.members() {
            let known = since(&member.identity);
            if known.is_none() {
                former_members::forget(store, id, &member.identity)?;
            }
            self.row.members.push(GroupMemberRow {
                identity_key: member.identity.to_bytes().to_vec(),
                since: known.unwrap_or(told_at),
                admin: member.admin.is_some(),
                joined: member.joined,
            });
        }
        self.row.name.clone_from(&membership.name);
        self.row.description.clone_from(&membership.description);
        let kept = GroupPermission::ALL.into_iter();
        let kept = kept.filter(|what| membership.permissions.is_for_admins(*what));
        self.row.admins_only = kept.map(GroupPermission::number).collect();
        // Who is none of them was one before, or is named by what is new.
        let named = self.log.after(self.kept.events).flat_map(invited);
        let keys = before.iter().map(|row| row.identity_key.as_slice());
        let were = keys.filter_map(PublicIdentity::from_stored);
        for one in were.chain(named) {
            if membership.member(&one).is_none() {
                former_members::note(store, id, &one, now)?;
            }
        }
        Ok(())
    }

    /// Puts one event into the log. `trusted` is whether it may wait for others that it builds on.
    fn receive_event(&mut self, bytes: &[u8], trusted: bool) -> Result<Taken, GroupEventError> {
        if self.log.has_encoded(bytes) {
            return Ok(Taken::Known);
        }
        let event = GroupEvent::decode(bytes)?;
        // Anybody who knows the group's id can write an event that builds on nothing that is here.
        let may_wait = trusted && self.log.was_invited(event.author());
        if may_wait || self.log.has_parents_of(&event) {
            self.log.take(event)
        } else {
            Ok(Taken::Waits)
        }
    }

    /// The log has grown: what is noted of the group follows it.
    fn follow_log(
        &mut self,
        step: &mut Step<'_>,
        before: &Membership,
        delivery: &GroupDelivery<'_>,
        news: &mut GroupNews,
    ) -> Result<(), EngineError> {
        let own = step.device.public();
        let after = self.log.membership().clone();
        let is_in = after.member(&own);
        let is_new = is_in.is_some() && before.member(&own).is_none();
        // Another device of ours may have joined, or left.
        self.row.joined = is_in.is_some_and(|member| member.joined);
        if is_in.is_some() {
            for bundle in delivery.bundles {
                let bundles = &mut self.row.bundles;
                if !bundles.contains(bundle) && bundles.len() < MAX_GROUP_MEMBERS {
                    bundles.push(bundle.clone());
                }
            }
        }
        if is_new {
            self.row.invited_by = delivery.from.to_bytes().to_vec();
        }
        if self.row.joined {
            news.devices = self.introduce_members(step)?;
        }
        let former = before.members();
        let gone = former.iter().map(|member| member.identity);
        let still = |one: &PublicIdentity| self.row.joined && after.member(one).is_some();
        take_back(step, self.log.id(), gone.filter(|one| !still(one)))?;
        self.note_members(step.rows, delivery.told_at, step.now)?;
        self.save(step.rows)?;
        news.change = if is_new && !self.row.joined {
            let name = after.name.clone();
            Some(GroupNewsChange::Invited { name })
        } else {
            (after != *before).then_some(GroupNewsChange::Changed)
        };
        Ok(())
    }

    /// Members become contacts that we answer, for a group that the user takes part in. The bundles that waited for it are used up; what
    /// they change in the devices of contacts.
    pub(crate) fn introduce_members(
        &mut self,
        step: &mut Step<'_>,
    ) -> Result<DeviceChanges, EngineError> {
        let mut changes = Vec::new();
        let membership = self.log.membership();
        for bytes in core::mem::take(&mut self.row.bundles) {
            let bundle = VerifiedBundle::decode(&bytes).ok();
            let bundle = bundle.filter(|b| {
                *b.identity() != step.device.public() && membership.member(b.identity()).is_some()
            });
            if let Some(bundle) = bundle {
                let (contact, change) = contacts::merge_forwarded_bundle(step, &bundle)?;
                if !change.is_empty() && !contact.row.blocked {
                    changes.push((contact.identity, change));
                }
            }
        }
        let origin = Origin::Group(self.log.id());
        for member in membership.members() {
            if let Some(mut contact) = contacts::find(step.rows, &member.identity)? {
                introductions::introduce(step.rows, &mut contact, origin)?;
            }
        }
        Ok(changes)
    }

    /// The user declines: of the others nothing is kept.
    pub(crate) fn forget_bundles(&mut self) {
        self.row.bundles.clear();
    }

    /// Whether the user takes part.
    pub(crate) fn is_joined(&self) -> bool {
        self.row.joined
    }

    /// Notes whether the user takes part.
    pub(crate) fn set_joined(&mut self, joined: bool) {
        self.row.joined = joined;
        if !joined {
            self.row.bundles = Vec::new();
        }
    }
}

/// Whom an event makes a member.
fn invited(event: &GroupEvent) -> Vec<PublicIdentity> {
    match event.action() {
        GroupAction::Created { .. } => vec![*event.author()],
        GroupAction::MembersAdded(list) => list.clone(),
        _ => Vec::new(),
    }
}

/// A group does not introduce some people any more.
pub(crate) fn take_back(
    step: &mut Step<'_>,
    group: &GroupId,
    people: impl Iterator<Item = PublicIdentity>,
) -> Result<(), EngineError> {
    for one in people {
        if let Some(mut contact) = introductions::take_back(step.rows, &one, Origin::Group(group))?
        {
            strangers::lapse(step.rows, &mut contact, step.now)?;
        }
    }
    Ok(())
}

pub(crate) fn find(store: &dyn Rows, id: &GroupId) -> Result<Option<Group>, EngineError> {
    let row = member_list::row(store, id)?;
    row.map(|row| Group::load(store, id, row)).transpose()
}

pub(crate) fn known(store: &dyn Rows, id: &GroupId) -> Result<Group, EngineError> {
    find(store, id)?.ok_or(EngineError::UnknownGroup)
}

pub(crate) fn erase(store: &mut dyn RowsMut, id: &GroupId) -> Result<(), EngineError> {
    store.delete(Table::Groups, Key::new(id.as_bytes()))?;
    group_logs::erase(store, id)?;
    group_links::erase_of(store, id)?;
    chat_settings::erase(store, &ConversationId::Group(*id))?;
    former_members::erase_of(store, id)
}

/// Puts a group of a backup back; its events are records of their own.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &GroupRow) -> Result<(), EngineError> {
    put_row(store, Table::Groups, Key::new(&row.group_id), row)
}

/// Whose devices changed, and how.
pub(crate) type DeviceChanges = Vec<(PublicIdentity, DeviceChange)>;

/// What events of a group brought.
#[derive(Default)]
pub(crate) struct GroupNews {
    /// What the user is told.
    pub(crate) change: Option<GroupNewsChange>,
    /// What bundles that came along changed in the devices of contacts.
    pub(crate) devices: DeviceChanges,
    /// Why an event was refused, if one was; the others are in the log all the same.
    pub(crate) refused: Option<GroupEventError>,
    /// Whether an event is not part of the log yet, for it builds on others that have not come.
    pub(crate) early: bool,
    /// Events that members we invited were not sent, since their authors did not know of them.
    pub(crate) relay: Vec<(PublicIdentity, GroupEvent)>,
}

/// What the user is told of a group.
pub(crate) enum GroupNewsChange {
    /// We are invited to it.
    Invited {
        /// Its name.
        name: String,
    },
    /// Its name or its members are others.
    Changed,
}

/// What came of a group, as it came.
pub(crate) struct GroupDelivery<'a> {
    /// Who brought it.
    pub(crate) from: &'a PublicIdentity,
    /// Signed events, which prove themselves.
    pub(crate) events: &'a [Vec<u8>],
    /// Bundles of people whom the events are about.
    pub(crate) bundles: &'a [Vec<u8>],
    /// The time of the news.
    pub(crate) told_at: u64,
}

/// Puts events into the log of a group, which need not be known yet. An event proves itself, so it does not matter who brings it; but
/// only somebody who has a say in the group brings what has to wait.
pub(crate) fn receive_events(
    step: &mut Step<'_>,
    id: &GroupId,
    delivery: &GroupDelivery<'_>,
) -> Result<GroupNews, EngineError> {
    let own = step.device.public();
    let found = find(step.rows, id)?;
    let new = found.is_none();
    let mut group = found.unwrap_or_else(|| Group::new(id));
    // Whoever sends again what is here has nobody verify it, nor see what follows from it.
    if delivery
        .events
        .iter()
        .all(|bytes| group.log.has_encoded(bytes))
    {
        return Ok(GroupNews::default());
    }
    let before = group.log.membership().clone();
    let known = group.log.len();
    let mut news = GroupNews::default();
    let from = delivery.from;
    let list = member_list(step.rows, id)?;
    let trusted = *from == own
        || match list {
            Some(list) => list.accepts_from(step.rows, from, step.now)?,
            None => false,
        };
    for bytes in delivery.events {
        match group.receive_event(bytes, trusted) {
            Ok(Taken::Waits) => news.early = true,
            Ok(Taken::New | Taken::Known) => {}
            Err(error) => news.refused = Some(error),
        }
    }
    let grew = group.log.len() != known;
    let mut views = group_views::load(step.rows, id)?;
    let membership = group.log.membership().clone();
    let joined = membership.member(&own).is_some_and(|member| member.joined);
    if grew && joined {
        views.begin_comparison(&group.log, &own, step.now);
    }
    views.follow(&group.log, grew.then_some(from), step.now);
    views.note_invitation(from, new && grew, joined, step.now);
    views.save(step.rows, |key| {
        PublicIdentity::from_stored(key).is_some_and(|who| membership.member(&who).is_some())
    })?;
    if !grew {
        if group.log.waits() {
            group.save(step.rows)?;
        }
        return Ok(news);
    }
    for (member, inviter, event) in group.log.unaware(known) {
        if inviter == own && member != own && *event.author() != own {
            news.relay.push((member, event.clone()));
        }
    }
    news.relay
        .extend(declined(&group.log, &before, known, from, &own));
    group.follow_log(step, &before, delivery, &mut news)?;
    Ok(news)
}

/// That somebody does not want to belong to the group, for all others: they told it to those whom they know. Whoever invited them hands it
/// on, or everybody who hears of it if that one is gone.
fn declined(
    log: &GroupLog,
    before: &Membership,
    known: usize,
    from: &PublicIdentity,
    own: &PublicIdentity,
) -> Vec<(PublicIdentity, GroupEvent)> {
    let members = log.membership();
    let declines = |event: &&GroupEvent| {
        let author = event.author();
        let invited = before.member(author).is_some_and(|member| !member.joined);
        let inviter = log.inviter(author);
        let ours = inviter.is_some_and(|one| one == *own || members.member(&one).is_none());
        *event.action() == GroupAction::Left && author == from && invited && ours
    };
    let mut passed_on = Vec::new();
    for event in log.after(known).filter(declines) {
        let others = members.members();
        let others = others.iter().map(|member| member.identity);
        let others = others.filter(|one| one != own && one != from);
        passed_on.extend(others.map(|one| (one, event.clone())));
    }
    passed_on
}
