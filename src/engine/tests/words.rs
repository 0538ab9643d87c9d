//! Our own words: who can tell that they are ours, from what, and for how long (RFC windlass §9.1.4, §11.7).

use super::*;
use crate::chat::{OwnWordsKey, WINDOW_DAYS};
use crate::crypto::{hkdf_sha256, labels};
use crate::engine::base::clock;
use crate::engine::records::own_words;
use crate::link::{LinkToken, Transfer};
use crate::store::{BackupReader, BackupWriter};

const DAYS: u64 = WINDOW_DAYS as u64;

/// A message as the rows of its receiver have it, and what it takes to check its proof.
struct Said {
    conversation: [u8; 32],
    content: Vec<u8>,
}

impl Said {
    /// What Alice said to Bob on a day, from Bob's store.
    fn by(alice: &Party, bob: &Party, day: u64) -> Self {
        let envelope = alice.send(day, bob).unwrap();
        let outcomes = bob.receive(day, &envelope);
        let shown = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Message(shown) => Some(shown),
            _ => None,
        });
        let shown = shown.unwrap();
        let name = MessageRef::new(&shown.stored.author, &shown.stored.content);
        let row = bob.store.read(|rows| message::row(rows, &name));
        Self {
            conversation: bob.device.public().to_bytes(),
            content: row.unwrap().unwrap().content.clone(),
        }
    }

    /// The same words with another proof: what the receiver can make up.
    fn made_up(&self) -> Self {
        let mut content = self.content.clone();
        let proof = content.len() - 16;
        content[proof..].copy_from_slice(Secret::<16>::random(&mut rng()).as_bytes());
        Self {
            conversation: self.conversation,
            content,
        }
    }

    fn day(&self) -> u32 {
        let at = self.content.len() - 20;
        u32::from_be_bytes(self.content[at..at + 4].try_into().unwrap())
    }

    fn is_known_by(&self, key: &OwnWordsKey) -> bool {
        key.holds(&self.conversation, false, &self.content)
    }
}

/// Whether anything in both people's stores, or what follows from their seeds, tells that the words are their author's: every 32 bytes of
/// every row is tried as the key of the day, and of each of the thirty days before it.
fn tells(judged: &Said, parties: &[&Party]) -> bool {
    let mut keys = Vec::new();
    for party in parties {
        let seed = party.device.identity.seed();
        for label in [labels::OWN_WORDS, labels::OWN_WORDS_NEXT_DAY] {
            let derived: Secret<32> = hkdf_sha256(&[0; 32], seed.as_bytes(), label);
            keys.push(*derived.as_bytes());
        }
        for table in Table::ALL {
            let rows: Result<_, StoreError> = party.store.read(|rows| rows.scan(table));
            for row in rows.unwrap() {
                keys.extend(row.windows(32).map(|w| <[u8; 32]>::try_from(w).unwrap()));
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys.iter().any(|key| {
        [0, 1, DAYS as u32, 30].iter().any(|before| {
            let words = crate::wire::v2::OwnWords {
                day: judged.day() - before,
                key: key.to_vec(),
            };
            judged.is_known_by(&OwnWordsKey::from_wire(&words).unwrap())
        })
    })
}

fn kept(party: &Party, day: u64) -> OwnWordsKey {
    party.at(day, own_words::kept).unwrap()
}

fn acquainted() -> [Party; 2] {
    let parties = [1, 2].map(Party::new);
    introduce(&[&parties[0], &parties[1]], 0);
    parties
}

#[test]
fn a_judge_with_the_seeds_and_all_keys_of_both_sides_cannot_tell_once_the_window_is_over() {
    let [alice, bob] = acquainted();
    let said = Said::by(&alice, &bob, 0);
    let made_up = said.made_up();
    // On the last day of the window Alice's store still tells her words from what Bob makes up, and Bob's never does.
    assert!(!tells(&said, &[&bob]));
    kept(&alice, DAYS);
    assert!(tells(&said, &[&alice]));
    assert!(!tells(&made_up, &[&alice, &bob]));
    // A day later nothing does.
    for party in [&alice, &bob] {
        assert!(party.at(DAYS + 1, own_words::erase_old).unwrap());
    }
    assert!(!tells(&said, &[&alice, &bob]));
    assert!(!tells(&made_up, &[&alice, &bob]));
}

#[test]
fn the_seed_alone_never_tells() {
    let [alice, bob] = acquainted();
    let said = Said::by(&alice, &bob, 0);
    // A device that was made from the seed, and was not linked.
    let thief = Party::new(1);
    assert!(!tells(&said, &[&thief]));
    assert!(said.is_known_by(&kept(&alice, 0)));
}

#[test]
fn ones_own_words_are_known_until_the_window_is_over_and_by_nobody_else() {
    let [alice, bob] = acquainted();
    let said = Said::by(&alice, &bob, 3);
    for (day, known) in [(3, true), (3 + DAYS, true), (4 + DAYS, false)] {
        assert_eq!(said.is_known_by(&kept(&alice, day)), known, "day {day}");
        assert!(!said.is_known_by(&kept(&bob, day)));
    }
}

#[test]
fn a_clock_that_is_a_day_wrong_costs_nothing() {
    let [alice, bob] = acquainted();
    // Made when the clock was right, which then is a day behind, right again, ahead, and right for good.
    for now in [
        START - 1,
        START,
        START + DAYS * DAY,
        START + (DAYS - 1) * DAY,
    ] {
        let words = alice.at_time(now, own_words::today).unwrap();
        let said = Said {
            conversation: bob.device.public().to_bytes(),
            content: words
                .prove(&bob.device.public().to_bytes(), false, b"ahoy")
                .to_vec(),
        };
        for later in [now.saturating_sub(DAY), now, now + DAY] {
            let kept = alice.at_time(later, own_words::kept).unwrap();
            assert!(said.is_known_by(&kept), "{now} {later}");
        }
    }
}

#[test]
fn a_clock_that_was_years_ahead_once_costs_no_word_that_is_written_afterwards() {
    let [alice, bob] = acquainted();
    let before = Said::by(&alice, &bob, 0);
    for years in [1, 10, 10_000] {
        alice.at(years * 365, own_words::today).unwrap();
        let said = Said::by(&alice, &bob, 1);
        for day in [0, 1, DAYS] {
            assert!(said.is_known_by(&kept(&alice, day)), "{years} {day}");
        }
        assert!(!before.is_known_by(&kept(&alice, 1)));
        // And no key stays until the clock gets there.
        assert!(!said.is_known_by(&kept(&alice, 2 + DAYS)));
        let again = alice.at(0, own_words::kept).unwrap();
        assert!(again.day() <= 20_000 + 2 + WINDOW_DAYS);
    }
}

#[test]
fn a_clock_that_leaps_ahead_for_less_than_a_day_erases_no_key() {
    let [alice, bob] = acquainted();
    let said = Said::by(&alice, &bob, 0);
    let told = |day: u64| {
        let now = START + day * DAY;
        alice.at_time(now, |step| {
            clock::tick(step.rows, now)?;
            own_words::today(step)?;
            own_words::erase_old(step)
        })
    };
    for day in [0, 400, 1] {
        assert!(!told(day).unwrap());
    }
    assert!(said.is_known_by(&kept(&alice, 1)));
    // A device that was off for so long knows at once what it writes then, and forgets the rest a day later.
    let off = 400;
    let now = Said::by(&alice, &bob, off);
    assert!(!told(off).unwrap());
    assert!(now.is_known_by(&kept(&alice, off)));
}

#[test]
fn a_device_that_is_linked_and_a_backup_know_what_the_first_device_wrote() {
    let [alice, bob] = acquainted();
    let said = Said::by(&alice, &bob, 5);
    let folder = tempfile::tempdir().unwrap();
    let [path, restored, linked] =
        ["backup", "restored", "linked"].map(|name| folder.path().join(name));
    let key = StoreKey::Raw(Secret::new([4; 32]));
    let writer = BackupWriter::create(&path, &key).unwrap();
    let exported =
        (alice.store).read_apart(|rows| backup::export(rows, writer, 1, &mut |_, _| true));
    exported.unwrap();
    // Written after the backup, in the days until it was put back.
    let later = Said::by(&alice, &bob, 9);
    let reader = BackupReader::open(&path, &key).unwrap();
    let restored = Store::create_with(&restored, &key, |rows| {
        backup::import(rows, reader, START, &mut rng(), &mut |_, _| true)
    });

    let transfer = Transfer {
        identity: alice.device.identity.duplicate(),
        bundle: alice.bundle(9, false),
        token: LinkToken::new([7; 16]),
        own_words: kept(&alice, 9),
        linked: vec![alice.device.device_id],
    };
    let linked = Store::create_with(&linked, &key, |rows| {
        let now = START + 9 * DAY;
        crate::engine::steps::join::join(rows, &transfer, now, &mut rng()).map(|_| ())
    });
    for store in [restored.unwrap(), linked.unwrap()] {
        let key: Result<_, EngineError> = store.read(|rows| own_words::oldest(rows));
        let key = key.unwrap();
        assert!(said.is_known_by(&key) && later.is_known_by(&key));
        // It steps as every other.
        let stepped = store.write(|rows| {
            let mut step = Step {
                receipts: crate::engine::base::step::Receipts::default(),
                changes: Vec::new(),
                unattended: false,
                origin: crate::chat::MessageOrigin::Person,
                rows,
                device: &alice.device,
                now: START + (6 + DAYS) * DAY,
                rng: &mut rng(),
            };
            own_words::kept(&mut step)
        });
        let stepped: OwnWordsKey = Result::<_, EngineError>::unwrap(stepped);
        assert!(!said.is_known_by(&stepped) && later.is_known_by(&stepped));
    }
}
