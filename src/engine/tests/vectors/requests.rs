//! What a request for healing names of a conversation.

use serde_json::{Value, json};

use super::histories::{said, text, update};
use super::*;
use crate::chat::{Floor, FloorKey};
use crate::engine::sync::deletions;

const SALT: [u8; 16] = [7; 16];

/// As many texts as there are clocks, in turns.
fn texts(clocks: &[u64]) -> Vec<(&'static str, Content)> {
    let by = |number: u32| {
        if number.is_multiple_of(2) {
            "own"
        } else {
            "peer"
        }
    };
    let numbered = clocks.iter().zip(1..);
    numbered
        .map(|(clock, number)| text(by(number), number, *clock))
        .collect()
}

pub(super) fn cases(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Value)> {
    let ascending: Vec<u64> = (1..=33).collect();
    let tied: Vec<u64> = [1, 1, 1, 1].into_iter().chain(2..=31).collect();
    let floor = |clock, lamport| Floor {
        conversation: FloorKey::of_seed(&[1; 32]).conversation(&peer.to_bytes(), false),
        clock,
        lamport,
        until: START,
        ..Floor::default()
    };
    let deleted = |clock, lamport| {
        let mut came = texts(&[1, 2, 3]);
        came.push(update(60, vec![floor(clock, lamport)]));
        came.push(said("peer", 70, 5, Body::Text("after".into())));
        came.push(said("peer", 71, 12, Body::Text("later".into())));
        came
    };
    let cases = vec![
        ("nothing is here", Vec::new(), 32),
        ("all that is here", texts(&[1, 2, 3]), 32),
        ("as many as are named", texts(&ascending[1..]), 32),
        (
            "one more: from the lowest clock that is told whole",
            texts(&ascending),
            32,
        ),
        ("of a clock that is not told whole none", texts(&tied), 32),
        ("none is named", texts(&[1, 2, 3]), 0),
        ("above the clock of what was deleted", deleted(9, 1), 32),
        ("above all that was deleted", deleted(4, 3), 32),
    ];
    let came =
        |(by, content): &(&str, Content)| json!({ "by": by, "encoded": hex(&content.to_bytes()) });
    let input = |(name, contents, names): (_, Vec<(&str, Content)>, usize)| {
        let input = json!({
            "own": hex(&own.to_bytes()),
            "own_seed": hex(&[1; 32]),
            "peer": hex(&peer.to_bytes()),
            "now": START,
            "contents": contents.iter().map(came).collect::<Vec<_>>(),
            "salt": hex(&SALT),
            "names": names,
        });
        (name, input)
    };
    cases.into_iter().map(input).collect()
}

/// What the request says of the conversation.
pub(super) fn expected(input: &Value) -> Value {
    let two = Two::new();
    for came in input["contents"].as_array().unwrap() {
        let encoded = unhex(&came["encoded"]);
        match Content::from_bytes(&encoded).unwrap().body {
            Body::DeviceUpdate(update) => {
                let told = two
                    .own
                    .at(0, |step| deletions::receive(step, &update.floors));
                told.unwrap();
            }
            _ => {
                take_in(&two, came["by"].as_str().unwrap(), &encoded);
            }
        }
    }
    let names = usize::try_from(input["names"].as_u64().unwrap()).unwrap();
    let conversation = ConversationId::Direct(two.peer);
    let state = two.own.at(0, |step| {
        inventory::state(step.rows, &conversation, &SALT, names)
    });
    let state = state.unwrap();
    let have = state.have.concat();
    json!({ "from_lamport": state.from_lamport, "have": hex(&have) })
}
