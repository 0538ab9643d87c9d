//! Texts with spans, whose words they are, what they suggest and what is behind an address: what counts, and what is passed over. Pins.

use windlass::wire::v2::{self, TextSpan, content::Body};

pub fn plain(text: &str) -> v2::Text {
    v2::Text {
        text: text.into(),
        ..Default::default()
    }
}

fn span(kind: u64, start: u64, length: u64) -> TextSpan {
    TextSpan {
        kind,
        start,
        length,
        identity: if kind == 1 { vec![6; 32] } else { Vec::new() },
    }
}

/// Four scalar values: a letter, one of three bytes, a mark that joins what is before it, one of four bytes.
fn marked(spans: Vec<TextSpan>) -> Body {
    Body::Text(v2::Text {
        spans,
        ..plain("a⚓\u{301}🏴")
    })
}

fn suggesting(suggestions: Vec<String>) -> Body {
    Body::Text(v2::Text {
        suggestions,
        ..plain("Well?")
    })
}

fn forward(len: usize) -> Option<v2::Forward> {
    Some(v2::Forward {
        author: vec![6; len],
    })
}

const URL: &str = "https://example.org/a";

fn previewing(text: &str, preview: v2::LinkPreview) -> Body {
    Body::Text(v2::Text {
        preview: Some(preview),
        ..plain(text)
    })
}

/// Where an address stands in a text, and what is one.
fn previewed_addresses() -> Vec<(&'static str, Body)> {
    let of = |text: &str, url: &str| {
        let preview = v2::LinkPreview {
            url: url.into(),
            title: "t".into(),
            ..Default::default()
        };
        previewing(text, preview)
    };
    let here = |text: &str| of(&text.replace("{}", URL), URL);
    let alone = |url: &str| of(url, url);
    let long = |len: usize| alone(&format!("https://{}", "a".repeat(len - 8)));
    let overlapping = of("http://(http://(http://", "http://(http://");
    vec![
        ("preview in a sentence", here("See {}?!")),
        ("preview between brackets", here("(„{}“, «b»)\nb")),
        ("preview of the second of two", here("x{} {}")),
        ("preview of the beginning of an address", here("{}b")),
        ("preview of a folder of an address", here("{}/b")),
        ("preview of the end of an address", here("x{}")),
        ("preview of what goes on behind a full stop", here("{}.b")),
        ("preview of what is not in the text", here("See b")),
        ("preview of an address that overlaps itself", overlapping),
        ("preview of an address in capitals", alone("HTTP://A")),
        (
            "preview of an address with umlauts",
            alone("https://bücher.example/⚓"),
        ),
        ("preview of a scheme", alone("https://")),
        ("preview of a script", alone("javascript:a")),
        ("preview of a text with white space", alone("https://a b")),
        (
            "preview of an address that turns",
            alone("https://a\u{202e}b"),
        ),
        ("preview of 4,096 bytes", long(4_096)),
        ("preview of 4,097 bytes", long(4_097)),
    ]
}

/// What is said of an address.
fn previews() -> Vec<(&'static str, Body)> {
    let of = |title: &str, description: &str, image: &[u8]| v2::LinkPreview {
        url: URL.into(),
        title: title.into(),
        description: description.into(),
        image: image.to_vec(),
    };
    let with = |title: &str, description: &str, image: &[u8]| {
        previewing(URL, of(title, description, image))
    };
    let mut large = b"\xff\xd8\xff".to_vec();
    large.resize(16_385, 7);
    let (title, about) = ("t".repeat(256), "d".repeat(1_024));
    let edit = v2::Edit {
        message_id: vec![5; 16],
        text: Some(v2::Text {
            preview: Some(of("t", "", &[])),
            ..plain(URL)
        }),
    };
    vec![
        ("preview", with("A page ⚓", "Of\nlines.", &large[..20])),
        ("preview that says nothing", with("", "", &[])),
        ("preview in an edit", Body::Edit(edit)),
        ("preview as long as may be", with(&title, &about, &[])),
        (
            "preview with a title of 257 bytes",
            with(&format!("{title}t"), "", &[]),
        ),
        (
            "preview with a description of 1,025 bytes",
            with("", &format!("{about}d"), &[]),
        ),
        ("preview with a title of two lines", with("a\nb", "", &[])),
        (
            "preview with a description that turns",
            with("", "a\u{202e}b", &[]),
        ),
        ("preview with a drawing", with("", "", b"<svg/>")),
        (
            "preview with a picture of 16,385 bytes",
            with("", "", &large),
        ),
    ]
}

fn pin(author_len: usize, id_len: usize) -> Body {
    Body::Pin(v2::Pin {
        author: vec![6; author_len],
        message_id: vec![5; id_len],
        removed: id_len == 16,
    })
}

fn spans() -> Vec<(&'static str, Body)> {
    let second = TextSpan {
        identity: vec![7; 32],
        ..span(1, 2, 2)
    };
    let nobody = TextSpan {
        identity: vec![6; 31],
        ..span(1, 0, 1)
    };
    let many = |count: u64| (0..count).map(|start| span(2, start, 1)).collect();
    let words = |count| "x".repeat(count);
    let long = |count: usize, spans| {
        Body::Text(v2::Text {
            spans,
            ..plain(&words(count))
        })
    };
    // What does not count is counted too.
    let mut empty_first = vec![span(2, 0, 0)];
    empty_first.extend((0..256).map(|start| span(2, start, 1)));
    vec![
        (
            "text with a span of each kind",
            marked((1..=7).map(|kind| span(kind, 0, 4)).collect()),
        ),
        (
            "text with spans that touch",
            marked(vec![span(2, 2, 2), span(2, 0, 2)]),
        ),
        (
            "text with spans of one kind over each other",
            marked(vec![
                span(2, 1, 2),
                span(2, 2, 2),
                span(3, 2, 2),
                span(2, 0, 2),
            ]),
        ),
        (
            "text with mentions over each other",
            marked(vec![span(1, 1, 2), second.clone()]),
        ),
        (
            "text with two mentions",
            marked(vec![span(1, 0, 2), second]),
        ),
        ("text that mentions nobody", marked(vec![nobody])),
        (
            "text with spans outside of it",
            marked(vec![
                span(2, 0, 5),
                span(3, 4, 1),
                span(4, u64::MAX, 2),
                span(5, 1, u64::MAX),
                span(6, 3, 1),
                span(7, 0, 0),
            ]),
        ),
        (
            "text with spans of a later version",
            marked(vec![span(0, 0, 1), span(8, 0, 1), span(2, 0, 1)]),
        ),
        ("text with 256 spans", long(257, many(256))),
        ("text with 257 spans", long(257, many(257))),
        (
            "text with 256 spans behind an empty one",
            long(257, empty_first),
        ),
    ]
}

/// Bodies by their names.
pub fn texts() -> Vec<(&'static str, Body)> {
    let of = |text: &str| text.to_owned();
    let mut attachment = v2::Attachment::default();
    attachment.media_type = "image/jpeg".into();
    attachment.name = "chart.jpg".into();
    (attachment.key, attachment.digest) = (vec![7; 32], vec![8; 32]);
    attachment.caption = Some(v2::Text {
        spans: vec![span(3, 0, 3)],
        forward: forward(0),
        ..plain("here")
    });
    let edit = v2::Edit {
        message_id: vec![5; 16],
        text: Some(v2::Text {
            spans: vec![span(3, 0, 3), span(3, 1, 3)],
            forward: forward(32),
            suggestions: vec![of("aye")],
            ..plain("now")
        }),
    };
    let forwarded = |len| {
        Body::Text(v2::Text {
            forward: forward(len),
            ..plain("x")
        })
    };
    let empty_edit = v2::Edit {
        message_id: vec![5; 16],
        text: None,
    };
    let mut all = spans();
    all.extend(previewed_addresses());
    all.extend(previews());
    all.extend([
        ("text that is forwarded", forwarded(0)),
        ("text that is forwarded from somebody", forwarded(32)),
        ("text that is forwarded from 31 bytes", forwarded(31)),
        (
            "text that suggests answers",
            suggesting(vec![of("aye"), of("no ⚓")]),
        ),
        (
            "text that suggests what is no name",
            suggesting(vec![of(""), of("a\nb"), of("\u{202e}"), of("aye")]),
        ),
        (
            "text that suggests 128 bytes and 129",
            suggesting(vec!["x".repeat(128), "x".repeat(129)]),
        ),
        (
            "text that suggests nine answers, the first of them none",
            suggesting(
                (0..9)
                    .map(|n| if n == 0 { of("") } else { n.to_string() })
                    .collect(),
            ),
        ),
        (
            "edit with spans, a forward and a suggestion",
            Body::Edit(edit),
        ),
        ("edit without a text", Body::Edit(empty_edit)),
        ("attachment with a caption", Body::Attachment(attachment)),
        ("pin", pin(32, 16)),
        ("pin of nothing", pin(32, 15)),
        ("pin of nobody", pin(31, 16)),
    ]);
    all
}
