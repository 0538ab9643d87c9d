//! Groups that others made known and the user has not joined, and groups that were deleted (RFC windlass §9.6.10, §9.6.15): what is remembered of them
//! stands with the views of a group.

use crate::chat::{DeletedGroup, EventHash, GroupAction, GroupEvent, GroupId, GroupLog};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, put_row};
use crate::engine::base::step::Step;
use crate::engine::records::group_views::{self, DAY_SECONDS, GroupViews, is_over};
use crate::identity::PublicIdentity;
use crate::limits::{
    GROUP_INVITATION_SECONDS, MAX_GROUP_EVENTS, MAX_GROUP_INVITATIONS, MAX_GROUP_INVITATIONS_BY_ONE,
};
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::GroupViewRow;

/// Whether a group was deleted here.
pub(crate) fn is_deleted(store: &dyn Rows, group: &GroupId) -> Result<bool, EngineError> {
    Ok(group_views::load(store, group)?.row.deleted_at != 0)
}

/// The groups that were deleted here and may not come back yet, by id: the rows of the store come in no order.
pub(crate) fn deletions(store: &dyn Rows, now: u64) -> Result<Vec<DeletedGroup>, EngineError> {
    let mut deletions = Vec::new();
    for row in all_rows::<GroupViewRow>(store, Table::GroupViews)? {
        let group = GroupId::from_bytes(&row.group_id);
        let views = GroupViews::new(group.map_err(|_| damaged(Table::GroupViews))?, row);
        if !views.is_deletion_over(now) {
            deletions.extend(views.deletion());
        }
    }
    deletions.sort_unstable_by_key(|deleted| deleted.group);
    Ok(deletions)
}

/// The same as rows, for a backup: of members who were reminded nothing is in it.
pub(crate) fn rows_of_deletions(store: &dyn Rows) -> Result<Vec<GroupViewRow>, EngineError> {
    let mut rows = all_rows::<GroupViewRow>(store, Table::GroupViews)?;
    rows.retain(|row| row.deleted_at != 0);
    for row in &mut rows {
        row.members.clear();
    }
    Ok(rows)
}

/// Puts what a backup knows of a deleted group back.
pub(crate) fn restore_deletion(
    store: &mut dyn RowsMut,
    row: &GroupViewRow,
) -> Result<(), EngineError> {
    let group = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::GroupViews))?;
    put_row(store, Table::GroupViews, Key::new(group.as_bytes()), row)
}

/// Whether there is room for another group that somebody makes known.
pub(crate) fn has_room(store: &dyn Rows, by: &PublicIdentity) -> Result<bool, EngineError> {
    let (mut all, mut theirs) = (0, 0);
    for row in all_rows::<GroupViewRow>(store, Table::GroupViews)? {
        all += usize::from(row.invited_at != 0);
        theirs += usize::from(row.invited_at != 0 && row.invited_by == by.to_bytes());
    }
    Ok(all < MAX_GROUP_INVITATIONS && theirs < MAX_GROUP_INVITATIONS_BY_ONE)
}

/// The groups that somebody made known and the user has not joined, in no order of the store's.
pub(crate) fn invitations_by(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Vec<GroupId>, EngineError> {
    let rows = all_rows::<GroupViewRow>(store, Table::GroupViews)?.into_iter();
    let theirs = rows.filter(|row| row.invited_at != 0 && row.invited_by == identity.to_bytes());
    let ids = theirs
        .map(|row| GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::GroupViews)));
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// The user has joined the group.
pub(crate) fn note_joined(step: &mut Step<'_>, log: &GroupLog) -> Result<(), EngineError> {
    let mut views = group_views::load(step.rows, log.id())?;
    let own = step.device.public();
    views.note_invitation(&own, false, true, step.now);
    views.begin_comparison(log, &own, step.now);
    views.save(step.rows, |_| true)
}

impl GroupViews {
    /// Somebody made the group known, or the user has joined it.
    pub(crate) fn note_invitation(
        &mut self,
        by: &PublicIdentity,
        new: bool,
        joined: bool,
        now: u64,
    ) {
        if new && self.row.deleted_at == 0 {
            self.row.invited_at = now.max(1);
            self.row.invited_by = by.to_bytes().to_vec();
        }
        if joined {
            self.row.invited_at = 0;
            self.row.invited_by = Vec::new();
        }
    }

    /// Whether the user has not answered for so long that the group goes.
    pub(crate) fn is_invitation_over(&self, now: u64) -> bool {
        self.row.invited_at != 0 && is_over(now, self.row.invited_at, GROUP_INVITATION_SECONDS)
    }

    /// The group is deleted: what there was to note of it makes room for what keeps it from coming back. `own` is who we are.
    pub(crate) fn delete(&mut self, log: &GroupLog, own: &PublicIdentity, now: u64) {
        let left = log
            .events()
            .filter(|event| *event.author() == *own && *event.action() == GroupAction::Left);
        self.row = GroupViewRow {
            deleted_at: now.max(1),
            known_invitations: of(log, own).map(|hash| hash.to_vec()).collect(),
            left: left
                .last()
                .map_or_else(Vec::new, |event| event.encoded().to_vec()),
            ..GroupViewRow::default()
        };
    }

    /// What another device of ours is told of it.
    pub(crate) fn deletion(&self) -> Option<DeletedGroup> {
        let known = self.row.known_invitations.iter();
        (self.row.deleted_at != 0).then(|| DeletedGroup {
            group: self.group,
            invitations: known
                .filter_map(|hash| hash.as_slice().try_into().ok())
                .collect(),
            left: self.row.left.clone(),
            deleted_at: self.row.deleted_at,
        })
    }

    /// Another device of ours deleted it too, or first; true if that says more than was known. Neither forgets of which invitations the
    /// other knew, and it is not remembered for longer than from the later time, or now, on.
    pub(crate) fn merge_deletion(&mut self, told: &DeletedGroup, now: u64) -> bool {
        let before = self.row.clone();
        if before.deleted_at == 0 {
            self.row = GroupViewRow::default();
        }
        let row = &mut self.row;
        row.deleted_at = row.deleted_at.max(told.deleted_at.clamp(1, now.max(1)));
        for hash in &told.invitations {
            let full = row.known_invitations.len() >= MAX_GROUP_EVENTS;
            if !full && row.known_invitations.iter().all(|known| known != hash) {
                row.known_invitations.push(hash.to_vec());
            }
        }
        if row.left.is_empty() {
            row.left = told.left.clone();
        }
        *row != before
    }

    /// Whether it need not be remembered any more that the group was deleted.
    pub(crate) fn is_deletion_over(&self, now: u64) -> bool {
        self.row.deleted_at != 0 && is_over(now, self.row.deleted_at, GROUP_INVITATION_SECONDS)
    }

    /// Whether a log has an invitation that was not known when the group was deleted.
    pub(crate) fn is_invited_anew(&self, log: &GroupLog, own: &PublicIdentity) -> bool {
        let known = &self.row.known_invitations;
        of(log, own).any(|hash| known.iter().all(|known| *known != hash))
    }

    /// The user's `Left`, for somebody who does not know of it; once a day.
    pub(crate) fn remind(&mut self, whom: &PublicIdentity, now: u64) -> Option<Vec<u8>> {
        if self.row.deleted_at == 0 || self.row.left.is_empty() {
            return None;
        }
        let left = self.row.left.clone();
        let member = self.member(whom)?;
        if !is_over(now, member.asked_at, DAY_SECONDS) {
            return None;
        }
        member.roll_day(now);
        (member.asked_at, member.asked_today) = (now, 1);
        Some(left)
    }
}

/// The events of a log that invite us.
pub(crate) fn of(log: &GroupLog, own: &PublicIdentity) -> impl Iterator<Item = EventHash> {
    let invites = |event: &&GroupEvent| matches!(event.action(), GroupAction::MembersAdded(list) if list.contains(own));
    log.events().filter(invites).map(GroupEvent::hash)
}
