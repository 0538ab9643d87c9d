//! `GroupChange`: what happened to a group.

use crate::chat::{GroupAction, GroupEvent, GroupPermission};
use crate::identity::PublicIdentity;

/// What happened to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum GroupChangeKind {
    /// It was made.
    Created,
    /// It has another name.
    Renamed,
    /// Members were invited.
    MembersAdded,
    /// The author takes part.
    Joined,
    /// The author does not take part any more.
    Left,
    /// Members were removed.
    MembersRemoved,
    /// Members became admins.
    AdminsAdded,
    /// Admins are members like others again.
    AdminsRemoved,
    /// What it is about is another.
    Described,
    /// It has another picture, or none.
    PictureChanged,
    /// Admins keep something for themselves, or leave it to everybody.
    PermissionChanged,
}

/// One event of a group's log, as its history shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct GroupChange {
    /// What happened.
    pub kind: GroupChangeKind,
    /// Address of who did it.
    pub by: String,
    /// The name, of a group that was made or renamed.
    pub name: Option<String>,
    /// Addresses of the members it is about.
    pub members: Vec<String>,
    /// What the group is about, where that changed.
    pub about: Option<String>,
    /// What admins keep for themselves from then on, or leave to everybody.
    pub permission: Option<GroupPermission>,
    /// True when they keep it.
    pub admins_only: bool,
}

impl GroupChange {
    /// Of the last of the events of a message.
    pub(super) fn of(events: &[Vec<u8>]) -> Option<Self> {
        let event = GroupEvent::from_stored(events.last()?).ok()?;
        let addresses =
            |list: &[PublicIdentity]| list.iter().map(PublicIdentity::address).collect();
        let mut change = Self {
            kind: GroupChangeKind::Created,
            by: event.author().address(),
            name: None,
            members: Vec::new(),
            about: None,
            permission: None,
            admins_only: false,
        };
        change.kind = match event.action() {
            GroupAction::Created { name, .. } => {
                change.name = Some(name.clone());
                GroupChangeKind::Created
            }
            GroupAction::Renamed(name) => {
                change.name = Some(name.clone());
                GroupChangeKind::Renamed
            }
            GroupAction::MembersAdded(list) => {
                change.members = addresses(list);
                GroupChangeKind::MembersAdded
            }
            GroupAction::Joined => GroupChangeKind::Joined,
            GroupAction::Left => GroupChangeKind::Left,
            GroupAction::MembersRemoved(list) => {
                change.members = addresses(list);
                GroupChangeKind::MembersRemoved
            }
            GroupAction::AdminsAdded(list) => {
                change.members = addresses(list);
                GroupChangeKind::AdminsAdded
            }
            GroupAction::AdminsRemoved(list) => {
                change.members = addresses(list);
                GroupChangeKind::AdminsRemoved
            }
            GroupAction::Described(about) => {
                change.about = Some(about.clone());
                GroupChangeKind::Described
            }
            GroupAction::PictureSet(_) => GroupChangeKind::PictureChanged,
            GroupAction::Permitted { what, admins_only } => {
                (change.permission, change.admins_only) = (Some(*what), *admins_only);
                GroupChangeKind::PermissionChanged
            }
        };
        Some(change)
    }
}
