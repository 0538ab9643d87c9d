//! The log of one group: which events become part of it, and which wait.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::event::{EventHash, GroupAction, GroupEvent, GroupEventError};
use super::graph::{Entry, Graph, Person};
use super::id::GroupId;
use super::membership::{Fold, Membership};
use super::settled;
use super::view::GroupView;
use crate::identity::{IdentityKeyPair, PublicIdentity};
use crate::limits::{
    MAX_GROUP_EVENTS, MAX_GROUP_PARENTS, MAX_WAITING_GROUP_EVENTS,
    MAX_WAITING_GROUP_EVENTS_OF_AUTHOR,
};

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
    pub(super) graph: Graph,
    /// The oldest first. They are no part of the log: anybody can write them, so they take nobody's place in it.
    pub(super) waiting: Vec<GroupEvent>,
    /// What follows from the graph, once somebody asked.
    settled: OnceLock<(Fold, Membership)>,
    /// The same for what messages say of it.
    pub(super) view: OnceLock<GroupView>,
}

impl GroupLog {
    /// Of a group nothing of which is known yet.
    #[must_use]
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            graph: Graph::default(),
            waiting: Vec::new(),
            settled: OnceLock::new(),
            view: OnceLock::new(),
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
            if log.has_parents_of(&event) {
                let entry = log.graph.entry(event);
                log.insert(entry);
            } else {
                log.waiting.push(event);
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
        let mut log = Self::new(GroupId::of(&creator.public().to_bytes(), &nonce, name));
        let action = GroupAction::Created {
            name: name.to_owned(),
            nonce,
        };
        let event = GroupEvent::sign(creator, &log.id, &[], &action)?;
        log.admit(event.clone())?;
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
        let mut heads = self.graph.heads();
        // The latest ones stand for the others that are not known to be built on: these are not lost, the next event names them.
        heads.truncate(MAX_GROUP_PARENTS);
        heads.sort_unstable();
        let event = GroupEvent::sign(author, &self.id, &heads, action)?;
        let entry = self.graph.entry(event.clone());
        self.settled().0.permits(&entry)?;
        if !self.has_one_parent(&self.before(&entry), &entry) {
            self.take(event.clone())?;
            return Ok(event);
        }
        // Nearly always the last one does.
        let entries = self.graph.ordered().map(|(_, parent)| parent);
        let parents: Vec<EventHash> = entries
            .filter(|parent| entry.may_follow(parent))
            .map(|parent| parent.event.hash())
            .collect();
        for parent in parents.into_iter().rev() {
            let event = GroupEvent::sign(author, &self.id, &[parent], action)?;
            if self.take(event.clone()) == Ok(Taken::New) {
                return Ok(event);
            }
        }
        Err(GroupEventError::NoEffect)
    }

    /// Takes an event in. One that its author was not allowed to write, by all that they knew, is refused for ever; so nobody fills
    /// the log who has no say in the group.
    pub fn take(&mut self, event: GroupEvent) -> Result<Taken, GroupEventError> {
        if event.group() != &self.id {
            return Err(GroupEventError::OtherGroup);
        }
        if self.graph.contains(&event.hash()) {
            return Ok(Taken::Known);
        }
        if !self.has_parents_of(&event) {
            self.wait(event);
            return Ok(Taken::Waits);
        }
        self.admit(event)?;
        self.admit_waiting();
        Ok(Taken::New)
    }

    /// Keeps an event until what it builds on comes. Where there is no room, the oldest gives way of whoever has most.
    fn wait(&mut self, event: GroupEvent) {
        if self.waiting.contains(&event) {
            return;
        }
        let author = *event.author();
        self.waiting.push(event);
        let mut counts: BTreeMap<_, (usize, PublicIdentity)> = BTreeMap::new();
        for waiting in &self.waiting {
            let author = waiting.author();
            counts.entry(author.to_bytes()).or_insert((0, *author)).0 += 1;
        }
        let theirs = counts
            .get(&author.to_bytes())
            .map_or(0, |(count, _)| *count);
        let over = if theirs > MAX_WAITING_GROUP_EVENTS_OF_AUTHOR {
            Some(author)
        } else if self.waiting.len() > MAX_WAITING_GROUP_EVENTS {
            let most = counts.values().max_by_key(|(count, _)| *count);
            most.map(|(_, author)| *author)
        } else {
            None
        };
        if let Some(whose) = over
            && let Some(at) = self.waiting.iter().position(|one| *one.author() == whose)
        {
            self.waiting.remove(at);
        }
    }

    /// Whether an event is part of the log to the last byte, its signature too: then it was verified when it came first.
    #[must_use]
    pub fn has_encoded(&self, encoded: &[u8]) -> bool {
        let named = GroupEvent::from_stored(encoded).ok();
        let known = named.and_then(|event| self.graph.find(&event.hash()));
        known.is_some_and(|entry| entry.event.encoded() == encoded)
    }

    /// Whether all that an event builds on is part of the log, so that it need not wait.
    #[must_use]
    pub fn has_parents_of(&self, event: &GroupEvent) -> bool {
        self.graph.has_parents_of(event)
    }

    /// What waited and has all it builds on now. One that was not allowed is dropped.
    fn admit_waiting(&mut self) {
        let ready = |log: &Self| {
            let mut waiting = log.waiting.iter();
            waiting.position(|event| log.has_parents_of(event))
        };
        while let Some(at) = ready(self) {
            let event = self.waiting.remove(at);
            let _ = self.admit(event);
        }
    }

    fn admit(&mut self, event: GroupEvent) -> Result<(), GroupEventError> {
        if self.graph.len() >= MAX_GROUP_EVENTS {
            return Err(GroupEventError::Full);
        }
        let entry = self.graph.entry(event);
        let before = self.before(&entry);
        let _ = entry.by_member.set(before.rank(entry.author).is_none());
        before.permits(&entry)?;
        if self.has_one_parent(&before, &entry) {
            let [parent] = entry.event.parents() else {
                return Err(GroupEventError::NoEffect);
            };
            let parent = self.graph.find(parent);
            parent
                .filter(|parent| entry.may_follow(parent))
                .ok_or(GroupEventError::NoEffect)?;
        }
        self.insert(entry);
        Ok(())
    }

    fn insert(&mut self, entry: Entry) {
        self.graph.insert(entry);
        self.settled = OnceLock::new();
        self.view = OnceLock::new();
    }

    /// What the author of an event knew.
    fn before(&self, entry: &Entry) -> Fold {
        Fold::of(&self.graph, |at| entry.ancestors.contains(at))
    }

    /// Whether an event has to stand on the one that made its author what they are. All that members do who are no admins: so there is
    /// one such event for each that an admin wrote about them, and they cannot fill the log.
    fn has_one_parent(&self, before: &Fold, entry: &Entry) -> bool {
        match entry.event.action() {
            GroupAction::Joined => true,
            GroupAction::Left => before.rank(entry.author).is_none(),
            _ => false,
        }
    }

    fn settled(&self) -> &(Fold, Membership) {
        self.settled.get_or_init(|| {
            let fold = settled::settled(&self.graph);
            let membership = Membership::new(&fold, &self.graph);
            (fold, membership)
        })
    }

    /// Who belongs to the group.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.settled().1
    }

    /// Who invited somebody last.
    #[must_use]
    pub fn inviter(&self, identity: &PublicIdentity) -> Option<PublicIdentity> {
        let person = self.graph.person(identity)?;
        let (_, inviter) = *self.invitations().get(&person)?;
        self.graph.identity(inviter).copied()
    }

    /// The events that became part of the log after the first so many.
    pub fn after(&self, known: usize) -> impl Iterator<Item = &GroupEvent> {
        self.graph.after(known).iter().map(|entry| &entry.event)
    }

    /// Whether somebody belongs to the group, or did.
    #[must_use]
    pub fn was_invited(&self, identity: &PublicIdentity) -> bool {
        let person = self.graph.person(identity);
        person.is_some_and(|person| self.invitations().contains_key(&person))
    }

    /// Whether somebody was put out, and not invited again since.
    #[must_use]
    pub fn was_put_out(&self, identity: &PublicIdentity) -> bool {
        let mut out = false;
        for event in self.events() {
            match event.action() {
                GroupAction::MembersRemoved(list) => out |= list.contains(identity),
                GroupAction::MembersAdded(list) => out &= !list.contains(identity),
                _ => {}
            }
        }
        out
    }

    /// The latest event that invited each who was invited: they may have been here before, and left.
    fn invitations(&self) -> BTreeMap<Person, (usize, Person)> {
        let mut latest = BTreeMap::new();
        for (at, entry) in self.graph.ordered() {
            match entry.event.action() {
                GroupAction::Created { .. } => {
                    latest.insert(entry.author, (at, entry.author));
                }
                GroupAction::MembersAdded(_) => {
                    latest.extend(entry.listed.iter().map(|one| (*one, (at, entry.author))));
                }
                _ => {}
            }
        }
        latest
    }

    /// The events that became part of the log after the first so many, each with the members whom its author did not know of, and who
    /// invited these: they were not sent it.
    #[must_use]
    pub fn unaware(&self, known: usize) -> Vec<(PublicIdentity, PublicIdentity, &GroupEvent)> {
        let invitations = self.invitations();
        let members = self.membership();
        let mut found = Vec::new();
        for entry in self.graph.after(known) {
            for (person, (at, inviter)) in &invitations {
                let both = (self.graph.identity(*person), self.graph.identity(*inviter));
                if let (Some(member), Some(inviter)) = both
                    && *person != entry.author
                    && !entry.ancestors.contains(*at)
                    && members.member(member).is_some()
                {
                    found.push((*member, *inviter, &entry.event));
                }
            }
        }
        found
    }

    /// The events of the log, in an order in which they can be taken in.
    pub fn events(&self) -> impl Iterator<Item = &GroupEvent> {
        self.graph.ordered().map(|(_, entry)| &entry.event)
    }

    /// All events that are known; those that wait last.
    pub fn encoded(&self) -> impl Iterator<Item = &[u8]> {
        self.events().chain(&self.waiting).map(GroupEvent::encoded)
    }

    /// How many events are part of the log.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.len()
    }

    /// True before the group's first event came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.graph.len() == 0
    }

    /// Whether events wait for others.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }
}
