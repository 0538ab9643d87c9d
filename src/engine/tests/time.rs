//! What time does to prekeys and bundles, with a clock that is set by hand.

use super::*;
use crate::bundle::BundleError;
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::limits::MAX_SESSIONS_PER_DEVICE;

#[test]
fn signed_prekeys_rotate_after_a_week_and_are_erased_a_month_later() {
    let bob = Party::new(1);
    let id = |day| bob.bundle(day, false).devices()[0].signed_prekey.id;
    assert_eq!((id(0), id(6), bob.count(Table::SignedPrekeys)), (1, 1, 1));
    assert_eq!((id(7), bob.count(Table::SignedPrekeys)), (2, 2));
    assert_eq!((id(14), bob.count(Table::SignedPrekeys)), (3, 3));
    // The first was retired on day 7, so it goes on day 37, and its number with it for good.
    assert_eq!((id(36), bob.count(Table::SignedPrekeys)), (4, 4));
    assert_eq!((id(37), bob.count(Table::SignedPrekeys)), (4, 3));
    // The clock may be set back: nothing that is in use is erased, and nothing is kept in use for longer.
    assert_eq!((id(0), bob.count(Table::SignedPrekeys)), (5, 4));
}

#[test]
fn a_late_first_message_opens_until_its_prekey_is_erased() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let bundle = bob.bundle(0, false);
    let late = [&alice, &carol].map(|sender| {
        sender.add(0, &bundle);
        sender.send(0, &bob).unwrap()
    });
    bob.bundle(7, false);
    assert!(opens(&bob.receive(36, &late[0])));
    assert!(matches!(
        bob.receive(37, &late[1]).as_slice(),
        [Outcome::Undecryptable {
            cause: Cause::UnknownPrekey,
            ..
        }]
    ));
}

#[test]
fn a_first_message_replayed_after_its_session_is_gone_makes_no_second_one() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    let first = alice.send(0, &bob).unwrap();
    assert!(opens(&bob.receive(0, &first)));
    let party = alice.end();
    bob.at(1, |step| sessions::erase_all(step.rows, &party))
        .unwrap();
    assert_eq!(bob.count(Table::ChainTags), 0);
    assert!(matches!(
        bob.receive(1, &first).as_slice(),
        [Outcome::Undecryptable {
            cause: Cause::HandshakeReplayed,
            ..
        }]
    ));
}

#[test]
fn an_expired_bundle_begins_no_session_and_stops_none() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let bundle = bob.bundle(0, false);
    alice.add(0, &bundle);
    carol.add(0, &bundle);
    assert!(opens(&bob.receive(0, &alice.send(0, &bob).unwrap())));
    assert!(matches!(
        carol.send(30, &bob),
        Err(EngineError::Bundle(BundleError::Expired { .. }))
    ));
    assert!(opens(&bob.receive(400, &alice.send(400, &bob).unwrap())));
}

#[test]
fn a_one_time_prekey_is_in_one_bundle_and_its_number_is_never_used_again() {
    let [alice, bob] = [1, 2].map(Party::new);
    let one_time = |bundle: &VerifiedBundle| bundle.devices()[0].one_time_prekey.unwrap();
    let first = bob.bundle(0, true);
    let second = bob.bundle(0, true);
    assert_eq!((one_time(&first).id, one_time(&second).id), (1, 2));
    assert_ne!(one_time(&first).key, one_time(&second).key);
    alice.add(0, &second);
    assert!(opens(&bob.receive(0, &alice.send(0, &bob).unwrap())));
    assert_eq!(one_time(&bob.bundle(1, true)).id, 3);
    // Erased with its first use; the other one still waits.
    let left = |id| {
        bob.at(1, |step| {
            Ok(prekeys::one_time_prekey(step.rows, id)?.is_some())
        })
    };
    assert_eq!((left(1).unwrap(), left(2).unwrap()), (true, false));
}

#[test]
fn the_older_of_two_bundles_is_ignored() {
    let [alice, bob] = [1, 2].map(Party::new);
    let (old, new) = (bob.bundle(0, false), bob.bundle(8, false));
    alice.add(8, &new);
    alice.add(8, &old);
    let first = Envelope::decode(&alice.send(8, &bob).unwrap()).unwrap();
    assert_eq!(
        first.parts[0].handshake.as_ref().unwrap().signed_prekey_id,
        2
    );
}

#[test]
fn the_sixth_session_with_a_device_erases_the_first_with_its_keys() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    bob.add(0, &alice.bundle(0, false));
    let mut late = Vec::new();
    for _ in 0..=MAX_SESSIONS_PER_DEVICE {
        alice
            .at(0, |step| {
                let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
                let remote = contact.bundle.as_ref().unwrap().devices()[0].clone();
                envelopes::initiate(step, &mut contact, &remote).map(|_| ())
            })
            .unwrap();
        late.push(alice.send(0, &bob).unwrap());
        assert!(opens(&bob.receive(0, &alice.send(0, &bob).unwrap())));
    }
    for party in [&alice, &bob] {
        assert_eq!(party.count(Table::Sessions), MAX_SESSIONS_PER_DEVICE);
    }
    // One skipped key for each session that is left.
    assert_eq!(bob.count(Table::SkippedKeys), MAX_SESSIONS_PER_DEVICE);
    assert!(!opens(&bob.receive(0, &late[0])));
    assert!(
        late[1..]
            .iter()
            .all(|envelope| opens(&bob.receive(0, envelope)))
    );
}

#[test]
fn disappearing_messages_go_with_their_time_and_others_stay() {
    let [alice, bob] = [1, 2].map(Party::new);
    let peer = ConversationId::Direct(bob.device.public());
    alice.add(0, &bob.bundle(0, false));
    alice.send(0, &bob).unwrap();
    alice
        .at(0, |step| {
            let mut row = conversations::row(step.rows, &peer)?;
            row.disappear_after = 2 * DAY;
            conversations::save(step.rows, &peer, &row)
        })
        .unwrap();
    alice.send(1, &bob).unwrap();
    alice.send(2, &bob).unwrap();
    let shown = |day| {
        alice.at(day, |step| {
            Ok(view::page(step.rows, &peer, 10, None, step.now)?.len())
        })
    };
    let expire = |day| alice.at(day, |step| deletion::expire(step.rows, step.now));
    let kept = |table| alice.count(table);
    // Not shown from that moment on, also when nothing has deleted them yet.
    assert_eq!(
        (shown(2).unwrap(), shown(3).unwrap(), shown(4).unwrap()),
        (3, 2, 1)
    );
    assert_eq!(
        (expire(2).unwrap(), expire(3).unwrap(), expire(3).unwrap()),
        (0, 1, 0)
    );
    assert_eq!(
        (
            kept(Table::Messages),
            kept(Table::Timeline),
            kept(Table::Expiries)
        ),
        // What is gone keeps its name for a month, lest somebody sends it again.
        (3, 3, 2)
    );
    assert_eq!((expire(400).unwrap(), expire(431).unwrap()), (2, 1));
    assert_eq!(
        (
            kept(Table::Messages),
            kept(Table::Timeline),
            kept(Table::Expiries)
        ),
        (1, 1, 0)
    );
}

#[test]
fn a_skipped_key_is_erased_a_month_later_whatever_else_is_kept() {
    let [alice, bob] = [1, 2].map(Party::new);
    alice.add(0, &bob.bundle(0, false));
    let mut late = Vec::new();
    for day in [0, 6] {
        late.push(alice.send(day, &bob).unwrap());
        assert!(opens(&bob.receive(day, &alice.send(day, &bob).unwrap())));
    }
    let session = bob.session_of(&late[0]);
    // As many as the session counts, which decides what has to go when there are too many.
    let kept_after = |day| {
        let counted = bob.at(day, |step| {
            message_keys::erase_old(step.rows, step.now)?;
            Ok(sessions::load(step.rows, &session)?.map(|session| session.skipped()))
        });
        let kept = bob.count(Table::SkippedKeys);
        assert_eq!(counted.unwrap(), u32::try_from(kept).ok());
        kept
    };
    assert_eq!([30, 31, 36].map(kept_after), [2, 1, 1]);
    assert!(matches!(
        bob.receive(36, &late[0]).as_slice(),
        [
            Outcome::Undecryptable {
                cause: Cause::KeyGone,
                ..
            },
            ..
        ]
    ));
    assert!(opens(&bob.receive(36, &late[1])));
    assert_eq!((kept_after(41), bob.count(Table::SkippedAges)), (0, 0));
}
