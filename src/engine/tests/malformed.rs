//! What is malformed inside of what was authenticated: it has a cause, nothing of it is kept, and it costs what any message costs.

use prost::Message as _;

use super::*;
use crate::chat::GroupEvent;
use crate::crypto::{pad, with_torsion};
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::wire::v2;
use crate::x3dh;

/// Bytes of any kind, sealed by the session that there is.
fn sealed(from: &Party, to: &Party, padded: &[u8]) -> Vec<u8> {
    from.at(0, |step| {
        let party = to.end();
        let session = sessions::active(step.rows, &party)?.unwrap();
        let sent = session.send_padded(&step.device.public(), padded, step.now, step.rng);
        let (session, part) = sent.unwrap();
        sessions::save(step.rows, &session)?;
        Ok(Envelope { parts: vec![part] }.encode())
    })
    .unwrap()
}

fn acquainted() -> [Party; 2] {
    let parties = [1, 2].map(Party::new);
    let [alice, bob] = &parties;
    introduce(&[alice, bob], 0);
    for (from, to) in [(alice, bob), (bob, alice)] {
        from.send(0, to).unwrap();
        deliver(&[alice, bob], 0);
    }
    parties
}

fn causes(outcomes: &[Outcome]) -> Vec<Cause> {
    let cause = |outcome: &Outcome| match outcome {
        Outcome::Undecryptable { cause, .. } => Some(*cause),
        _ => None,
    };
    outcomes.iter().filter_map(cause).collect()
}

#[test]
fn what_is_wrongly_padded_is_told_once_and_neither_asked_for_nor_opened_again() {
    let [alice, bob] = acquainted();
    let late = sealed(&alice, &bob, b"not padded at all");
    // Of the last ones the padding is right, and what stands in front of the payload is not (RFC windlass §7.5).
    let [unknown, cut, none] = [&[3; 9][..], &[1; 1_188], &[]].map(pad);
    for padded in [
        [0; 64].as_slice(),
        &[1; 64],
        b"short\x80",
        &[],
        &unknown,
        &cut,
        &none,
    ] {
        let envelope = sealed(&alice, &bob, padded);
        let outcomes = take(&bob, 0, &envelope).unwrap();
        assert_eq!(causes(&outcomes), [Cause::Content]);
        assert!(matches!(
            outcomes.as_slice(),
            [Outcome::Undecryptable { from: Some(from), .. }] if *from == alice.device.public()
        ));
        // The same bytes are the same message, and the key is gone.
        let again = take(&bob, 0, &envelope).unwrap();
        assert!(matches!(
            again.as_slice(),
            [Outcome::Duplicate { id: None }]
        ));
    }
    // One whose key was kept, likewise.
    assert_eq!(causes(&take(&bob, 0, &late).unwrap()), [Cause::Content]);
    assert_eq!(bob.count(Table::SkippedKeys), 0);
    assert!(matches!(
        take(&bob, 0, &late).unwrap().as_slice(),
        [Outcome::Duplicate { id: None }]
    ));
    // Nobody asks for it, at once or later; and the conversation goes on.
    for day in 0..3 {
        run_due(&bob, day).unwrap();
        assert!(empty_outbox(&bob).is_empty());
    }
    assert!(opens(
        &take(&bob, 0, &alice.send(0, &bob).unwrap()).unwrap()
    ));
}

#[test]
fn a_first_message_with_wrong_padding_leaves_nothing_behind() {
    let [alice, eve] = [1, 2].map(Party::new);
    let invitation = alice.bundle(0, true);
    eve.add(0, &invitation);
    let honest = eve.send(0, &alice).unwrap();
    let faulty = sealed(&eve, &alice, &[0; 64]);
    let prekeys = alice.count(Table::OneTimePrekeys);
    let outcomes = take(&alice, 0, &faulty).unwrap();
    assert_eq!(causes(&outcomes), [Cause::Content]);
    for table in [Table::Sessions, Table::Contacts, Table::Handshakes] {
        assert_eq!(alice.count(table), 0);
    }
    assert_eq!(alice.count(Table::OneTimePrekeys), prekeys);
    assert!(opens(&take(&alice, 0, &honest).unwrap()));
}

/// Of eight keys with which everybody agrees on the same secrets one is an identity, wherever a key is named.
#[test]
fn no_key_with_a_part_of_small_order_is_anybodys_identity() {
    let pair = IdentityKeyPair::from_seed(&Secret::new([7; 32]));
    let party = Party::new(7);
    let bundle = party.bundle(0, false);
    let id = party.at(0, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    let act = GroupAction::MembersAdded(vec![Party::new(8).device.public()]);
    let event = GroupEvent::sign(&pair, &id, &[[1; 32]], &act).unwrap();
    for (torsion, key) in with_torsion(&pair.public().to_bytes()).iter().enumerate() {
        // A refused key is refused before the signature, which would not fit what was changed here in any case.
        let whole = torsion == 0;
        assert_eq!(PublicIdentity::from_bytes(key).is_ok(), whole);

        let mut signed = v2::SignedBundle::decode(bundle.encoded()).unwrap();
        let mut body = v2::BundleBody::decode(signed.body.as_slice()).unwrap();
        body.identity_key = key.to_vec();
        signed.body = body.encode_to_vec();
        let read = VerifiedBundle::decode(&signed.encode_to_vec());
        assert_eq!(read.is_ok(), whole);
        assert!(whole || read == Err(crate::bundle::BundleError::InvalidKey));

        let mut signed = v2::SignedGroupEvent::decode(event.encoded()).unwrap();
        let mut body = v2::GroupEventBody::decode(signed.body.as_slice()).unwrap();
        body.author = key.to_vec();
        signed.body = body.encode_to_vec();
        assert_eq!(GroupEvent::decode(&signed.encode_to_vec()).is_ok(), whole);
        // As a member, properly signed.
        body.author = pair.public().to_bytes().to_vec();
        let members = v2::Members {
            identity_keys: vec![key.to_vec()],
        };
        body.event = Some(v2::group_event_body::Event::MembersAdded(members));
        signed.body = body.encode_to_vec();
        signed.signature = pair.sign_group_event(&signed.body).to_vec();
        assert_eq!(GroupEvent::decode(&signed.encode_to_vec()).is_ok(), whole);

        let sealed = x3dh::SealedHandshake {
            ephemeral_key: pair.public().to_dh(),
            signed_prekey_id: 1,
            sealed_initiator: [0; x3dh::SEALED_INITIATOR_LEN],
            kem_ciphertext: None,
        };
        let read = sealed.read(&[key.as_slice(), &[0, 0, 0, 1], &[0; 4], &[0]].concat());
        assert_eq!(read.is_ok(), whole);
    }
}
