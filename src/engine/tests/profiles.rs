//! What people say of themselves reaches whom they accepted, and nobody else (RFC windlass §9.8).

use super::unread::devices_and_friend;
use super::*;
use crate::chat::{Content, DeviceUpdate, Picture, Profile};
use crate::engine::records::profiles as rows;
use crate::engine::sync::outcome::PeerNews;
use crate::engine::sync::{profiles, updates};
use crate::limits::RESEND_AFTER_SECONDS;

const JPEG: &[u8] = b"\xff\xd8\xff and the rest";

fn named(name: &str) -> Profile {
    Profile {
        name: name.into(),
        about: "two\nlines".into(),
        picture: Picture::from_bytes(JPEG.to_vec()).unwrap(),
        changed_at: 0,
    }
}

fn set(party: &Party, day: u64, name: &str) {
    party
        .at(day, |step| profiles::set(step, named(name)))
        .unwrap();
}

/// The name of somebody's profile, as it is known to somebody.
fn name(party: &Party, of: &Party) -> Option<String> {
    let found = party.at(0, |step| rows::of(step.rows, &of.device.public()));
    found.unwrap().map(|profile| profile.name)
}

fn direct(with: &Party) -> ConversationId {
    ConversationId::Direct(with.device.public())
}

fn tells_of_profile(outcomes: &[Outcome], whose: &Party) -> bool {
    outcomes.iter().any(|one| {
        matches!(one, Outcome::Peer(who, PeerNews::ProfileChanged) if *who == whose.device.public())
    })
}

#[test]
fn a_profile_reaches_contacts_and_no_stranger() {
    let [alice, bob] = acquainted();
    let stranger = Party::new(9);
    // A contact hears of it without a word.
    set(&alice, 1, "Alice");
    assert!(empty_outbox(&alice).is_empty());
    run_due(&alice, 1).unwrap();
    let waiting = empty_outbox(&alice);
    assert_eq!(waiting.len(), 1);
    let told = taken(&bob, 1, &waiting[0].envelope);
    assert!(tells_of_profile(&told, &alice));
    let known = bob.at(1, |step| rows::of(step.rows, &alice.device.public()));
    let known = known.unwrap().unwrap();
    assert_eq!(known.says(), named("Alice").says());
    // It is acknowledged, and not sent again.
    deliver(&[&alice, &bob], 1);
    for day in 2..9 {
        run_due(&alice, day).unwrap();
        write(&alice, day, &direct(&bob), text("hello"));
        let waiting = empty_outbox(&alice);
        assert_eq!(waiting.len(), 1, "day {day}");
        taken(&bob, day, &waiting[0].envelope);
        deliver(&[&alice, &bob], day);
    }
    // Whoever answers an invitation is a stranger until they are accepted, and hears nothing.
    stranger.add(9, &alice.bundle(9, true));
    set(&stranger, 9, "Stranger");
    write(&stranger, 9, &direct(&alice), text("let me in"));
    deliver(&[&alice, &stranger], 9);
    run_due(&alice, 9).unwrap();
    run_due(&stranger, 9).unwrap();
    deliver(&[&alice, &stranger], 9);
    assert_eq!(
        (name(&stranger, &alice), name(&alice, &stranger)),
        (None, None)
    );
    // Nor is anything taken in of them that they send all the same.
    let profile = Profile {
        changed_at: 5,
        ..named("Mallory")
    };
    let refused = alice.at(9, |step| {
        profiles::receive(step, &stranger.device.public(), &profile, &mut Vec::new())
    });
    assert_eq!((refused, name(&alice, &stranger)), (Ok(false), None));
    // When they are accepted both hear of it.
    alice
        .at(10, |step| {
            let whom = stranger.device.public();
            let mut contact = contacts::find(step.rows, &whom)?.unwrap();
            people::accept(step, &mut contact)
        })
        .unwrap();
    deliver(&[&alice, &stranger], 10);
    write(&stranger, 10, &direct(&alice), text("thank you"));
    deliver(&[&alice, &stranger], 10);
    assert_eq!(name(&stranger, &alice), Some("Alice".into()));
    assert_eq!(name(&alice, &stranger), Some("Stranger".into()));
}

#[test]
fn a_profile_that_was_lost_comes_again_and_a_late_one_does_not_come_back() {
    let [alice, bob] = acquainted();
    set(&alice, 1, "first");
    run_due(&alice, 1).unwrap();
    let first = empty_outbox(&alice);
    set(&alice, 2, "second");
    run_due(&alice, 2).unwrap();
    // Lost on its way; the other one is only late.
    assert_eq!(empty_outbox(&alice).len(), 1);
    run_due(&alice, 3).unwrap();
    let second = empty_outbox(&alice);
    taken(&bob, 3, &second[0].envelope);
    assert_eq!(name(&bob, &alice), Some("second".into()));
    taken(&bob, 3, &first[0].envelope);
    assert_eq!(name(&bob, &alice), Some("second".into()));
    // What is not acknowledged is not sent for ever.
    let mut sent = 0;
    for day in 4..60 {
        run_due(&alice, day).unwrap();
        let waiting = empty_outbox(&alice);
        let to_bob = waiting.iter().filter(|one| one.envelope.len() > 200);
        sent += to_bob.count();
    }
    assert!((1..=9).contains(&sent), "{sent}");
}

#[test]
fn devices_agree_on_the_latest_profile_and_no_wrong_clock_holds_one() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    write(&friend, 0, &direct(&first), text("hello"));
    deliver(&all, 0);
    // Both are apart; the first one's clock is a thousand days ahead.
    set(&first, 1_000, "ahead");
    set(&second, 3, "now");
    for _ in 0..3 {
        deliver(&all, 4);
        for party in all {
            run_due(party, 4).unwrap();
        }
    }
    deliver(&all, 4);
    assert_eq!(name(&second, &second), Some("now".into()));
    assert_eq!(name(&first, &first), Some("now".into()));
    assert_eq!(name(&friend, &first), Some("now".into()));
    // Whichever comes first.
    let of = |name: &str, changed_at: u64| Profile {
        changed_at,
        ..named(name)
    };
    let told = [of("a", 5), of("b", 7), of("c", 7), of("d", u64::MAX)];
    for turn in 0..told.len() {
        let party = Party::new(20 + turn as u8);
        for one in told.iter().cycle().skip(turn).take(told.len()) {
            let update = DeviceUpdate {
                profile: Some(one.clone()),
                ..DeviceUpdate::default()
            };
            let heard = party.at(1, |step| {
                profiles::hear(step, update.profile.as_ref(), &mut Vec::new())
            });
            heard.unwrap();
        }
        assert_eq!(name(&party, &party), Some("c".into()));
    }
}

#[test]
fn a_device_that_asks_is_told_the_profile() {
    let [first, second, friend] = devices_and_friend();
    set(&first, 1, "Ann");
    empty_outbox(&first);
    assert_eq!(name(&second, &second), None);
    let told = first.at(2, |step| updates::share_contacts(step, Recipients::ALL));
    told.unwrap();
    deliver(&[&first, &second, &friend], 2);
    assert_eq!(name(&second, &second), Some("Ann".into()));
}

#[test]
fn a_profile_goes_with_the_contact_and_when_it_is_blocked() {
    for remove in [true, false] {
        let [alice, bob] = acquainted();
        set(&bob, 1, "Bob");
        run_due(&bob, 1).unwrap();
        deliver(&[&alice, &bob], 1);
        assert_eq!(name(&alice, &bob), Some("Bob".into()));
        alice
            .at(2, |step| {
                let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
                if remove {
                    people::remove(step, &mut contact)
                } else {
                    people::block(step.rows, &mut contact)
                }
            })
            .unwrap();
        assert_eq!(name(&alice, &bob), None);
        assert_eq!(alice.count(Table::Profiles), 0);
        // Nor does it come back from who is out.
        set(&bob, 3, "Robert");
        run_due(&bob, 3).unwrap();
        deliver(&[&alice, &bob], 3);
        assert_eq!(name(&alice, &bob), None);
    }
}

#[test]
fn telling_many_contacts_is_bounded_work() {
    let alice = Party::new(1);
    let friends: Vec<_> = (10..14).map(Party::new).collect();
    for friend in &friends {
        introduce(&[&alice, friend], 0);
        write(friend, 0, &direct(&alice), text("hello"));
        deliver(&[&alice, friend], 0);
    }
    set(&alice, 1, "Alice");
    // Each once in a round, and none before the next is due.
    run_due(&alice, 1).unwrap();
    assert_eq!(empty_outbox(&alice).len(), friends.len());
    run_due(&alice, 1).unwrap();
    assert!(empty_outbox(&alice).is_empty());
}

#[test]
fn a_profile_is_in_no_history_and_has_no_clock() {
    let [alice, bob] = acquainted();
    let before = bob.at(1, |step| conversations::row(step.rows, &direct(&alice)));
    set(&alice, 1, "Alice");
    run_due(&alice, 1).unwrap();
    deliver(&[&alice, &bob], 1);
    assert_eq!(name(&bob, &alice), Some("Alice".into()));
    let after = bob.at(1, |step| conversations::row(step.rows, &direct(&alice)));
    assert_eq!(after.unwrap().lamport, before.unwrap().lamport);
    let content = Content {
        body: Body::Profile(named("Alice")),
        ..crate::engine::tests::hostile::content(0, None, text(""))
    };
    assert!(!content.body.is_message() && !content.body.passes_blocks());
}

#[test]
fn contacts_are_told_again_after_a_rest_until_they_have_it() {
    let [alice, bob] = acquainted();
    set(&alice, 1, "Alice");
    let is_due = |now| {
        let due = alice.at_time(now, |step| profiles::is_round_due(step.rows, now));
        due.unwrap()
    };
    let now = START + DAY;
    assert!(is_due(now));
    alice.at(1, profiles::go_round).unwrap();
    let rested = now + RESEND_AFTER_SECONDS * 1000;
    assert!(!is_due(now) && !is_due(rested - 1) && is_due(rested));
    // Bob has it: nobody is owed it, and there are no more rounds.
    assert!(!carry(&alice, &bob, 1).is_empty());
    carry(&bob, &alice, 1);
    alice.at(2, profiles::go_round).unwrap();
    assert!(empty_outbox(&alice).is_empty() && !is_due(START + 90 * DAY));
}
