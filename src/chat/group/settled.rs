//! What follows from all events of a log, whatever was written beside what (RFC windlass §9.6.7).

use std::collections::BTreeMap;

use super::event::GroupAction;
use super::graph::{EventSet, Graph, Person};
use super::membership::{Fold, Removal};

/// What one person wrote.
#[derive(Default)]
struct Written {
    as_admin: EventSet,
    left: EventSet,
}

/// A member who is removed, is made no admin any more, or leaves, has no say by what they wrote beside that, as if they did not know of it;
/// else they could date an event back and undo everything. Admins who were it earlier decide first, and only about later ones, so no
/// two can put each other out.
pub(super) fn settled(graph: &Graph) -> Fold {
    let mut written: BTreeMap<Person, Written> = BTreeMap::new();
    for (at, entry) in graph.ordered() {
        let by = written.entry(entry.author).or_default();
        match entry.event.action() {
            GroupAction::Created { .. } | GroupAction::Joined => {}
            GroupAction::Left => by.left.insert(at),
            _ => by.as_admin.insert(at),
        }
    }
    let mut void = EventSet::default();
    loop {
        let mut fold = Fold::default();
        let mut removals = Vec::new();
        for (at, entry) in graph.ordered().filter(|(at, _)| !void.contains(*at)) {
            removals.extend(fold.apply(at, entry));
        }
        removals.retain(|removal| written.contains_key(&removal.whom));
        // What the most senior admin did is not undone by anything that a later look brings.
        removals.sort_by_cached_key(Removal::order);
        let mut besides = removals.iter().filter_map(|removal| {
            let beside = beside(graph, removal, written.get(&removal.whom)?, &void);
            (!beside.is_empty()).then_some(beside)
        });
        match besides.next() {
            Some(beside) => void.extend(&beside),
            None => return fold,
        }
    }
}

/// What the one whom a removal is about wrote beside it and loses by it. What needs an admin; and a `Left` without something of theirs
/// that the removal builds on: it is dated back, and would take with it what they did as an admin, and whom they invited.
fn beside(graph: &Graph, removal: &Removal, written: &Written, void: &EventSet) -> EventSet {
    let mut found = EventSet::default();
    let Some(removing) = graph.get(removal.event) else {
        return found;
    };
    let both = [(&written.as_admin, false), (&written.left, true)];
    for (at, left) in both
        .into_iter()
        .flat_map(|(set, left)| set.iter().map(move |at| (at, left)))
    {
        let Some(entry) = graph.get(at) else { continue };
        let aside = !void.contains(at)
            && !removing.ancestors.contains(at)
            && !entry.ancestors.contains(removal.event);
        let dated_back = || {
            written
                .as_admin
                .shares(&removing.ancestors, &entry.ancestors)
        };
        if aside && (!left || dated_back()) {
            found.insert(at);
        }
    }
    found
}
