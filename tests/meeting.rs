//! How people meet: codes shown in person, invitations that were used or changed, safety codes, a new identity.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use support::clients::{conversation, session, texts};
use support::worlds::{DAY, HOUR, people, run};
use windlass::{
    Body, Bundle, CodeReader, Event, TrustPolicy, UndecryptableCause, WindlassError, qr_frames,
    qr_png, qr_read, qr_svg,
};

#[test]
fn a_code_shown_in_person_makes_a_verified_contact_and_an_invitation_does_not() {
    let (world, [alice, bob]) = people(1);
    let code = bob.in_person_code().unwrap();
    assert!(code.len() <= 483, "{}", code.len());
    assert!(matches!(
        alice.meet(bob.single_use_bundle().unwrap().to_uri()),
        Err(WindlassError::NotInPerson)
    ));
    assert!(matches!(
        bob.meet(code.clone()),
        Err(WindlassError::OwnBundle)
    ));
    // As a text it is an invitation like any other.
    let bundle = Bundle::from_uri(code.clone()).unwrap();
    assert!(!alice.add_contact(&bundle).unwrap().verified);
    let met = alice.meet(code).unwrap();
    assert!(met.verified && met.accepted && met.address == bob.address());
    // The whole way: one scan, and the conversation goes.
    alice.set_trust_policy(TrustPolicy::VerifiedOnly).unwrap();
    alice.send(bob.address(), "we met".into()).unwrap();
    world.run().unwrap();
    assert_eq!(texts(&bob, &alice), ["we met"]);
    assert!(!bob.contact(alice.address()).unwrap().verified);
}

#[test]
fn the_safety_code_of_the_other_side_verifies_and_any_other_does_not() {
    let (_, [alice, bob, carol]) = people(1);
    for (a, b) in [(&alice, &bob), (&bob, &alice), (&alice, &carol)] {
        a.add_contact(&b.bundle().unwrap()).unwrap();
    }
    let (ours, theirs) = (session(&alice, &bob), session(&bob, &alice));
    assert_eq!(ours.safety_number(), theirs.safety_number());
    assert_eq!(ours.safety_emoji(), theirs.safety_emoji());
    assert_eq!(ours.safety_emoji().len(), 30);
    for other in [ours.safety_code(), session(&alice, &carol).safety_code()] {
        assert!(matches!(
            ours.verify_code(other),
            Err(WindlassError::SafetyNumberMismatch)
        ));
    }
    assert!(matches!(
        ours.verify_code(bob.in_person_code().unwrap()),
        Err(WindlassError::UriUnknownKind(_))
    ));
    assert!(!alice.contact(bob.address()).unwrap().verified);
    // From a picture of their screen.
    let shown = qr_png(theirs.safety_code(), true).unwrap();
    let seen = qr_read(shown).unwrap();
    ours.verify_code(seen[0].clone()).unwrap();
    assert!(alice.contact(bob.address()).unwrap().verified);
}

#[test]
fn a_new_identity_is_told_and_drops_the_mark() {
    let (world, [alice, bob, anew]) = people(1);
    alice.meet(bob.in_person_code().unwrap()).unwrap();
    bob.add_contact(&alice.bundle().unwrap()).unwrap();
    alice.send(bob.address(), "hello".into()).unwrap();
    world.run().unwrap();
    assert!(matches!(
        bob.announce_identity(&bob.bundle().unwrap()),
        Err(WindlassError::OwnBundle)
    ));
    assert_eq!(bob.announce_identity(&anew.bundle().unwrap()).unwrap(), 1);
    let told = run(&world).into_iter().find_map(|event| match event {
        Event::IdentityChanged {
            address,
            new_address,
            was_verified,
        } => Some((address, new_address, was_verified)),
        _ => None,
    });
    assert_eq!(told, Some((bob.address(), anew.address(), true)));
    let former = alice.contact(bob.address()).unwrap();
    assert!(!former.verified && former.moved_to == Some(anew.address()));
    let new = alice.contact(anew.address()).unwrap();
    assert!(!new.accepted && !new.verified && !new.added_by_us);
    let last = conversation(&alice, &bob).messages(1, None).unwrap();
    assert_eq!(
        last[0].body,
        Body::IdentityChange {
            address: Some(anew.address())
        }
    );
    alice.send(anew.address(), "still you?".into()).unwrap();
    world.run().unwrap();
    assert_eq!(texts(&anew, &alice), ["still you?"]);
}

#[test]
fn an_invitation_that_two_people_use_serves_the_first_and_the_second_has_to_be_accepted() {
    let (world, [alice, bob, carol]) = people(1);
    let invitation = bob.single_use_bundle().unwrap();
    alice.add_contact(&invitation).unwrap();
    // Adding is no use of it yet.
    alice.add_contact(&invitation).unwrap();
    carol.add_contact(&invitation).unwrap();
    alice.send(bob.address(), "first".into()).unwrap();
    world.run().unwrap();
    carol.send(bob.address(), "second".into()).unwrap();
    assert!(matches!(
        run(&world).as_slice(),
        [Event::Undecryptable {
            cause: UndecryptableCause::InvitationUsed,
            address: None
        }]
    ));
    // Nothing of hers goes in a session that is weaker than the one of the invitation before Bob is heard in it: he sees that she asks.
    for _ in 0..12 {
        world.advance(HOUR).unwrap();
        world.run().unwrap();
    }
    assert!(!bob.contact(carol.address()).unwrap().accepted);
    bob.accept_contact(carol.address()).unwrap();
    for _ in 0..24 {
        world.advance(HOUR).unwrap();
        world.run().unwrap();
    }
    assert_eq!(texts(&bob, &carol), ["second"]);
    assert_eq!(texts(&bob, &alice), ["first"]);
    // Who scans it a second time is told that it is used, whatever newer bundle came meanwhile.
    let used = || alice.add_contact(&invitation).unwrap_err();
    assert!(matches!(used(), WindlassError::InvitationUsed));
    bob.send(alice.address(), "here".into()).unwrap();
    world.run().unwrap();
    assert!(matches!(used(), WindlassError::InvitationUsed));
    assert!(matches!(
        bob.add_contact(&invitation),
        Err(WindlassError::OwnBundle)
    ));
}

#[test]
fn every_bad_code_has_an_error_of_its_own() {
    let (world, [alice, bob]) = people(1);
    let uri = bob.bundle().unwrap().to_uri();
    let code = |text: &str| Bundle::from_uri(text.into()).unwrap_err().code();
    assert_eq!(code("https://example.org/?q=1"), "uri_not_windlass");
    assert_eq!(code("WIFI:S:cafe;;"), "uri_not_windlass");
    assert_eq!(code(&uri[..100]), "uri_damaged");
    assert_eq!(code(&uri.replace(":B", ":Q")), "uri_unknown_kind");
    let link = |address: &str| format!("https://example.org/{address}#{uri}");
    assert_eq!(code(&link(&alice.address())), "identity_mismatch");
    assert!(Bundle::from_uri(link(&bob.address())).is_ok());
    // As a camera sees it.
    let seen = |link: String| CodeReader::new().take(link).unwrap().uri.unwrap();
    assert_eq!(code(&seen(link(&alice.address()))), "identity_mismatch");
    assert!(Bundle::from_uri(seen(link(&bob.address()))).is_ok());
    let old = bob.bundle().unwrap();
    world.advance(DAY * 31).unwrap();
    assert_eq!(
        alice.add_contact(&old).unwrap_err().code(),
        "bundle_expired"
    );
}

#[test]
fn a_bundle_of_eight_devices_is_shown_as_several_codes_that_any_order_completes() {
    let (world, [client]) = people(2);
    for _ in 1..8 {
        world.add_device(0).unwrap();
        world.run().unwrap();
    }
    assert_eq!(client.devices().unwrap().len(), 8);
    let bundle = client.single_use_bundle().unwrap();
    let frames = qr_frames(bundle.to_uri()).unwrap();
    assert!(frames.len() >= 3, "{}", frames.len());
    let reader = CodeReader::new();
    let mut last = None;
    for frame in frames.iter().rev().chain(&frames) {
        let progress = reader
            .take_picture(qr_png(frame.clone(), false).unwrap())
            .unwrap();
        assert_eq!(progress.of as usize, frames.len());
        last = progress.uri;
    }
    assert_eq!(last, Some(bundle.to_uri()));
    assert_eq!(
        Bundle::from_uri(frames[0].clone()).unwrap_err().code(),
        "uri_incomplete"
    );
    let svg = qr_svg(bundle.to_uri(), false).unwrap();
    assert_eq!(svg.matches("<animate").count(), frames.len());
    // One dense code says the same.
    let whole = Bundle::from_qr_image(bundle.qr_png(false).unwrap()).unwrap();
    assert_eq!(whole.to_uri(), bundle.to_uri());
}
