//! Who wrote a content.

use windlass::wire::v2;

pub fn origins(text: &v2::Content) -> [(&'static str, v2::Content); 3] {
    [
        ("one that a program wrote", 1),
        ("a program's answer", 2),
        ("an origin of a later version", 1 << 32),
    ]
    .map(|(name, origin)| {
        let content = v2::Content {
            origin,
            ..text.clone()
        };
        (name, content)
    })
}
