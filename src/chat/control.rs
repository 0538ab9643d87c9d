//! What devices say to each other beside messages (RFC windlass §8.3, §8.4).

use super::chat_settings::ChatSettings;
use super::deleted_group::DeletedGroup;
use super::device_link::DeviceLink;
use super::floor::{Decision, Floor, NamedMessage, message_names};
use super::names::{IdentityKey, MessageId};
use super::profile::Profile;
use crate::crypto::{CryptoRng, SecretBytes, labels, sha256};
use crate::limits::{MAX_CONTENT_LEN, MAX_DEVICES, MAX_HEALING_IDS, MAX_LAMPORT, MAX_READ_NAMES};
use crate::wire::{self, WireError, malformed, v2};

/// Length in bytes of the hash by which a request names a message that it has.
pub const MESSAGE_NAME_LEN: usize = 8;

/// A message as one request names it (RFC windlass §8.4.2).
pub type MessageName = [u8; MESSAGE_NAME_LEN];

/// What a device has of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationState {
    /// The other side, or the group.
    pub conversation: IdentityKey,
    /// Whether it is a group.
    pub group: bool,
    /// Messages with a lower clock are not asked for.
    pub from_lamport: u64,
    /// The names of what is there from then on, ascending.
    pub have: Vec<MessageName>,
}

/// A message as its author encoded it.
#[derive(Clone, PartialEq, Eq)]
pub struct Copy {
    /// Who wrote it.
    pub author: IdentityKey,
    /// The other side of the conversation, as the receiver sees it.
    pub conversation: IdentityKey,
    /// The encoded content.
    pub content: SecretBytes,
}

/// What the devices of one identity tell each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceUpdate {
    /// Devices that were removed.
    pub removed: Vec<u32>,
    /// Contacts.
    pub contacts: Vec<KnownContact>,
    /// How far the user has read.
    pub read: Vec<ReadMark>,
    /// Whether this is the last of the updates that tell of all contacts.
    pub complete: bool,
    /// What was deleted.
    pub floors: Vec<Floor>,
    /// Groups that were deleted.
    pub deleted_groups: Vec<DeletedGroup>,
    /// Devices that the user links.
    pub links: Vec<DeviceLink>,
    /// What the user set for conversations.
    pub chats: Vec<ChatSettings>,
    /// What the user says of themselves.
    pub profile: Option<Profile>,
}

/// How far the user has read a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMark {
    /// The other side, or the group.
    pub conversation: IdentityKey,
    /// Whether it is a group.
    pub group: bool,
    /// Everything up to this clock was read.
    pub lamport: u64,
    /// And these messages.
    pub messages: Vec<NamedMessage>,
}

/// A contact as a device of one's own knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// The encoded bundle.
    pub bundle: Vec<u8>,
    /// Whether the safety number was compared.
    pub verified: bool,
    /// Whether the user wants to talk with them.
    pub accepted: bool,
    /// Whether the user does not.
    pub blocked: bool,
    /// By which decision they are accepted or blocked.
    pub standing: Decision,
    /// By which decision they are verified, or not.
    pub verification: Decision,
    /// Since when their devices are known.
    pub devices: Vec<KnownDevice>,
}

/// A device of a contact, by the signed prekey that the bundle has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDevice {
    /// Its number within the identity.
    pub device_id: u32,
    /// Since when that prekey is known to be its own; milliseconds since the epoch.
    pub known_since: u64,
}

impl KnownContact {
    fn from_wire(contact: v2::KnownContact) -> Result<Self, WireError> {
        if contact.devices.len() > MAX_DEVICES {
            return Err(malformed("known contact"));
        }
        let device = |device: &v2::KnownDevice| KnownDevice {
            device_id: device.device_id,
            known_since: device.known_since,
        };
        Ok(Self {
            bundle: contact.bundle,
            verified: contact.verified,
            accepted: contact.accepted,
            blocked: contact.blocked,
            standing: Decision::from_wire(contact.standing),
            verification: Decision::from_wire(contact.verification),
            devices: contact.devices.iter().map(device).collect(),
        })
    }

    fn to_wire(&self) -> v2::KnownContact {
        let device = |device: &KnownDevice| v2::KnownDevice {
            device_id: device.device_id,
            known_since: device.known_since,
        };
        v2::KnownContact {
            bundle: self.bundle.clone(),
            verified: self.verified,
            accepted: self.accepted,
            blocked: self.blocked,
            standing: self.standing.to_wire(),
            verification: self.verification.to_wire(),
            devices: self.devices.iter().map(device).collect(),
        }
    }
}

/// Asks for what is not there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HealingRequest {
    /// What is there. To a contact, the conversation with them; none for everything.
    pub conversations: Vec<ConversationState>,
    /// Whether whom it goes to used a message number twice.
    pub went_back: bool,
    /// From a new device to the one that linked it.
    pub link_token: Option<[u8; 16]>,
    /// What the names in it are made with: random, for this request alone. Left out where nothing is named.
    pub salt: [u8; 16],
}

impl HealingRequest {
    /// A salt that no other request has.
    pub fn random_salt(rng: &mut dyn CryptoRng) -> [u8; 16] {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        salt
    }

    /// How the request names a message. The author is part of it, and nobody can choose an id beforehand that is named as another is.
    #[must_use]
    pub fn name(salt: &[u8; 16], author: &IdentityKey, id: &MessageId) -> MessageName {
        let hash = sha256(&[labels::MESSAGE_NAME, salt, author, id.as_bytes()]);
        let mut name = MessageName::default();
        for (to, from) in name.iter_mut().zip(hash) {
            *to = from;
        }
        name
    }
}

impl HealingRequest {
    pub(super) fn from_wire(mut request: v2::HealingRequest) -> Result<Self, WireError> {
        let state = |state: v2::ConversationState| {
            let (have, rest) = state.have.as_chunks::<MESSAGE_NAME_LEN>();
            let ascending = have.iter().zip(have.iter().skip(1)).all(|(a, b)| a <= b);
            if !rest.is_empty() || have.len() > MAX_HEALING_IDS || !ascending {
                return Err(malformed("healing request"));
            }
            Ok(ConversationState {
                conversation: wire::array("identity key", &state.conversation)?,
                group: state.group,
                from_lamport: state.from_lamport,
                have: have.to_vec(),
            })
        };
        Ok(Self {
            salt: match request.salt.as_slice() {
                [] if request.conversations.is_empty() => [0; 16],
                salt => wire::array("salt", salt)?,
            },
            went_back: request.went_back,
            link_token: match request.link_token.as_slice() {
                [] => None,
                token => Some(wire::array("link token", token)?),
            },
            conversations: core::mem::take(&mut request.conversations)
                .into_iter()
                .map(state)
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn to_wire(&self) -> v2::HealingRequest {
        v2::HealingRequest {
            went_back: self.went_back,
            salt: if self.conversations.is_empty() {
                Vec::new()
            } else {
                self.salt.to_vec()
            },
            link_token: self
                .link_token
                .as_ref()
                .map(|token| token.to_vec())
                .unwrap_or_default(),
            conversations: self
                .conversations
                .iter()
                .map(|state| v2::ConversationState {
                    conversation: state.conversation.to_vec(),
                    from_lamport: state.from_lamport,
                    have: state.have.concat(),
                    group: state.group,
                })
                .collect(),
        }
    }
}

impl Copy {
    pub(super) fn from_wire(mut copy: v2::Copy) -> Result<Self, WireError> {
        wire::check_len("copy", copy.content.len(), MAX_CONTENT_LEN)?;
        Ok(Self {
            author: wire::array("identity key", &copy.author)?,
            conversation: wire::array("identity key", &copy.conversation)?,
            content: core::mem::take(&mut copy.content).into(),
        })
    }

    pub(super) fn to_wire(&self) -> v2::Copy {
        v2::Copy {
            author: self.author.to_vec(),
            conversation: self.conversation.to_vec(),
            content: self.content.to_vec(),
        }
    }
}

impl DeviceUpdate {
    pub(super) fn from_wire(update: v2::DeviceUpdate) -> Result<Self, WireError> {
        // Ids of devices long gone come along; a list of thousands is nobody's.
        let most_links = MAX_DEVICES * MAX_DEVICES;
        if update.removed_devices.len() > 128 * MAX_DEVICES || update.links.len() > most_links {
            return Err(malformed("device update"));
        }
        Ok(Self {
            removed: update.removed_devices,
            contacts: (update.contacts.into_iter())
                .map(KnownContact::from_wire)
                .collect::<Result<_, _>>()?,
            floors: (update.floors.into_iter())
                .map(Floor::from_wire)
                .collect::<Result<_, _>>()?,
            deleted_groups: (update.deleted_groups.into_iter())
                .map(DeletedGroup::from_wire)
                .collect::<Result<_, _>>()?,
            links: (update.links.iter())
                .map(DeviceLink::from_wire)
                .collect::<Result<_, _>>()?,
            chats: (update.chats.into_iter())
                .map(ChatSettings::from_wire)
                .collect::<Result<_, _>>()?,
            profile: update.profile.map(Profile::from_wire).transpose()?,
            read: update
                .read
                .iter()
                .map(|mark| {
                    Ok(ReadMark {
                        conversation: wire::array("identity key", &mark.conversation)?,
                        group: mark.group,
                        lamport: mark.lamport.min(MAX_LAMPORT),
                        messages: message_names(&mark.messages, MAX_READ_NAMES)?,
                    })
                })
                .collect::<Result<_, WireError>>()?,
            complete: update.complete,
        })
    }

    pub(super) fn to_wire(&self) -> v2::DeviceUpdate {
        v2::DeviceUpdate {
            removed_devices: self.removed.clone(),
            contacts: self.contacts.iter().map(KnownContact::to_wire).collect(),
            floors: self.floors.iter().map(Floor::to_wire).collect(),
            deleted_groups: (self.deleted_groups.iter())
                .map(DeletedGroup::to_wire)
                .collect(),
            links: self.links.iter().map(DeviceLink::to_wire).collect(),
            chats: self.chats.iter().map(ChatSettings::to_wire).collect(),
            profile: self.profile.as_ref().map(Profile::to_wire),
            read: self
                .read
                .iter()
                .map(|mark| v2::ReadMark {
                    conversation: mark.conversation.to_vec(),
                    group: mark.group,
                    lamport: mark.lamport,
                    messages: mark.messages.concat(),
                })
                .collect(),
            complete: self.complete,
        }
    }
}
