//! What people say of themselves, as an application sees it.

use std::sync::Arc;

use super::acquainted;
use super::by_id::{exchange, talk};
use crate::api::{Profile, WindlassError};

fn named(name: &str) -> Profile {
    Profile {
        name: name.into(),
        about: " two\nlines ".into(),
        picture: Some(b"\x89PNG\r\n\x1a\n and more".to_vec().into()),
    }
}

#[test]
fn people_are_shown_by_the_users_name_then_by_their_own_then_by_address() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let address = bob.client.address();
    let shown = || alice.client.display_name(address.clone()).unwrap();
    ours.send("ahoy".into()).unwrap();
    theirs.send("ahoy".into()).unwrap();
    exchange(&alice, &bob);
    assert_eq!(shown(), address);
    assert_eq!(alice.client.profile_of(address.clone()).unwrap(), None);
    bob.client.set_profile(named("Bob")).unwrap();
    // With what goes to them next.
    theirs.send("again".into()).unwrap();
    exchange(&alice, &bob);
    assert_eq!(shown(), "Bob");
    let known = alice.client.profile_of(address.clone()).unwrap().unwrap();
    assert_eq!(
        (known.about.as_str(), known.picture),
        ("two\nlines", named("").picture)
    );
    // Nobody is shown by a name that is somebody's address.
    let posed = alice.client.address();
    bob.client.set_profile(named(&posed)).unwrap();
    bob.client.maintain().unwrap();
    exchange(&alice, &bob);
    assert_eq!(shown(), address);
    ours.set_nickname(Some("Captain".into())).unwrap();
    assert_eq!(shown(), "Captain");
    let group = Arc::clone(&alice.client).create_group("crew".into(), vec![]);
    let group = group.unwrap();
    assert_eq!(alice.client.display_name(group.address()).unwrap(), "crew");
}

#[test]
fn a_profile_that_breaks_its_bounds_is_an_error_and_changes_nothing() {
    let (alice, _) = acquainted();
    let mine = Profile {
        about: "two\nlines".into(),
        ..named("Alice")
    };
    alice.client.set_profile(mine.clone()).unwrap();
    let run = Profile {
        picture: Some(b"<svg/>".to_vec().into()),
        ..named("Alice")
    };
    let long = Profile {
        about: "x".repeat(1_025),
        ..named("Alice")
    };
    for wrong in [named("two\nlines"), named(&"x".repeat(257)), run, long] {
        let refused = alice.client.set_profile(wrong);
        let known = matches!(
            refused,
            Err(WindlassError::InvalidContent(_) | WindlassError::ContentTooLarge(_))
        );
        assert!(known, "{refused:?}");
    }
    assert_eq!(alice.client.profile().unwrap(), Some(mine));
    assert!(!format!("{:?}", alice.client.profile()).contains("Alice"));
    alice.client.set_profile(Profile::default()).unwrap();
    assert_eq!(alice.client.profile().unwrap(), None);
}
