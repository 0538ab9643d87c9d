//! Links by which people ask to be let into a group.

use core::fmt;
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;

use super::clock::time;
use super::{Client, Contact, Conversation, Result};
use crate::bundle::GroupInvitation;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::{group_joins, group_links};
use crate::engine::sync;
use crate::identity::PublicIdentity;
use crate::wire::store::GroupLinkRow;

/// A link to a group that this device made. Whoever has it can come in as long as it is of use, so it is given to whom it is for.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct InvitationLink {
    /// Names it, for `revoke_invitation_link`: 16 hexadecimal digits.
    pub id: String,
    /// To be sent, as it is or behind the `#` of a web page's address: about 2,300 characters for one device.
    pub uri: String,
    /// To be drawn as a code: the same without ML-KEM keys, about 390 characters for one device.
    pub code: String,
    /// When it was made.
    pub created_at: SystemTime,
    /// From when on it is of no use.
    pub expires_at: SystemTime,
    /// How many people it lets in yet.
    pub uses_left: u32,
}

impl fmt::Debug for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitationLink")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("uses_left", &self.uses_left)
            .finish_non_exhaustive()
    }
}

impl InvitationLink {
    fn of(step: &mut Step<'_>, link: &GroupLinkRow) -> core::result::Result<Self, EngineError> {
        let invitation = sync::group_links::invitation(step, link)?;
        Ok(Self {
            id: HEXLOWER.encode(&link.id),
            uri: invitation.to_uri(),
            code: invitation.to_code(),
            created_at: time(link.created_at),
            expires_at: time(link.expires_at),
            uses_left: link.uses_left,
        })
    }
}

/// A group that the user asked to be let into by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct PendingJoin {
    /// Address of who made the link, and is asked.
    pub asked: String,
    /// When the user asked.
    pub asked_at: SystemTime,
    /// Until when the group is waited for.
    pub expires_at: SystemTime,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Makes a link by which so many people, 1 to 64, ask to be let into the group within this time, 14 days at most. They are let in while this
    /// device is at work, by us, as the others see. For who may add members.
    pub fn create_invitation_link(
        &self,
        uses: u32,
        expires_in: Duration,
    ) -> Result<InvitationLink> {
        let group = self.group()?;
        let lifetime = u64::try_from(expires_in.as_millis()).unwrap_or(u64::MAX);
        self.client.write(|step| {
            let link = sync::group_links::create(step, &group, uses, lifetime)?;
            Ok(InvitationLink::of(step, &link)?)
        })
    }

    /// The links to the group that this device made and that are of use, the eldest first.
    pub fn invitation_links(&self) -> Result<Vec<InvitationLink>> {
        let group = self.group()?;
        self.client.write(|step| {
            let links = group_links::of_group(step.rows, &group, step.now)?;
            let links = links.iter().map(|link| InvitationLink::of(step, link));
            Ok(links.collect::<core::result::Result<_, EngineError>>()?)
        })
    }

    /// From now on a link lets nobody in. One that is not there is no error.
    pub fn revoke_invitation_link(&self, id: &str) -> Result<()> {
        let group = self.group()?;
        let id = HEXLOWER.decode(id.as_bytes()).unwrap_or_default();
        self.client
            .write(|step| Ok(group_links::revoke(step.rows, &group, &id)?))
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Follows a link to a group: adds whoever made it, and asks them to be let in. When they let us in, we take part without another
    /// question: `Event.GroupChanged` says so. A link that is of no use any more is never answered.
    pub fn join_by_link(&self, link: &str) -> Result<Contact> {
        let link = GroupInvitation::from_uri(link)?;
        let joined: Result<_> = self.write(|step| Ok(sync::group_joins::join(step, &link)?));
        let (contact, outcomes) = joined?;
        self.tell_outcomes_later(outcomes);
        Ok(Contact::from_engine(&contact))
    }

    /// The groups that we asked to be let into and that have not come, the first first.
    pub fn pending_joins(&self) -> Result<Vec<PendingJoin>> {
        let now = self.store.0.now();
        let waiting = self.read(|rows| Ok(group_joins::waiting(rows, now)?))?;
        let waiting = waiting.iter().filter_map(|join| {
            Some(PendingJoin {
                asked: PublicIdentity::from_stored(&join.identity_key)?.address(),
                asked_at: time(join.asked_at),
                expires_at: time(join.asked_at.saturating_add(group_joins::WAITS)),
            })
        });
        Ok(waiting.collect())
    }

    /// We want to be let into no group any more by this address. A group that comes all the same is an invitation like others.
    pub fn cancel_join(&self, address: &str) -> Result<()> {
        let identity = PublicIdentity::from_address(address)?;
        self.write(|step| Ok(group_joins::end_with(step.rows, &identity)?))
    }
}
