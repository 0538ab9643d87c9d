//! Those who write first: what they may cost, and that nobody can fill up a bot that the world may write to.
//!
//! `WINDLASS_STRANGERS=100000 cargo test --release --test strangers` lets more of them come.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/seeds.rs"]
mod seeds;

use std::sync::Arc;

use windlass::bundle::{OwnDevice, Prekey, VerifiedBundle, build};
use windlass::chat::{Content, MessageId};
use windlass::crypto::{DhSecret, Secret, SeededRandom, seeded};
use windlass::identity::IdentityKeyPair;
use windlass::limits::{MAX_STRANGER_BYTES, MAX_STRANGERS};
use windlass::session::{Envelope, HintKey, Session};
use windlass::store::{Store, StoreFile, StoreKey};
use windlass::testing::{Clock, Disk};
use windlass::wire::v1::Payload;
use windlass::{Client, EncryptedStore, Event, TrustPolicy, UndecryptableCause};

use prost::Message;

const STRANGERS: u32 = 10_000;
/// What the file may grow to, whoever writes: the bounds for messages, and what is around them.
const MOST_FILE_BYTES: usize = 32 * 1024 * 1024;

fn client(disk: &Disk) -> Arc<Client> {
    let store = Store::create_on(disk.medium(), &StoreKey::Raw(Secret::new([1; 32]))).unwrap();
    Client::create(Arc::new(EncryptedStore::from(store)), None).unwrap()
}

/// Somebody with their own program, who writes as they like.
struct Stranger {
    identity: IdentityKeyPair,
    bundle: VerifiedBundle,
    session: Option<Session>,
}

impl Stranger {
    fn new(now: u64, rng: &mut SeededRandom) -> Self {
        let identity = IdentityKeyPair::generate(rng);
        let device = OwnDevice {
            device_id: 5,
            signed_prekey: Prekey {
                id: 1,
                key: DhSecret::generate(rng).public(),
            },
            one_time_prekey: None,
        };
        let bundle = build(&identity, &[device], now / 1000).unwrap();
        Self {
            identity,
            bundle,
            session: None,
        }
    }

    fn begin(&mut self, bot: &VerifiedBundle, rng: &mut SeededRandom) {
        let hint_key = HintKey::between(&self.identity, bot.identity()).unwrap();
        let device = &bot.devices()[0];
        let session =
            Session::initiate(&self.identity, 5, bot.identity(), device, hint_key, 0, rng);
        self.session = Some(session.unwrap());
    }

    fn write(&mut self, text: &str, rng: &mut SeededRandom) -> Vec<u8> {
        let content = Content {
            id: MessageId::random(rng),
            lamport: 1,
            sent_at: 0,
            reply_to: None,
            group: None,
            follows: Vec::new(),
            body: windlass::chat::Body::Text(text.to_owned()),
        };
        let payload = Payload {
            content: content.to_bytes().to_vec(),
            sender_bundle: self.bundle.encoded().to_vec(),
        };
        let session = self.session.take().unwrap();
        let sent = session.send(&self.identity.public(), &payload.encode_to_vec(), rng);
        let (next, part) = sent.unwrap();
        self.session = Some(next);
        Envelope { parts: vec![part] }.encode()
    }
}

fn is_over_limit(events: &[Event]) -> bool {
    let limit = UndecryptableCause::StrangerLimit;
    matches!(events, [Event::Undecryptable { cause, .. }] if *cause == limit)
}

#[test]
fn ten_thousand_hostile_first_messages_fill_nothing_and_a_friend_gets_through() {
    let strangers = seeds::number("WINDLASS_STRANGERS").map_or(STRANGERS, |number| number as u32);
    let clock = Clock::at(1_893_456_000_000);
    let mut rng = seeded(&Secret::new([3; 32]));
    let disk = Disk::default().with(&clock, seeded(&Secret::new([4; 32])));
    let bot = client(&disk);
    let friend = client(&Disk::default().with(&clock, seeded(&Secret::new([5; 32]))));
    bot.add_contact(&friend.bundle().unwrap()).unwrap();
    friend.add_contact(&bot.bundle().unwrap()).unwrap();
    let bundle = VerifiedBundle::decode(&bot.bundle().unwrap().encode()).unwrap();

    let (mut taken, mut refused) = (0, 0);
    let text = "x".repeat(4_000);
    for number in 0..strangers {
        let mut stranger = Stranger::new(clock.now(), &mut rng);
        stranger.begin(&bundle, &mut rng);
        let events = bot.receive(stranger.write(&text, &mut rng).into()).unwrap();
        if is_over_limit(&events) {
            refused += 1;
        } else {
            taken += 1;
        }
        if number == strangers / 2 {
            let sent = friend.send(bot.address(), "it is me".into()).unwrap();
            let events = bot.receive(sent.envelopes[0].bytes.clone()).unwrap();
            assert!(
                events.iter().any(|e| matches!(e, Event::Message { .. })),
                "{events:?}"
            );
        }
    }
    let bytes = disk.image().file(StoreFile::Rows).unwrap().len();
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
    // After a week without a word from the user they are gone, and others may come.
    clock.advance(8 * 86_400_000);
    bot.maintain().unwrap();
    assert_eq!(bot.contacts().unwrap().len(), 1);
    let mut stranger = Stranger::new(clock.now(), &mut rng);
    let bundle = VerifiedBundle::decode(&bot.bundle().unwrap().encode()).unwrap();
    stranger.begin(&bundle, &mut rng);
    let events = bot
        .receive(stranger.write("hello", &mut rng).into())
        .unwrap();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::ContactRequest { .. }))
    );
}

#[test]
fn one_stranger_stores_so_much_and_begins_so_many_sessions() {
    let mut rng = seeded(&Secret::new([3; 32]));
    let bot = client(&Disk::default());
    let bundle = VerifiedBundle::decode(&bot.bundle().unwrap().encode()).unwrap();
    let now = 2_000_000_000_000;
    let mut stranger = Stranger::new(now, &mut rng);
    let mut begun = 0;
    for _ in 0..10 {
        stranger.begin(&bundle, &mut rng);
        let events = bot
            .receive(stranger.write("a new session", &mut rng).into())
            .unwrap();
        begun += u32::from(!is_over_limit(&events));
    }
    assert_eq!(begun, windlass::limits::MAX_STRANGER_SESSIONS_PER_HOUR);

    let mut other = Stranger::new(now, &mut rng);
    other.begin(&bundle, &mut rng);
    let text = "x".repeat(10_000);
    let mut stored = 0;
    for _ in 0..20 {
        let events = bot.receive(other.write(&text, &mut rng).into()).unwrap();
        stored += u64::from(!is_over_limit(&events));
    }
    assert!(
        stored * 10_000 <= MAX_STRANGER_BYTES && stored > 3,
        "{stored}"
    );
    // Accepted, they may write as they like.
    let address = other.identity.public().address();
    bot.accept_contact(address).unwrap();
    let events = bot.receive(other.write(&text, &mut rng).into()).unwrap();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Message { .. })),
        "{events:?}"
    );
}

#[test]
fn whoever_is_blocked_is_not_heard_until_they_are_accepted_again() {
    let mut rng = seeded(&Secret::new([3; 32]));
    let bot = client(&Disk::default());
    let bundle = VerifiedBundle::decode(&bot.bundle().unwrap().encode()).unwrap();
    let mut stranger = Stranger::new(2_000_000_000_000, &mut rng);
    let address = stranger.identity.public().address();
    stranger.begin(&bundle, &mut rng);
    bot.receive(stranger.write("hello", &mut rng).into())
        .unwrap();
    assert!(!bot.contact(address.clone()).unwrap().accepted);
    assert!(bot.block_contact(address.clone()).unwrap().blocked);
    assert_eq!(
        bot.send(address.clone(), "no".into()).unwrap_err().code(),
        "contact_blocked"
    );
    let events = bot
        .receive(stranger.write("hello?", &mut rng).into())
        .unwrap();
    assert_eq!(
        events,
        [Event::Blocked {
            address: address.clone()
        }]
    );
    stranger.begin(&bundle, &mut rng);
    let events = bot
        .receive(stranger.write("and in a new session?", &mut rng).into())
        .unwrap();
    let blocked = UndecryptableCause::Blocked;
    assert!(
        matches!(&events[..], [Event::Undecryptable { cause, address: None }] if *cause == blocked)
    );
    assert!(bot.outbox(0).unwrap().is_empty());

    let contact = bot.accept_contact(address.clone()).unwrap();
    assert!(contact.accepted && !contact.blocked);
    let events = bot
        .receive(stranger.write("thank you", &mut rng).into())
        .unwrap();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Message { .. })),
        "{events:?}"
    );
    bot.remove_contact(address.clone()).unwrap();
    assert_eq!(bot.contact(address).unwrap_err().code(), "unknown_contact");
    assert!(bot.conversations().unwrap().is_empty());
}

#[test]
fn the_trust_policy_says_to_whom_anything_is_sent() {
    let [alice, bob] = [(); 2].map(|()| client(&Disk::default()));
    assert_eq!(bob.trust_policy().unwrap(), TrustPolicy::FirstUse);
    alice.add_contact(&bob.bundle().unwrap()).unwrap();
    let receive = |text: &str| {
        let sent = alice.send(bob.address(), text.into()).unwrap();
        bob.receive(sent.envelopes[0].bytes.clone()).unwrap();
        bob.outbox(0).unwrap().len()
    };
    // First use: nothing before the user accepts, or writes.
    assert_eq!(receive("one"), 0);
    bob.set_trust_policy(TrustPolicy::VerifiedOnly).unwrap();
    bob.accept_contact(alice.address()).unwrap();
    assert_eq!(receive("two"), 0);
    let refused = bob.send(alice.address(), "no".into()).unwrap_err();
    assert_eq!(refused.code(), "contact_not_verified");
    let session = bob.clone().session(alice.address()).unwrap();
    session.verify(session.safety_number()).unwrap();
    assert_eq!(receive("three"), 1);
    bob.send(alice.address(), "yes".into()).unwrap();

    let carol = client(&Disk::default());
    bob.set_trust_policy(TrustPolicy::AcceptAll).unwrap();
    carol.add_contact(&bob.bundle().unwrap()).unwrap();
    let sent = carol.send(bob.address(), "hello".into()).unwrap();
    bob.receive(sent.envelopes[0].bytes.clone()).unwrap();
    assert!(bob.contact(carol.address()).unwrap().accepted);
    assert!(
        bob.outbox(0)
            .unwrap()
            .iter()
            .any(|envelope| envelope.to == carol.address())
    );
}

#[test]
fn publishing_again_changes_nothing_until_something_changed() {
    let clock = Clock::at(1_893_456_000_000);
    let disk = Disk::default().with(&clock, seeded(&Secret::new([4; 32])));
    let bot = client(&disk);
    let first = bot.bundle().unwrap().encode();
    clock.advance(86_400_000);
    assert_eq!(bot.bundle().unwrap().encode(), first);
    clock.advance(7 * 86_400_000);
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
    let kept = || {
        let tables = bot.inspect().unwrap().tables;
        tables
            .iter()
            .find(|t| t.table == "one-time prekeys")
            .unwrap()
            .rows
    };
    assert_eq!(kept(), 20);
    clock.advance(61 * 86_400_000);
    bot.maintain().unwrap();
    assert_eq!(kept(), 0);
}
