//! Random histories of groups over a network that loses, repeats, delays and reorders: in the end all members see one membership, and
//! everybody has what was written to them, in one order.
//!
//! `WINDLASS_HISTORIES=20000 cargo test --release --test groups` runs more; `WINDLASS_HISTORY=7` runs one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use support::seeds::{Below, number, rng_of_run, run_all};
use support::worlds::{HOUR, MINUTE, NO_FAULTS};
use windlass::crypto::SeededRandom;
use windlass::{
    Client, Conversation, Faults, GroupChangeKind, GroupMember, Message, Simulation, WindlassError,
};

/// Rounds until everything that is due has been done.
const ROUNDS: u32 = 40;

struct History {
    world: Arc<Simulation>,
    rng: SeededRandom,
    people: u32,
    group: String,
    /// Who every message was written to, by its id.
    written: BTreeMap<String, BTreeSet<String>>,
    /// Who said something of a message, and who heard of it, by that message's id.
    said: Vec<(String, u32, BTreeSet<String>)>,
    refused: Vec<String>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut history = Self {
            world: Simulation::new(seed),
            rng: rng_of_run(0, seed),
            people: 0,
            group: String::new(),
            written: BTreeMap::new(),
            said: Vec::new(),
            refused: Vec::new(),
        };
        history.people = 3 + history.rng.below(6);
        for person in 0..history.people {
            history.world.add_person().unwrap();
            // The others meet in the group alone.
            if person > 0 {
                history.world.introduce(0, person).unwrap();
            }
        }
        let first = history.client(0);
        let some = (1..history.people)
            .filter(|_| history.rng.below(3) > 0)
            .collect::<Vec<_>>();
        let members = some
            .iter()
            .map(|one| history.client(*one).address())
            .collect();
        history.group = first
            .create_group("harbour".into(), members)
            .unwrap()
            .address();
        history.world.run().unwrap();
        for one in some {
            if history.rng.below(4) > 0 {
                history.conversation(one).join().unwrap();
            }
        }
        history.world.run().unwrap();
        history
    }

    fn client(&self, person: u32) -> Arc<Client> {
        self.world.client(person, 0).unwrap()
    }

    fn conversation(&self, person: u32) -> Arc<Conversation> {
        self.client(person)
            .conversation(self.group.clone())
            .unwrap()
    }

    fn members(&self, person: u32) -> Vec<GroupMember> {
        self.conversation(person).members().unwrap_or_default()
    }

    /// Whom a message of somebody to the group reaches: the members they know and can write to.
    fn reached(&self, who: u32) -> BTreeSet<String> {
        let client = self.client(who);
        let members = self.members(who).into_iter().map(|member| member.address);
        members
            .filter(|one| *one == client.address() || client.contact(one.clone()).is_ok())
            .collect()
    }

    /// Somebody does something, as far as they may.
    fn step(&mut self) {
        let who = self.rng.below(self.people);
        let whom = self.rng.below(self.people);
        let address = self.client(whom).address();
        let group = self.conversation(who);
        let done = match self.rng.below(16) {
            0 => group.rename(format!("name {}", self.rng.below(100))),
            1 | 2 => group.add_members(vec![address]),
            3 => group.remove_members(vec![address]),
            4 => group.add_admins(vec![address]),
            5 => group.remove_admins(vec![address]),
            6 => group.leave(),
            7..=9 => group.join(),
            10..=13 => {
                let to = self.reached(who);
                group
                    .send(format!("text {}", self.rng.below(1_000)))
                    .map(|sent| {
                        self.written.insert(sent.message_id, to);
                    })
            }
            _ => self.say_something_of_a_message(who, &group),
        };
        match done {
            Ok(())
            | Err(
                WindlassError::UnknownGroup
                | WindlassError::UnknownContact
                | WindlassError::NotAnAdmin(_)
                | WindlassError::NotAMember
                | WindlassError::GroupRefused(_)
                | WindlassError::NotTheAuthor,
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    fn say_something_of_a_message(
        &mut self,
        who: u32,
        group: &Conversation,
    ) -> Result<(), WindlassError> {
        let mut texts = group
            .messages(50, None)?
            .into_iter()
            .filter(|m| m.text.is_some() && !m.deleted);
        let Some(message) = texts.next_back() else {
            return Ok(());
        };
        let address = self.client(who).address();
        let (id, to) = (message.id.clone(), self.reached(who));
        match self.rng.below(4) {
            0 | 1 => group.react(message, "👍".into())?,
            2 => group.edit(message, "changed".into())?,
            _ if message.author == address => group.delete(message)?,
            _ => group.unreact(message, "👍".into())?,
        };
        self.said.push((id, who, to));
        Ok(())
    }

    fn run(&mut self) {
        self.world.set_faults(Faults {
            drop: 150,
            duplicate: 100,
            delay: 200,
            crash: 20,
        });
        for _ in 0..10 + self.rng.below(15) {
            self.step();
            if self.rng.below(3) > 0 {
                self.world.run().unwrap();
            }
            if self.rng.below(4) == 0 {
                self.world.advance(MINUTE * 15).unwrap();
            }
        }
        self.world.set_faults(NO_FAULTS);
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            let delivered = self.world.run().unwrap();
            for d in &delivered {
                for e in &d.events {
                    match e {
                        windlass::Event::Refused {
                            address, reason, ..
                        } => self.refused.push(format!(
                            "{} refuses {} {reason:?}",
                            d.person,
                            self.who(address)
                        )),
                        windlass::Event::Undecryptable { cause, .. } => {
                            self.refused.push(format!("{} cannot {cause:?}", d.person))
                        }
                        _ => {}
                    }
                }
            }
            quiet = if delivered.is_empty() { quiet + 1 } else { 0 };
            if quiet > 3 {
                return;
            }
            self.world.advance(HOUR * 4).unwrap();
        }
    }

    fn who(&self, address: &str) -> u32 {
        (0..self.people)
            .find(|one| self.client(*one).address() == address)
            .unwrap_or(99)
    }

    fn shown(&self, person: u32) -> Vec<Message> {
        self.conversation(person).messages(10_000, None).unwrap()
    }

    /// The changes of the group as somebody sees them.
    fn log(&self, person: u32) -> Vec<String> {
        let shown = self.shown(person);
        let changes = shown.iter().filter_map(|message| match &message.body {
            windlass::Body::Group { change } => Some(change),
            _ => None,
        });
        changes
            .map(|change| {
                let about: String = change
                    .members
                    .iter()
                    .map(|a| self.who(a).to_string())
                    .collect();
                format!("{}:{:?}:{about}", self.who(&change.by), change.kind)
            })
            .collect()
    }

    /// Whether somebody left, or was put out, at some time.
    fn was_out(&self, person: u32) -> bool {
        let address = self.client(person).address();
        (0..self.people).any(|reader| {
            self.shown(reader)
                .iter()
                .any(|message| match &message.body {
                    windlass::Body::Group { change } => match change.kind {
                        GroupChangeKind::Left => change.by == address,
                        GroupChangeKind::MembersRemoved => change.members.contains(&address),
                        _ => false,
                    },
                    _ => false,
                })
        })
    }

    /// What is wrong, if anything is.
    fn check(&self) -> Result<(), String> {
        let in_group: Vec<u32> = (0..self.people)
            .filter(|one| self.conversation(*one).is_joined().unwrap_or(false))
            .collect();
        let Some(first) = in_group.first() else {
            return Ok(());
        };
        let (members, name) = (
            self.members(*first),
            self.conversation(*first).name().unwrap(),
        );
        for one in &in_group {
            if self.members(*one) != members || self.conversation(*one).name().unwrap() != name {
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
        for (id, to) in &self.written {
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

    /// Whether everything that was said of the message was sent to both, and all of them were members all the time.
    fn both_heard(&self, message: &Message, a: u32, b: u32) -> bool {
        if self.was_out(a) || self.was_out(b) {
            return false;
        }
        let (a, b) = (self.client(a).address(), self.client(b).address());
        let of = self.said.iter().filter(|(id, ..)| *id == message.id);
        of.into_iter()
            .all(|(_, who, to)| !self.was_out(*who) && to.contains(&a) && to.contains(&b))
    }
}

fn run(seed: u64) -> Result<(usize, u64), String> {
    let mut history = History::new(seed);
    history.run();
    history
        .check()
        .map_err(|what| format!("history {seed}: {what}"))?;
    let faults = history.world.tally().iter().map(|tally| tally.times).sum();
    Ok((history.written.len(), faults))
}

#[test]
fn all_members_see_one_membership_and_one_order() {
    let seeds = match number("WINDLASS_HISTORY") {
        Some(one) => one..one + 1,
        None => 0..number("WINDLASS_HISTORIES").unwrap_or(2_000),
    };
    let failed = Mutex::new(Vec::new());
    let (messages, faults) = (AtomicU64::new(0), AtomicU64::new(0));
    let count = seeds.end - seeds.start;
    run_all(seeds, |seed| match run(seed) {
        Ok((written, bad)) => {
            messages.fetch_add(written as u64, Ordering::Relaxed);
            faults.fetch_add(bad, Ordering::Relaxed);
        }
        Err(what) => failed.lock().unwrap().push(what),
    });
    let failed = failed.into_inner().unwrap();
    println!(
        "{} histories, {} messages, {} faults, {} failed",
        count,
        messages.into_inner(),
        faults.into_inner(),
        failed.len()
    );
    assert!(failed.is_empty(), "{:#?}", &failed[..failed.len().min(10)]);
}
