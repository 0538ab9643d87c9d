//! Histories of a group that come out otherwise for a reader who takes RFC windlass 9.6.2 to 9.6.7 in another way. Each is as short as that allows.

use prost::Message;
use rand_core::Rng;
use windlass::chat::{GroupAction as Action, GroupEvent, GroupId};
use windlass::identity::{IdentityKeyPair, PublicIdentity};
use windlass::wire::v2;

use super::{Case, groups, rng};

/// A history that is written event by event, each on top of what its author is to know.
pub struct Story {
    pub id: GroupId,
    pub people: Vec<IdentityKeyPair>,
    pub events: Vec<GroupEvent>,
}

impl Story {
    /// The first of six makes a group; event 0.
    pub fn new(nonce: u8) -> Self {
        let mut rng = rng(32);
        let people: Vec<_> = (0..6)
            .map(|_| IdentityKeyPair::generate(&mut rng))
            .collect();
        let (name, nonce) = ("crew".to_owned(), [nonce; 16]);
        let id = GroupId::of(&people[0].public().to_bytes(), &nonce, &name);
        let created = Action::Created { name, nonce };
        let events = vec![GroupEvent::sign(&people[0], &id, &[], &created).unwrap()];
        Self { id, people, events }
    }

    /// The same, in which the first has invited the second to the fifth, event 1, who joined, events 2 to 5; and then the first made some
    /// of them admins, one after another, from event 6 on.
    pub fn with_admins(nonce: u8, admins: &[usize]) -> Self {
        let mut story = Self::new(nonce);
        let invited = story.all(&[1, 2, 3, 4]);
        story.add(0, &[0], Action::MembersAdded(invited));
        for one in 1..5 {
            story.add(one, &[1], Action::Joined);
        }
        for (count, admin) in admins.iter().enumerate() {
            let on = if count == 0 {
                vec![1]
            } else {
                vec![story.last()]
            };
            let whom = story.all(&[*admin]);
            story.add(0, &on, Action::AdminsAdded(whom));
        }
        story
    }

    pub fn all(&self, people: &[usize]) -> Vec<PublicIdentity> {
        people
            .iter()
            .map(|one| self.people[*one].public())
            .collect()
    }

    pub fn last(&self) -> usize {
        self.events.len() - 1
    }

    /// Somebody writes an event on top of others; its number.
    pub fn add(&mut self, by: usize, on: &[usize], action: Action) -> usize {
        let mut parents: Vec<_> = on.iter().map(|one| self.events[*one].hash()).collect();
        parents.sort_unstable();
        // The same that was written twice is one event.
        parents.dedup();
        let event = GroupEvent::sign(&self.people[by], &self.id, &parents, &action).unwrap();
        self.events.push(event);
        self.last()
    }

    pub fn rename(&mut self, by: usize, on: &[usize], name: &str) -> usize {
        self.add(by, on, Action::Renamed(name.into()))
    }

    fn remove(&mut self, by: usize, on: &[usize], whom: &[usize]) -> usize {
        let whom = self.all(whom);
        self.add(by, on, Action::MembersRemoved(whom))
    }

    fn demote(&mut self, by: usize, on: &[usize], whom: &[usize]) -> usize {
        let whom = self.all(whom);
        self.add(by, on, Action::AdminsRemoved(whom))
    }

    /// With events at the end that nobody makes by mistake.
    pub fn case_with(&self, name: &str, more: &[Vec<u8>]) -> Case {
        let events = self.events.iter().map(GroupEvent::encoded);
        groups::encoded(name, &self.id, events.chain(more.iter().map(Vec::as_slice)))
    }

    pub fn case(&self, name: &str) -> Case {
        self.case_with(name, &[])
    }
}

/// A story of which one event has a lower hash than another.
fn ascending(tell: impl Fn(u8) -> (Story, usize, usize)) -> Story {
    let mut told = (0..=u8::MAX).map(tell);
    let found =
        told.find(|(story, low, high)| story.events[*low].hash() < story.events[*high].hash());
    found.unwrap().0
}

pub fn cases() -> Vec<Case> {
    [effects(), removals(), leaving(), random()].concat()
}

/// 9.6.2 to 9.6.6.
fn effects() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut story = Story::with_admins(1, &[]);
    story.add(1, &[1], Action::Joined);
    let again = story.all(&[1, 5]);
    let added = story.add(0, &[2], Action::MembersAdded(again));
    story.add(1, &[added], Action::Joined);
    cases.push(
        story.case(
            "who has joined does not join again, also on top of another event that lists them",
        ),
    );

    let mut story = Story::with_admins(1, &[]);
    let added = story.all(&[5]);
    let added = story.add(0, &[1], Action::MembersAdded(added));
    story.add(5, &[1], Action::Joined);
    story.add(5, &[1, added], Action::Joined);
    story.add(5, &[added], Action::Joined);
    let head = story.rename(0, &[added], "new");
    story.add(1, &[head], Action::Left);
    story.add(1, &[1, 2], Action::Left);
    story.add(2, &[1], Action::Left);
    story.add(3, &[4], Action::Left);
    cases.push(story.case("who is no admin joins and leaves on top of one event"));

    let mut story = Story::with_admins(1, &[1]);
    let same = story.rename(0, &[6], "crew");
    story.rename(1, &[same], "crew");
    cases.push(story.case("a group is given the name that it has"));

    let story = ascending(|nonce| {
        let mut story = Story::with_admins(nonce, &[1]);
        let low = story.rename(1, &[6], "of the lower hash");
        let high = story.rename(0, &[6], "of the higher hash");
        (story, low, high)
    });
    cases.push(story.case("of two names that were given at once, that of the higher hash counts"));

    let mut story = Story::with_admins(1, &[1, 2]);
    story.remove(1, &[7], &[1]);
    story.demote(0, &[7], &[0]);
    story.demote(2, &[7], &[1]);
    cases.push(story.case("nobody removes themselves, nor an elder admin"));

    let mut story = Story::new(1);
    let invited = story.all(&[1]);
    story.add(0, &[0], Action::MembersAdded(invited));
    let invited = story.all(&[2, 3]);
    story.add(0, &[1], Action::MembersAdded(invited));
    story.add(3, &[2], Action::Joined);
    story.add(0, &[3], Action::Left);
    cases.push(story.case("who has joined follows the last admin, not who was invited first"));

    // Another name in what made the group, and bytes that say nothing in what is signed.
    let mut story = Story::with_admins(1, &[]);
    story.rename(0, &[1], "new");
    let signed = |body: Vec<u8>| {
        let signature = story.people[0].sign_group_event(&body).to_vec();
        v2::SignedGroupEvent { body, signature }.encode_to_vec()
    };
    let body = |event: &GroupEvent| {
        let signed = v2::SignedGroupEvent::decode(event.encoded()).unwrap();
        signed.body
    };
    let mut created = v2::GroupEventBody::decode(body(&story.events[0]).as_slice()).unwrap();
    if let Some(v2::group_event_body::Event::Created(created)) = &mut created.event {
        created.name = "another".into();
    }
    let renamed = body(&story.events[story.last()]);
    let more = [
        signed(created.encode_to_vec()),
        signed([renamed.as_slice(), &[0xc2, 0x0c, 1, 7]].concat()),
        // What nobody signed, behind the signature.
        [story.events[story.last()].encoded(), &[0xc2, 0x0c, 1, 7]].concat(),
    ];
    cases.push(story.case_with(
        "one group is made by one event, and an event is written in one way",
        &more,
    ));
    cases
}

/// Anything on top of anything, most of which nobody may.
fn random() -> Vec<Case> {
    let mut rng = rng(33);
    let mut below = |bound: usize| rng.next_u32() as usize % bound;
    let mut cases = Vec::new();
    for number in 0..8 {
        let mut story = Story::with_admins(number, &[1, 2, 3]);
        for _ in 0..24 {
            let (by, whom) = (below(4), story.all(&[below(6)]));
            // The latest of all most of the time, so that much of it has an effect.
            let mut on = vec![story.events.len() - 1 - below(2 + story.events.len() / 4)];
            if below(3) == 0 {
                on.push(below(story.events.len()));
                on.dedup();
            }
            let action = match below(9) {
                0 => Action::Renamed(format!("name {}", below(100))),
                1 | 2 => Action::MembersAdded(whom),
                3 => Action::Joined,
                4 => Action::Left,
                5 => Action::MembersRemoved(whom),
                6 => Action::AdminsRemoved(whom),
                _ => Action::AdminsAdded(whom),
            };
            story.add(by, &on, action);
        }
        cases.push(story.case(&format!(
            "random history {number}, with events that are dated back"
        )));
    }
    cases
}

/// 9.6.7, of removals by others.
fn removals() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut story = Story::with_admins(1, &[1]);
    story.remove(1, &[6], &[0, 2]);
    story.rename(0, &[6], "stays");
    cases.push(story.case("a removal that lists an elder admin, too, takes nothing from them"));

    // The second admin puts out the third beside their own removal, which names the third's words void as well if it is looked at first.
    let both = |nonce: u8, later: bool| {
        let mut story = Story::with_admins(nonce, &[1, 2]);
        let on = if later {
            story.rename(0, &[7], "before")
        } else {
            7
        };
        let elder = story.remove(0, &[on], &[1]);
        let younger = story.remove(1, &[7], &[2]);
        let more = story.rename(2, &[on], "between");
        story.rename(2, &[more], "stays");
        (story, elder, younger)
    };
    let story = ascending(|nonce| {
        let (story, elder, younger) = both(nonce, false);
        (story, younger, elder)
    });
    cases.push(story.case("the elder admin's removal comes first, whatever its hash"));
    let story = ascending(|nonce| both(nonce, true));
    cases.push(story.case("the elder admin's removal comes first, whatever its depth"));

    let mut story = Story::with_admins(1, &[1]);
    let down = story.demote(0, &[6], &[1]);
    let again = story.all(&[1]);
    let up = story.add(0, &[down], Action::AdminsAdded(again));
    story.rename(1, &[up], "stays");
    cases.push(story.case("what knows of the removal stays"));

    let mut story = Story::new(1);
    let whom = story.all(&[1, 2]);
    story.add(0, &[0], Action::MembersAdded(whom.clone()));
    story.add(0, &[1], Action::AdminsAdded(whom.clone()));
    let (first, second) = (story.all(&[1]), story.all(&[2]));
    story.add(0, &[2], Action::AdminsRemoved(first));
    story.add(1, &[1], Action::Joined);
    story.add(0, &[3], Action::AdminsRemoved(second));
    story.add(2, &[2], Action::Left);
    cases.push(story.case("who joins or leaves beside being made no admin any more has done so"));

    let mut story = Story::with_admins(1, &[1, 2]);
    let one = story.remove(0, &[7], &[1]);
    let two = story.remove(0, &[one], &[2]);
    story.rename(0, &[two], "stays");
    let mut on = 7;
    for number in 0..4 {
        on = story.rename(1 + number % 2, &[on], &format!("void {number}"));
    }
    cases.push(story.case("what is beside one of two removals is void"));

    let mut story = Story::with_admins(1, &[1, 2]);
    story.remove(0, &[7], &[1]);
    let void = story.rename(1, &[7], "void");
    story.rename(2, &[void], "stays");
    cases.push(story.case("what builds on what is void stays"));

    let story = ascending(|nonce| {
        let mut story = Story::with_admins(nonce, &[1, 2, 3]);
        story.remove(0, &[8], &[1]);
        let void = story.rename(1, &[8], "void");
        let deep = story.rename(2, &[void], "deeper");
        let other = story.rename(3, &[8], "less deep");
        (story, deep, other)
    });
    cases.push(story.case("what builds on what is void keeps its depth"));
    cases
}

/// 9.6.7, of those who leave.
fn leaving() -> Vec<Case> {
    let mut cases = Vec::new();
    // The first leaves; the second goes on alone.
    let alone = || {
        let mut story = Story::with_admins(1, &[1]);
        let left = story.add(0, &[2, 3, 4, 5, 6], Action::Left);
        let invited = story.all(&[5]);
        let added = story.add(1, &[left], Action::MembersAdded(invited));
        story.add(5, &[added], Action::Joined);
        story
    };
    let mut story = alone();
    let invited = story.all(&[5]);
    story.add(0, &[1], Action::MembersAdded(invited));
    story.remove(0, &[6], &[1]);
    story.rename(0, &[0], "mine");
    cases.push(story.case("what an admin wrote beside leaving is void"));

    for (name, on) in [
        ("an admin leaves again, before all that they did", 0),
        ("an admin leaves again, before they made another one", 1),
    ] {
        let mut story = alone();
        story.add(0, &[on], Action::Left);
        cases.push(story.case(name));
    }
    let mut story = Story::with_admins(1, &[1]);
    let left = story.add(0, &[6], Action::Left);
    story.rename(1, &[left], "stays");
    story.add(0, &[0], Action::Left);
    cases
        .push(story.case("of two that know of nothing by others, that counts which knows of more"));
    // Two invented members write less than there was before, though the admin writes more.
    let mut story = alone();
    let mut on = 0;
    for number in 0..8 {
        on = story.rename(0, &[on], &format!("name {number}"));
    }
    let invited = story.all(&[4, 5]);
    let added = story.add(0, &[on], Action::MembersAdded(invited));
    let one = story.add(4, &[added], Action::Joined);
    let two = story.add(5, &[added], Action::Joined);
    story.add(0, &[one, two], Action::Left);
    cases.push(story.case("an admin leaves again, with less of others before it"));

    for (name, put_out) in [
        ("who is put out leaves, before they invited somebody", true),
        (
            "who is made no admin leaves, before they invited somebody",
            false,
        ),
    ] {
        let mut story = Story::with_admins(1, &[1]);
        let invited = story.all(&[5]);
        let added = story.add(1, &[6], Action::MembersAdded(invited));
        if put_out {
            story.remove(0, &[added], &[1]);
        } else {
            story.demote(0, &[added], &[1]);
        }
        story.add(1, &[6], Action::Left);
        story.add(1, &[2], Action::Left);
        cases.push(story.case(name));
    }

    let mut story = Story::with_admins(1, &[1, 2]);
    let down = story.demote(0, &[7], &[1]);
    story.add(1, &[7], Action::Left);
    story.rename(1, &[6], "void");
    story.rename(2, &[down], "stays");
    cases.push(
        story.case(
            "who is made no admin any more and has left beside it has no say beside it either",
        ),
    );
    cases
}
