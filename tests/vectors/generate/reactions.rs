//! Reactions: one emoji in one form, and what is none. Attachments: the largest file, and one more byte.

use windlass::wire::v2::{self, content::Body};

fn reaction(emoji: &str, id_len: usize) -> Body {
    Body::Reaction(v2::Reaction {
        author: vec![6; 32],
        message_id: vec![5; id_len],
        emoji: emoji.into(),
        removed: false,
    })
}

fn attachment(size: u64) -> Body {
    let mut attachment = v2::Attachment::default();
    attachment.media_type = "image/jpeg".into();
    attachment.name = "chart.jpg".into();
    attachment.size = size;
    (attachment.key, attachment.digest) = (vec![7; 32], vec![8; 32]);
    Body::Attachment(attachment)
}

/// Bodies by their names.
pub fn reactions() -> Vec<(&'static str, Body)> {
    let too_long = "👍\u{200d}".repeat(10);
    let of = |emoji: &str| reaction(emoji, 16);
    vec![
        ("reaction", of("👍")),
        ("reaction to nothing", reaction("👍", 15)),
        ("reaction without a sign", of("")),
        ("reaction that is too long", of(&too_long)),
        ("reaction of a letter", of("x")),
        ("reaction of two signs", of("👍👍")),
        ("reaction of a mark that nobody sees", of("\u{200d}")),
        ("reaction in another form", of("❤")),
        ("reaction of people", of("👩🏽\u{200d}🚀")),
        ("reaction of a flag", of("🇸🇪")),
        ("attachment of the largest size", attachment(1 << 40)),
        ("attachment of one more byte", attachment((1 << 40) + 1)),
        ("attachment of the largest number", attachment(u64::MAX)),
    ]
}
