//! What admins of a group may keep for themselves (RFC windlass §9.6.18).

use crate::wire::{WireError, malformed};

/// What may be for everybody, or for admins alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum GroupPermission {
    /// To write to the group.
    Write = 1,
    /// To invite.
    AddMembers = 2,
    /// To change its name, its description and its picture.
    ChangeDetails = 3,
}

impl GroupPermission {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Write, Self::AddMembers, Self::ChangeDetails];

    pub(super) fn from_wire(number: u32) -> Result<Self, WireError> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|one| one.number() == number);
        found.ok_or(malformed("permission of a group"))
    }

    /// As it travels; never 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// What admins of a group keep for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupPermissions {
    admins_only: [bool; 3],
}

impl Default for GroupPermissions {
    /// Everybody writes, admins invite and name.
    fn default() -> Self {
        Self {
            admins_only: [false, true, true],
        }
    }
}

impl GroupPermissions {
    /// Whether admins alone may do something.
    #[must_use]
    pub fn is_for_admins(&self, what: GroupPermission) -> bool {
        let mut all = GroupPermission::ALL.into_iter().zip(self.admins_only);
        all.any(|(one, for_admins)| one == what && for_admins)
    }

    /// The same with something for admins alone, or for everybody.
    #[must_use]
    pub fn with(mut self, what: GroupPermission, admins_only: bool) -> Self {
        for (one, for_admins) in GroupPermission::ALL.into_iter().zip(&mut self.admins_only) {
            if one == what {
                *for_admins = admins_only;
            }
        }
        self
    }

    /// Whether somebody who is no admin may write an event that needs this; nothing is for admins in any case.
    pub(super) fn let_members(&self, needed: Option<GroupPermission>) -> bool {
        needed.is_some_and(|needed| !self.is_for_admins(needed))
    }
}
