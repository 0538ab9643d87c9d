//! Own words that the other side gives back.

use serde_json::{Value, json};

use super::histories::{text, update};
use super::receipts::{control, copy};
use super::*;
use crate::chat::{Floor, FloorKey, WINDOW_DAYS};

/// What happens, one after the other.
struct Story<'a> {
    own: &'a PublicIdentity,
    peer: &'a PublicIdentity,
    steps: Vec<Value>,
    count: u32,
}

impl<'a> Story<'a> {
    fn new((own, peer): (&'a PublicIdentity, &'a PublicIdentity)) -> Self {
        Self {
            own,
            peer,
            steps: Vec::new(),
            count: 50,
        }
    }

    fn came(mut self, by: &str, content: &Content) -> Self {
        let step = json!({ "by": by, "encoded": hex(&content.to_bytes()) });
        self.steps.push(step);
        self
    }

    /// The device asks.
    fn asks(mut self) -> Self {
        self.steps.push(json!({ "ask": true }));
        self
    }

    fn later(mut self, seconds: u64) -> Self {
        self.steps.push(json!({ "later": seconds }));
        self
    }

    /// The other side promises messages.
    fn promises(mut self, messages: u64) -> Self {
        self.count += 1;
        let body = Body::HealingAnswer {
            messages,
            bundle: Vec::new(),
        };
        let (by, content) = control("peer", self.count, body);
        self.came(by, &content)
    }

    /// The other side gives back message `number`, proved on a day for a conversation, and perhaps changed since.
    fn gives(mut self, number: u32, day: u32, with: &PublicIdentity, changed: bool) -> Self {
        self.count += 1;
        let (_, content) = text("own", number, u64::from(number));
        let key = own_words_key().on(day).unwrap();
        let mut proved = key
            .prove(&with.to_bytes(), false, &content.to_bytes())
            .to_vec();
        if changed {
            // The last letter of the text.
            let at = proved.len() - 23;
            proved[at] ^= 1;
        }
        let (by, mut content) = copy("peer", self.count, (self.own, self.peer), &content);
        if let Body::Copy(copy) = &mut content.body {
            copy.content = crate::crypto::SecretBytes::new(proved);
        }
        self.came(by, &content)
    }

    fn good(self, number: u32) -> Self {
        let peer = self.peer;
        self.gives(number, 20_000, peer, false)
    }

    fn named(self, name: &'static str) -> (&'static str, Value) {
        let key = own_words_key().to_wire();
        let input = json!({
            "own": hex(&self.own.to_bytes()),
            "own_seed": hex(&[1; 32]),
            "peer": hex(&self.peer.to_bytes()),
            "own_words": { "day": key.day, "key": hex(&key.key) },
            "now": START,
            "contents": self.steps,
        });
        (name, input)
    }
}

pub(super) fn all(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Value)> {
    let story = || Story::new((own, peer));
    let window = u64::from(WINDOW_DAYS) * 86_400;
    let other = Party::new(3).device.public();
    let asked = || story().asks().promises(1);
    let floor = Floor {
        conversation: FloorKey::of_seed(&[1; 32]).conversation(&peer.to_bytes(), false),
        clock: 9,
        lamport: 1,
        until: START,
        ..Floor::default()
    };
    let deleted = update(60, vec![floor]).1;
    vec![
        story().good(1).named("nothing was asked for"),
        story()
            .asks()
            .good(1)
            .promises(1)
            .good(1)
            .named("before its answer, and again behind it"),
        asked()
            .good(1)
            .good(1)
            .named("as promised, and the same again"),
        asked().good(1).good(2).named("one more than was promised"),
        story()
            .asks()
            .promises(0)
            .good(1)
            .named("nothing was promised"),
        asked()
            .promises(1)
            .good(1)
            .good(2)
            .named("a second answer to one request"),
        story()
            .asks()
            .later(600)
            .asks()
            .promises(1)
            .promises(1)
            .good(1)
            .good(2)
            .named("two answers to two requests"),
        asked()
            .gives(1, 20_000, peer, true)
            .named("a letter was changed"),
        asked()
            .gives(1, 20_000, &other, false)
            .named("of another conversation"),
        asked()
            .gives(1, 20_000 + 2 * WINDOW_DAYS, peer, false)
            .named("written by a clock that is ahead by twice the window"),
        asked()
            .gives(1, 20_001 + 2 * WINDOW_DAYS, peer, false)
            .named("written by a clock that is ahead by more"),
        asked()
            .later(window - 1)
            .good(1)
            .named("at the end of the window"),
        asked().later(window).good(1).named("behind the window"),
        story()
            .later(window)
            .asks()
            .promises(1)
            .good(1)
            .named("asked for at the end of the window of its day"),
        story()
            .later(window + 86_400)
            .asks()
            .promises(1)
            .good(1)
            .named("nobody can prove any more what is older than the window"),
        story()
            .asks()
            .promises(2)
            .came("own", &deleted)
            .good(1)
            .good(2)
            .named("of what the user deleted, and of what came after"),
    ]
}
