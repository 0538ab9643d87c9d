//! Those who write first: what they may cost, and that nobody can fill up a bot that the world may write to.
//!
//! `WINDLASS_STRANGERS=100000 cargo test --release --test strangers` lets more of them come.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::clients::{acquaint, has_message, receive, rows_in, session, write};
use support::party::Party;
use support::seeds::{number, rng};
use support::strangers::Stranger;
use support::worlds::DAY;
use windlass::bundle::VerifiedBundle;
use windlass::limits::{MAX_STRANGER_BYTES, MAX_STRANGERS};
use windlass::store::StoreFile;
use windlass::testing::{Clock, Disk};
use windlass::{Client, Event, TrustPolicy, UndecryptableCause};

const STRANGERS: u32 = 10_000;
/// What the file may grow to, however many write: the bounds for messages, and what is around them.
const MOST_FILE_BYTES: usize = 32 * 1024 * 1024;

/// Where a test moves the clock, it starts here: 2030.
const NOW: u64 = 1_893_456_000_000;
/// Where it is the machine's: later than it is, so that no bundle of a stranger has expired.
const LATER: u64 = 2_000_000_000_000;

/// Somebody whose machine goes by this clock.
fn party(clock: &Clock, byte: u8) -> Party {
    Party::create(Disk::default().with(clock, rng(byte)), None)
}

fn bundle(of: &Client) -> VerifiedBundle {
    VerifiedBundle::decode(&of.bundle().unwrap().encode()).unwrap()
}

fn advance(clock: &Clock, days: u32) {
    clock.advance((DAY * days).as_millis() as u64);
}

fn is_quota(events: &[Event]) -> bool {
    let quota = UndecryptableCause::StrangerLimit;
    matches!(events, [Event::Undecryptable { cause, .. }] if *cause == quota)
}

#[test]
fn ten_thousand_hostile_first_messages_fill_nothing_and_a_friend_gets_through() {
    let strangers = number("WINDLASS_STRANGERS").map_or(STRANGERS, |number| number as u32);
    let clock = Clock::at(NOW);
    let (bot, friend) = (party(&clock, 4), party(&clock, 5));
    let mut rng = rng(3);
    acquaint(&bot, &friend);
    let theirs = bundle(&bot);

    let (mut taken, mut refused) = (0, 0);
    let text = "x".repeat(4_000);
    for number in 0..strangers {
        let mut stranger = Stranger::new(clock.now(), &mut rng);
        stranger.begin(&theirs, &mut rng);
        let events = receive(&bot, &stranger.write(&text, &mut rng));
        if is_quota(&events) {
            refused += 1;
        } else {
            taken += 1;
        }
        if number == strangers / 2 {
            let events = receive(&bot, &write(&friend, &bot, "it is me").unwrap());
            assert!(has_message(&events), "{events:?}");
        }
    }
    let bytes = bot.disk.image().file(StoreFile::Rows).unwrap().len();
    println!("{taken} taken, {refused} refused, {bytes} bytes of file");
    assert!(taken <= MAX_STRANGERS && refused > 0);
    assert!(bytes <= MOST_FILE_BYTES, "{bytes}");
    // Nobody of them learned that anybody is there.
    let to_strangers = bot.outbox(0).unwrap();
    assert!(
        to_strangers
            .iter()
            .all(|envelope| envelope.to == friend.address())
    );
    // After a week without a word from the user what they wrote is gone, and others may come.
    advance(&clock, 8);
    bot.maintain().unwrap();
    let conversations = bot.conversations().unwrap();
    assert!(
        conversations
            .iter()
            .all(|one| one.address == friend.address())
    );
    let mut stranger = Stranger::new(clock.now(), &mut rng);
    stranger.begin(&bundle(&bot), &mut rng);
    let events = receive(&bot, &stranger.write("hello", &mut rng));
    let mut requests = events.iter();
    assert!(requests.any(|event| matches!(event, Event::ContactRequest { .. })));
    // A month later nothing is left of the others.
    advance(&clock, 24);
    bot.maintain().unwrap();
    assert_eq!(bot.contacts().unwrap().len(), 2);
}

#[test]
fn one_stranger_stores_so_much_and_begins_so_many_sessions() {
    let (bot, mut rng) = (Party::new(), rng(3));
    let theirs = bundle(&bot);
    let mut stranger = Stranger::new(LATER, &mut rng);
    let mut begun = 0;
    for _ in 0..10 {
        stranger.begin(&theirs, &mut rng);
        let events = receive(&bot, &stranger.write("a new session", &mut rng));
        begun += u32::from(!is_quota(&events));
    }
    assert_eq!(begun, windlass::limits::MAX_STRANGER_SESSIONS_PER_HOUR);

    let mut other = Stranger::new(LATER, &mut rng);
    other.begin(&theirs, &mut rng);
    let text = "x".repeat(10_000);
    let mut stored = 0;
    for _ in 0..20 {
        let events = receive(&bot, &other.write(&text, &mut rng));
        stored += u64::from(!is_quota(&events));
    }
    assert!(
        stored * 10_000 <= MAX_STRANGER_BYTES && stored > 3,
        "{stored}"
    );
    // Accepted, they may write as they like.
    let address = other.identity.public().address();
    bot.accept_contact(address).unwrap();
    let events = receive(&bot, &other.write(&text, &mut rng));
    assert!(has_message(&events), "{events:?}");
}

#[test]
fn whoever_is_blocked_is_not_heard_until_they_are_accepted_again() {
    let (bot, mut rng) = (Party::new(), rng(3));
    let theirs = bundle(&bot);
    let mut stranger = Stranger::new(LATER, &mut rng);
    let address = stranger.identity.public().address();
    stranger.begin(&theirs, &mut rng);
    receive(&bot, &stranger.write("hello", &mut rng));
    assert!(!bot.contact(address.clone()).unwrap().accepted);
    assert!(bot.block_contact(address.clone()).unwrap().blocked);
    assert_eq!(
        bot.send(address.clone(), "no".into()).unwrap_err().code(),
        "contact_blocked"
    );
    let events = receive(&bot, &stranger.write("hello?", &mut rng));
    assert_eq!(
        events,
        [Event::Blocked {
            address: address.clone()
        }]
    );
    stranger.begin(&theirs, &mut rng);
    let events = receive(&bot, &stranger.write("and in a new session?", &mut rng));
    let blocked = UndecryptableCause::Blocked;
    assert!(
        matches!(&events[..], [Event::Undecryptable { cause, address: None }] if *cause == blocked)
    );
    assert!(bot.outbox(0).unwrap().is_empty());

    let contact = bot.accept_contact(address.clone()).unwrap();
    assert!(contact.accepted && !contact.blocked);
    let events = receive(&bot, &stranger.write("thank you", &mut rng));
    assert!(has_message(&events), "{events:?}");
    bot.remove_contact(address.clone()).unwrap();
    assert_eq!(bot.contact(address).unwrap_err().code(), "unknown_contact");
    assert!(bot.conversations().unwrap().is_empty());
}

#[test]
fn the_trust_policy_says_to_whom_anything_is_sent() {
    let [alice, bob, carol] = [(); 3].map(|()| Party::new());
    assert_eq!(bob.trust_policy().unwrap(), TrustPolicy::FirstUse);
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    let answers_to = |text: &str| {
        receive(&bob, &write(&alice, &bob, text).unwrap());
        bob.outbox(0).unwrap().len()
    };
    // First use: nothing before the user accepts, or writes.
    assert_eq!(answers_to("one"), 0);
    bob.set_trust_policy(TrustPolicy::VerifiedOnly).unwrap();
    bob.accept_contact(alice.address()).unwrap();
    assert_eq!(answers_to("two"), 0);
    let refused = bob.send(alice.address(), "no".into()).unwrap_err();
    assert_eq!(refused.code(), "contact_not_verified");
    let session = session(&bob, &alice);
    session.verify(session.safety_number()).unwrap();
    assert_eq!(answers_to("three"), 1);
    bob.send(alice.address(), "yes".into()).unwrap();

    bob.set_trust_policy(TrustPolicy::AcceptAll).unwrap();
    carol.add_contact(&bob.bundle().unwrap()).unwrap();
    receive(&bob, &write(&carol, &bob, "hello").unwrap());
    // She is answered, and a contact once the bot writes to her.
    assert!(!bob.contact(carol.address()).unwrap().accepted);
    let waiting = bob.outbox(0).unwrap();
    assert!(waiting.iter().any(|one| one.to == carol.address()));
    bob.send(carol.address(), "hello".into()).unwrap();
    assert!(bob.contact(carol.address()).unwrap().accepted);
}

#[test]
fn publishing_again_changes_nothing_until_something_changed() {
    let clock = Clock::at(NOW);
    let bot = party(&clock, 4);
    let first = bot.bundle().unwrap().encode();
    advance(&clock, 1);
    assert_eq!(bot.bundle().unwrap().encode(), first);
    advance(&clock, 7);
    assert_ne!(bot.bundle().unwrap().encode(), first);
    // A stock of single-use ones, each with a prekey of its own.
    let stock = bot.single_use_bundles(20).unwrap();
    let mut prekeys: Vec<_> = stock
        .iter()
        .map(|bundle| VerifiedBundle::decode(&bundle.encode()).unwrap())
        .map(|bundle| bundle.devices()[0].one_time_prekey.unwrap().id)
        .collect();
    prekeys.dedup();
    assert_eq!(prekeys, (1..=20).collect::<Vec<_>>());
    // Nobody used them in sixty days.
    let kept = || rows_in(&bot.inspect().unwrap(), "one-time prekeys");
    assert_eq!(kept(), 20);
    advance(&clock, 61);
    bot.maintain().unwrap();
    assert_eq!(kept(), 0);
}
