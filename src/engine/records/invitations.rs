//! Groups that others made known and the user has not joined, and groups that were deleted (RFC windlass §9.6.10, §9.6.15): what is remembered of them
//! stands with the views of a group.

use crate::chat::{GroupAction, GroupEvent, GroupId, GroupLog};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged};
use crate::engine::base::step::Step;
use crate::engine::records::group_views::{self, DAY_SECONDS, GroupViews, is_over};
use crate::identity::PublicIdentity;
use crate::limits::{
    GROUP_INVITATION_SECONDS, MAX_GROUP_INVITATIONS, MAX_GROUP_INVITATIONS_BY_ONE,
};
use crate::store::{Rows, Table};
use crate::wire::store::GroupViewRow;

/// Whether a group was deleted here.
pub(crate) fn is_deleted(store: &dyn Rows, group: &GroupId) -> Result<bool, EngineError> {
    Ok(group_views::load(store, group)?.row.deleted_at != 0)
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
pub(crate) fn note_joined(step: &mut Step<'_>, group: &GroupId) -> Result<(), EngineError> {
    let mut views = group_views::load(step.rows, group)?;
    let own = step.device.public();
    views.note_invitation(&own, false, true, step.now);
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
        let invitations = log.events().filter(|event| invites(event, own));
        let left = log
            .events()
            .filter(|event| *event.author() == *own && *event.action() == GroupAction::Left);
        self.row = GroupViewRow {
            deleted_at: now.max(1),
            known_invitations: invitations.map(|event| event.hash().to_vec()).collect(),
            left: left
                .last()
                .map_or_else(Vec::new, |event| event.encoded().to_vec()),
            ..GroupViewRow::default()
        };
    }

    /// Whether it need not be remembered any more that the group was deleted.
    pub(crate) fn is_deletion_over(&self, now: u64) -> bool {
        self.row.deleted_at != 0 && is_over(now, self.row.deleted_at, GROUP_INVITATION_SECONDS)
    }

    /// Whether a log has an invitation that was not known when the group was deleted.
    pub(crate) fn is_invited_anew(&self, log: &GroupLog, own: &PublicIdentity) -> bool {
        let mut invitations = log.events().filter(|event| invites(event, own));
        invitations.any(|event| {
            let hash = event.hash();
            self.row
                .known_invitations
                .iter()
                .all(|known| *known != hash)
        })
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

/// Whether an event invites us.
fn invites(event: &GroupEvent, own: &PublicIdentity) -> bool {
    matches!(event.action(), GroupAction::MembersAdded(list) if list.contains(own))
}
