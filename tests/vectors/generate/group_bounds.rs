//! The bounds of events of a group, and of what waits for others (RFC windlass 9.6.2, 9.6.3).

use prost::Message;
use windlass::chat::{GroupAction as Action, GroupEvent};
use windlass::identity::IdentityKeyPair;
use windlass::wire::v2;
use windlass::wire::v2::group_event_body::Event;

use super::misread::Story;
use super::{Case, groups, rng};

pub fn cases() -> Vec<Case> {
    [of_events(), of_members(), of_waiting()].concat()
}

/// An event that nobody's program would write, signed all the same.
fn signed(story: &Story, by: usize, parents: Vec<Vec<u8>>, event: Event) -> Vec<u8> {
    let body = v2::GroupEventBody {
        group_id: story.id.as_bytes().to_vec(),
        author: story.people[by].public().to_bytes().to_vec(),
        parents,
        event: Some(event),
    };
    let body = body.encode_to_vec();
    let signature = story.people[by].sign_group_event(&body).to_vec();
    v2::SignedGroupEvent { body, signature }.encode_to_vec()
}

fn renamed(name: &str) -> Event {
    Event::Renamed(v2::Renamed { name: name.into() })
}

fn of_events() -> Vec<Case> {
    let mut story = Story::with_admins(1, &[]);
    // Seventeen that know nothing of each other.
    for number in 0..17 {
        story.rename(0, &[1], &number.to_string());
    }
    let first = story.last() - 16;
    let parents = |count: usize| -> Vec<Vec<u8>> {
        let hashes = story.events[first..first + count].iter();
        let mut hashes: Vec<_> = hashes.map(|event| event.hash().to_vec()).collect();
        hashes.sort_unstable();
        hashes
    };
    let descending: Vec<_> = parents(2).into_iter().rev().collect();
    let twice = [parents(1), parents(1)].concat();
    let members = |keys: Vec<Vec<u8>>| {
        Event::MembersRemoved(v2::Members {
            identity_keys: keys,
        })
    };
    let mut keys: Vec<_> = [1, 2]
        .map(|one: usize| story.people[one].public().to_bytes().to_vec())
        .into();
    keys.sort_unstable();
    let swapped: Vec<_> = keys.iter().rev().cloned().collect();
    let doubled = vec![keys[0].clone(), keys[0].clone()];
    let name = |len: usize| "x".repeat(len);
    let described = |description: &str| {
        let description = description.to_owned();
        Event::Described(v2::Described { description })
    };
    let picture = |head: &[u8], len: usize| {
        let mut picture = head.to_vec();
        picture.resize(len, 7);
        Event::PictureSet(v2::PictureSet { picture })
    };
    let permitted = |permission: u32| {
        Event::Permitted(v2::Permitted {
            permission,
            admins_only: true,
        })
    };
    let (jpeg, webp) = (b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP");
    let more = [
        signed(&story, 0, parents(16), renamed("on sixteen")),
        signed(&story, 0, parents(17), renamed("on seventeen")),
        signed(&story, 0, descending, renamed("on two that descend")),
        signed(&story, 0, twice, renamed("on one twice")),
        signed(&story, 0, Vec::new(), renamed("on nothing")),
        signed(&story, 0, parents(1), renamed(&name(257))),
        signed(&story, 0, parents(1), renamed("")),
        signed(&story, 0, parents(1), renamed("two\nlines")),
        signed(&story, 0, parents(1), renamed("\u{202e}turned")),
        signed(&story, 0, parents(1), renamed(" \u{a0}\u{200b}")),
        signed(
            &story,
            0,
            parents(1),
            renamed("a mark\u{200e} of direction"),
        ),
        signed(&story, 0, parents(1), members(swapped)),
        signed(&story, 0, parents(1), members(doubled)),
        signed(&story, 0, parents(1), members(Vec::new())),
        signed(&story, 0, parents(1), renamed(&name(256))),
    ];
    let details = [
        signed(&story, 0, parents(1), described(&name(1_025))),
        signed(&story, 0, parents(1), described("a\ttab")),
        signed(&story, 0, parents(1), described("\n \n")),
        signed(&story, 0, parents(1), described("two\n\u{202e}lines")),
        signed(&story, 0, parents(1), picture(b"GIF89a", 20)),
        signed(&story, 0, parents(1), picture(b"\xff\xd8", 2)),
        signed(&story, 0, parents(1), picture(jpeg, 16_385)),
        signed(&story, 0, parents(1), permitted(0)),
        signed(&story, 0, parents(1), permitted(4)),
        signed(&story, 0, parents(1), described(&name(1_024))),
        signed(&story, 0, parents(16), picture(webp, 16_384)),
        signed(&story, 0, parents(1), permitted(1)),
    ];
    vec![
        story.case_with(
            "descriptions of 1,024 and 1,025 bytes, with a tab, not seen, turned around; pictures of three kinds and others, the largest and one byte more; permissions that there are not",
            &details,
        ),
        story.case_with(
        "sixteen parents, two that descend, one twice; names of 0, 256 and 257 bytes, of two lines, turned around, not seen; lists of members",
            &more,
        ),
    ]
}

/// 64 members, and one more.
fn of_members() -> Vec<Case> {
    let mut rng = rng(34);
    let people: Vec<_> = (0..64)
        .map(|_| IdentityKeyPair::generate(&mut rng).public())
        .collect();
    let sorted = |some: &[windlass::identity::PublicIdentity]| {
        let mut some = some.to_vec();
        some.sort_unstable_by_key(windlass::identity::PublicIdentity::to_bytes);
        some
    };
    let mut story = Story::new(1);
    // Those who are members already take no place.
    let most = story.add(0, &[0], Action::MembersAdded(sorted(&people[..62])));
    let full = story.add(0, &[most], Action::MembersAdded(sorted(&people[61..63])));
    story.add(0, &[full], Action::MembersAdded(sorted(&people[62..])));
    vec![story.case("64 members, and one more")]
}

/// What waits for an event, in this order, and then that one.
fn waiting(name: &str, authors: &[usize], count: usize) -> Case {
    let mut story = Story::with_admins(1, &[1, 2, 3, 4]);
    let before = story.events.len();
    let missing = story.rename(0, &[before - 1], "what the others wait for");
    for number in 0..count {
        let by = authors[number % authors.len()];
        story.rename(by, &[missing], &format!("{number}"));
    }
    let (known, rest) = story.events.split_at(before);
    let (missing, waiting) = rest.split_first().unwrap();
    let order = known.iter().chain(waiting).chain([missing]);
    groups::encoded(name, &story.id, order.map(GroupEvent::encoded))
}

fn of_waiting() -> Vec<Case> {
    vec![
        waiting("sixteen of one author wait", &[1], 16),
        waiting("of seventeen of one author the oldest goes", &[1], 17),
        waiting("64 wait", &[0, 1, 2, 3, 4], 64),
        waiting(
            "of 65 the oldest goes of the author who has the most",
            &[0, 1, 2, 3, 4, 4],
            65,
        ),
    ]
}
