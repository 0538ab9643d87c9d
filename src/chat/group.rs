//! Groups: a log of signed events, and the membership that follows from it (RFC windlass §9.6; 55/STATUS-1TO1-CHAT).
//!
//! Every event names the latest events that its author knew, so the log is a graph without cycles. Membership is a fold over it in an
//! order that everybody finds, whatever order the events came in.

mod event;
mod membership;

pub use event::{EventHash, GroupAction, GroupEvent, GroupEventError};
pub use membership::{Member, Membership};

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

use super::control::IdentityKey;
use crate::crypto::{labels, sha256};
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::{MAX_GROUP_EVENTS, MAX_GROUP_PARENTS};
use crate::wire::{self, WireError};

/// Every address of a group begins with `wlg1`.
const HRP: &str = "wlg";

/// Names a group: a hash of who made it and of a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId([u8; 32]);

impl GroupId {
    /// The id of the group that `creator` makes with this nonce.
    #[must_use]
    pub fn of(creator: &IdentityKey, nonce: &[u8; 16]) -> Self {
        Self(sha256(&[labels::GROUP_ID, creator, nonce]))
    }

    /// From 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        wire::array("group id", bytes).map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads an address of a group.
    #[must_use]
    pub fn from_address(address: &str) -> Option<Self> {
        let checked = CheckedHrpstring::new::<Bech32m>(address.trim()).ok()?;
        if checked.hrp() != Hrp::parse_unchecked(HRP) {
            return None;
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        Self::from_bytes(&bytes).ok()
    }
}

impl fmt::Display for GroupId {
    /// The address: Bech32m, 62 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &bech32::encode::<Bech32m>(Hrp::parse_unchecked(HRP), &self.0).unwrap_or_default(),
        )
    }
}

/// What became of an event that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is part of the log.
    New,
    /// It was before.
    Known,
    /// Events that it builds on have not come; it waits for them.
    Waits,
}

/// The events of one group that are known here.
#[derive(Debug, Clone)]
pub struct GroupLog {
    id: GroupId,
    /// With their place in the order: how long the longest way to the beginning is.
    events: BTreeMap<EventHash, (u64, GroupEvent)>,
    waiting: BTreeMap<EventHash, GroupEvent>,
}

impl GroupLog {
    /// Of a group nothing of which is known yet.
    #[must_use]
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            events: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// The log of events that were taken in before, in the order of [`Self::encoded`].
    pub fn from_stored<'a>(
        id: GroupId,
        events: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, GroupEventError> {
        let mut log = Self::new(id);
        for bytes in events {
            let event = GroupEvent::from_stored(bytes)?;
            if event
                .parents()
                .iter()
                .all(|parent| log.events.contains_key(parent))
            {
                log.insert(event);
            } else {
                log.waiting.insert(event.hash(), event);
            }
        }
        Ok(log)
    }

    /// Makes a group.
    pub fn create(
        creator: &IdentityKeyPair,
        name: &str,
        nonce: [u8; 16],
    ) -> Result<(Self, GroupEvent), GroupEventError> {
        let id = GroupId::of(&creator.public().to_bytes(), &nonce);
        let action = GroupAction::Created {
            name: name.to_owned(),
            nonce,
        };
        let event = GroupEvent::sign(creator, &id, &[], &action)?;
        let mut log = Self::new(id);
        log.insert(event.clone());
        Ok((log, event))
    }

    /// The group.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Signs an event on top of what is known, and takes it in. An error if the author may not do that.
    pub fn write(
        &mut self,
        author: &IdentityKeyPair,
        action: &GroupAction,
    ) -> Result<GroupEvent, GroupEventError> {
        let mut parents = self.heads();
        // The latest ones stand for the others that are not known to be built on: these are not lost, the next event names them.
        parents.truncate(MAX_GROUP_PARENTS);
        parents.sort_unstable();
        let event = GroupEvent::sign(author, &self.id, &parents, action)?;
        self.take(event.clone())?;
        Ok(event)
    }

    /// Takes an event in. One that its author was not allowed to write, by all that they knew, is refused for ever; so nobody fills
    /// the log who has no say in the group.
    pub fn take(&mut self, event: GroupEvent) -> Result<Taken, GroupEventError> {
        if event.group() != &self.id {
            return Err(GroupEventError::OtherGroup);
        }
        let hash = event.hash();
        if self.events.contains_key(&hash) || self.waiting.contains_key(&hash) {
            return Ok(Taken::Known);
        }
        if self.events.len() + self.waiting.len() >= MAX_GROUP_EVENTS {
            return Err(GroupEventError::Full);
        }
        if !event
            .parents()
            .iter()
            .all(|parent| self.events.contains_key(parent))
        {
            self.waiting.insert(hash, event);
            return Ok(Taken::Waits);
        }
        self.admit(event)?;
        self.admit_waiting();
        Ok(Taken::New)
    }

    /// What waited and has all it builds on now. One that was not allowed is dropped.
    fn admit_waiting(&mut self) {
        loop {
            let ready = self.waiting.values().find(|event| {
                let mut parents = event.parents().iter();
                parents.all(|parent| self.events.contains_key(parent))
            });
            let Some(hash) = ready.map(GroupEvent::hash) else {
                return;
            };
            if let Some(event) = self.waiting.remove(&hash) {
                let _ = self.admit(event);
            }
        }
    }

    fn admit(&mut self, event: GroupEvent) -> Result<(), GroupEventError> {
        let before = self.ancestors(event.parents());
        let known = Membership::of(self.ordered().filter(|(_, e)| before.contains(&e.hash())));
        known.permits(&event)?;
        self.insert(event);
        Ok(())
    }

    fn insert(&mut self, event: GroupEvent) {
        let depth = event
            .parents()
            .iter()
            .filter_map(|parent| self.events.get(parent));
        let depth = 1 + depth.map(|(depth, _)| *depth).max().unwrap_or(0);
        self.events.insert(event.hash(), (depth, event));
    }

    /// Who belongs to the group.
    #[must_use]
    pub fn membership(&self) -> Membership {
        let ancestors = |event: &GroupEvent| self.ancestors(&[event.hash()]);
        Membership::settled(&self.ordered().collect::<Vec<_>>(), ancestors)
    }

    /// Everybody who belongs to the group, or did.
    #[must_use]
    pub fn ever_invited(&self) -> Vec<PublicIdentity> {
        let mut all: Vec<PublicIdentity> = Vec::new();
        for (_, event) in self.ordered() {
            match event.action() {
                GroupAction::Created { .. } => all.push(*event.author()),
                GroupAction::MembersAdded(list) => all.extend(list),
                _ => {}
            }
        }
        all.sort_unstable_by_key(PublicIdentity::to_bytes);
        all.dedup();
        all
    }

    /// Members whom the author of an event did not know of, each with who invited them: they were not sent it.
    #[must_use]
    pub fn unaware(&self, event: &GroupEvent) -> Vec<(PublicIdentity, PublicIdentity)> {
        let known = self.ancestors(&[event.hash()]);
        let mut found = Vec::new();
        for member in self.membership().members() {
            let mut events = self.ordered().map(|(_, event)| event);
            // The last one counts: they may have been here before, and left.
            let last = events.rfind(|event| match event.action() {
                GroupAction::MembersAdded(list) => list.contains(&member.identity),
                GroupAction::Created { .. } => *event.author() == member.identity,
                _ => false,
            });
            if let Some(last) = last
                && !known.contains(&last.hash())
            {
                found.push((member.identity, *last.author()));
            }
        }
        found
    }

    /// All events that are known, in an order in which they can be taken in; those that wait last.
    pub fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.ordered().map(|(_, event)| event.encoded());
        known.chain(self.waiting.values().map(GroupEvent::encoded))
    }

    /// How many events are part of the log.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True before the group's first event came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether events wait for others.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// By depth, then by hash.
    fn ordered(&self) -> impl DoubleEndedIterator<Item = (u64, &GroupEvent)> {
        let mut all: Vec<_> = self.events.values().collect();
        all.sort_by_key(|(depth, event)| (*depth, event.hash()));
        all.into_iter().map(|(depth, event)| (*depth, event))
    }

    /// Events that no other builds on, the latest first.
    fn heads(&self) -> Vec<EventHash> {
        let built_on: BTreeSet<_> = self
            .events
            .values()
            .flat_map(|(_, event)| event.parents())
            .collect();
        let mut heads: Vec<_> = self
            .events
            .iter()
            .filter(|(hash, _)| !built_on.contains(hash))
            .map(|(hash, (depth, _))| (core::cmp::Reverse(*depth), *hash))
            .collect();
        heads.sort_unstable();
        heads.into_iter().map(|(_, hash)| hash).collect()
    }

    /// These events and all that they build on.
    fn ancestors(&self, of: &[EventHash]) -> BTreeSet<EventHash> {
        let mut found = BTreeSet::new();
        let mut open = of.to_vec();
        while let Some(hash) = open.pop() {
            if let Some((_, event)) = self.events.get(&hash)
                && found.insert(hash)
            {
                open.extend_from_slice(event.parents());
            }
        }
        found
    }
}

/// The identities of a list of keys that was checked to be valid.
fn identities(keys: &[Vec<u8>]) -> Result<Vec<PublicIdentity>, WireError> {
    keys.iter()
        .map(|key| PublicIdentity::from_bytes(key).map_err(|_| wire::malformed("identity key")))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
