//! Members who were not heard of since the log of a group grew: each is asked in turn whether they have what is here (RFC windlass §9.6.13).
//! Words show it as well, but nobody has to write.

use core::cmp::Reverse;

use crate::chat::{GroupId, GroupLog};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged};
use crate::engine::records::group_views::{self, GroupViews, is_over};
use crate::engine::records::groups;
use crate::identity::PublicIdentity;
use crate::limits::{GROUP_COMPARISON_SECONDS, MAX_GROUP_COMPARISONS};
use crate::store::{RowsMut, Table};
use crate::wire::store::GroupRow;

/// The others who take part, from the one who came next after us. All have one such order, so between those who know something and
/// those who do not there is somebody who asks the other.
fn others(log: &GroupLog, own: &PublicIdentity) -> Vec<PublicIdentity> {
    let members = log.membership().members();
    let place = members.iter().position(|member| member.identity == *own);
    let (before, after) = members.split_at(place.unwrap_or_default());
    let others = after.iter().chain(before);
    let others = others.filter(|member| member.joined && member.identity != *own);
    others.map(|member| member.identity).collect()
}

/// The store was put back from an older copy, or filled from a backup: in every group the first is asked with the next round.
pub(crate) fn begin_in_all(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    now: u64,
) -> Result<(), EngineError> {
    let due = now.saturating_sub(GROUP_COMPARISON_SECONDS * 1000);
    for row in all_rows::<GroupRow>(store, Table::Groups)? {
        let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::Groups))?;
        let group = groups::known(store, &id)?;
        let mut views = group_views::load(store, &id)?;
        if group.is_joined() {
            views.begin_comparison(&group.log, own, due);
            views.save(store, |_| true)?;
        }
    }
    Ok(())
}

impl GroupViews {
    /// The log has grown by what came, or the user takes part from now on: who has the same is not known.
    pub(crate) fn begin_comparison(&mut self, log: &GroupLog, own: &PublicIdentity, now: u64) {
        self.end_comparison();
        for one in others(log, own) {
            if let Some(member) = self.member(&one) {
                member.comparisons_left = MAX_GROUP_COMPARISONS;
                self.row.compared_at = now.max(1);
            }
        }
    }

    /// Nobody is asked any more.
    pub(crate) fn end_comparison(&mut self) {
        self.row.compared_at = 0;
        for member in &mut self.row.members {
            member.comparisons_left = 0;
        }
    }

    /// Whether it is time to ask somebody, or to see that there is nobody left.
    pub(crate) fn is_comparison_due(&self, now: u64) -> bool {
        self.row.compared_at != 0 && is_over(now, self.row.compared_at, GROUP_COMPARISON_SECONDS)
    }

    /// Whom to ask now, if somebody: of those who were asked least often the next one. Whose view is known to differ is asked for that.
    pub(crate) fn compare(
        &mut self,
        log: &GroupLog,
        own: &PublicIdentity,
        now: u64,
    ) -> Option<PublicIdentity> {
        let left = |one: &PublicIdentity| {
            let key = one.to_bytes();
            let mut members = self.row.members.iter();
            let member = members.find(|member| member.identity_key == key)?;
            (member.comparisons_left > 0).then_some(member)
        };
        let mut unheard = others(log, own);
        unheard.retain(|one| left(one).is_some());
        if unheard.is_empty() {
            self.end_comparison();
            return None;
        }
        self.row.compared_at = now.max(1);
        let due = unheard.into_iter().filter_map(|one| {
            let member = left(&one)?;
            let due = member.differs_since == 0 && member.may_be_asked(now);
            due.then_some((member.comparisons_left, one))
        });
        let (_, whom) = due.min_by_key(|(left, _)| Reverse(*left))?;
        self.member(&whom)?.comparisons_left -= 1;
        Some(whom)
    }
}
