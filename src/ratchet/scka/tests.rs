use super::*;
use crate::crypto::{Secret, SeededRandom, seeded};

const DAY: u64 = EPOCH_SECONDS * 1000;

fn rng(seed: u8) -> SeededRandom {
    seeded(&Secret::new([seed; 32]))
}

/// Through the form that the store keeps.
fn stored(scka: &Scka) -> Scka {
    Scka::from_row(&scka.to_row()).unwrap()
}

/// A message that brings something, and how many came before it.
fn next(scka: &mut Scka, now: u64, rng: &mut SeededRandom) -> (u32, Message) {
    for before in 0.. {
        *scka = stored(scka);
        let (message, secret) = scka.send(now, rng);
        assert!(secret.is_none() || matches!(message, Message::Ciphertext(..)));
        if message != Message::Nothing {
            return (before, message);
        }
    }
    unreachable!()
}

#[test]
fn the_two_sides_agree_on_the_secret_of_each_epoch_and_take_turns() {
    let mut rng = rng(1);
    let (mut holder, mut other) = (Scka::initiate(true), Scka::respond());
    for epoch in 1..6 {
        let (before, key) = next(&mut holder, 0, &mut rng);
        assert_eq!(before, if epoch == 1 { 0 } else { EPOCH_MESSAGES });
        assert!(matches!(key, Message::Key(of, _) if of == epoch));
        assert!(other.receive(&key).is_none());
        let (answer, theirs) = stored(&other).send(0, &mut rng);
        (other, holder) = {
            let mut other = stored(&other);
            // Each answer is made with other randomness.
            let (again, secret) = other.send(0, &mut rng);
            assert!(again != answer && secret != theirs);
            let ours = holder.receive(&again);
            assert!(ours.is_some() && ours == secret);
            assert!(!other.is_shared() && holder.is_shared());
            other.confirm();
            assert!(other.is_shared());
            (stored(&holder), stored(&other))
        };
    }
}

#[test]
fn what_is_not_answered_goes_with_the_first_and_each_eighth_message() {
    let mut rng = rng(2);
    let (mut holder, mut other) = (Scka::initiate(true), Scka::respond());
    let (_, key) = next(&mut holder, 0, &mut rng);
    for _ in 0..3 {
        assert_eq!(
            next(&mut holder, 0, &mut rng),
            (EPOCH_REPEAT - 1, key.clone())
        );
    }
    other.receive(&key);
    let (first, secret) = other.send(0, &mut rng);
    assert!(secret.is_some());
    for _ in 0..3 {
        // A key that comes again changes nothing.
        assert!(other.receive(&key).is_none());
        assert_eq!(
            next(&mut other, 0, &mut rng),
            (EPOCH_REPEAT - 1, first.clone())
        );
    }
    assert_eq!(holder.receive(&first), secret);
}

#[test]
fn a_day_of_use_is_enough_for_a_new_key_and_a_wrong_clock_does_no_harm() {
    let carries = |second: u64| {
        let (mut scka, rng) = (Scka::initiate(false), &mut rng(3));
        assert_eq!(scka.send(100 * DAY, rng).0, Message::Nothing);
        let mut scka = stored(&scka);
        matches!(scka.send(second, rng).0, Message::Key(1, _))
    };
    assert!(!carries(101 * DAY - 1));
    assert!(carries(101 * DAY));
    // A clock that was put back: by a little, or by so much that its date cannot be.
    assert!(!carries(100 * DAY - 1));
    assert!(carries(98 * DAY));
    assert!(carries(0) && carries(u64::MAX));
    // Whoever does not write offers nothing, however long it is.
    let mut silent = Scka::initiate(false);
    assert_eq!(silent.send(u64::MAX, &mut rng(3)).0, Message::Nothing);
}

#[test]
fn after_the_last_epoch_nothing_is_offered() {
    let offers = |epoch| {
        let phase = Phase::Resting {
            sent: EPOCH_MESSAGES,
            since: 0,
        };
        let (message, _) = Scka { epoch, phase }.send(0, &mut rng(6));
        matches!(message, Message::Key(..))
    };
    assert!(offers(u32::MAX - 1));
    assert!(!offers(u32::MAX));
}

#[test]
fn what_does_not_belong_to_the_exchange_is_passed_over() {
    let mut rng = rng(4);
    let (mut holder, mut other) = (Scka::initiate(true), Scka::respond());
    let (_, key) = next(&mut holder, 0, &mut rng);
    let Message::Key(1, bytes) = &key else {
        panic!("a key");
    };
    let mut invalid = bytes.clone();
    invalid[..2].copy_from_slice(&[0xff, 0xff]);
    for wrong in [
        Message::Nothing,
        Message::Key(0, bytes.clone()),
        Message::Key(2, bytes.clone()),
        Message::Key(u32::MAX, bytes.clone()),
        // A coefficient that is not reduced (FIPS 203 §7.2).
        Message::Key(1, invalid),
        Message::Ciphertext(1, Box::new([0; KEM_CIPHERTEXT_LEN])),
    ] {
        let before = other.to_row();
        assert!(other.receive(&wrong).is_none());
        assert!(before == other.to_row());
    }
    // An invalid key did not use up the exchange.
    other.receive(&key);
    let (answer, secret) = other.send(0, &mut rng);
    let Message::Ciphertext(1, bytes) = &answer else {
        panic!("a ciphertext");
    };
    for wrong in [
        key.clone(),
        Message::Ciphertext(0, bytes.clone()),
        Message::Ciphertext(2, bytes.clone()),
    ] {
        let before = holder.to_row();
        assert!(holder.receive(&wrong).is_none());
        assert!(before == holder.to_row());
    }
    assert_eq!(holder.receive(&answer), secret);
    // Late and repeated ones change nothing.
    let before = (holder.to_row(), other.to_row());
    for late in [&key, &answer] {
        assert!(holder.receive(late).is_none() && other.receive(late).is_none());
    }
    assert!(before == (holder.to_row(), other.to_row()));
}

#[test]
fn messages_are_read_from_the_front_of_a_plaintext_or_not_at_all() {
    let key = Message::Key(7, Box::new([1; 1_184]));
    let answer = Message::Ciphertext(u32::MAX, Box::new([2; 1_088]));
    for (message, len) in [(Message::Nothing, 1), (key, 1_189), (answer, 1_093)] {
        let bytes = message.encode();
        assert_eq!(bytes.len(), len);
        let whole = [&*bytes, b"payload"].concat();
        assert_eq!(
            Message::split(&whole),
            Some((message, b"payload".as_slice()))
        );
        for cut in 0..len {
            assert!(Message::split(bytes.get(..cut).unwrap()).is_none());
        }
    }
    assert!(Message::split(&[3; 2_000]).is_none());
}

#[test]
fn no_secret_is_printed_and_a_damaged_row_is_no_state() {
    let mut rng = rng(5);
    let (mut holder, mut other) = (Scka::initiate(true), Scka::respond());
    let (_, key) = next(&mut holder, 0, &mut rng);
    other.receive(&key);
    let asked = other.to_row();
    other.send(0, &mut rng);
    assert!(format!("{holder:?}").contains("[REDACTED]"));
    for row in [holder.to_row(), asked, other.to_row()] {
        let mut short = row.clone();
        short.seed.pop();
        short.public.pop();
        assert!(Scka::from_row(&short).is_none());
        let mut unknown = row.clone();
        unknown.phase = 0;
        assert!(Scka::from_row(&unknown).is_none());
    }
}
