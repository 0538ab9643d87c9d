//! What is special about a conversation in a group.

use super::{Bytes, Conversation, Result, WindlassError};
use crate::chat::{GroupAction, GroupEventError, GroupId, GroupPermission, Picture};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::groups::MemberList;
use crate::engine::records::{group_views, groups};
use crate::engine::sync::{group_deletion, group_events};
use crate::identity::PublicIdentity;

/// Somebody who belongs to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct GroupMember {
    /// The address.
    pub address: String,
    /// True when they take part; false as long as they are only invited.
    pub joined: bool,
    /// True for an admin.
    pub admin: bool,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// True for a group.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self.id, ConversationId::Group(_))
    }

    /// The name of the group.
    pub fn name(&self) -> Result<String> {
        Ok(self.known()?.name().to_owned())
    }

    /// The members of the group, who belongs to it longest first; ourselves among them.
    pub fn members(&self) -> Result<Vec<GroupMember>> {
        let list = self.known()?;
        let members = list.listed().map(|member| GroupMember {
            address: member.identity.address(),
            joined: member.joined,
            admin: member.admin,
        });
        Ok(members.collect())
    }

    /// True when we take part in the group; false as long as we are only invited, and after we left or were removed.
    pub fn is_joined(&self) -> Result<bool> {
        Ok(self.known()?.is_joined())
    }

    /// True when something that happened in the group is known to be missing here: somebody may have been put out, and would read what we write. It
    /// is asked for from everybody; what nobody has after a week counts as never written.
    pub fn is_incomplete(&self) -> Result<bool> {
        let (group, now) = (self.group()?, self.client.store.0.now());
        self.client.read(|rows| {
            groups::listed(rows, &group)?;
            Ok(group_views::load(rows, &group)?.is_incomplete(now))
        })
    }

    /// Address of who invited us to the group.
    pub fn invited_by(&self) -> Result<Option<String>> {
        Ok(self
            .known()?
            .invited_by()
            .map(|identity| identity.address()))
    }

    /// Takes part in the group that we were invited to.
    pub fn join(&self) -> Result<()> {
        self.act(GroupAction::Joined)
    }

    /// Leaves the group. Its history stays here.
    pub fn leave(&self) -> Result<()> {
        self.act(GroupAction::Left)
    }

    /// Deletes the group with all its messages, here and on our linked devices, and leaves it if we belong to it. It comes back only if
    /// somebody invites us anew. After the next shred nothing of it can be read.
    pub fn delete_group(&self) -> Result<()> {
        let group = self.group()?;
        self.client
            .write(|step| Ok(group_deletion::delete(step, &group)?))
    }

    /// Gives the group another name, of 1 to 256 bytes. For who may [`GroupPermission::ChangeDetails`].
    pub fn rename(&self, name: String) -> Result<()> {
        self.act(GroupAction::Renamed(name))
    }

    /// Invites contacts into the group, up to 64 members in all. They see what is written from now on. For who may
    /// [`GroupPermission::AddMembers`].
    pub fn add_members(&self, addresses: Vec<String>) -> Result<()> {
        self.act(GroupAction::MembersAdded(identities(&addresses)?))
    }

    /// Puts members out of the group: nothing that is written from now on goes to them. For admins; admins who became it later can be put
    /// out as well.
    pub fn remove_members(&self, addresses: Vec<String>) -> Result<()> {
        self.act(GroupAction::MembersRemoved(identities(&addresses)?))
    }

    /// Makes members admins. For admins.
    pub fn add_admins(&self, addresses: Vec<String>) -> Result<()> {
        self.act(GroupAction::AdminsAdded(identities(&addresses)?))
    }

    /// Makes admins who became it later members like others. For admins.
    pub fn remove_admins(&self, addresses: Vec<String>) -> Result<()> {
        self.act(GroupAction::AdminsRemoved(identities(&addresses)?))
    }

    /// What the group is about; empty for nothing. It is what a member wrote.
    pub fn description(&self) -> Result<String> {
        Ok(self.known()?.description().to_owned())
    }

    /// Says what the group is about, in at most 1,024 bytes; empty for nothing. For who may [`GroupPermission::ChangeDetails`].
    pub fn set_description(&self, description: String) -> Result<()> {
        self.act(GroupAction::Described(description))
    }

    /// The picture of the group: a file of PNG, JPEG or WebP, of at most 16,384 bytes. A member gave it.
    pub fn picture(&self) -> Result<Option<Bytes>> {
        let group = self.group()?;
        self.client.read(|rows| {
            let group = groups::known(rows, &group)?;
            let picture = &group.log.membership().picture;
            Ok((!picture.is_none()).then(|| picture.as_bytes().into()))
        })
    }

    /// Gives the group a picture: a file of PNG, JPEG or WebP, of at most 16,384 bytes; nothing takes it away. For who may
    /// [`GroupPermission::ChangeDetails`].
    pub fn set_picture(&self, picture: Option<Bytes>) -> Result<()> {
        let picture = Picture::from_bytes(picture.unwrap_or_default().into_vec());
        self.act(GroupAction::PictureSet(
            picture.map_err(GroupEventError::from)?,
        ))
    }

    /// Whether admins alone may do something. As long as nobody says otherwise everybody may write, and admins do the rest.
    pub fn is_for_admins(&self, permission: GroupPermission) -> Result<bool> {
        Ok(self.known()?.is_for_admins(permission))
    }

    /// Keeps something for admins, or leaves it to everybody. With [`GroupPermission::Write`] the group is for announcements: what others
    /// write is refused by all who know of it, also what crossed this; they still react. For admins.
    pub fn set_for_admins(&self, permission: GroupPermission, admins_only: bool) -> Result<()> {
        self.act(GroupAction::Permitted {
            what: permission,
            admins_only,
        })
    }

    /// Whether we may do something in the group: for what a screen offers.
    pub fn may(&self, permission: GroupPermission) -> Result<bool> {
        let list = self.known()?;
        Ok(list.is_joined() && list.may(&self.client.device.public(), permission))
    }
}

impl Conversation {
    pub(super) fn group(&self) -> Result<GroupId> {
        match self.id {
            ConversationId::Group(group) => Ok(group),
            ConversationId::Direct(_) => Err(WindlassError::UnknownGroup),
        }
    }

    fn known(&self) -> Result<MemberList> {
        let group = self.group()?;
        self.client.read(|rows| Ok(groups::listed(rows, &group)?))
    }

    fn act(&self, action: GroupAction) -> Result<()> {
        let group = self.group()?;
        let told: Result<_> =
            (self.client).write(|step| Ok(group_events::act(step, &group, &action)?));
        self.client.tell_outcomes_later(told?);
        Ok(())
    }
}

/// The identities of addresses.
pub(super) fn identities(addresses: &[String]) -> Result<Vec<PublicIdentity>> {
    let parse = |address: &String| Ok(PublicIdentity::from_address(address)?);
    let mut all = addresses.iter().map(parse).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(PublicIdentity::to_bytes);
    all.dedup();
    Ok(all)
}
