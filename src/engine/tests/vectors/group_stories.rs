//! What comes to a device that belongs to a group, or is asked to.

use serde_json::{Value, json};

use super::firsts::Writer;
use super::histories::said;
use super::*;
use crate::chat::{GroupEvent, GroupLog, GroupSync};
use crate::crypto::seeded;

/// The people besides the user, who is number 0: the first two are contacts, of the others there are bundles.
pub(super) const PEOPLE: u8 = 4;
const ALICE: usize = 1;
const BOB: usize = 2;
const CAROL: usize = 3;
const DAVE: usize = 4;

pub(super) fn person(number: usize) -> Writer {
    let seed = u8::try_from(number).unwrap();
    Writer::new(seed, 100 + u32::from(seed))
}

pub(super) fn bundle(number: usize) -> Vec<u8> {
    let person = person(number);
    person.bundle(&[person.device_id], 10)
}

/// Everybody, the user first.
pub(super) fn everybody() -> Vec<PublicIdentity> {
    let own = IdentityKeyPair::from_seed(&Secret::new([9; 32])).public();
    let others = (1..=usize::from(PEOPLE)).map(|number| person(number).identity.public());
    core::iter::once(own).chain(others).collect()
}

/// A story of one group, and all events of it that anybody wrote.
struct Story {
    id: GroupId,
    events: Vec<GroupEvent>,
    steps: Vec<Value>,
    count: u32,
}

impl Story {
    /// The first of the others makes the group and invites some.
    fn new(members: &[usize]) -> Self {
        let alice = person(ALICE).identity;
        let (name, nonce) = ("crew".to_owned(), [1; 16]);
        let id = GroupId::of(&alice.public().to_bytes(), &nonce, &name);
        let created = GroupAction::Created { name, nonce };
        let created = GroupEvent::sign(&alice, &id, &[], &created).unwrap();
        let mut story = Self {
            id,
            events: vec![created],
            steps: Vec::new(),
            count: 0,
        };
        story.write(ALICE, &[0], GroupAction::MembersAdded(story.keys(members)));
        story
    }

    /// The same, of which the user and the others know it all and take part: events 0 and 1, then each one's `Joined`, the user's last.
    fn joined(members: &[usize]) -> Self {
        let mut story = Self::new(members);
        let others: Vec<usize> = members.iter().copied().filter(|one| *one != 0).collect();
        for one in &others {
            story.write(*one, &[1], GroupAction::Joined);
        }
        let all: Vec<usize> = (0..story.events.len()).collect();
        let mut story = story.brings(ALICE, &all, &others).does("join");
        story.write(0, &[1], GroupAction::Joined);
        story
    }

    fn keys(&self, people: &[usize]) -> Vec<PublicIdentity> {
        let everybody = everybody();
        let mut keys: Vec<_> = people.iter().map(|one| everybody[*one]).collect();
        keys.sort_by_key(PublicIdentity::to_bytes);
        keys
    }

    /// Somebody writes an event on top of others; its number.
    fn write(&mut self, by: usize, on: &[usize], action: GroupAction) -> usize {
        let identity = match by {
            0 => IdentityKeyPair::from_seed(&Secret::new([9; 32])),
            other => person(other).identity,
        };
        let mut parents: Vec<_> = on.iter().map(|one| self.events[*one].hash()).collect();
        parents.sort_unstable();
        let event = GroupEvent::sign(&identity, &self.id, &parents, &action).unwrap();
        self.events.push(event);
        self.events.len() - 1
    }

    fn came(mut self, by: usize, body: Body, knows: Option<&[usize]>) -> Self {
        self.count += 1;
        let clock = if body.is_message() {
            u64::from(self.count)
        } else {
            0
        };
        let (_, mut content) = said("", self.count, clock, body);
        content.group = Some(self.id);
        content.view = knows.map(|knows| {
            let mut log = GroupLog::new(self.id);
            for one in knows {
                log.take(self.events[*one].clone()).unwrap();
            }
            log.view().clone()
        });
        let step = json!({ "by": by, "encoded": hex(&content.to_bytes()) });
        self.steps.push(step);
        self
    }

    /// Somebody brings events, and bundles of people.
    fn brings(self, by: usize, events: &[usize], bundles: &[usize]) -> Self {
        let body = Body::GroupEvents {
            events: events
                .iter()
                .map(|one| self.events[*one].encoded().to_vec())
                .collect(),
            bundles: bundles.iter().map(|one| bundle(*one)).collect(),
        };
        self.came(by, body, None)
    }

    fn says(self, by: usize) -> Self {
        self.came(by, text("ahoy"), None)
    }

    /// Words of somebody who knows these events.
    fn says_knowing(self, by: usize, events: &[usize]) -> Self {
        self.came(by, text("ahoy"), Some(events))
    }

    fn sets_timer(self, by: usize) -> Self {
        self.came(by, Body::DisappearingTimer(5_000), None)
    }

    /// Somebody hands on events that nobody asked for.
    fn hands_on(self, by: usize, events: &[usize]) -> Self {
        let events = events
            .iter()
            .map(|one| self.events[*one].encoded().to_vec());
        let sync = GroupSync {
            events: events.collect(),
            ..GroupSync::default()
        };
        self.came(by, Body::GroupSync(sync), None)
    }

    /// Somebody asks, who has these events.
    fn asks(self, by: usize, events: &[usize]) -> Self {
        let hashes = events.iter().map(|one| self.events[*one].hash());
        let rng = &mut seeded(&Secret::new([3; 32]));
        let sync = GroupSync {
            have: Some(crate::chat::GroupEventNames::of(hashes, rng)),
            ..GroupSync::default()
        };
        self.came(by, Body::GroupSync(sync), None)
    }

    fn does(mut self, what: &str) -> Self {
        self.steps.push(json!({ "does": what }));
        self
    }

    fn later(mut self, seconds: u64) -> Self {
        self.steps.push(json!({ "later": seconds }));
        self
    }

    fn named(self, name: &'static str) -> (&'static str, Value) {
        let bundles = (1..=usize::from(PEOPLE)).map(|one| hex(&bundle(one)));
        let people = everybody();
        let people = people.iter().map(|one| hex(&one.to_bytes()));
        let input = json!({
            "own_seed": hex(&[9; 32]),
            "group_id": hex(self.id.as_bytes()),
            "people": people.collect::<Vec<_>>(),
            "contacts": [ALICE, BOB],
            "bundles": bundles.collect::<Vec<_>>(),
            "now": START,
            "steps": self.steps,
        });
        (name, input)
    }
}

fn renamed(name: &str) -> GroupAction {
    GroupAction::Renamed(name.into())
}

pub(super) fn cases() -> Vec<(&'static str, Value)> {
    [invitations(), events(), members(), views()].concat()
}

fn invited_by_alice(members: &[usize]) -> Story {
    Story::new(members).brings(ALICE, &[0, 1], &[CAROL])
}

fn invitations() -> Vec<(&'static str, Value)> {
    let invited = || invited_by_alice(&[0, CAROL]);
    vec![
        Story::new(&[0, CAROL])
            .says(ALICE)
            .brings(CAROL, &[0, 1], &[])
            .named("a group that is not known"),
        invited()
            .says(ALICE)
            .says(CAROL)
            .does("join")
            .says(CAROL)
            .does("write")
            .named("invited, then taking part"),
        invited()
            .does("leave")
            .says(ALICE)
            .named("invited, and declined"),
        invited()
            .does("join")
            .does("leave")
            .says(ALICE)
            .does("write")
            .named("a user who leaves"),
        Story::new(&[CAROL])
            .brings(ALICE, &[0, 1], &[CAROL])
            .says(ALICE)
            .named("a group to which the user does not belong"),
    ]
}

/// What is refused for what it is, and what waits.
fn events() -> Vec<(&'static str, Value)> {
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let by_member = story.write(BOB, &[1], renamed("by a member"));
    let by_nobody = story.write(DAVE, &[1], renamed("by nobody"));
    let again = story.write(BOB, &[1], GroupAction::Joined);
    let for_nothing = story.write(ALICE, &[1], GroupAction::AdminsRemoved(story.keys(&[DAVE])));
    let twice = story.keys(&[BOB]);
    let twice = story.write(ALICE, &[1], GroupAction::MembersAdded(twice));
    let refused = story
        .brings(BOB, &[by_member], &[])
        .brings(BOB, &[by_nobody], &[])
        .brings(BOB, &[again], &[])
        .brings(ALICE, &[for_nothing], &[])
        .brings(ALICE, &[twice], &[])
        .brings(DAVE, &[0], &[])
        .named("events that are refused");
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let first = story.write(ALICE, &[1], renamed("first"));
    let second = story.write(ALICE, &[first], renamed("second"));
    let waits = story
        .brings(ALICE, &[second], &[])
        .later(599)
        .later(1)
        .brings(BOB, &[first], &[])
        .brings(ALICE, &[second], &[])
        .named("an event that waits for another");
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let name = story.write(ALICE, &[1], renamed("new"));
    let handed = story
        .hands_on(DAVE, &[name])
        .hands_on(BOB, &[name])
        .brings(ALICE, &[name], &[])
        .named("events that somebody hands on");
    let timers = Story::joined(&[0, BOB, CAROL])
        .sets_timer(BOB)
        .sets_timer(ALICE)
        .named("a timer by a member and by an admin");
    vec![refused, waits, handed, timers]
}

/// Who belongs to it, and who did.
fn members() -> Vec<(&'static str, Value)> {
    let put_out = |whom: usize| {
        let mut story = Story::joined(&[0, BOB, CAROL]);
        let late = story.write(BOB, &[1], GroupAction::Left);
        let out = story.write(
            ALICE,
            &[1],
            GroupAction::MembersRemoved(story.keys(&[whom])),
        );
        (story.brings(ALICE, &[out], &[]), late)
    };
    let week = 604_800;
    let (story, late) = put_out(BOB);
    let out = story
        .says(BOB)
        .does("write")
        .brings(BOB, &[late], &[])
        .named("who was put out");
    let (story, late) = put_out(BOB);
    let end = story
        .later(week - 1)
        .brings(BOB, &[late], &[])
        .named("events of who was put out nearly a week ago");
    let (story, late) = put_out(BOB);
    let over = story
        .later(week)
        .brings(BOB, &[late], &[])
        .named("events of who was put out a week ago");
    let (story, _) = put_out(0);
    let user = story
        .says(ALICE)
        .does("write")
        .named("a user who was put out");
    // The user is an admin and invites somebody; others write without knowing of it.
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let admin = story.write(ALICE, &[1], GroupAction::AdminsAdded(story.keys(&[0])));
    let story = story.brings(ALICE, &[admin], &[]).does("invite 4");
    let mut story = story;
    let unaware = story.write(ALICE, &[admin], renamed("without dave"));
    let more = story.write(ALICE, &[unaware], renamed("without dave still"));
    let relayed = story
        .brings(ALICE, &[unaware, more], &[])
        .named("who was invited is told what others write without knowing of them");
    vec![out, end, over, user, relayed]
}

/// What the views of others show.
fn views() -> Vec<(&'static str, Value)> {
    let all = [0, 1, 2, 3, 4];
    let ahead = |story: &mut Story| story.write(ALICE, &[1], renamed("not told"));
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let hidden = ahead(&mut story);
    let shows = story
        .says_knowing(BOB, &all)
        .says_knowing(BOB, &[0, 1, 2, 3, 4, hidden])
        .later(599)
        .later(1)
        .says_knowing(CAROL, &all)
        .brings(BOB, &[hidden], &[])
        .says_knowing(BOB, &[0, 1, 2, 3, 4, hidden])
        .named("a member who knows more");
    let behind = Story::joined(&[0, BOB, CAROL])
        .says_knowing(BOB, &[0, 1, 2, 3])
        .later(600)
        .named("a member who knows less");
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let hidden = ahead(&mut story);
    let asked = story
        .asks(BOB, &[0, 1, 2, 3])
        .asks(BOB, &[0, 1, 2, 3, 4, hidden])
        .asks(DAVE, &[0])
        .named("members who ask");
    let requests = invited_by_alice(&[0, CAROL])
        .does("ask 1")
        .does("join")
        .later(600)
        .does("ask 1")
        .does("ask 2")
        .does("leave")
        .later(1_200)
        .does("ask 1")
        .named("requests for what was said in groups that both belong to");
    let twelve = (0..13).fold(Story::joined(&[0, BOB, CAROL]), |story, _| {
        story.asks(BOB, &[0, 1, 2, 3])
    });
    let twelve = twelve
        .asks(CAROL, &[0, 1, 2, 3])
        .later(86_400)
        .asks(BOB, &[0, 1, 2, 3])
        .named("twelve answers to one member within a day");
    [vec![shows, behind, asked, requests, twelve], quiet()].concat()
}

/// Where nobody writes one member after another is asked.
fn quiet() -> Vec<(&'static str, Value)> {
    let (all, hours) = ([0, 1, 2, 3, 4], 6 * 3_600);
    let nobody = (0..8).fold(
        Story::joined(&[0, BOB, CAROL]).later(hours - 1).later(1),
        |story, _| story.later(hours),
    );
    let nobody = nobody.named("a group in which nobody writes");
    let some = Story::joined(&[0, BOB, CAROL])
        .says_knowing(BOB, &all)
        .later(hours)
        .says_knowing(CAROL, &[0, 1, 2])
        .later(hours)
        .says_knowing(CAROL, &all)
        .later(hours)
        .later(hours)
        .named("a group in which some write");
    let mut story = Story::joined(&[0, BOB, CAROL]);
    let name = story.write(ALICE, &[1], renamed("new"));
    let grown = story
        .says_knowing(BOB, &[0, 1, 2, 3, 4, name])
        .says_knowing(CAROL, &all)
        .later(hours - 1)
        .brings(ALICE, &[name], &[])
        .later(1)
        .later(hours)
        .later(hours)
        .named("a group whose log grows before all were asked");
    let left = Story::joined(&[0, BOB, CAROL])
        .does("leave")
        .later(hours)
        .later(hours)
        .named("who has left asks nobody");
    let mut story = Story::joined(&[0, BOB]);
    let added = story.write(ALICE, &[1], GroupAction::MembersAdded(story.keys(&[CAROL])));
    let joins = story.write(CAROL, &[added], GroupAction::Joined);
    let after = story
        .brings(ALICE, &[added], &[CAROL])
        .brings(CAROL, &[joins], &[])
        .later(hours)
        .later(hours)
        .later(hours)
        .named("the one who became a member next is asked first");
    vec![nobody, some, grown, left, after]
}
