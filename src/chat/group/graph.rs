//! The events of a log as a graph: what each builds on, and their order (RFC windlass §9.6.4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::event::{EventHash, GroupAction, GroupEvent};
use super::view::{EventHead, head};
use crate::chat::names::IdentityKey;
use crate::identity::PublicIdentity;

/// Names somebody within one log, so that folding it compares numbers and not keys.
pub(super) type Person = usize;

/// Events of one log, by their places in it: a bit for each. Whether one builds on another is asked for every pair.
#[derive(Debug, Clone, Default)]
pub(super) struct EventSet(Vec<u64>);

impl EventSet {
    pub(super) fn insert(&mut self, at: usize) {
        let word = at / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (at % 64);
        }
    }

    pub(super) fn contains(&self, at: usize) -> bool {
        self.word(at / 64) & (1 << (at % 64)) != 0
    }

    pub(super) fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether something is in this and in `other` that is not in `but`.
    pub(super) fn shares(&self, other: &Self, but: &Self) -> bool {
        let mut words = self.0.iter().enumerate();
        words.any(|(at, word)| word & other.word(at) & !but.word(at) != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let words = self.0.iter().enumerate();
        words.flat_map(|(at, word)| {
            let bits = (0..64).filter(move |bit| word & (1 << bit) != 0);
            bits.map(move |bit| at * 64 + bit)
        })
    }

    fn word(&self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or(0)
    }
}

/// An event in its graph.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// How long the longest way to the beginning is.
    pub(super) depth: u64,
    pub(super) event: GroupEvent,
    pub(super) author: Person,
    /// Whom it is about.
    pub(super) listed: Vec<Person>,
    /// All that it builds on; itself, too, once it is part of the graph.
    pub(super) ancestors: EventSet,
    /// How many of these others wrote.
    pub(super) by_others: usize,
    /// Whether its author was no admin by what they knew, once somebody asked.
    pub(super) by_member: OnceLock<bool>,
}

impl Entry {
    /// Whether this, a `Joined` or `Left` of somebody who is no admin, may stand on that: for the first an invitation, for the other
    /// what last changed what its author is.
    pub(super) fn may_follow(&self, parent: &Self) -> bool {
        let leaves = *self.event.action() == GroupAction::Left;
        match parent.event.action() {
            GroupAction::MembersAdded(_) if parent.listed.contains(&self.author) => true,
            GroupAction::AdminsRemoved(_) => leaves && parent.listed.contains(&self.author),
            GroupAction::Joined => leaves && parent.author == self.author,
            // What a permission let them do: they do not take it back by leaving.
            action => leaves && parent.author == self.author && action.permission().is_some(),
        }
    }
}

/// Events, each after those that it builds on.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    entries: Vec<Entry>,
    places: BTreeMap<EventHash, usize>,
    /// By depth, then by hash.
    order: Vec<usize>,
    persons: BTreeMap<IdentityKey, Person>,
    identities: Vec<PublicIdentity>,
}

impl Graph {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, hash: &EventHash) -> bool {
        self.places.contains_key(hash)
    }

    pub(super) fn find(&self, hash: &EventHash) -> Option<&Entry> {
        self.get(*self.places.get(hash)?)
    }

    /// The event whose hash begins so.
    pub(super) fn by_head(&self, beginning: &EventHead) -> Option<&Entry> {
        let mut from = EventHash::default();
        for (to, byte) in from.iter_mut().zip(beginning) {
            *to = *byte;
        }
        let (hash, at) = self.places.range(from..).next()?;
        (head(hash) == *beginning).then(|| self.get(*at)).flatten()
    }

    /// What somebody wrote, what others wrote of them, and all that it builds on.
    pub(super) fn about(&self, identity: &PublicIdentity) -> EventSet {
        let mut about = EventSet::default();
        if let Some(person) = self.person(identity) {
            let entries = self.entries.iter();
            for entry in entries.filter(|one| one.author == person || one.listed.contains(&person))
            {
                about.extend(&entry.ancestors);
            }
        }
        about
    }

    pub(super) fn get(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)
    }

    /// Whether all is here that an event builds on.
    pub(super) fn has_parents_of(&self, event: &GroupEvent) -> bool {
        event.parents().iter().all(|parent| self.contains(parent))
    }

    /// An event whose parents are here, as it would be in the graph.
    pub(super) fn entry(&mut self, event: GroupEvent) -> Entry {
        let author = self.person_or_new(event.author());
        let listed = match event.action() {
            GroupAction::MembersAdded(list)
            | GroupAction::MembersRemoved(list)
            | GroupAction::AdminsAdded(list)
            | GroupAction::AdminsRemoved(list) => {
                list.iter().map(|one| self.person_or_new(one)).collect()
            }
            _ => Vec::new(),
        };
        let mut ancestors = EventSet::default();
        let mut depth = 1;
        for parent in event.parents().iter().filter_map(|hash| self.find(hash)) {
            ancestors.extend(&parent.ancestors);
            depth = depth.max(parent.depth + 1);
        }
        let written = ancestors.iter().filter_map(|at| self.get(at));
        let by_others = written.filter(|entry| entry.author != author).count();
        Entry {
            by_others,
            by_member: OnceLock::new(),
            depth,
            event,
            author,
            listed,
            ancestors,
        }
    }

    /// Makes an entry part of the graph.
    pub(super) fn insert(&mut self, mut entry: Entry) {
        let at = self.entries.len();
        entry.ancestors.insert(at);
        let place = (entry.depth, entry.event.hash());
        let before = self.order.partition_point(|other| {
            self.get(*other)
                .is_some_and(|other| (other.depth, other.event.hash()) < place)
        });
        self.order.insert(before, at);
        self.places.insert(entry.event.hash(), at);
        self.entries.push(entry);
    }

    /// By depth, then by hash; each with its place in the graph.
    pub(super) fn ordered(&self) -> impl DoubleEndedIterator<Item = (usize, &Entry)> {
        let entries = self.order.iter();
        entries.filter_map(|at| Some((*at, self.get(*at)?)))
    }

    /// In the order in which they came, after so many.
    pub(super) fn after(&self, known: usize) -> &[Entry] {
        self.entries.get(known..).unwrap_or_default()
    }

    /// Events that no other builds on, the deepest first.
    pub(super) fn heads(&self) -> Vec<EventHash> {
        let entries = self.entries.iter();
        let built_on: BTreeSet<_> = entries.flat_map(|entry| entry.event.parents()).collect();
        let mut heads: Vec<_> = self
            .entries
            .iter()
            .map(|entry| (core::cmp::Reverse(entry.depth), entry.event.hash()))
            .filter(|(_, hash)| !built_on.contains(hash))
            .collect();
        heads.sort_unstable();
        heads.into_iter().map(|(_, hash)| hash).collect()
    }

    pub(super) fn person(&self, identity: &PublicIdentity) -> Option<Person> {
        self.persons.get(&identity.to_bytes()).copied()
    }

    pub(super) fn identity(&self, person: Person) -> Option<&PublicIdentity> {
        self.identities.get(person)
    }

    fn person_or_new(&mut self, identity: &PublicIdentity) -> Person {
        let new = self.identities.len();
        let person = *self.persons.entry(identity.to_bytes()).or_insert(new);
        if person == new {
            self.identities.push(*identity);
        }
        person
    }
}
