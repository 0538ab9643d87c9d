//! Thieves: whoever has the seed alone gets nothing of before, by whatever they ask; whoever has the state of a day, what came since.

use std::cell::RefCell;

use super::*;
use crate::bundle::{PrekeySecrets, build};
use crate::chat::{Content, HealingRequest};
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::{contacts::Contact, healing_root, pairs, private_prekeys};
use crate::ratchet::MemorySkippedKeys;
use crate::session::{HintKey, Session};
use crate::x3dh::ResponderKeys;

const HOUR: u64 = 3_600_000;

/// Whoever has the seed of somebody, and a program of their own.
struct Thief {
    identity: IdentityKeyPair,
    device_id: u32,
    prekeys: PrekeySecrets,
    bundle: VerifiedBundle,
    sessions: RefCell<Vec<Session>>,
}

impl Thief {
    /// Poses as a device of these numbers' identity that is signed on a day.
    fn of(victim: &Party, device_id: u32, day: u64) -> Self {
        let identity = victim.device.identity.duplicate();
        let prekeys = PrekeySecrets::generate(&mut rng());
        let device = prekeys.device(device_id, 77);
        let issued_at = (START + day * DAY) / 1000 + 7;
        let bundle = build(&identity, &[device], None, issued_at).unwrap();
        Self {
            identity,
            device_id,
            prekeys,
            bundle,
            sessions: RefCell::default(),
        }
    }

    /// An envelope with a request, in a session that is begun for it.
    fn asks(&self, whom: &Party, day: u64, request: HealingRequest) -> Vec<u8> {
        let theirs = whom.bundle(day, false);
        let remote = theirs.devices().iter();
        let mut remote = remote.filter(|remote| remote.device_id == whom.device.device_id);
        let hint = HintKey::between(&self.identity, theirs.identity()).unwrap();
        let session = Session::initiate(
            &self.identity,
            self.device_id,
            theirs.identity(),
            remote.next().unwrap(),
            None,
            hint,
            0,
            &mut rng(),
        );
        let content = Content {
            id: MessageId::random(&mut rng()),
            lamport: 0,
            sent_at: START + day * DAY,
            reply_to: None,
            group: None,
            follows: Vec::new(),
            origin: crate::chat::MessageOrigin::Person,
            view: None,
            body: Body::HealingRequest(request),
        };
        let payload = crate::wire::v2::Payload {
            content: content.to_bytes().to_vec(),
            sender_bundle: self.bundle.encoded().to_vec(),
            pair: None,
            receipt: Vec::new(),
        };
        let payload = crate::wire::encode_secret(&payload);
        let own = self.identity.public();
        let sent = session.unwrap().send(&own, &payload, START, &mut rng());
        let (session, part) = sent.unwrap();
        self.sessions.borrow_mut().push(session);
        Envelope { parts: vec![part] }.encode()
    }

    /// What the thief reads in an envelope.
    fn reads(&self, envelope: &[u8]) -> Option<Body> {
        let envelope = Envelope::decode(envelope).unwrap();
        let part = envelope.part_for(self.device_id)?;
        let mut sessions = self.sessions.borrow_mut();
        let at = sessions
            .iter()
            .position(|known| known.expected_tags().contains(&part.chain_tag));
        let session = match (at, &part.handshake) {
            (Some(at), _) => sessions.remove(at),
            (None, Some(sealed)) => {
                let us = crate::x3dh::Party {
                    identity: self.identity.public(),
                    device_id: self.device_id,
                };
                let (handshake, kem_shared) = sealed.open(&us, &self.prekeys).ok()?;
                let keys = ResponderKeys {
                    identity: &self.identity,
                    device_id: self.device_id,
                    prekeys: &self.prekeys,
                    kem_shared: kem_shared.as_ref(),
                    one_time_prekey: None,
                    secret: None,
                };
                let peer = handshake.initiator.identity;
                let hint = HintKey::between(&self.identity, &peer).unwrap();
                Session::respond(&keys, &handshake, hint, 0).ok()?
            }
            (None, None) => return None,
        };
        let skipped = MemorySkippedKeys::default();
        let received = session.receive(part, &skipped).ok()?;
        sessions.push(received.session);
        let payload: crate::wire::v2::Payload =
            crate::wire::decode("payload", &received.payload.unwrap()).unwrap();
        Some(Content::from_bytes(&payload.content).unwrap().body)
    }

    /// What comes out of an outbox says nothing of before: it is requests, and answers that nothing follows.
    fn learns_nothing(&self, outbox: &[outbox::QueuedEnvelope]) {
        for sent in outbox {
            match self.reads(&sent.envelope) {
                None | Some(Body::HealingRequest(_)) => {}
                Some(Body::HealingAnswer { messages, .. }) => assert_eq!(messages, 0),
                Some(Body::DeviceUpdate(update)) => {
                    assert!(update.contacts.is_empty() && update.read.is_empty());
                }
                Some(_) => panic!("the thief reads what was written before"),
            }
        }
    }
}

pub(super) fn to(party: &Party) -> ConversationId {
    ConversationId::Direct(party.device.public())
}

/// Two who wrote each other on each of some days, all of it acknowledged.
pub(super) fn who_talked(days: u64) -> [Party; 2] {
    let parties = [1, 2].map(Party::new);
    let [alice, bob] = &parties;
    introduce(&[alice, bob], 0);
    for day in 0..days {
        for party in &parties {
            party.at(day, healing_root::keep_days).unwrap();
        }
        write(alice, day, &to(bob), text(&format!("alice {day}")));
        deliver(&[alice, bob], day);
        write(bob, day, &to(alice), text(&format!("bob {day}")));
        deliver(&[alice, bob], day);
    }
    parties
}

/// How many messages it is said that follow.
fn promised(outcomes: &[Outcome]) -> Option<u64> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Peer(_, PeerNews::Resent { messages }) => Some(*messages),
        _ => None,
    })
}

#[test]
fn a_seed_alone_gets_nothing_of_before_by_any_request_under_any_policy() {
    for policy in [TrustPolicy::FirstUse, TrustPolicy::AcceptAll] {
        let [alice, bob] = who_talked(3);
        bob.at(2, |step| trust::set_policy(step.rows, policy))
            .unwrap();
        // Not acknowledged either: the victim's own device is away.
        write(&bob, 2, &to(&alice), text("to whom it was written"));
        empty_outbox(&bob);
        let own = alice.device.device_id;
        for device_id in [own ^ 1, own] {
            let thief = Thief::of(&alice, device_id, 3);
            for request in [
                HealingRequest::default(),
                HealingRequest {
                    went_back: true,
                    ..HealingRequest::default()
                },
                HealingRequest {
                    link_token: Some([7; 16]),
                    ..HealingRequest::default()
                },
            ] {
                let asked = thief.asks(&bob, 3, request);
                let outcomes = take(&bob, 3, &asked).unwrap();
                assert_eq!(promised(&outcomes), Some(0));
                thief.learns_nothing(&empty_outbox(&bob));
            }
            for day in 4..9 {
                run_due(&bob, day).unwrap();
                thief.learns_nothing(&empty_outbox(&bob));
            }
        }
    }
}

#[test]
fn a_device_of_ones_own_that_nobody_linked_is_told_nothing_of_before() {
    let [alice, bob] = who_talked(3);
    let late = bob.send(2, &alice).unwrap();
    let thief = Thief::of(&alice, alice.device.device_id ^ 1, 3);
    let outcomes = take(&alice, 3, &thief.asks(&alice, 3, HealingRequest::default())).unwrap();
    assert_eq!(promised(&outcomes), Some(0));
    // The user hears of it first.
    let told = |outcome: &Outcome| matches!(outcome, Outcome::Peer(_, PeerNews::DevicesChanged(_)));
    let told = outcomes.iter().position(told);
    let answered = outcomes
        .iter()
        .position(|outcome| matches!(outcome, Outcome::Peer(_, PeerNews::Resent { .. })));
    assert!(told.unwrap() < answered.unwrap());
    // An answer, and no contacts.
    let answer = empty_outbox(&alice);
    assert_eq!(answer.len(), 1);
    thief.learns_nothing(&answer);
    // Nor is it told what was written before it turned up, and comes late.
    assert!(opens(&taken(&alice, 3, &late)));
    thief.learns_nothing(&empty_outbox(&alice));
    for day in 4..9 {
        run_due(&alice, day).unwrap();
        thief.learns_nothing(&empty_outbox(&alice));
    }
}

/// Asks with the state that `copy` holds, or what it became; how many messages follow.
pub(super) fn asks(asker: &Party, whom: &Party, day: u64) -> Option<u64> {
    asks_at(asker, whom, START + day * DAY)
}

pub(super) fn asks_at(asker: &Party, whom: &Party, now: u64) -> Option<u64> {
    let asked = asker.at_time(now, |step| {
        let request = Body::HealingRequest(HealingRequest::default());
        let to = Recipients::ALL.in_new_session();
        post::send_control(step, &whom.device.public(), to, request)
    });
    asked.unwrap();
    let mut told = Vec::new();
    for waiting in empty_outbox(asker) {
        let envelope = Envelope::decode(&waiting.envelope).unwrap();
        let taken = whom.at_time(now, |step| receive::receive(step, &envelope));
        told.extend(taken.unwrap().outcomes);
    }
    empty_outbox(whom);
    promised(&told)
}

/// What the device's healing keys are made of, as it is in a copy.
pub(super) fn root(party: &Party) -> crate::wire::store::HealingRootRow {
    let row = party.at(0, |step| {
        get_row(step.rows, Table::Device, Key::new(b"healing root"))
    });
    row.unwrap().unwrap()
}

pub(super) fn set_root(party: &Party, row: &crate::wire::store::HealingRootRow) {
    let set = party.at(0, |step| {
        put_row(step.rows, Table::Device, Key::new(b"healing root"), row)
    });
    set.unwrap();
}

#[test]
fn a_state_of_a_day_proves_that_day_and_the_one_before_and_none_earlier() {
    let [alice, bob] = who_talked(6);
    // The keys of the last day: two days, two messages on each.
    assert_eq!(asks(&alice, &bob, 5), Some(4));
    let last = root(&alice);
    let [alice, bob] = who_talked(4);
    let early = root(&alice);
    assert_eq!(early.day, last.day - 2);
    for day in 4..6 {
        alice.at(day, healing_root::keep_days).unwrap();
        write(&alice, day, &to(&bob), text("later"));
        deliver(&[&alice, &bob], day);
    }
    // Whoever has the state of the fourth day, of index 3, has what came since the third.
    set_root(&alice, &early);
    assert_eq!(asks(&alice, &bob, 5), Some(2 * 2 + 2));
}

#[test]
fn a_copy_that_was_put_back_asks_as_of_its_day_this_day_and_the_next() {
    let [alice, bob] = who_talked(3);
    let copy = root(&alice);
    for day in 3..9 {
        alice.at(day, healing_root::keep_days).unwrap();
        write(&bob, day, &to(&alice), text("meanwhile"));
        deliver(&[&alice, &bob], day);
    }
    set_root(&alice, &copy);
    // It runs again, for a day and the next.
    for day in [9, 10] {
        alice.at(day, healing_root::keep_days).unwrap();
        assert_eq!(root(&alice).day, copy.ran_day);
        assert_eq!(asks(&alice, &bob, day), Some(2 + 6));
    }
    let party = bob.end();
    alice
        .at(10, |step| pairs::answered(step.rows, &party))
        .unwrap();
    alice.at(11, healing_root::keep_days).unwrap();
    assert_eq!(asks(&alice, &bob, 11), Some(0));
}

#[test]
fn a_request_that_nobody_answers_proves_what_it_proved_until_somebody_does() {
    let [alice, bob] = who_talked(3);
    asks(&alice, &bob, 2);
    for day in 3..12 {
        alice.at(day, healing_root::keep_days).unwrap();
    }
    assert_eq!(root(&alice).day, u32::try_from(START / DAY + 10).unwrap());
    assert_eq!(asks(&alice, &bob, 11), Some(4));
}

/// The contact as somebody knows it.
fn contact(of: &Party, who: &Party) -> Contact {
    let found = of.at(0, |step| contacts::find(step.rows, &who.device.public()));
    found.unwrap().unwrap()
}

#[test]
fn one_forged_packet_begins_nothing_weaker() {
    let [alice, bob] = who_talked(3);
    let seen = bob.send(2, &alice).unwrap();
    take(&alice, 2, &seen).unwrap();
    deliver(&[&alice, &bob], 2);
    // Somebody who saw one envelope, and has no key.
    let mut forged = Envelope::decode(&seen).unwrap();
    let part = &mut forged.parts[0];
    part.handshake = None;
    part.sealed_header[20] ^= 1;
    part.ciphertext = vec![7; 100];
    // In a chain that is known, and in one that the hint points away from.
    for unknown in [false, true] {
        forged.parts[0].chain_tag[0] ^= u8::from(unknown);
        let outcomes = take(&alice, 2, &forged.clone().encode()).unwrap();
        let asks = |one: &Outcome| matches!(one, Outcome::Peer(_, PeerNews::Healing { .. }));
        assert!(!outcomes.iter().any(asks));
    }
    let secret = alice.send(2, &bob).unwrap();
    assert!(
        Envelope::decode(&secret).unwrap().parts[0]
            .handshake
            .is_none()
    );
}

#[test]
fn what_nobody_acknowledges_never_goes_in_a_session_that_was_begun_for_it() {
    let [alice, bob] = who_talked(3);
    write(&alice, 2, &to(&bob), text("withheld"));
    empty_outbox(&alice);
    let mut probed = 0;
    for hour in 0..24 * 9 {
        run_due_at(&alice, START + 2 * DAY + hour * HOUR).unwrap();
        for sent in empty_outbox(&alice) {
            let envelope = Envelope::decode(&sent.envelope).unwrap();
            let Some(_) = envelope.parts[0].handshake else {
                continue;
            };
            // It is a request, and brings no message.
            probed += 1;
            let outcomes = bob.at_time(START + 3 * DAY, |step| {
                let taken = receive::receive(step, &envelope)?;
                Ok(taken
                    .outcomes
                    .iter()
                    .any(|one| matches!(one, Outcome::Message(_))))
            });
            assert!(!outcomes.unwrap());
        }
    }
    assert!(probed > 0);
}

#[test]
fn what_a_probe_was_answered_to_is_sent_in_it_to_who_lost_the_session() {
    let [alice, bob] = who_talked(3);
    let party = alice.end();
    bob.at(2, |step| sessions::erase_all(step.rows, &party))
        .unwrap();
    let said = write(&alice, 2, &to(&bob), text("in a session that is gone"));
    empty_outbox(&alice);
    for hour in 0..48 {
        run_due_at(&alice, START + 2 * DAY + hour * HOUR).unwrap();
        deliver(&[&alice, &bob], 3);
    }
    let message = MessageRef {
        author: alice.device.public(),
        id: said,
    };
    let there = bob.at(4, |step| message::contains(step.rows, &message));
    assert!(there.unwrap());
}

#[test]
fn a_session_that_is_begun_again_has_a_private_one_time_prekey_which_is_used_once() {
    let [alice, bob] = who_talked(2);
    let mut used = Vec::new();
    for _ in 0..5 {
        let mut known = contact(&alice, &bob);
        let remote = known.bundle.as_ref().unwrap().devices()[0].clone();
        alice
            .at(1, |step| {
                envelopes::initiate(step, &mut known, &remote).map(|_| ())
            })
            .unwrap();
        let first = alice.send(1, &bob).unwrap();
        let id = bob.handshake(&first).one_time_prekey_id.unwrap();
        assert!(private_prekeys::is_private(id) && !used.contains(&id));
        used.push(id);
        assert!(opens(&take(&bob, 1, &first).unwrap()));
        let initiator = alice.end();
        let kept = bob.at(1, |step| private_prekeys::secret(step.rows, &initiator, id));
        assert!(kept.unwrap().is_none());
        deliver(&[&alice, &bob], 1);
    }
}

#[test]
fn what_a_device_did_not_acknowledge_goes_to_no_device_that_appeared_later() {
    let [alice, bob] = who_talked(2);
    write(&bob, 1, &to(&alice), text("to the one that there is"));
    empty_outbox(&bob);
    // The thief leaves the victim's device out.
    let thief = Thief::of(&alice, alice.device.device_id ^ 1, 2);
    let outcomes = take(&bob, 2, &thief.asks(&bob, 2, HealingRequest::default())).unwrap();
    let told = |outcome: &Outcome| matches!(outcome, Outcome::Peer(_, PeerNews::DevicesChanged(_)));
    assert!(outcomes.iter().any(told));
    for day in 2..20 {
        thief.learns_nothing(&empty_outbox(&bob));
        run_due(&bob, day).unwrap();
    }
}
