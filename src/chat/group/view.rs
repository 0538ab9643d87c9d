//! How the views that members have of one group are compared (RFC windlass §9.6.12).

use std::collections::BTreeSet;

use super::event::EventHash;
use crate::crypto::{CryptoRng, labels, sha256};
use crate::limits::{MAX_GROUP_EVENTS, MAX_GROUP_MEMBERS, MAX_TOLD_GROUP_HEADS};
use crate::wire::{self, WireError, malformed, v2};

/// Length in bytes of the hash by which a request names an event that is there.
const EVENT_NAME_LEN: usize = 8;

/// An event as one request names it.
pub type EventName = [u8; EVENT_NAME_LEN];

/// The beginning of an event's hash.
pub type EventHead = [u8; 16];

/// What a message of a group says of the log that its author had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupView {
    /// Of all events.
    pub digest: [u8; 16],
    /// The deepest of those that no other builds on.
    pub heads: Vec<EventHead>,
}

impl GroupView {
    /// Of a log with these events; the heads are the deepest first.
    pub(super) fn of(mut events: Vec<EventHash>, heads: &[EventHash]) -> Self {
        events.sort_unstable();
        let [digest, _] = halves(&sha256(&[labels::GROUP_VIEW, &events.concat()]));
        let heads = heads.iter().take(MAX_TOLD_GROUP_HEADS);
        Self {
            digest,
            heads: heads.map(head).collect(),
        }
    }

    /// From bytes of their lengths.
    pub fn from_parts(digest: &[u8], heads: &[Vec<u8>]) -> Result<Self, WireError> {
        if heads.len() > MAX_TOLD_GROUP_HEADS {
            return Err(malformed("view of a group"));
        }
        let heads = heads.iter().map(|head| wire::array("event", head));
        Ok(Self {
            digest: wire::array("view of a group", digest)?,
            heads: heads.collect::<Result<_, _>>()?,
        })
    }

    pub(in crate::chat) fn from_wire(view: &v2::GroupView) -> Result<Self, WireError> {
        Self::from_parts(&view.digest, &view.heads)
    }

    pub(in crate::chat) fn to_wire(&self) -> v2::GroupView {
        v2::GroupView {
            digest: self.digest.to_vec(),
            heads: self.heads.iter().map(|head| head.to_vec()).collect(),
        }
    }
}

/// The beginning of an event's hash, as a view has it.
pub(super) fn head(hash: &EventHash) -> EventHead {
    let [first, _] = halves(hash);
    first
}

fn halves(hash: &EventHash) -> [[u8; 16]; 2] {
    let (halves, _) = hash.as_chunks::<16>();
    [0, 1].map(|at| halves.get(at).copied().unwrap_or_default())
}

/// The events of a log as a request names them: nobody can make two events beforehand that it names alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupEventNames {
    salt: [u8; 16],
    /// Ascending.
    names: BTreeSet<EventName>,
}

impl GroupEventNames {
    /// Names events, with a salt that no other request has.
    pub fn of(events: impl Iterator<Item = EventHash>, rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let names = events.map(|hash| name(&salt, &hash)).collect();
        Self { salt, names }
    }

    /// Whether an event is among them.
    #[must_use]
    pub fn contains(&self, hash: &EventHash) -> bool {
        self.names.contains(&name(&self.salt, hash))
    }

    /// Whether there are others than these events.
    pub fn has_beside(&self, events: impl Iterator<Item = EventHash>) -> bool {
        let known: BTreeSet<_> = events.map(|hash| name(&self.salt, &hash)).collect();
        !self.names.is_subset(&known)
    }
}

fn name(salt: &[u8; 16], hash: &EventHash) -> EventName {
    let hash = sha256(&[labels::GROUP_EVENT_NAME, salt, hash]);
    hash.first_chunk().copied().unwrap_or_default()
}

/// Asks for events of a group, or hands them on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSync {
    /// What is there; nothing if nothing is asked.
    pub have: Option<GroupEventNames>,
    /// Encoded signed events, each after those that it builds on.
    pub events: Vec<Vec<u8>>,
    /// Encoded bundles of people whom the events are about.
    pub bundles: Vec<Vec<u8>>,
}

impl GroupSync {
    pub(in crate::chat) fn from_wire(sync: v2::GroupSync) -> Result<Self, WireError> {
        let (names, rest) = sync.have.as_chunks::<EVENT_NAME_LEN>();
        let ascending = names.iter().zip(names.iter().skip(1)).all(|(a, b)| a < b);
        let fits = names.len() <= MAX_GROUP_EVENTS
            && sync.events.len() <= MAX_GROUP_EVENTS
            && sync.bundles.len() <= MAX_GROUP_MEMBERS;
        if !rest.is_empty() || !ascending || !fits {
            return Err(malformed("group sync"));
        }
        let have = match sync.salt.as_slice() {
            [] if names.is_empty() => None,
            salt => Some(GroupEventNames {
                salt: wire::array("salt", salt)?,
                names: names.iter().copied().collect(),
            }),
        };
        Ok(Self {
            have,
            events: sync
                .events
                .iter()
                .map(prost::Message::encode_to_vec)
                .collect(),
            bundles: sync.bundles,
        })
    }

    pub(in crate::chat) fn to_wire(&self) -> v2::GroupSync {
        let (salt, have) = match &self.have {
            None => (Vec::new(), Vec::new()),
            Some(have) => (
                have.salt.to_vec(),
                have.names.iter().flatten().copied().collect(),
            ),
        };
        v2::GroupSync {
            salt,
            have,
            events: self
                .events
                .iter()
                .filter_map(|event| prost::Message::decode(event.as_slice()).ok())
                .collect(),
            bundles: self.bundles.clone(),
        }
    }
}
