//! Contents by which members of a group compare what they know.

use windlass::wire::v2;
use windlass::wire::v2::content::Body;

/// Requests for events, and answers to them.
pub fn bodies() -> Vec<(&'static str, Body)> {
    vec![
        ("group sync that asks", sync(16, &[[1; 8], [2; 8]])),
        ("group sync that has nothing", sync(16, &[])),
        (
            "group sync that hands on",
            Body::GroupSync(v2::GroupSync {
                events: vec![v2::SignedGroupEvent {
                    body: vec![1, 2],
                    signature: vec![3; 64],
                }],
                bundles: vec![vec![4; 3]],
                ..v2::GroupSync::default()
            }),
        ),
        ("group sync with a short salt", sync(15, &[[1; 8]])),
        ("group sync without a salt", sync(0, &[[1; 8]])),
        (
            "group sync that does not ascend",
            sync(16, &[[2; 8], [1; 8]]),
        ),
        ("group sync with a name twice", sync(16, &[[1; 8], [1; 8]])),
        (
            "group sync that names 1,001 events",
            sync(16, &(0..1_001u64).map(u64::to_be_bytes).collect::<Vec<_>>()),
        ),
    ]
}

/// The same text with views that may be and that may not.
pub fn views(text: &v2::Content) -> Vec<(&'static str, v2::Content)> {
    let mut contents = Vec::new();
    for (name, group, digest, heads) in [
        ("a view of a group", 32, 16, vec![16; 4]),
        ("a view of an empty log", 32, 16, vec![]),
        ("a view without a group", 0, 16, vec![16]),
        ("a view with five heads", 32, 16, vec![16; 5]),
        ("a view with a head of 15 bytes", 32, 16, vec![15]),
        ("a view with a digest of 15 bytes", 32, 15, vec![16]),
    ] {
        let content = v2::Content {
            group: vec![9; group],
            view: Some(v2::GroupView {
                digest: vec![7; digest],
                heads: heads.into_iter().map(|len| vec![8; len]).collect(),
            }),
            ..text.clone()
        };
        contents.push((name, content));
    }
    contents
}

fn sync(salt: usize, have: &[[u8; 8]]) -> Body {
    Body::GroupSync(v2::GroupSync {
        salt: vec![6; salt],
        have: have.concat(),
        ..v2::GroupSync::default()
    })
}
