//! What follows from all events of a log, whatever was written beside what (RFC windlass §9.6.7).

use std::collections::BTreeMap;

use super::event::GroupAction;
use super::graph::{Entry, EventSet, Graph, Person};
use super::membership::{Fold, Removal, Whose};
use super::permission::GroupPermission;

/// Who wrote what.
#[derive(Default)]
struct Written {
    by_person: BTreeMap<Person, ByOne>,
    /// What members write where they may, whoever wrote it.
    by_permission: BTreeMap<GroupPermission, EventSet>,
}

/// What one person wrote.
#[derive(Default)]
struct ByOne {
    deeds: EventSet,
    left: EventSet,
}

impl Written {
    fn of(graph: &Graph) -> Self {
        let mut written = Self::default();
        for (at, entry) in graph.ordered() {
            let by = written.by_person.entry(entry.author).or_default();
            let action = entry.event.action();
            match action {
                GroupAction::Created { .. } | GroupAction::Joined => {}
                GroupAction::Left => by.left.insert(at),
                _ => by.deeds.insert(at),
            }
            if let Some(permission) = action.permission() {
                let all = written.by_permission.entry(permission);
                all.or_default().insert(at);
            }
        }
        written
    }
}

/// A member who is removed, is made no admin any more, or leaves, has no say by what they wrote beside that, as if they did not know of it;
/// else they could date an event back and undo everything. Nor has any member by what only a permission let them do beside the event that took it
/// away. Admins who were it earlier decide first, and only about later ones, so no two can put each other out.
pub(super) fn settled(graph: &Graph) -> Fold {
    let written = Written::of(graph);
    let mut void = EventSet::default();
    loop {
        let mut fold = Fold::default();
        let mut removals = Vec::new();
        for (at, entry) in graph.ordered().filter(|(at, _)| !void.contains(*at)) {
            removals.extend(fold.apply(at, entry));
        }
        // What the most senior admin did is not undone by anything that a later look brings.
        removals.sort_by_cached_key(Removal::order);
        let mut besides = removals.iter().filter_map(|removal| {
            let beside = beside(graph, removal, &written, &void)?;
            (!beside.is_empty()).then_some(beside)
        });
        match besides.next() {
            Some(beside) => void.extend(&beside),
            None => return fold,
        }
    }
}

/// What those whom a removal is about wrote beside it and lose by it.
fn beside(
    graph: &Graph,
    removal: &Removal,
    written: &Written,
    void: &EventSet,
) -> Option<EventSet> {
    let removing = graph.get(removal.event)?;
    let aside = |at: usize, entry: &Entry| {
        !void.contains(at)
            && !removing.ancestors.contains(at)
            && !entry.ancestors.contains(removal.event)
    };
    let mut found = EventSet::default();
    match removal.whom {
        Whose::Person(person) => {
            let by = written.by_person.get(&person)?;
            let both = [(&by.deeds, false), (&by.left, true)];
            for (at, left) in both
                .into_iter()
                .flat_map(|(set, left)| set.iter().map(move |at| (at, left)))
            {
                let Some(entry) = graph.get(at) else { continue };
                // A `Left` without something of theirs that the removal builds on is dated back: it would take with it what they did, and whom
                // they invited.
                let dated_back = || by.deeds.shares(&removing.ancestors, &entry.ancestors);
                if aside(at, entry) && (!left || dated_back()) {
                    found.insert(at);
                }
            }
        }
        Whose::Members(permission) => {
            for at in written.by_permission.get(&permission)?.iter() {
                let Some(entry) = graph.get(at) else { continue };
                if aside(at, entry) && by_member(graph, entry) {
                    found.insert(at);
                }
            }
        }
    }
    Some(found)
}

/// Whether the author of an event was no admin by what they knew.
fn by_member(graph: &Graph, entry: &Entry) -> bool {
    *entry.by_member.get_or_init(|| {
        let itself = entry.event.hash();
        let known = Fold::of(graph, |at| {
            entry.ancestors.contains(at)
                && graph
                    .get(at)
                    .is_some_and(|other| other.event.hash() != itself)
        });
        known.rank(entry.author).is_none()
    })
}
