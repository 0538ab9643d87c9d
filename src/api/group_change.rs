//! `GroupChange`: what happened to a group.

use crate::chat::{GroupAction, GroupEvent};
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
}

impl GroupChange {
    /// Of the last of the events of a message.
    pub(super) fn of(events: &[Vec<u8>]) -> Option<Self> {
        let event = GroupEvent::from_stored(events.last()?).ok()?;
        let addresses =
            |list: &[PublicIdentity]| list.iter().map(PublicIdentity::address).collect();
        let (kind, name, members) = match event.action() {
            GroupAction::Created { name, .. } => {
                (GroupChangeKind::Created, Some(name.clone()), Vec::new())
            }
            GroupAction::Renamed(name) => {
                (GroupChangeKind::Renamed, Some(name.clone()), Vec::new())
            }
            GroupAction::MembersAdded(list) => {
                (GroupChangeKind::MembersAdded, None, addresses(list))
            }
            GroupAction::Joined => (GroupChangeKind::Joined, None, Vec::new()),
            GroupAction::Left => (GroupChangeKind::Left, None, Vec::new()),
            GroupAction::MembersRemoved(list) => {
                (GroupChangeKind::MembersRemoved, None, addresses(list))
            }
            GroupAction::AdminsAdded(list) => (GroupChangeKind::AdminsAdded, None, addresses(list)),
            GroupAction::AdminsRemoved(list) => {
                (GroupChangeKind::AdminsRemoved, None, addresses(list))
            }
        };
        Some(Self {
            kind,
            by: event.author().address(),
            name,
            members,
        })
    }
}
