//! What people say of themselves (RFC windlass 9.8).

use windlass::wire::v2::{self, content::Body};

fn profile(name: &str, about: &str, picture: &[u8]) -> Body {
    Body::Profile(v2::Profile {
        name: name.into(),
        about: about.into(),
        picture: picture.into(),
        changed_at: 1_800_000_000_123,
    })
}

fn own_profile() -> Body {
    let profile = v2::Profile {
        name: "Ann".into(),
        changed_at: 7,
        ..Default::default()
    };
    Body::DeviceUpdate(v2::DeviceUpdate {
        profile: Some(profile),
        ..Default::default()
    })
}

pub fn bodies() -> Vec<(&'static str, Body)> {
    let long = |len: usize| "x".repeat(len);
    vec![
        (
            "profile",
            profile("Ann ⚓", "Two\nlines", b"\xff\xd8\xff and more"),
        ),
        ("profile that says nothing", profile("", "", b"")),
        (
            "profile with a name of two lines",
            profile("Two\nlines", "", b""),
        ),
        (
            "profile with a name of 257 bytes",
            profile(&long(257), "", b""),
        ),
        (
            "profile that says 1,025 bytes",
            profile("", &long(1_025), b""),
        ),
        ("profile that says a tab", profile("", "a\tb", b"")),
        (
            "profile with a picture that runs",
            profile("", "", b"<svg/>"),
        ),
        ("device update with a profile", own_profile()),
    ]
}
