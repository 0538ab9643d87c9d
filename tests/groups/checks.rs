//! What has to be so in every history.

use std::collections::BTreeMap;

use windlass::{GroupMember, GroupPermission, Message};

use super::History;

impl History {
    /// What is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if let Some(hostile) = &self.hostile {
            hostile.reads_too_much(self)?;
        }
        let in_group: Vec<u32> = (0..self.people)
            .filter(|one| !self.is_hostile(*one))
            .filter(|one| self.conversation(*one).is_joined().unwrap_or(false))
            .collect();
        // Where somebody makes up what nobody has, others know that something is missing, or seems to be.
        let informed = |one: &u32| {
            self.hostile.is_none() || !self.conversation(*one).is_incomplete().unwrap_or(false)
        };
        let informed: Vec<u32> = in_group.iter().copied().filter(informed).collect();
        let Some(first) = informed.first() else {
            return Ok(());
        };
        let (members, name) = (
            self.members(*first),
            self.conversation(*first).name().unwrap(),
        );
        let details = self.details(*first);
        for one in &informed {
            if self.members(*one) != members
                || self.conversation(*one).name().unwrap() != name
                || self.details(*one) != details
            {
                let names = |list: Vec<GroupMember>| {
                    list.iter()
                        .map(|m| {
                            format!(
                                "{}{}{}",
                                self.who(&m.address),
                                if m.joined { "+" } else { "" },
                                if m.admin { "!" } else { "" }
                            )
                        })
                        .collect::<Vec<_>>()
                        .join(" ")
                };
                return Err(format!(
                    "{one} sees [{}] [{}], {first} [{}] [{}]",
                    names(self.members(*one)),
                    self.log(*one).join(" "),
                    names(members),
                    self.log(*first).join(" ")
                ));
            }
        }
        // By id: what everybody says of the same message, and where it stands.
        let mut order: Vec<Vec<String>> = Vec::new();
        let mut said: BTreeMap<String, (u32, Vec<String>)> = BTreeMap::new();
        for one in 0..self.people {
            let shown = self.shown(one);
            for message in &shown {
                let mut reactions: Vec<_> = message
                    .reactions
                    .iter()
                    .map(|r| format!("{} {}", r.by, r.emoji))
                    .collect();
                reactions.sort();
                let mut all = vec![format!("{:?} {}", message.text, message.deleted)];
                // A former member is not told of what is said later.
                if in_group.contains(&one) {
                    all.extend(reactions);
                    let known = said.entry(message.id.clone()).or_insert((one, all.clone()));
                    let (other, as_seen) = known;
                    if *as_seen != all && self.both_heard(message, *other, one) {
                        return Err(format!("{one} and {other} see {all:?} and {as_seen:?}"));
                    }
                }
            }
            order.push(shown.into_iter().map(|message| message.id).collect());
        }
        // Of what crossed the event by which admins alone write, some have what others refuse.
        let written = self.written.iter().filter(|_| !self.announced);
        for (id, to) in written {
            // A member who gets the deletion first never gets the message.
            if (0..self.people).any(|one| self.shown(one).iter().any(|m| m.id == *id && m.deleted))
            {
                continue;
            }
            for one in 0..self.people {
                if to.contains(&self.client(one).address())
                    && !order[one as usize].contains(id)
                    && in_group.contains(&one)
                    && !self.was_out(one)
                {
                    let author = (0..self.people)
                        .find(|a| self.shown(*a).iter().any(|m| m.id == *id && m.outgoing))
                        .unwrap_or(99);
                    // While somebody is out, nothing of theirs is shown, nor anything to them.
                    if author != 99 && self.was_out(author) {
                        continue;
                    }
                    return Err(format!(
                        "{one} has not got {id} of {author}: {:?} {:?} {:?}",
                        self.log(one),
                        self.refused,
                        self.members(one)
                            .iter()
                            .map(|m| self.who(&m.address))
                            .collect::<Vec<_>>()
                    ));
                }
            }
        }
        let honest = (0..self.people).filter(|one| !self.is_hostile(*one));
        let order: Vec<_> = honest.map(|one| &order[one as usize]).collect();
        for (a, b) in order.iter().zip(order.iter().skip(1)) {
            let common = |list: &Vec<String>, other: &Vec<String>| -> Vec<String> {
                list.iter()
                    .filter(|id| other.contains(id))
                    .cloned()
                    .collect()
            };
            if common(a, b) != common(b, a) {
                return Err("another order".into());
            }
        }
        Ok(())
    }

    /// What the group is about, and what its admins keep for themselves.
    fn details(&self, one: u32) -> (String, Vec<bool>) {
        let group = self.conversation(one);
        let all = [
            GroupPermission::Write,
            GroupPermission::AddMembers,
            GroupPermission::ChangeDetails,
        ];
        let kept = all.map(|what| group.is_for_admins(what).unwrap());
        (group.description().unwrap(), kept.to_vec())
    }

    /// Whether everything that was said of the message was sent to both, and all of them were members all the time.
    fn both_heard(&self, message: &Message, a: u32, b: u32) -> bool {
        if self.announced || self.was_out(a) || self.was_out(b) {
            return false;
        }
        let (a, b) = (self.client(a).address(), self.client(b).address());
        let of = self.said.iter().filter(|(id, ..)| *id == message.id);
        of.into_iter()
            .all(|(_, who, to)| !self.was_out(*who) && to.contains(&a) && to.contains(&b))
    }
}
