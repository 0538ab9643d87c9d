//! Who belongs to a group: what follows from its events.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{EventHash, GroupAction, GroupEvent, GroupEventError};
use crate::chat::control::IdentityKey;
use crate::identity::PublicIdentity;
use crate::limits::MAX_GROUP_MEMBERS;

/// Somebody who belongs to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub identity: PublicIdentity,
    /// Whether they said that they take part.
    pub joined: bool,
    /// For an admin, how many became it before them; nothing for the others.
    pub admin: Option<u64>,
    /// How many became members before them.
    since: u64,
}

/// A group's name and members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Its name.
    pub name: String,
    members: BTreeMap<IdentityKey, Member>,
    counter: u64,
}

/// Somebody's say in the group ended by this event.
struct Demotion {
    event: EventHash,
    /// How senior the admin is who did it.
    rank: u64,
    whom: IdentityKey,
}

impl Membership {
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

    /// What follows from events in their order.
    pub(super) fn of<'a>(events: impl Iterator<Item = (u64, &'a GroupEvent)>) -> Self {
        let mut membership = Self::default();
        for (_, event) in events {
            membership.apply(event);
        }
        membership
    }

    /// What follows from all events of a log. Whoever is put out, or is made no admin any more, has no say either by what they wrote at
    /// the same time without knowing of it; else they could date an event back and undo everything. Admins who were it earlier decide
    /// first, and only about later ones, so no two can put each other out.
    pub(super) fn settled(
        events: &[(u64, &GroupEvent)],
        ancestors: impl Fn(&GroupEvent) -> BTreeSet<EventHash>,
    ) -> Self {
        let mut void: BTreeSet<EventHash> = BTreeSet::new();
        let before: BTreeMap<EventHash, BTreeSet<EventHash>> = events
            .iter()
            .map(|(_, event)| (event.hash(), ancestors(event)))
            .collect();
        let knows = |event: &EventHash, other: &EventHash| {
            before
                .get(event)
                .is_some_and(|before| before.contains(other))
        };
        loop {
            let mut membership = Self::default();
            let mut demotions = Vec::new();
            for (_, event) in events.iter().filter(|(_, e)| !void.contains(&e.hash())) {
                demotions.extend(membership.apply(event));
            }
            // What the most senior admin did is not undone by anything that a later look brings.
            demotions.sort_by_key(|demotion| (demotion.rank, demotion.event));
            let next = demotions.iter().find_map(|demotion| {
                let at_once: Vec<_> = events
                    .iter()
                    .map(|(_, event)| event)
                    .filter(|event| {
                        let hash = event.hash();
                        event.author().to_bytes() == demotion.whom
                            && event.action().is_for_admins()
                            && !void.contains(&hash)
                            && !knows(&hash, &demotion.event)
                            && !knows(&demotion.event, &hash)
                    })
                    .map(|event| event.hash())
                    .collect();
                (!at_once.is_empty()).then_some(at_once)
            });
            match next {
                Some(hashes) => void.extend(hashes),
                None => return membership,
            }
        }
    }

    /// Whether the author may do that, as things stand.
    pub(super) fn permits(&self, event: &GroupEvent) -> Result<(), GroupEventError> {
        let author = self.member(event.author());
        let admin = author.and_then(|author| author.admin);
        match event.action() {
            GroupAction::Created { .. } if self.members.is_empty() => Ok(()),
            GroupAction::Created { .. } => Err(GroupEventError::Void),
            _ if author.is_none() => Err(GroupEventError::NotAMember),
            GroupAction::Joined | GroupAction::Left => Ok(()),
            _ if admin.is_none() => Err(GroupEventError::NotAnAdmin),
            GroupAction::Renamed(_) => Ok(()),
            GroupAction::MembersAdded(list) => {
                let new = list.iter().filter(|one| self.member(one).is_none()).count();
                if new == 0 || self.members.len() + new > MAX_GROUP_MEMBERS {
                    return Err(GroupEventError::Void);
                }
                Ok(())
            }
            GroupAction::AdminsAdded(list) => {
                let can =
                    |one: &PublicIdentity| self.member(one).is_some_and(|m| m.admin.is_none());
                list.iter()
                    .any(can)
                    .then_some(())
                    .ok_or(GroupEventError::Void)
            }
            GroupAction::MembersRemoved(list) | GroupAction::AdminsRemoved(list) => {
                let mut known = list.iter().filter_map(|one| self.member(one)).peekable();
                if known.peek().is_none() {
                    return Err(GroupEventError::Void);
                }
                let may = |whom: &Member| self.may_demote(event.author(), whom);
                known
                    .any(may)
                    .then_some(())
                    .ok_or(GroupEventError::NotAnAdmin)
            }
        }
    }

    /// Admins may put out members, and admins who became it after them.
    fn may_demote(&self, author: &PublicIdentity, whom: &Member) -> bool {
        match (
            self.member(author).and_then(|author| author.admin),
            whom.admin,
        ) {
            (Some(_), None) => true,
            (Some(author), Some(whom)) => author < whom,
            (None, _) => false,
        }
    }

    /// Does what an event says, as far as its author may.
    fn apply(&mut self, event: &GroupEvent) -> Vec<Demotion> {
        if self.permits(event).is_err() {
            return Vec::new();
        }
        self.counter += 1;
        let count = self.counter;
        let author = *event.author();
        let rank = self
            .member(&author)
            .and_then(|author| author.admin)
            .unwrap_or(0);
        let mut demotions = Vec::new();
        match event.action() {
            GroupAction::Created { name, .. } => {
                self.name.clone_from(name);
                let creator = Member {
                    identity: author,
                    joined: true,
                    admin: Some(0),
                    since: 0,
                };
                self.members.insert(author.to_bytes(), creator);
            }
            GroupAction::Renamed(name) => self.name.clone_from(name),
            GroupAction::MembersAdded(list) => {
                for (place, identity) in list.iter().enumerate() {
                    // Sixty-four places for each event.
                    let since = count * 64 + place as u64;
                    self.members.entry(identity.to_bytes()).or_insert(Member {
                        identity: *identity,
                        joined: false,
                        admin: None,
                        since,
                    });
                }
            }
            GroupAction::Joined => {
                if let Some(member) = self.members.get_mut(&author.to_bytes()) {
                    member.joined = true;
                }
            }
            GroupAction::Left => {
                self.members.remove(&author.to_bytes());
                self.keep_an_admin(count);
            }
            GroupAction::MembersRemoved(list) | GroupAction::AdminsRemoved(list) => {
                let put_out = matches!(event.action(), GroupAction::MembersRemoved(_));
                for identity in list {
                    let key = identity.to_bytes();
                    let may = self.members.get(&key);
                    if !may.is_some_and(|whom| self.may_demote(&author, whom)) {
                        continue;
                    }
                    if put_out {
                        self.members.remove(&key);
                    } else if let Some(member) = self.members.get_mut(&key) {
                        member.admin = None;
                    }
                    demotions.push(Demotion {
                        event: event.hash(),
                        rank,
                        whom: key,
                    });
                }
            }
            GroupAction::AdminsAdded(list) => {
                for (place, identity) in list.iter().enumerate() {
                    if let Some(member) = self.members.get_mut(&identity.to_bytes())
                        && member.admin.is_none()
                    {
                        member.admin = Some(count * 64 + place as u64);
                    }
                }
            }
        }
        demotions
    }

    /// When the last admin left, the eldest member who takes part becomes one.
    fn keep_an_admin(&mut self, count: u64) {
        if self.members.values().any(|member| member.admin.is_some()) {
            return;
        }
        let members = self.members.values_mut();
        let eldest = members.min_by_key(|member| (!member.joined, member.since));
        if let Some(eldest) = eldest {
            eldest.admin = Some(count * 64);
        }
    }
}

impl GroupAction {
    fn is_for_admins(&self) -> bool {
        !matches!(self, Self::Created { .. } | Self::Joined | Self::Left)
    }
}
