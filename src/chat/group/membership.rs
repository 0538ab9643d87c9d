//! Who belongs to a group: what follows from events that are applied one after another (RFC windlass §9.6.5).

use std::collections::BTreeMap;

use super::event::{EventHash, GroupAction, GroupEventError};
use super::graph::{Entry, Graph, Person};
use super::permission::{GroupPermission, GroupPermissions};
use crate::chat::names::IdentityKey;
use crate::chat::picture::Picture;
use crate::identity::PublicIdentity;
use crate::limits::MAX_GROUP_MEMBERS;

/// Somebody who belongs to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub identity: PublicIdentity,
    /// Whether they said that they take part.
    pub joined: bool,
    /// For an admin, their rank: it is lower for who became it earlier. Nothing for the others.
    pub admin: Option<u64>,
    /// Lower for who became a member earlier.
    since: u64,
}

/// What a group is called, who belongs to it, and who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Its name.
    pub name: String,
    /// What it is about; empty for nothing.
    pub description: String,
    /// Its picture.
    pub picture: Picture,
    /// What admins keep for themselves.
    pub permissions: GroupPermissions,
    members: BTreeMap<IdentityKey, Member>,
}

impl Membership {
    pub(super) fn new(fold: &Fold, graph: &Graph) -> Self {
        let member = |(person, standing): (&Person, &Standing)| {
            let identity = *graph.identity(*person)?;
            let member = Member {
                identity,
                joined: standing.joined,
                admin: standing.rank,
                since: standing.since,
            };
            Some((identity.to_bytes(), member))
        };
        Self {
            name: fold.name.clone(),
            description: fold.description.clone(),
            picture: fold.picture.clone(),
            permissions: fold.permissions,
            members: fold.members.iter().filter_map(member).collect(),
        }
    }

    /// The members, the eldest first.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        let mut all: Vec<_> = self.members.values().copied().collect();
        all.sort_by_key(|member| member.since);
        all
    }

    /// One member.
    #[must_use]
    pub fn member(&self, identity: &PublicIdentity) -> Option<&Member> {
        self.members.get(&identity.to_bytes())
    }
}

/// What somebody is in a group.
#[derive(Debug, Clone, Copy)]
struct Standing {
    joined: bool,
    rank: Option<u64>,
    since: u64,
}

/// Somebody who left.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// The rank that they had.
    rank: Option<u64>,
    /// The place of their `Left`.
    by: usize,
}

/// Who has no say by what they wrote beside an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Somebody, by anything that needs an admin.
    Person(Person),
    /// Everybody who was no admin, by what a permission let them do.
    Members(GroupPermission),
}

/// Ends what somebody has to say in the group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removal {
    /// The event that does it.
    pub(super) event: usize,
    /// Whose say it ends.
    pub(super) whom: Whose,
    rank: u64,
    /// How many events of others a `Left` builds on, and how many of all; 0 for any other.
    seen: (usize, usize),
    left: bool,
    hash: EventHash,
}

impl Removal {
    /// Whom alone it is about.
    fn person(&self) -> Option<Person> {
        match self.whom {
            Whose::Person(person) => Some(person),
            Whose::Members(_) => None,
        }
    }

    /// The first one is followed first: by the rank of who wrote it. Of two `Left` of one author the one that knows more of what others
    /// wrote, since all the rest can be made up by the author alone.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let seen = core::cmp::Reverse(self.seen);
        (self.rank, !self.left, seen, self.hash)
    }
}

/// What follows from the events that were applied so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Fold {
    name: String,
    description: String,
    picture: Picture,
    permissions: GroupPermissions,
    members: BTreeMap<Person, Standing>,
    gone: BTreeMap<Person, Gone>,
    counter: u64,
}

impl Fold {
    /// What follows from those events of a log, in their order, that `within` names.
    pub(super) fn of(graph: &Graph, within: impl Fn(usize) -> bool) -> Self {
        let mut fold = Self::default();
        for (at, entry) in graph.ordered().filter(|(at, _)| within(*at)) {
            fold.apply(at, entry);
        }
        fold
    }

    /// The rank of an admin.
    pub(super) fn rank(&self, who: Person) -> Option<u64> {
        self.members.get(&who).and_then(|standing| standing.rank)
    }

    /// Whether the author may do that, as things stand.
    pub(super) fn permits(&self, entry: &Entry) -> Result<(), GroupEventError> {
        let listed = || entry.listed.iter().map(|one| self.members.get(one));
        let author = self.members.get(&entry.author);
        let some = |can: bool| can.then_some(()).ok_or(GroupEventError::NoEffect);
        let Some(author) = author else {
            return match entry.event.action() {
                GroupAction::Created { .. } => some(self.members.is_empty()),
                _ => Err(GroupEventError::NotAMember),
            };
        };
        match entry.event.action() {
            GroupAction::Created { .. } => Err(GroupEventError::NoEffect),
            GroupAction::Joined => some(!author.joined),
            GroupAction::Left => Ok(()),
            action
                if author.rank.is_none() && !self.permissions.let_members(action.permission()) =>
            {
                Err(GroupEventError::NotAnAdmin)
            }
            GroupAction::Renamed(_)
            | GroupAction::Described(_)
            | GroupAction::PictureSet(_)
            | GroupAction::Permitted { .. } => Ok(()),
            GroupAction::MembersAdded(_) => {
                let new = listed().filter(Option::is_none).count();
                some(new > 0 && self.members.len() + new <= MAX_GROUP_MEMBERS)
            }
            GroupAction::AdminsAdded(_) => {
                some(listed().flatten().any(|member| member.rank.is_none()))
            }
            GroupAction::MembersRemoved(_) | GroupAction::AdminsRemoved(_) => {
                let mut known = listed().flatten().peekable();
                some(known.peek().is_some())?;
                let may = known.any(|member| may_demote(author.rank, member.rank));
                may.then_some(()).ok_or(GroupEventError::NotAnAdmin)
            }
        }
    }

    /// Whose say an event ends, as things stand before it. Who left by an event that it does not build on is taken for what they were:
    /// else they could escape it, with all that they wrote beside it, by a `Left` that is dated back.
    fn removals(&self, at: usize, entry: &Entry) -> Vec<Removal> {
        let rank_of = |who: Person| match (self.members.get(&who), self.gone.get(&who)) {
            (Some(member), _) => Some(member.rank),
            (None, Some(gone)) if !entry.ancestors.contains(gone.by) => Some(gone.rank),
            _ => None,
        };
        let removal = |whom: Person, rank: u64| Removal {
            event: at,
            whom: Whose::Person(whom),
            rank,
            seen: (0, 0),
            left: false,
            hash: entry.event.hash(),
        };
        match entry.event.action() {
            GroupAction::Left => {
                let rank = rank_of(entry.author);
                let left = rank.map(|rank| Removal {
                    left: true,
                    seen: (entry.by_others, entry.ancestors.iter().count()),
                    ..removal(entry.author, rank.unwrap_or(u64::MAX))
                });
                left.into_iter().collect()
            }
            GroupAction::MembersRemoved(_) | GroupAction::AdminsRemoved(_) => {
                let Some(rank) = self.rank(entry.author) else {
                    return Vec::new();
                };
                let listed = entry.listed.iter().copied();
                let reached = listed
                    .filter(|one| rank_of(*one).is_some_and(|whom| may_demote(Some(rank), whom)));
                reached.map(|one| removal(one, rank)).collect()
            }
            GroupAction::Permitted {
                what,
                admins_only: true,
            } => {
                let ends = self.rank(entry.author).map(|rank| Removal {
                    whom: Whose::Members(*what),
                    ..removal(entry.author, rank)
                });
                ends.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Does what an event says, as far as its author may; whose say it ends.
    pub(super) fn apply(&mut self, at: usize, entry: &Entry) -> Vec<Removal> {
        #[cfg(test)]
        super::APPLIED.set(super::APPLIED.get() + 1);
        let removals = self.removals(at, entry);
        if self.permits(entry).is_err() {
            return removals;
        }
        self.counter += 1;
        self.change(at, entry, &removals);
        removals
    }

    /// What an event that its author may write changes.
    fn change(&mut self, at: usize, entry: &Entry, removals: &[Removal]) {
        // Sixty-four places for each event.
        let first = self.counter * 64;
        let author = entry.author;
        let listed = (first..).zip(&entry.listed);
        match entry.event.action() {
            GroupAction::Created { name, .. } => {
                self.name.clone_from(name);
                let creator = Standing {
                    joined: true,
                    rank: Some(0),
                    since: 0,
                };
                self.members.insert(author, creator);
            }
            GroupAction::Renamed(name) => self.name.clone_from(name),
            GroupAction::Described(description) => self.description.clone_from(description),
            GroupAction::PictureSet(picture) => self.picture.clone_from(picture),
            GroupAction::Permitted { what, admins_only } => {
                self.permissions = self.permissions.with(*what, *admins_only);
            }
            GroupAction::MembersAdded(_) => {
                for (since, one) in listed {
                    self.gone.remove(one);
                    self.members.entry(*one).or_insert(Standing {
                        joined: false,
                        rank: None,
                        since,
                    });
                }
            }
            GroupAction::Joined => {
                if let Some(member) = self.members.get_mut(&author) {
                    member.joined = true;
                }
            }
            GroupAction::Left => {
                let rank = self.members.remove(&author).and_then(|member| member.rank);
                self.gone.insert(author, Gone { rank, by: at });
                self.keep_an_admin(first);
            }
            GroupAction::MembersRemoved(_) => {
                for one in removals.iter().filter_map(Removal::person) {
                    self.members.remove(&one);
                }
            }
            GroupAction::AdminsRemoved(_) => {
                for one in removals.iter().filter_map(Removal::person) {
                    if let Some(member) = self.members.get_mut(&one) {
                        member.rank = None;
                    }
                }
            }
            GroupAction::AdminsAdded(_) => {
                for (rank, one) in listed {
                    if let Some(member) = self.members.get_mut(one) {
                        member.rank = member.rank.or(Some(rank));
                    }
                }
            }
        }
    }

    /// When the last admin left, the eldest member who takes part becomes one.
    fn keep_an_admin(&mut self, rank: u64) {
        if self.members.values().any(|member| member.rank.is_some()) {
            return;
        }
        let members = self.members.values_mut();
        if let Some(eldest) = members.min_by_key(|member| (!member.joined, member.since)) {
            eldest.rank = Some(rank);
        }
    }
}

/// Admins may remove members, and admins who became it after them.
fn may_demote(author: Option<u64>, whom: Option<u64>) -> bool {
    match (author, whom) {
        (Some(author), Some(whom)) => author < whom,
        (author, None) => author.is_some(),
        (None, Some(_)) => false,
    }
}
