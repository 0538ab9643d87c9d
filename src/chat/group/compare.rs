//! A log beside another one: what each lacks, and what waits for that (RFC windlass §9.6.12, §9.6.13).

use std::collections::BTreeSet;

use super::event::{EventHash, GroupEvent};
use super::graph::EventSet;
use super::log::GroupLog;
use super::view::{EventHead, GroupView};
use crate::identity::PublicIdentity;

impl GroupLog {
    /// What a message says of this log.
    pub fn view(&self) -> &GroupView {
        self.view.get_or_init(|| {
            let events = self.events().map(GroupEvent::hash).collect();
            GroupView::of(events, &self.graph.heads())
        })
    }

    /// Whether an event whose hash begins so is part of the log.
    #[must_use]
    pub fn has_head(&self, head: &EventHead) -> bool {
        self.graph.by_head(head).is_some()
    }

    /// The events that are not among those that some name, nor below: what somebody lacks whose log ends with these. Whoever does not belong to
    /// the group is told of what they knew, and of what made them what they are.
    #[must_use]
    pub fn beyond(&self, heads: &[EventHead], whom: &PublicIdentity) -> Vec<&GroupEvent> {
        let mut known = EventSet::default();
        for entry in heads.iter().filter_map(|head| self.graph.by_head(head)) {
            known.extend(&entry.ancestors);
        }
        let out = self.membership().member(whom).is_none();
        let about = out.then(|| self.graph.about(whom));
        let entries = self.graph.ordered();
        let beyond = entries.filter(|(at, _)| {
            !known.contains(*at) && about.as_ref().is_none_or(|about| about.contains(*at))
        });
        beyond.map(|(_, entry)| &entry.event).collect()
    }

    /// The events that somebody lacks, each after those that it builds on; of what is about `whom` alone, if they do not belong to the group.
    pub fn lacking(
        &self,
        has: impl Fn(&EventHash) -> bool,
        whom: Option<&PublicIdentity>,
    ) -> Vec<&GroupEvent> {
        let about = whom.map(|whom| self.graph.about(whom));
        let entries = self.graph.ordered().filter(|(at, entry)| {
            !has(&entry.event.hash()) && about.as_ref().is_none_or(|about| about.contains(*at))
        });
        entries.map(|(_, entry)| &entry.event).collect()
    }

    /// Events that wait for others.
    #[must_use]
    pub fn waiting(&self) -> &[GroupEvent] {
        &self.waiting
    }

    /// Drops events that wait for what nobody has, with those that wait for these.
    pub fn drop_waiting(&mut self, hashes: &[EventHash]) {
        let mut gone: BTreeSet<EventHash> = hashes.iter().copied().collect();
        loop {
            let known = gone.len();
            for event in &self.waiting {
                if event.parents().iter().any(|parent| gone.contains(parent)) {
                    gone.insert(event.hash());
                }
            }
            if gone.len() == known {
                break;
            }
        }
        self.waiting.retain(|event| !gone.contains(&event.hash()));
    }
}
