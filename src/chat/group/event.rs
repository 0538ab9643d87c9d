//! One event of a group's log.

use prost::Message;

use super::id::GroupId;
use super::permission::GroupPermission;
use crate::chat::names::IdentityKey;
use crate::chat::picture::Picture;
use crate::crypto::{labels, sha256};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::{
    MAX_ABOUT_LEN, MAX_GROUP_EVENT_LEN, MAX_GROUP_MEMBERS, MAX_GROUP_NAME_LEN, MAX_GROUP_PARENTS,
};
use crate::text;
use crate::wire::{self, WireError, malformed, v2};

use v2::group_event_body::Event as Wire;

/// Names an event: a hash of its body.
pub type EventHash = [u8; 32];

/// Why an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupEventError {
    /// Not an event, or one that breaks its bounds.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Not signed by the author it names.
    #[error("the event is not signed by its author")]
    Signature,
    /// Of another group than it came for.
    #[error("the event is of another group")]
    OtherGroup,
    /// Only admins may do that, and only to members who are no admins or became it later.
    #[error("only an admin of the group may do that")]
    NotAnAdmin,
    /// Only members may do that.
    #[error("only a member of the group may do that")]
    NotAMember,
    /// There is nothing to do it to, or it would be too much.
    #[error("it changes nothing, or the group would get too large")]
    NoEffect,
    /// The log has as many events as it may have.
    #[error("the group's log is full; make a new group")]
    Full,
}

/// What an event does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupAction {
    /// Makes the group, with its author as the only member and admin.
    Created {
        /// Its name.
        name: String,
        /// What its id is made of.
        nonce: [u8; 16],
    },
    /// Gives it another name. By admins, and by members where they may.
    Renamed(String),
    /// Invites. By admins, and by members where they may.
    MembersAdded(Vec<PublicIdentity>),
    /// The author takes part. By members.
    Joined,
    /// The author does not belong to it any more. By members.
    Left,
    /// Puts out. By admins.
    MembersRemoved(Vec<PublicIdentity>),
    /// Makes members admins. By admins.
    AdminsAdded(Vec<PublicIdentity>),
    /// Makes admins members. By admins who were it before them.
    AdminsRemoved(Vec<PublicIdentity>),
    /// Says what it is about. By whoever may give it a name.
    Described(String),
    /// Gives it another picture, or none. By the same.
    PictureSet(Picture),
    /// Says who may do something. By admins.
    Permitted {
        /// What.
        what: GroupPermission,
        /// Whether admins alone may.
        admins_only: bool,
    },
}

/// An event whose signature was checked. The bytes are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEvent {
    hash: EventHash,
    group: GroupId,
    author: PublicIdentity,
    parents: Vec<EventHash>,
    action: GroupAction,
    encoded: Vec<u8>,
}

impl GroupEvent {
    /// Signs an event. `parents` ascend. What is signed is read back, so that its author sees it as all others do, and whatever they
    /// would refuse is an error.
    pub fn sign(
        author: &IdentityKeyPair,
        group: &GroupId,
        parents: &[EventHash],
        action: &GroupAction,
    ) -> Result<Self, GroupEventError> {
        let body = v2::GroupEventBody {
            group_id: group.as_bytes().to_vec(),
            author: author.public().to_bytes().to_vec(),
            parents: parents.iter().map(|parent| parent.to_vec()).collect(),
            event: Some(action.to_wire()),
        }
        .encode_to_vec();
        let signature = author.sign_group_event(&body).to_vec();
        Self::from_stored(&v2::SignedGroupEvent { body, signature }.encode_to_vec())
    }

    /// Decodes and verifies. Whether its author was allowed to write it, the log says.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupEventError> {
        Self::read(bytes, |key, signed| {
            let author = PublicIdentity::from_bytes(key).map_err(|_| GroupEventError::Signature)?;
            author
                .verify_group_event(&signed.body, &signed.signature)
                .map_err(|_| GroupEventError::Signature)?;
            Ok(author)
        })
    }

    /// Decodes the bytes of a row that the store authenticated, written from an event that was verified.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, GroupEventError> {
        Self::read(bytes, |key, _| {
            PublicIdentity::from_stored(key).ok_or(GroupEventError::Signature)
        })
    }

    fn read(
        bytes: &[u8],
        verify: impl FnOnce(&[u8], &v2::SignedGroupEvent) -> Result<PublicIdentity, GroupEventError>,
    ) -> Result<Self, GroupEventError> {
        if bytes.len() > MAX_GROUP_EVENT_LEN {
            return Err(malformed("length of a group event").into());
        }
        let signed: v2::SignedGroupEvent = wire::decode_strict("group event", bytes)?;
        // Strictly, since bytes that say nothing would make one event many.
        let body: v2::GroupEventBody = wire::decode_strict("group event", &signed.body)?;
        let author = verify(&body.author, &signed)?;
        let parents = body
            .parents
            .iter()
            .map(|parent| wire::array("event hash", parent))
            .collect::<Result<Vec<EventHash>, _>>()?;
        let ascending = parents.windows(2).all(|pair| pair.first() < pair.last());
        if parents.len() > MAX_GROUP_PARENTS || !ascending {
            return Err(malformed("parents of a group event").into());
        }
        let group = GroupId::from_bytes(&body.group_id)?;
        let action = GroupAction::from_wire(body.event.ok_or(malformed("group event"))?)?;
        let begins = match &action {
            GroupAction::Created { name, nonce } => {
                if GroupId::of(&author.to_bytes(), nonce, name) != group {
                    return Err(GroupEventError::OtherGroup);
                }
                true
            }
            _ => false,
        };
        if begins != parents.is_empty() {
            return Err(malformed("parents of a group event").into());
        }
        Ok(Self {
            hash: hash(&signed.body),
            group,
            author,
            parents,
            action,
            encoded: bytes.to_vec(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn hash(&self) -> EventHash {
        self.hash
    }

    /// The group.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        &self.group
    }

    /// Who wrote it.
    #[must_use]
    pub fn author(&self) -> &PublicIdentity {
        &self.author
    }

    /// The latest events that the author knew.
    #[must_use]
    pub fn parents(&self) -> &[EventHash] {
        &self.parents
    }

    /// What it does.
    #[must_use]
    pub fn action(&self) -> &GroupAction {
        &self.action
    }

    /// The signed bytes.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}

fn hash(body: &[u8]) -> EventHash {
    sha256(&[labels::GROUP_EVENT_HASH, body])
}

/// The identities of a list of keys that was checked to be valid.
fn identities(keys: &[Vec<u8>]) -> Result<Vec<PublicIdentity>, WireError> {
    keys.iter()
        .map(|key| PublicIdentity::from_bytes(key).map_err(|_| malformed("identity key")))
        .collect()
}

fn check_name(name: String) -> Result<String, WireError> {
    if !text::is_name(&name) || name.len() > MAX_GROUP_NAME_LEN {
        return Err(malformed("name of a group"));
    }
    Ok(name)
}

fn check_description(text: String) -> Result<String, WireError> {
    let allowed = text.is_empty() || text::is_description(&text);
    if !allowed || text.len() > MAX_ABOUT_LEN {
        return Err(malformed("description of a group"));
    }
    Ok(text)
}

impl GroupAction {
    /// By which permission members write it who are no admins; nothing where no permission lets them.
    #[must_use]
    pub fn permission(&self) -> Option<GroupPermission> {
        match self {
            Self::MembersAdded(_) => Some(GroupPermission::AddMembers),
            Self::Renamed(_) | Self::Described(_) | Self::PictureSet(_) => {
                Some(GroupPermission::ChangeDetails)
            }
            _ => None,
        }
    }

    fn from_wire(event: Wire) -> Result<Self, WireError> {
        let members = |members: v2::Members| {
            let keys = members.identity_keys;
            let ascending = keys.windows(2).all(|pair| pair.first() < pair.last());
            if keys.is_empty() || keys.len() > MAX_GROUP_MEMBERS || !ascending {
                return Err(malformed("members of a group event"));
            }
            identities(&keys)
        };
        Ok(match event {
            Wire::Created(created) => Self::Created {
                name: check_name(created.name)?,
                nonce: wire::array("nonce of a group", &created.nonce)?,
            },
            Wire::Renamed(renamed) => Self::Renamed(check_name(renamed.name)?),
            Wire::MembersAdded(list) => Self::MembersAdded(members(list)?),
            Wire::Joined(_) => Self::Joined,
            Wire::Left(_) => Self::Left,
            Wire::MembersRemoved(list) => Self::MembersRemoved(members(list)?),
            Wire::AdminsAdded(list) => Self::AdminsAdded(members(list)?),
            Wire::AdminsRemoved(list) => Self::AdminsRemoved(members(list)?),
            Wire::Described(described) => {
                Self::Described(check_description(described.description)?)
            }
            Wire::PictureSet(set) => Self::PictureSet(Picture::from_bytes(set.picture)?),
            Wire::Permitted(permitted) => Self::Permitted {
                what: GroupPermission::from_wire(permitted.permission)?,
                admins_only: permitted.admins_only,
            },
        })
    }

    fn to_wire(&self) -> Wire {
        let members = |list: &[PublicIdentity]| {
            let mut keys: Vec<IdentityKey> = list.iter().map(PublicIdentity::to_bytes).collect();
            keys.sort_unstable();
            keys.dedup();
            v2::Members {
                identity_keys: keys.iter().map(|key| key.to_vec()).collect(),
            }
        };
        match self {
            Self::Created { name, nonce } => Wire::Created(v2::Created {
                name: name.clone(),
                nonce: nonce.to_vec(),
            }),
            Self::Renamed(name) => Wire::Renamed(v2::Renamed { name: name.clone() }),
            Self::MembersAdded(list) => Wire::MembersAdded(members(list)),
            Self::Joined => Wire::Joined(v2::Joined {}),
            Self::Left => Wire::Left(v2::Left {}),
            Self::MembersRemoved(list) => Wire::MembersRemoved(members(list)),
            Self::AdminsAdded(list) => Wire::AdminsAdded(members(list)),
            Self::AdminsRemoved(list) => Wire::AdminsRemoved(members(list)),
            Self::Described(description) => Wire::Described(v2::Described {
                description: description.clone(),
            }),
            Self::PictureSet(picture) => Wire::PictureSet(v2::PictureSet {
                picture: picture.as_bytes().to_vec(),
            }),
            Self::Permitted { what, admins_only } => Wire::Permitted(v2::Permitted {
                permission: what.number(),
                admins_only: *admins_only,
            }),
        }
    }
}
