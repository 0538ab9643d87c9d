//! A member who tells some and not others, makes up events, views and timers, and after a removal goes on as if it had not been.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_core::Rng;
use windlass::Identity;
use windlass::chat::{
    Body, GroupAction, GroupEvent, GroupEventNames, GroupId, GroupSync, GroupView,
};
use windlass::crypto::SeededRandom;
use windlass::limits::MIN_DISAPPEARING_SECONDS;

use crate::History;
use crate::support::program::{Place, Program};
use crate::support::seeds::{Below, identity, rng_of_run};

pub const WITHHOLDS: &str = "withholds";
pub const GOES_BACK: &str = "goes back to before a removal";
pub const FORGES_EVENTS: &str = "makes up events";
pub const FORGES_VIEW: &str = "makes up a view";
pub const FORGES_TIMER: &str = "sets a timer without being an admin";
pub const ASKS: &str = "asks for events and messages";
pub const LISTENS: &str = "reads after a removal";
pub const ATTACKS: [&str; 7] = [
    WITHHOLDS,
    GOES_BACK,
    FORGES_EVENTS,
    FORGES_VIEW,
    FORGES_TIMER,
    ASKS,
    LISTENS,
];

/// Who of the people it is, in every fourth history.
pub struct Chosen {
    pub who: u32,
    pub identity: Arc<Identity>,
    rng: SeededRandom,
}

impl Chosen {
    pub fn of(seed: u64, people: u32) -> Option<Self> {
        let mut rng = rng_of_run(8, seed);
        (seed % 4 == 3).then(|| Self {
            who: rng.below(people),
            identity: identity(&mut rng),
            rng,
        })
    }
}

pub struct Hostile {
    pub who: u32,
    rng: SeededRandom,
    /// A further device of this member's, that says what it likes.
    program: Program,
    address: String,
    /// Who is told nothing.
    cut_off: BTreeSet<String>,
    copied: bool,
    /// Ids of the messages that this member could read.
    pub read: BTreeSet<String>,
    pub attacks: BTreeMap<&'static str, u64>,
}

impl Hostile {
    pub fn new(chosen: Chosen, history: &History) -> Self {
        let Chosen {
            who,
            identity,
            mut rng,
        } = chosen;
        let others = (0..history.people).filter(|one| *one != who);
        let cut_off = others.filter(|_| rng.below(2) == 0);
        let cut_off = cut_off.map(|one| history.client(one).address()).collect();
        Self {
            who,
            program: Program::new(&identity, history.world.now(), &mut rng),
            address: identity.address(),
            rng,
            cut_off,
            copied: false,
            read: BTreeSet::new(),
            attacks: BTreeMap::new(),
        }
    }

    fn attacks(&mut self, how: &'static str) {
        *self.attacks.entry(how).or_default() += 1;
    }

    /// Before what waits goes over the network: holds back what is for those who are told nothing, and reads what is for this member.
    pub fn on_the_wire(&mut self, history: &History) {
        let client = history.client(self.who);
        let mut held = client.outbox(0).unwrap();
        held.retain(|envelope| self.cut_off.contains(&envelope.to));
        if !held.is_empty() {
            self.attacks(WITHHOLDS);
            let ids = held.iter().map(|envelope| envelope.id).collect();
            client.mark_sent(ids).unwrap();
        }
        for one in (0..history.people).filter(|one| *one != self.who) {
            for envelope in history.client(one).outbox(0).unwrap() {
                if envelope.to == self.address {
                    self.program.hear(&envelope.bytes);
                }
            }
        }
    }

    /// Has its chance after each step.
    pub fn act(&mut self, history: &History) {
        self.look(history);
        match self.rng.below(12) {
            0 if !self.copied => {
                self.copied = true;
                history.world.copy_disk(self.who, 0).unwrap();
            }
            1 if self.copied && !history.conversation(self.who).is_joined().unwrap_or(false) => {
                self.attacks(GOES_BACK);
                history.world.restore_disk(self.who, 0).unwrap();
                // In the state of then this may have been no member yet.
                let _ = history.conversation(self.who).send("still here".to_owned());
            }
            2 | 3 => self.forge_events(history),
            4 => self.forge_view(history),
            5 => self.forge_timer(history),
            6 | 7 => self.ask(history),
            _ => {}
        }
    }

    /// What can be read on this member's device: a state that is put back later forgets it, its owner does not.
    pub fn look(&mut self, history: &History) {
        let shown = history.shown(self.who).into_iter();
        let read = shown.filter(|message| message.text.is_some() && !message.outgoing);
        self.read.extend(read.map(|message| message.id));
        self.read.extend(self.program.read.drain(..));
        if !history.conversation(self.who).is_joined().unwrap_or(false) {
            self.attacks(LISTENS);
        }
    }

    fn group(history: &History) -> GroupId {
        GroupId::from_address(&history.group).unwrap()
    }

    fn say(&mut self, history: &History, to: u32, body: Body, place: Place) {
        let client = history.client(to);
        let (bundle, now) = (client.bundle().unwrap(), history.world.now());
        let envelope = self.program.say(&bundle, body, place, now, &mut self.rng);
        client.receive(envelope.into()).unwrap();
    }

    fn any_other(&mut self, history: &History) -> u32 {
        (self.who + 1 + self.rng.below(history.people - 1)) % history.people
    }

    fn in_group(history: &History, lamport: u64) -> Place {
        Place {
            group: Some(Self::group(history)),
            view: None,
            lamport,
        }
    }

    /// Nonsense, or what is signed and builds on events that nobody has.
    fn forge_events(&mut self, history: &History) {
        self.attacks(FORGES_EVENTS);
        let (to, about) = (self.any_other(history), self.any_other(history));
        let about = history.client(about).address();
        let about = windlass::identity::PublicIdentity::from_address(&about).unwrap();
        let mut parent = [0; 32];
        self.rng.fill_bytes(&mut parent);
        let action = match self.rng.below(4) {
            0 => GroupAction::MembersRemoved(vec![about]),
            1 => GroupAction::AdminsAdded(vec![self.program.identity.public()]),
            2 => GroupAction::Renamed("mine".to_owned()),
            _ => GroupAction::Joined,
        };
        let group = Self::group(history);
        let event = GroupEvent::sign(&self.program.identity, &group, &[parent], &action);
        let mut event = event.unwrap().encoded().to_vec();
        if self.rng.below(3) == 0 {
            let at = self.rng.below(event.len() as u32) as usize;
            event[at] ^= 1;
        }
        let (events, bundles) = (vec![event], Vec::new());
        let body = if self.rng.below(2) == 0 {
            Body::GroupEvents { events, bundles }
        } else {
            Body::GroupSync(GroupSync {
                have: None,
                events,
                bundles,
            })
        };
        let lamport = u64::from(matches!(body, Body::GroupEvents { .. }));
        self.say(history, to, body, Self::in_group(history, lamport));
    }

    /// Says to have events that there are not.
    fn forge_view(&mut self, history: &History) {
        self.attacks(FORGES_VIEW);
        let mut view = GroupView::default();
        let mut head = [0; 16];
        self.rng.fill_bytes(&mut view.digest);
        self.rng.fill_bytes(&mut head);
        view.heads.push(head);
        let place = Place {
            view: Some(view),
            ..Self::in_group(history, 3)
        };
        let to = self.any_other(history);
        self.say(history, to, Body::Text("you lack something".into()), place);
    }

    fn forge_timer(&mut self, history: &History) {
        let is_admin = |one| {
            let mut members = history.members(one).into_iter();
            members.any(|member| member.admin && member.address == self.address)
        };
        if (0..history.people).any(is_admin) {
            return;
        }
        self.attacks(FORGES_TIMER);
        let to = self.any_other(history);
        let timer = Body::DisappearingTimer(MIN_DISAPPEARING_SECONDS * 1000);
        self.say(history, to, timer, Self::in_group(history, 1));
    }

    fn ask(&mut self, history: &History) {
        self.attacks(ASKS);
        let to = self.any_other(history);
        if self.rng.below(2) == 0 {
            let have = GroupEventNames::of(std::iter::empty(), &mut self.rng);
            let sync = GroupSync {
                have: Some(have),
                events: Vec::new(),
                bundles: Vec::new(),
            };
            let place = Self::in_group(history, 0);
            self.say(history, to, Body::GroupSync(sync), place);
        } else {
            let client = history.client(to);
            let (bundle, now) = (client.bundle().unwrap(), history.world.now());
            let envelope = self.program.ask(&bundle, now, &mut self.rng);
            client.receive(envelope.into()).unwrap();
        }
    }

    /// What this member reads and was written by somebody who knew that they are out, if there is anything.
    pub fn reads_too_much(&self, history: &History) -> Result<(), String> {
        for id in &self.read {
            let to = history.written.get(id);
            if to.is_some_and(|to| !to.contains(&self.address)) {
                return Err(format!("{} reads {id}, that was not for them", self.who));
            }
        }
        Ok(())
    }
}
