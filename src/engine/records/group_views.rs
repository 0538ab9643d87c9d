//! What is known to be missing of a group's log, and how the views of others differ from ours (RFC windlass §9.6.12). A group with nothing to
//! note has no row here.

use crate::chat::{EventHash, GroupId, GroupLog, GroupView};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::records::member_list::member_list;
use crate::identity::PublicIdentity;
use crate::limits::{
    GROUP_PATIENCE_SECONDS, GROUP_SYNC_BACK_OFF_SECONDS, MAX_GROUP_MEMBERS, MAX_GROUP_SYNCS,
    MAX_GROUP_SYNCS_PER_DAY, MISSING_GROUP_EVENT_SECONDS,
};
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{GroupViewRow, MemberViewRow, WaitingEventRow};

pub(super) const DAY_SECONDS: u64 = 86_400;

/// How often all members were asked before it counts that nobody has an event.
const ASKED_ENOUGH: u32 = 3;

/// What is noted of one group.
pub(crate) struct GroupViews {
    pub(super) group: GroupId,
    pub(super) row: GroupViewRow,
    before: GroupViewRow,
}

/// Whether so many seconds are over since a date.
pub(super) fn is_over(now: u64, since: u64, seconds: u64) -> bool {
    due::is_over(since, seconds * 1000, now)
}

/// Whether the next request is due, after so many.
fn is_due(now: u64, since: u64, asked_at: u64, asked: u32) -> bool {
    match asked.checked_sub(1) {
        None => is_over(now, since, GROUP_PATIENCE_SECONDS),
        Some(times) => {
            let back_off = GROUP_SYNC_BACK_OFF_SECONDS << times.min(10);
            is_over(now, asked_at, back_off.min(DAY_SECONDS))
        }
    }
}

pub(crate) fn load(store: &dyn Rows, group: &GroupId) -> Result<GroupViews, EngineError> {
    let row: Option<GroupViewRow> = get_row(store, Table::GroupViews, Key::new(group.as_bytes()))?;
    Ok(GroupViews::new(*group, row.unwrap_or_default()))
}

pub(crate) fn erase(store: &mut dyn RowsMut, group: &GroupId) -> Result<(), EngineError> {
    store.delete(Table::GroupViews, Key::new(group.as_bytes()))?;
    Ok(())
}

/// The groups of which something is due, in no order of the store's.
pub(crate) fn due(store: &dyn Rows, now: u64) -> Result<Vec<GroupId>, EngineError> {
    let mut due = Vec::new();
    for row in all_rows::<GroupViewRow>(store, Table::GroupViews)? {
        let group = GroupId::from_bytes(&row.group_id);
        let views = GroupViews::new(group.map_err(|_| damaged(Table::GroupViews))?, row);
        let over = views.is_invitation_over(now) || views.is_deletion_over(now);
        if over
            || views.is_news(store, now)?
            || views.is_round_due(now)
            || views.is_comparison_due(now)
            || views.is_anything_over(now)
            || !views.to_ask(now).is_empty()
        {
            due.push(views.group);
        }
    }
    due.sort_unstable();
    Ok(due)
}

impl GroupViews {
    pub(super) fn new(group: GroupId, row: GroupViewRow) -> Self {
        Self {
            group,
            before: row.clone(),
            row,
        }
    }

    /// Writes what has changed. `is_member` is whether somebody belongs to the group.
    pub(crate) fn save(
        mut self,
        store: &mut dyn RowsMut,
        is_member: impl Fn(&[u8]) -> bool,
    ) -> Result<(), EngineError> {
        let row = &mut self.row;
        row.group_id = self.group.as_bytes().to_vec();
        row.members.retain(MemberViewRow::says_something);
        // Members first: those who are none any more are heard of as long as there is room.
        row.members
            .sort_by_cached_key(|one| !is_member(&one.identity_key));
        row.members.truncate(2 * MAX_GROUP_MEMBERS);
        let is_there = row.invited_at == 0 && row.deleted_at == 0;
        let waits = !row.waiting.is_empty() || !row.members.is_empty();
        let quiet = row.asked_at == 0 && row.compared_at == 0;
        if is_there && !waits && !row.told && quiet {
            return if self.before == GroupViewRow::default() {
                Ok(())
            } else {
                erase(store, &self.group)
            };
        }
        if *row == self.before {
            return Ok(());
        }
        put_row(
            store,
            Table::GroupViews,
            Key::new(self.group.as_bytes()),
            row,
        )
    }

    pub(super) fn member(&mut self, identity: &PublicIdentity) -> Option<&mut MemberViewRow> {
        let key = identity.to_bytes();
        let at = self
            .row
            .members
            .iter()
            .position(|one| one.identity_key == key);
        let at = at.unwrap_or_else(|| {
            self.row.members.push(MemberViewRow {
                identity_key: key.to_vec(),
                ..MemberViewRow::default()
            });
            self.row.members.len() - 1
        });
        self.row.members.get_mut(at)
    }

    /// Somebody says which view they have; `log` is ours.
    pub(crate) fn note(
        &mut self,
        from: &PublicIdentity,
        view: &GroupView,
        log: &GroupLog,
        now: u64,
    ) {
        if let Some(member) = self.member(from) {
            member.digest = view.digest.to_vec();
            member.heads = view.heads.iter().map(|head| head.to_vec()).collect();
            if member.differs_since == 0 {
                member.differs_since = now.max(1);
                // Requests from when nothing was known of it do not put this off.
                member.asked = 0;
            }
            member.compare(log);
        }
    }

    /// Whether somebody said the same before. Then nothing has changed since: whenever our log grows, all views are compared with it.
    pub(crate) fn has_noted(&self, from: &PublicIdentity, view: &GroupView) -> bool {
        let key = from.to_bytes();
        let mut members = self.row.members.iter();
        members.any(|one| {
            let same = one.heads.iter().eq(view.heads.iter());
            one.identity_key == key && one.differs_since != 0 && one.digest == view.digest && same
        })
    }

    /// Somebody has the view that we have.
    pub(crate) fn agrees(&mut self, with: &PublicIdentity) {
        let key = with.to_bytes();
        if let Some(member) = self
            .row
            .members
            .iter_mut()
            .find(|one| one.identity_key == key)
        {
            member.settle();
        }
    }

    /// Follows the log, which may have grown by what somebody brought.
    pub(crate) fn follow(&mut self, log: &GroupLog, brought_by: Option<&PublicIdentity>, now: u64) {
        let known = core::mem::take(&mut self.row.waiting);
        let waiting = log.waiting().iter().map(|event| {
            let hash = event.hash();
            let noted = known.iter().find(|row| row.hash == hash);
            noted.cloned().unwrap_or_else(|| WaitingEventRow {
                hash: hash.to_vec(),
                author: event.author().to_bytes().to_vec(),
                since: now.max(1),
                asked: 0,
            })
        });
        self.row.waiting = waiting.collect();
        if self.row.waiting.is_empty() {
            self.row.rounds = 0;
            if is_over(now, self.row.asked_at, DAY_SECONDS) {
                self.row.asked_at = 0;
            }
        }
        // What they said they had has come.
        if let Some(member) = brought_by.and_then(|one| self.member(one)) {
            member.doubtful = false;
        }
        for member in self
            .row
            .members
            .iter_mut()
            .filter(|one| one.differs_since != 0)
        {
            member.compare(log);
        }
    }

    fn is_doubtful(&self, author: &[u8]) -> bool {
        let mut members = self.row.members.iter();
        members.any(|one| one.doubtful && one.identity_key == author)
    }

    /// Whether something is known to be missing that should have come by now.
    pub(crate) fn is_incomplete(&self, now: u64) -> bool {
        let late = |since| is_over(now, since, GROUP_PATIENCE_SECONDS);
        let mut waiting = self.row.waiting.iter();
        let mut members = self.row.members.iter();
        waiting.any(|one| late(one.since) && !self.is_doubtful(&one.author))
            || members.any(|one| {
                one.differs_since != 0 && one.ahead && !one.doubtful && late(one.differs_since)
            })
    }

    /// Whether that is news to the user; it is not from now on. To somebody who does not take part it says nothing.
    pub(crate) fn tell(&mut self, joined: bool, now: u64) -> Option<bool> {
        let is = joined && self.is_incomplete(now);
        let news = is != self.row.told;
        self.row.told = is;
        (news && joined).then_some(is)
    }

    fn is_news(&self, store: &dyn Rows, now: u64) -> Result<bool, EngineError> {
        if self.is_incomplete(now) == self.row.told {
            return Ok(false);
        }
        let list = member_list(store, &self.group)?;
        Ok(list.is_some_and(|list| list.is_joined()))
    }

    /// Whether all members are to be asked for what events wait for.
    pub(crate) fn is_round_due(&self, now: u64) -> bool {
        let since = self.row.waiting.iter().map(|one| one.since).min();
        // Who makes events wait and brings what they wait for in turn makes nobody ask more often.
        let lately =
            self.row.asked_at != 0 && !is_over(now, self.row.asked_at, GROUP_SYNC_BACK_OFF_SECONDS);
        since.is_some_and(|since| !lately && is_due(now, since, self.row.asked_at, self.row.rounds))
    }

    /// All members are asked now.
    pub(crate) fn note_round(&mut self, now: u64) {
        self.row.rounds += 1;
        self.row.asked_at = now;
        for waiting in &mut self.row.waiting {
            waiting.asked += 1;
        }
    }

    /// Whose view differs, so that it is time to compare ours with it.
    pub(crate) fn to_ask(&self, now: u64) -> Vec<PublicIdentity> {
        let due = self.row.members.iter().filter(|one| {
            one.differs_since != 0
                && one.may_be_asked(now)
                && is_due(now, one.differs_since, one.asked_at, one.asked)
        });
        let due = due.filter_map(|one| PublicIdentity::from_stored(&one.identity_key));
        due.collect()
    }

    /// Whether somebody who asks may be asked back: they were not lately.
    pub(crate) fn may_ask_back(&self, whom: &PublicIdentity, now: u64) -> bool {
        let key = whom.to_bytes();
        let found = self.row.members.iter().find(|one| one.identity_key == key);
        found.is_none_or(|one| {
            one.may_be_asked(now)
                && (one.asked == 0 || is_over(now, one.asked_at, GROUP_PATIENCE_SECONDS))
        })
    }

    /// Somebody is asked now.
    pub(crate) fn note_asked(&mut self, whom: &PublicIdentity, now: u64) {
        if let Some(member) = self.member(whom) {
            member.roll_day(now);
            member.asked_at = now;
            member.asked += 1;
            member.asked_today += 1;
        }
    }

    /// Counts an answer; false if there were enough of them today.
    pub(crate) fn count_answer(&mut self, to: &PublicIdentity, now: u64) -> bool {
        let Some(member) = self.member(to) else {
            return false;
        };
        member.roll_day(now);
        let may = member.answered_today < MAX_GROUP_SYNCS_PER_DAY;
        member.answered_today += u32::from(may);
        may
    }

    fn is_anything_over(&self, now: u64) -> bool {
        self.row.waiting.iter().any(|one| one.is_over(now))
            || self.row.members.iter().any(|one| one.is_over(now))
    }

    /// Events that wait for what nobody has, to be dropped. Whoever wrote one, or said they had more than came, is not believed again
    /// before something of theirs comes.
    pub(crate) fn give_up(&mut self, now: u64) -> Vec<EventHash> {
        let over = self.row.waiting.iter().filter(|one| one.is_over(now));
        let over: Vec<_> = over.cloned().collect();
        for event in &over {
            if let Some(author) = PublicIdentity::from_stored(&event.author)
                && let Some(member) = self.member(&author)
            {
                member.doubtful = true;
            }
        }
        for member in self.row.members.iter_mut().filter(|one| one.is_over(now)) {
            member.doubtful |= member.ahead;
            member.settle();
        }
        let hashes = over.iter();
        let hashes = hashes.filter_map(|event| event.hash.as_slice().try_into().ok());
        hashes.collect()
    }

    /// What the other side is known to have, of those whose view differs.
    pub(crate) fn heads_of(&self, identity: &PublicIdentity) -> Option<GroupView> {
        let key = identity.to_bytes();
        let found = self
            .row
            .members
            .iter()
            .find(|one| one.identity_key == key)?;
        GroupView::from_parts(&found.digest, &found.heads).ok()
    }
}

impl WaitingEventRow {
    fn is_over(&self, now: u64) -> bool {
        self.asked >= ASKED_ENOUGH && is_over(now, self.since, MISSING_GROUP_EVENT_SECONDS)
    }
}

impl MemberViewRow {
    fn says_something(&self) -> bool {
        self.differs_since != 0
            || self.doubtful
            || self.answered_today != 0
            || self.asked_today != 0
            || self.comparisons_left != 0
    }

    pub(super) fn roll_day(&mut self, now: u64) {
        if is_over(now, self.day_start, DAY_SECONDS) {
            self.day_start = now.max(1);
            (self.answered_today, self.asked_today) = (0, 0);
        }
    }

    pub(super) fn may_be_asked(&self, now: u64) -> bool {
        let today = !is_over(now, self.day_start, DAY_SECONDS);
        self.asked < MAX_GROUP_SYNCS && !(today && self.asked_today >= MAX_GROUP_SYNCS_PER_DAY)
    }

    /// How their view stands to ours, as it is now.
    fn compare(&mut self, log: &GroupLog) {
        match GroupView::from_parts(&self.digest, &self.heads) {
            Ok(view) if view.digest != log.view().digest => {
                let identity = PublicIdentity::from_stored(&self.identity_key);
                let is_member = identity.is_some_and(|who| log.membership().member(&who).is_some());
                // Of what somebody says who is out nothing follows for who is in.
                self.ahead = is_member && view.heads.iter().any(|head| !log.has_head(head));
            }
            _ => self.settle(),
        }
    }

    fn settle(&mut self) {
        (self.differs_since, self.ahead) = (0, false);
        (self.asked_at, self.asked, self.comparisons_left) = (0, 0, 0);
        (self.digest, self.heads) = (Vec::new(), Vec::new());
    }

    /// Whether it does not help to ask, or to say what we have.
    fn is_over(&self, now: u64) -> bool {
        let asked = if self.ahead {
            ASKED_ENOUGH
        } else {
            MAX_GROUP_SYNCS
        };
        self.differs_since != 0
            && self.asked >= asked
            && is_over(now, self.differs_since, MISSING_GROUP_EVENT_SECONDS)
    }
}
