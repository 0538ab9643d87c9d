//! Contents that come in some order.

use serde_json::Value;

use super::super::annotated::id;
use super::of_contents;
use crate::chat::{Body, Content, DeviceUpdate, Floor, MessageId};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LAMPORT_JUMP;

/// By whom, and what.
type Said = (&'static str, Content);

/// Message `number`, with a clock.
pub(super) fn said(by: &'static str, number: u32, lamport: u64, body: Body) -> Said {
    let content = Content {
        id: id(number),
        lamport,
        sent_at: 1_700_000_000_000,
        reply_to: None,
        group: None,
        view: None,
        follows: Vec::new(),
        origin: crate::chat::MessageOrigin::Person,
        body,
    };
    (by, content)
}

pub(super) fn text(by: &'static str, number: u32, lamport: u64) -> Said {
    said(
        by,
        number,
        lamport,
        Body::Text(format!("text {number}").into()),
    )
}

pub(super) fn edit(by: &'static str, number: u32, lamport: u64, target: u32) -> Said {
    let (target, text) = (id(target), format!("edit {number}").into());
    said(by, number, lamport, Body::Edit { target, text })
}

pub(super) fn deletion(by: &'static str, number: u32, lamport: u64, target: u32) -> Said {
    let target = id(target);
    said(by, number, lamport, Body::Deletion { target })
}

/// A message is put to the top, or taken from there.
pub(super) fn pin(
    by: &'static str,
    number: u32,
    lamport: u64,
    (author, target): (&PublicIdentity, u32),
    removed: bool,
) -> Said {
    let body = Body::Pin {
        author: author.to_bytes(),
        target: id(target),
        removed,
    };
    said(by, number, lamport, body)
}

/// What a device of the user's tells the others of what was deleted.
pub(super) fn update(number: u32, floors: Vec<Floor>) -> Said {
    let update = DeviceUpdate {
        floors,
        ..DeviceUpdate::default()
    };
    said("own", number, 0, Body::DeviceUpdate(update))
}

/// A text that follows others.
fn after(number: u32, by: &'static str, lamport: u64, follows: &[u32]) -> Said {
    let (by, mut content) = text(by, number, lamport);
    content.follows = follows.iter().copied().map(id).collect();
    (by, content)
}

/// Of clocks that are ahead of all that are here (9.3.1).
fn clocks() -> Vec<(&'static str, Vec<Said>)> {
    let furthest = 1 + MAX_LAMPORT_JUMP;
    vec![
        (
            "a clock as far ahead as it may be",
            vec![text("peer", 1, 1), text("peer", 2, furthest)],
        ),
        (
            "a clock further ahead counts as just so far",
            vec![
                text("peer", 1, 1),
                text("peer", 2, furthest + 7),
                text("own", 3, furthest),
                text("own", 4, furthest + 1),
            ],
        ),
        (
            "the first message with the highest clock of all",
            vec![text("peer", 1, 1 << 62), text("own", 2, 2)],
        ),
        (
            "an edit whose clock is too far ahead",
            vec![
                text("peer", 1, 1),
                edit("peer", 2, 1 << 62, 1),
                edit("peer", 3, furthest, 1),
            ],
        ),
        (
            "a deletion whose clock is too far ahead",
            vec![text("peer", 1, 1), deletion("peer", 2, 1 << 62, 1)],
        ),
    ]
}

/// Of what is at the top (9.5.6).
fn pins(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Vec<Said>)> {
    let many = (1..=65).map(|number| text("peer", number, u64::from(number)));
    let to_the_top = (1..=65).map(|number| {
        let clock = 100 + u64::from(number);
        pin("own", 200 + number, clock, (peer, number), false)
    });
    let all: Vec<Said> = many.chain(to_the_top).collect();
    let mut one_fewer = all.clone();
    one_fewer.push(pin("peer", 300, 300, (peer, 65), true));
    vec![
        (
            "the one that was put to the top last is first",
            vec![
                text("peer", 1, 1),
                text("own", 2, 2),
                pin("own", 3, 3, (peer, 1), false),
                pin("peer", 4, 4, (own, 2), false),
            ],
        ),
        (
            "another takes it from the top",
            vec![
                text("peer", 1, 1),
                pin("own", 2, 2, (peer, 1), false),
                pin("peer", 3, 3, (peer, 1), true),
            ],
        ),
        (
            "whoever said so last decides, whenever it comes",
            vec![
                text("peer", 1, 1),
                pin("peer", 3, 3, (peer, 1), false),
                pin("own", 2, 2, (peer, 1), true),
            ],
        ),
        (
            "of two with one clock the higher id",
            vec![
                text("peer", 1, 1),
                pin("peer", 3, 2, (peer, 1), true),
                pin("own", 2, 2, (peer, 1), false),
            ],
        ),
        (
            "one that comes before its message",
            vec![pin("own", 2, 2, (peer, 1), false), text("peer", 1, 1)],
        ),
        (
            "a message that is deleted is not at the top",
            vec![
                text("peer", 1, 1),
                pin("own", 2, 2, (peer, 1), false),
                deletion("peer", 3, 3, 1),
                pin("own", 4, 4, (peer, 1), false),
            ],
        ),
        (
            "no pin of a pin",
            vec![
                text("peer", 1, 1),
                pin("own", 2, 2, (peer, 1), false),
                pin("peer", 3, 3, (own, 2), false),
            ],
        ),
        ("of 65 the last 64", all),
        ("and the next one when one goes", one_fewer),
    ]
}

pub(super) fn all(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Value)> {
    let reaction =
        |by, number, lamport, (author, target): (&PublicIdentity, u32), emoji: &str, removed| {
            let body = Body::Reaction {
                author: author.to_bytes(),
                target: id(target),
                emoji: emoji.into(),
                removed,
            };
            said(by, number, lamport, body)
        };
    let heads: Vec<Said> = (1..=9).map(|number| text("peer", number, 5)).collect();
    let many: Vec<Said> = (2..=18)
        .map(|number| {
            let emoji: String = char::from_u32(0x1f600 + number).into_iter().collect();
            reaction("peer", number, u64::from(number), (own, 1), &emoji, false)
        })
        .collect();
    let of_one_id = |number: u32| -> MessageId { id(number) };
    let same_id = {
        let (_, mut content) = text("own", 2, 1);
        content.id = of_one_id(1);
        ("own", content)
    };
    let cases: Vec<(&'static str, Vec<Said>)> = vec![
        (
            "by clock, then id, whenever they come",
            vec![
                text("peer", 3, 2),
                text("own", 2, 2),
                text("peer", 9, 1),
                text("own", 1, 3),
            ],
        ),
        (
            "of one id, by the author's key",
            vec![text("peer", 1, 1), same_id],
        ),
        (
            "one that comes twice",
            vec![text("peer", 1, 1), text("peer", 1, 1)],
        ),
        (
            "the last edit counts, whenever it comes",
            vec![
                text("peer", 1, 1),
                edit("peer", 2, 9, 1),
                edit("peer", 3, 4, 1),
            ],
        ),
        (
            "an edit that comes first",
            vec![edit("peer", 2, 2, 1), text("peer", 1, 1)],
        ),
        (
            "of two edits with one clock the higher id",
            vec![
                text("own", 1, 1),
                edit("own", 5, 2, 1),
                edit("own", 4, 2, 1),
            ],
        ),
        (
            "a reaction of each side, and one that is taken back",
            vec![
                text("own", 1, 1),
                reaction("peer", 2, 2, (own, 1), "⚓", false),
                reaction("own", 3, 3, (own, 1), "⚓", false),
                reaction("peer", 4, 4, (own, 1), "👍", false),
                reaction("peer", 5, 5, (own, 1), "⚓", true),
            ],
        ),
        (
            "a taking back that is late changes nothing",
            vec![
                text("own", 1, 1),
                reaction("peer", 5, 5, (own, 1), "⚓", false),
                reaction("peer", 4, 4, (own, 1), "⚓", true),
            ],
        ),
        (
            "of seventeen reactions of one the last sixteen",
            [vec![text("own", 1, 1)], many].concat(),
        ),
        (
            "a deletion takes edits and reactions with it",
            vec![
                text("peer", 1, 1),
                edit("peer", 2, 2, 1),
                reaction("own", 3, 3, (peer, 1), "⚓", false),
                deletion("peer", 4, 4, 1),
                edit("peer", 5, 5, 1),
            ],
        ),
        (
            "a deletion that comes first",
            vec![deletion("peer", 2, 2, 1), text("peer", 1, 1)],
        ),
        (
            "nobody edits or deletes what another wrote",
            vec![
                text("own", 1, 1),
                edit("peer", 2, 2, 1),
                deletion("peer", 3, 3, 1),
            ],
        ),
        (
            "nothing is said of a reaction or an edit",
            vec![
                text("peer", 1, 1),
                edit("peer", 2, 2, 1),
                edit("peer", 3, 3, 2),
                reaction("own", 4, 4, (peer, 2), "⚓", false),
                deletion("peer", 5, 5, 2),
            ],
        ),
        (
            "what was said of an edit before it came is dropped",
            vec![
                text("peer", 1, 1),
                edit("peer", 3, 3, 2),
                edit("peer", 2, 2, 1),
                edit("peer", 3, 3, 2),
            ],
        ),
        (
            "each message follows the one before",
            vec![
                after(1, "peer", 1, &[]),
                after(2, "own", 2, &[1]),
                after(3, "peer", 3, &[2]),
            ],
        ),
        (
            "two that crossed, and one that follows both",
            vec![
                after(1, "own", 1, &[]),
                after(2, "own", 2, &[1]),
                after(3, "peer", 2, &[1]),
            ],
        ),
        (
            "and the one behind them",
            vec![
                after(1, "own", 1, &[]),
                after(2, "own", 2, &[1]),
                after(3, "peer", 2, &[1]),
                after(4, "peer", 3, &[2, 3]),
            ],
        ),
        (
            "one that is missing",
            vec![after(1, "peer", 1, &[]), after(3, "peer", 3, &[2])],
        ),
        (
            "one that was missing and comes",
            vec![
                after(1, "peer", 1, &[]),
                after(3, "peer", 3, &[2]),
                after(2, "peer", 2, &[1]),
            ],
        ),
        (
            "of 72 that are missing the last 64",
            (0..9)
                .map(|number| {
                    let follows: Vec<_> = (8 * number + 1..=8 * number + 8).collect();
                    after(100 + number, "peer", u64::from(number) + 2, &follows)
                })
                .collect(),
        ),
        ("of nine that nothing follows the last eight", heads),
        (
            "what is said of a message is followed too",
            vec![
                after(1, "peer", 1, &[]),
                reaction("own", 2, 2, (peer, 1), "⚓", false),
                edit("peer", 3, 3, 1),
            ],
        ),
    ];
    let cases = [cases, clocks(), pins(own, peer)].concat();
    of_contents(own, peer, cases)
}
