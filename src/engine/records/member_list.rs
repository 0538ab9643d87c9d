//! Who belongs to a group, without a look at its log (RFC windlass §9.6).

use crate::chat::{GroupId, GroupView};
use crate::engine::base::device::Device;
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row};
use crate::engine::records::conversations::ConversationId;
use crate::identity::PublicIdentity;
use crate::limits::FORMER_MEMBER_SECONDS;
use crate::store::{Key, Rows, Table};
use crate::wire::store::{GroupMemberRow, GroupRow};

/// Who belongs to a group and who did, as it was noted when its log changed last: without a look at the log.
pub(crate) struct MemberList(GroupRow);

impl MemberList {
    /// The members, the eldest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = PublicIdentity> {
        let members = self.0.members.iter();
        members.filter_map(|member| PublicIdentity::from_stored(&member.identity_key))
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
        let mut members = self.0.members.iter();
        members.find(|member| member.identity_key == key)
    }

    /// Whether somebody belonged to it, and does not any more.
    pub(crate) fn was(&self, identity: &PublicIdentity) -> bool {
        let key = identity.to_bytes();
        self.0
            .former
            .iter()
            .any(|former| former.identity_key == key)
    }

    pub(crate) fn has_key(&self, identity_key: &[u8]) -> bool {
        let mut members = self.0.members.iter();
        members.any(|member| member.identity_key == identity_key)
    }

    /// What our messages say of the log.
    pub(crate) fn view(&self) -> Option<GroupView> {
        GroupView::from_parts(&self.0.view_digest, &self.0.view_heads).ok()
    }

    /// Whether the user takes part.
    pub(crate) fn is_joined(&self) -> bool {
        self.0.joined
    }

    /// Whether somebody's events are shown: of members, and for a while of those who were it, for the last of these ended it.
    pub(crate) fn accepts_from(&self, author: &PublicIdentity, now: u64) -> bool {
        let lately = self.0.former.iter().any(|former| {
            former.identity_key == author.to_bytes()
                && !due::is_over(former.since, FORMER_MEMBER_SECONDS * 1000, now)
        });
        lately || self.has(author)
    }

    /// Whom another device of ours sent what it wrote at a time. Somebody who was not known yet is left out: they may have come later,
    /// and learn nothing of what was before.
    pub(crate) fn members_at(&self, time: u64, now: u64) -> Vec<Vec<u8>> {
        let members = self.0.members.iter();
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
    Ok(row(store, id)?.map(MemberList))
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
        ConversationId::Group(group) => {
            Ok(member_list(store, group)?.is_some_and(|list| list.accepts_from(author, now)))
        }
    }
}

/// The groups that we take part in and somebody belongs to.
pub(crate) fn shared_with(
    store: &dyn Rows,
    identity: &PublicIdentity,
) -> Result<Vec<GroupId>, EngineError> {
    let mut shared = Vec::new();
    for row in all_rows(store, Table::Groups)? {
        let list = MemberList(row);
        if list.0.joined && list.has(identity) {
            let id = GroupId::from_bytes(&list.0.group_id);
            shared.push(id.map_err(|_| damaged(Table::Groups))?);
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
    let list = member_list(store, id)?.ok_or(EngineError::UnknownGroup)?;
    if !list.0.joined || !list.has(&device.public()) {
        return Err(EngineError::NotAMember);
    }
    Ok(list.members().collect())
}
