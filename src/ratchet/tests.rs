use super::scka::Message;
use super::*;
use crate::crypto::{
    AuthenticationFailed, DhPublic, DhSecret, Secret, SecretBytes, SeededRandom, seeded,
};
use crate::limits::{MAX_CHAIN_JUMP, MAX_RECEIVING_CHAINS, MAX_SKIPPED_KEYS};

struct Side {
    ratchet: Ratchet,
    skipped: MemorySkippedKeys,
    rng: SeededRandom,
}

type Sealed = (RatchetHeader, Vec<u8>, Message);

impl Side {
    fn send(&mut self, text: &str) -> Sealed {
        let sent = self.ratchet.duplicate().send(0, &mut self.rng).unwrap();
        self.ratchet = sent.ratchet;
        let sealed = sent
            .key
            .seal(text.as_bytes(), b"ad", &mut self.rng)
            .unwrap();
        (sent.header, sealed, sent.message)
    }

    fn try_receive(&self, (header, sealed, _): &Sealed) -> Result<Opened, RatchetError> {
        let ratchet = self.ratchet.duplicate();
        ratchet.receive(header, &self.skipped)?.open(sealed, b"ad")
    }

    fn receive(&mut self, sealed: &Sealed) -> Result<SecretBytes, RatchetError> {
        let mut opened = self.try_receive(sealed)?;
        opened.ratchet.hear(&sealed.2);
        self.skipped.apply(opened.changes);
        // Every step goes through the form that the store keeps.
        self.ratchet = Ratchet::from_row(&opened.ratchet.to_row()).unwrap();
        assert_eq!(self.skipped.len(), self.ratchet.skipped() as usize);
        Ok(opened.plaintext)
    }
}

fn pair(seed: u8) -> (Side, Side) {
    let mut rng = seeded(&Secret::new([seed; 32]));
    let shared = Secret::<32>::random(&mut rng);
    let prekey = DhSecret::generate(&mut rng);
    let side = |ratchet, rng: &mut SeededRandom| Side {
        ratchet,
        skipped: MemorySkippedKeys::default(),
        rng: seeded(&Secret::random(rng)),
    };
    let alice = Ratchet::initiate(shared.duplicate(), prekey.public(), true);
    let bob = Ratchet::respond(shared, prekey);
    (side(alice, &mut rng), side(bob, &mut rng))
}

#[test]
fn a_conversation_in_order_in_both_directions() {
    let (mut alice, mut bob) = pair(30);
    for round in 0..20 {
        for i in 0..3 {
            let text = format!("{round} {i}");
            let sealed = alice.send(&text);
            assert_eq!(*bob.receive(&sealed).unwrap(), text.as_bytes());
        }
        let sealed = bob.send("and back");
        assert_eq!(*alice.receive(&sealed).unwrap(), b"and back");
    }
    assert!(bob.ratchet.chains.len() <= MAX_RECEIVING_CHAINS);
}

#[test]
fn late_and_lost_messages_leave_the_rest_readable() {
    let (mut alice, mut bob) = pair(31);
    let first: Vec<_> = (0..10).map(|i| alice.send(&format!("a{i}"))).collect();
    bob.receive(&first[9]).unwrap();
    let answer = bob.send("b");
    alice.receive(&answer).unwrap();
    let second: Vec<_> = (0..10).map(|i| alice.send(&format!("c{i}"))).collect();
    bob.receive(&second[5]).unwrap();
    for i in [3, 7, 0] {
        assert_eq!(*bob.receive(&first[i]).unwrap(), format!("a{i}").as_bytes());
        assert_eq!(
            *bob.receive(&second[i % 5]).unwrap(),
            format!("c{}", i % 5).as_bytes()
        );
    }
}

#[test]
fn a_key_opens_once() {
    let (mut alice, mut bob) = pair(32);
    let sealed: Vec<_> = (0..3).map(|i| alice.send(&i.to_string())).collect();
    for i in [2, 0, 1] {
        bob.receive(&sealed[i]).unwrap();
        let number = i as u32;
        assert_eq!(
            bob.receive(&sealed[i]).unwrap_err(),
            RatchetError::KeyGone(Position { chain: 0, number })
        );
    }
}

#[test]
fn a_message_that_fails_changes_nothing() {
    let (mut alice, mut bob) = pair(33);
    let hello = alice.send("hello");
    bob.receive(&hello).unwrap();
    let before = bob.ratchet.to_row();
    let mut good = alice.send("next");

    good.1[20] ^= 1;
    assert!(bob.receive(&good).is_err());
    let mut header = good.0;
    header.message_number = 500;
    let with = |header| (header, good.1.clone(), Message::Nothing);
    assert!(bob.receive(&with(header)).is_err());
    header.ratchet_key = DhSecret::generate(&mut bob.rng).public();
    assert!(bob.receive(&with(header)).is_err());
    for epoch in [1, 2, u32::MAX] {
        for ratchet_key in [header.ratchet_key, good.0.ratchet_key] {
            let other = RatchetHeader {
                epoch,
                ratchet_key,
                ..good.0
            };
            assert_eq!(
                bob.try_receive(&with(other)).unwrap_err(),
                RatchetError::UnexpectedRatchetKey
            );
        }
    }

    assert!(before == bob.ratchet.to_row());
    good.1[20] ^= 1;
    assert_eq!(*bob.receive(&good).unwrap(), b"next");
}

#[test]
fn a_jump_over_the_bound_is_an_error_that_costs_nothing() {
    let (mut alice, mut bob) = pair(34);
    let hello = alice.send("hello");
    bob.receive(&hello).unwrap();
    let mut far = alice.send("far");
    for _ in 0..MAX_CHAIN_JUMP {
        far = alice.send("far");
    }
    let mut farther = far.0;
    farther.message_number += 1;
    assert_eq!(
        bob.receive(&(farther, far.1.clone(), Message::Nothing))
            .unwrap_err(),
        RatchetError::TooFarAhead {
            ahead: MAX_CHAIN_JUMP + 1
        }
    );
    assert_eq!(bob.ratchet.skipped(), 0);
    assert_eq!(*bob.receive(&far).unwrap(), b"far");
    assert_eq!(bob.ratchet.skipped(), MAX_SKIPPED_KEYS);
}

#[test]
fn skipped_keys_stay_within_their_bound_and_the_oldest_go_first() {
    let (mut alice, mut bob) = pair(35);
    let first: Vec<_> = (0..1_500).map(|_| alice.send("first")).collect();
    bob.receive(&first[1_499]).unwrap();
    let answer = bob.send("turn");
    alice.receive(&answer).unwrap();
    let second: Vec<_> = (0..1_000).map(|_| alice.send("second")).collect();
    bob.receive(&second[999]).unwrap();
    assert_eq!(bob.ratchet.skipped(), MAX_SKIPPED_KEYS);
    assert!(bob.receive(&first[497]).is_err());
    assert!(bob.receive(&first[498]).is_ok());
    assert!(bob.receive(&second[0]).is_ok());
}

#[test]
fn what_is_too_much_goes_from_one_chain_after_the_other() {
    let (mut alice, mut bob) = pair(42);
    for skipped in [3, 4] {
        for _ in 0..skipped {
            alice.send("lost");
        }
        bob.receive(&alice.send("now")).unwrap();
        alice.receive(&bob.send("turn")).unwrap();
    }
    for _ in 0..MAX_SKIPPED_KEYS - 2 {
        alice.send("lost");
    }
    let last = alice.send("now");
    let erased = |change: SkippedChange| match change {
        SkippedChange::EraseOldest { chain, count } => Some((chain, count)),
        _ => None,
    };
    let changes = bob.try_receive(&last).unwrap().changes;
    let erased: Vec<_> = changes.into_iter().filter_map(erased).collect();
    assert_eq!(erased, [(0, 3), (1, 2)]);
    bob.receive(&last).unwrap();
    assert_eq!(bob.ratchet.skipped(), MAX_SKIPPED_KEYS);
}

#[test]
fn a_chain_is_settled_when_another_has_begun_and_nothing_of_it_is_missing() {
    let (mut alice, mut bob) = pair(43);
    let (late, now) = (alice.send("late"), alice.send("now"));
    let tag = alice.ratchet.header_key().unwrap().tag();
    bob.receive(&now).unwrap();
    assert!(bob.ratchet.settled_tags().is_empty());
    alice.receive(&bob.send("turn")).unwrap();
    bob.receive(&alice.send("turned")).unwrap();
    assert!(bob.ratchet.settled_tags().is_empty());
    bob.receive(&late).unwrap();
    assert_eq!(bob.ratchet.settled_tags(), [tag]);
}

#[test]
fn a_chain_begins_with_the_first_message_after_one_that_came() {
    let (mut alice, mut bob) = pair(44);
    assert!(alice.ratchet.begins_chain() && bob.ratchet.begins_chain());
    let first = alice.send("first");
    assert!(!alice.ratchet.begins_chain());
    bob.receive(&first).unwrap();
    assert!(bob.ratchet.begins_chain());
    alice.receive(&bob.send("turn")).unwrap();
    assert!(alice.ratchet.begins_chain() && !bob.ratchet.begins_chain());
}

#[test]
fn a_copy_of_skipped_keys_opens_what_they_open() {
    let (mut alice, mut bob) = pair(45);
    let (late, now) = (alice.send("late"), alice.send("now"));
    assert!(bob.skipped.is_empty());
    bob.receive(&now).unwrap();
    assert!(!bob.skipped.is_empty());
    bob.skipped = bob.skipped.duplicate();
    assert_eq!(*bob.receive(&late).unwrap(), b"late");
}

/// What looks on has the bounds of the ratchet (decision 0109).
#[test]
fn who_only_looks_goes_as_far_as_the_ratchet_itself_and_opens_no_other_header() {
    let (mut alice, mut bob) = pair(46);
    let first = alice.send("first");
    bob.receive(&first).unwrap();
    bob.send("turn");
    let row = bob.ratchet.to_receiving_row().unwrap();
    let looks = ReceivingRatchet::from_row(&row).unwrap();
    let key = |header: RatchetHeader| looks.message_key(&header).map(|_| ());
    let far = |ahead| Err(RatchetError::TooFarAhead { ahead });
    let in_chain = |message_number| {
        key(RatchetHeader {
            message_number,
            ..first.0
        })
    };
    assert_eq!(in_chain(1 + MAX_CHAIN_JUMP), Ok(()));
    assert_eq!(in_chain(2 + MAX_CHAIN_JUMP), far(MAX_CHAIN_JUMP + 1));
    assert!(in_chain(0).is_err());
    let ratchet_key = DhSecret::generate(&mut bob.rng).public();
    let in_next = |previous_chain_length, message_number| {
        key(RatchetHeader {
            ratchet_key,
            previous_chain_length,
            message_number,
            ..first.0
        })
    };
    assert_eq!(in_next(1 + MAX_CHAIN_JUMP, MAX_CHAIN_JUMP), Ok(()));
    assert_eq!(in_next(2 + MAX_CHAIN_JUMP, 0), far(MAX_CHAIN_JUMP + 1));
    assert_eq!(in_next(0, MAX_CHAIN_JUMP + 1), far(MAX_CHAIN_JUMP + 1));
    // The chain's ratchet key with another epoch, and its epoch with another ratchet key.
    for header in [
        RatchetHeader {
            epoch: 1,
            ..first.0
        },
        RatchetHeader {
            ratchet_key,
            ..first.0
        },
    ] {
        let (tag, sealed) = sealed_header(&mut alice, &header);
        let opened = looks.open_header(&tag, &sealed, b"data");
        assert_eq!(opened, Err(RatchetError::UnexpectedRatchetKey));
    }
}

#[test]
fn keys_of_the_sixth_last_chain_are_gone() {
    let (mut alice, mut bob) = pair(36);
    let mut late = Vec::new();
    for _ in 0..=MAX_RECEIVING_CHAINS {
        late.push(alice.send("late"));
        let sealed = alice.send("now");
        bob.receive(&sealed).unwrap();
        let answer = bob.send("turn");
        alice.receive(&answer).unwrap();
    }
    assert!(bob.receive(&late[0]).is_err());
    for sealed in &late[1..] {
        assert!(bob.receive(sealed).is_ok());
    }
}

#[test]
fn ones_own_message_reflected_is_refused() {
    let (mut alice, mut bob) = pair(37);
    let hello = alice.send("hello");
    assert!(alice.receive(&hello).is_err());
    bob.receive(&hello).unwrap();
    let answer = bob.send("hi");
    assert!(bob.receive(&answer).is_err());
    assert!(alice.receive(&answer).is_ok());
}

#[test]
fn a_ratchet_key_of_small_order_is_refused() {
    let (mut alice, bob) = pair(38);
    let hello = alice.send("hello");
    let low = DhPublic::from_bytes(&[0; 32]);
    assert!(low.is_err());
    assert!(bob.try_receive(&hello).is_ok());
}

#[test]
fn after_a_round_trip_a_stolen_state_reads_nothing_new() {
    let (mut alice, mut bob) = pair(39);
    let hello = alice.send("hello");
    bob.receive(&hello).unwrap();
    let stolen = Side {
        ratchet: bob.ratchet.duplicate(),
        skipped: MemorySkippedKeys::default(),
        rng: seeded(&Secret::new([99; 32])),
    };
    let now = alice.send("the thief reads this");
    assert!(stolen.try_receive(&now).is_ok());
    bob.receive(&now).unwrap();
    let answer = bob.send("turn");
    alice.receive(&answer).unwrap();
    let healed = alice.send("and not this");
    assert!(stolen.try_receive(&healed).is_err());
    assert!(stolen.try_receive(&hello).is_err());
    assert_eq!(*bob.receive(&healed).unwrap(), b"and not this");
}

#[test]
fn a_thousand_in_reverse_order_are_a_thousand_keys_kept_and_erased_once() {
    let (mut alice, mut bob) = pair(40);
    let sealed: Vec<_> = (0..1_000).map(|_| alice.send("turned")).collect();
    let mut changes = 0;
    for message in sealed.iter().rev() {
        changes += bob.try_receive(message).unwrap().changes.len();
        bob.receive(message).unwrap();
    }
    assert_eq!(changes, 2 * 999);
    assert!(bob.skipped.is_empty());
}

/// A header under the key of the chain that a side sends in, and that chain's tag.
fn sealed_header(side: &mut Side, header: &RatchetHeader) -> (ChainTag, Vec<u8>) {
    let key = side.ratchet.header_key().unwrap();
    let sealed = key.seal(header, b"data", &mut side.rng).unwrap();
    (key.tag(), sealed.to_vec())
}

#[test]
fn a_header_opens_under_the_key_of_its_tag_and_in_the_chain_of_its_ratchet_key_alone() {
    let (mut alice, mut bob) = pair(41);
    let first = alice.send("first");
    let (tag, sealed) = sealed_header(&mut alice, &first.0);
    // In the chain that is to come.
    assert_eq!(
        bob.ratchet.open_header(&tag, &sealed, b"data").unwrap(),
        first.0
    );
    assert!(bob.ratchet.is_in_new_chain(&first.0));
    bob.receive(&first).unwrap();
    // In the one that is known, also once there is another.
    let second = alice.send("second");
    let late = sealed_header(&mut alice, &second.0);
    alice.receive(&bob.send("answer")).unwrap();
    let third = alice.send("third");
    let new = sealed_header(&mut alice, &third.0);
    for (header, (tag, sealed), is_new) in [(&second.0, &late, false), (&third.0, &new, true)] {
        assert_eq!(
            bob.ratchet.open_header(tag, sealed, b"data").unwrap(),
            *header
        );
        assert_eq!(bob.ratchet.is_in_new_chain(header), is_new);
        let other = bob.ratchet.open_header(tag, sealed, b"other");
        assert_eq!(other, Err(RatchetError::Header(AuthenticationFailed)));
    }
    bob.receive(&third).unwrap();
    assert_eq!(
        bob.ratchet.open_header(&late.0, &late.1, b"data").unwrap(),
        second.0
    );
    // Under a tag of nothing, under another chain's, and with a ratchet key that is not the chain's.
    let nothing = bob
        .ratchet
        .open_header(&[0; CHAIN_TAG_LEN], &new.1, b"data");
    assert_eq!(nothing, Err(RatchetError::UnknownChain));
    let other = bob.ratchet.open_header(&late.0, &new.1, b"data");
    assert_eq!(other, Err(RatchetError::Header(AuthenticationFailed)));
    let (tag, forged) = sealed_header(&mut alice, &second.0);
    let another = bob.ratchet.open_header(&tag, &forged, b"data");
    assert_eq!(another, Err(RatchetError::UnexpectedRatchetKey));
}
