//! Who belongs to a group, without a look at its log, which may be long (RFC windlass §9.6).

use crate::chat::{GroupId, GroupPermission, GroupView};
use crate::engine::base::device::Device;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::former_members;
use crate::identity::PublicIdentity;
use crate::store::{Key, Rows, Table};
use crate::wire::store::{GroupMemberRow, GroupRow};

/// Who belongs to a group and who did, as it was noted when its log changed last: without a look at the log.
pub(crate) struct MemberList {
    id: GroupId,
    row: GroupRow,
}

/// What somebody is in a group.
pub(crate) struct Listed {
    pub(crate) identity: PublicIdentity,
    pub(crate) admin: bool,
    pub(crate) joined: bool,
}

impl MemberList {
    /// The members, the eldest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = PublicIdentity> {
        self.listed().map(|member| member.identity)
    }

    /// The same with what they are.
    pub(crate) fn listed(&self) -> impl Iterator<Item = Listed> {
        self.row.members.iter().filter_map(|row| {
            Some(Listed {
                identity: PublicIdentity::from_stored(&row.identity_key)?,
                admin: row.admin,
                joined: row.joined,
            })
        })
    }

    /// The group's name.
    pub(crate) fn name(&self) -> &str {
        &self.row.name
    }

    /// What the group is about; empty for nothing.
    pub(crate) fn description(&self) -> &str {
        &self.row.description
    }

    /// Whether admins alone may do something.
    pub(crate) fn is_for_admins(&self, what: GroupPermission) -> bool {
        self.row.admins_only.contains(&what.number())
    }

    /// Whether somebody may do something.
    pub(crate) fn may(&self, identity: &PublicIdentity, what: GroupPermission) -> bool {
        let member = self.of(identity);
        member.is_some_and(|member| member.admin || !self.is_for_admins(what))
    }

    /// Who invited, if it was somebody.
    pub(crate) fn invited_by(&self) -> Option<PublicIdentity> {
        PublicIdentity::from_stored(&self.row.invited_by)
    }

    /// Whether somebody belongs to it.
    pub(crate) fn has(&self, identity: &PublicIdentity) -> bool {
        self.of(identity).is_some()
    }

    /// Whether somebody is an admin.
    pub(crate) fn is_admin(&self, identity: &PublicIdentity) -> bool {
        self.of(identity).is_some_and(|member| member.admin)
    }

    fn of(&self, identity: &PublicIdentity) -> Option<&GroupMemberRow> {
        let key = identity.to_bytes();
        let mut members = self.row.members.iter();
        members.find(|member| member.identity_key == key)
    }

    /// Whether somebody belonged to it, and does not any more.
    pub(crate) fn was(
        &self,
        store: &dyn Rows,
        identity: &PublicIdentity,
    ) -> Result<bool, EngineError> {
        former_members::is_former(store, &self.id, identity)
    }

    /// Whether somebody belongs to it, or did.
    pub(crate) fn knows(
        &self,
        store: &dyn Rows,
        identity: &PublicIdentity,
    ) -> Result<bool, EngineError> {
        Ok(self.has(identity) || self.was(store, identity)?)
    }

    pub(crate) fn has_key(&self, identity_key: &[u8]) -> bool {
        let mut members = self.row.members.iter();
        members.any(|member| member.identity_key == identity_key)
    }

    /// What our messages say of the log.
    pub(crate) fn view(&self) -> Option<GroupView> {
        GroupView::from_parts(&self.row.view_digest, &self.row.view_heads).ok()
    }

    /// Whether the user takes part.
    pub(crate) fn is_joined(&self) -> bool {
        self.row.joined
    }

    /// Whether somebody's events are shown: of members, and for a while of those who were it, for the last of these ended it.
    pub(crate) fn accepts_from(
        &self,
        store: &dyn Rows,
        author: &PublicIdentity,
        now: u64,
    ) -> Result<bool, EngineError> {
        Ok(self.has(author) || former_members::was_lately(store, &self.id, author, now)?)
    }

    /// Whom another device of ours sent what it wrote at a time. Somebody who was not known yet is left out: they may have come later,
    /// and learn nothing of what was before.
    pub(crate) fn members_at(&self, time: u64, now: u64) -> Vec<Vec<u8>> {
        let members = self.row.members.iter();
        let members =
            members.filter(|member| member.since <= time || due::is_ahead(member.since, now));
        members.map(|member| member.identity_key.clone()).collect()
    }
}

/// The row of a group.
pub(super) fn row(store: &dyn Rows, id: &GroupId) -> Result<Option<GroupRow>, EngineError> {
    get_row(store, Table::Groups, Key::new(id.as_bytes()))
}

/// Who belongs to a group that is known.
pub(crate) fn member_list(
    store: &dyn Rows,
    id: &GroupId,
) -> Result<Option<MemberList>, EngineError> {
    Ok(row(store, id)?.map(|row| MemberList { id: *id, row }))
}

/// The same, of a group that there has to be.
pub(crate) fn listed(store: &dyn Rows, id: &GroupId) -> Result<MemberList, EngineError> {
    member_list(store, id)?.ok_or(EngineError::UnknownGroup)
}

/// Whether somebody has a say in a conversation: of a group that is known, who belongs to it or did lately.
pub(crate) fn accepts_from(
    store: &dyn Rows,
    conversation: &ConversationId,
    author: &PublicIdentity,
    now: u64,
) -> Result<bool, EngineError> {
    match conversation {
        ConversationId::Direct(_) => Ok(true),
        ConversationId::Group(group) => match member_list(store, group)? {
            Some(list) => list.accepts_from(store, author, now),
            None => Ok(false),
        },
    }
}

/// The groups that we take part in and somebody belongs to.
pub(crate) fn shared_with(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Vec<GroupId>, EngineError> {
    let mut shared = Vec::new();
    for row in all_rows::<GroupRow>(store, Table::Groups)? {
        let id = GroupId::from_bytes(&row.group_id).map_err(|_| damaged(Table::Groups))?;
        let list = MemberList { id, row };
        if list.is_joined() && list.has(identity) {
            shared.push(id);
        }
    }
    // The rows of the store come in no order.
    shared.sort_unstable();
    Ok(shared)
}

/// Whom a message to a group goes to: its members as they are known here, whether they joined yet or not.
pub(crate) fn recipients(
    store: &dyn Rows,
    device: &Device,
    id: &GroupId,
) -> Result<Vec<PublicIdentity>, EngineError> {
    let list = listed(store, id)?;
    if !list.is_joined() || !list.has(&device.public()) {
        return Err(EngineError::NotAMember);
    }
    Ok(list.members().collect())
}
