//! What a message costs its author and its reader, counted: commits, bytes that reach the disk, rows, look-ups. A change that makes any of them
//! grow fails here, and says by how much.

use super::{Party, acquainted};
use crate::api::{Body, Client, Event, OutgoingEnvelope, OutgoingMessage};
use crate::bundle::PARSED;
use crate::crypto::MACS;

/// Messages before anything is counted, so that buckets have their keys, and the tree of rows its height.
const WARM_UP: usize = 900;
/// Rounds of which the median counts: now and then a page splits, or keys of a new bucket are written.
const COUNTED: usize = 31;

/// What something cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    commits: usize,
    bytes: usize,
    sealed: usize,
    look_ups: usize,
    /// HMACs: of groups and names of rows, of the census, of the ratchet.
    macs: usize,
    /// Bundles that were parsed.
    bundles: usize,
}

/// Writing 64 characters, of which a page of 4 KiB is written for whatever was changed in it.
const SEND: Cost = Cost {
    commits: 1,
    bytes: 49_472,
    sealed: 6,
    look_ups: 29,
    macs: 28,
    bundles: 1,
};
/// Taking them in, with the receipt that is written at once.
const RECEIVE: Cost = Cost {
    commits: 1,
    bytes: 53_568,
    sealed: 7,
    look_ups: 39,
    macs: 42,
    bundles: 2,
};
/// All of it on both sides, the receipt with it: its row says of which device it is, and with those 8 bytes reaches into a page more.
const WHOLE: Cost = Cost {
    commits: 3,
    bytes: 156_608,
    sealed: 17,
    look_ups: 88,
    macs: 103,
    bundles: 6,
};

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            commits: self.commits + other.commits,
            bytes: self.bytes + other.bytes,
            sealed: self.sealed + other.sealed,
            look_ups: self.look_ups + other.look_ups,
            macs: self.macs + other.macs,
            bundles: self.bundles + other.bundles,
        }
    }

    /// Whether nothing of it is more than `most` has.
    fn is_within(&self, most: &Self) -> bool {
        self.commits <= most.commits
            && self.bytes <= most.bytes
            && self.sealed <= most.sealed
            && self.look_ups <= most.look_ups
            && self.macs <= most.macs
            && self.bundles <= most.bundles
    }
}

/// Of each kind of cost the median.
fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> usize| {
        let mut all: Vec<_> = costs.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    Cost {
        commits: middle(|cost| cost.commits),
        bytes: middle(|cost| cost.bytes),
        sealed: middle(|cost| cost.sealed),
        look_ups: middle(|cost| cost.look_ups),
        macs: middle(|cost| cost.macs),
        bundles: middle(|cost| cost.bundles),
    }
}

impl Party {
    /// What `work` costs this party.
    fn cost_of<T>(&self, work: impl FnOnce(&Client) -> T) -> (T, Cost) {
        drop(self.engine.steps());
        let before = self.disk.traffic();
        MACS.set(0);
        PARSED.set(0);
        let done = work(&self.client);
        let (after, steps) = (self.disk.traffic(), self.engine.steps());
        let cost = Cost {
            commits: after.syncs - before.syncs,
            bytes: after.bytes - before.bytes,
            sealed: steps.iter().map(|step| step.rows_sealed()).sum(),
            look_ups: steps.iter().map(|step| step.look_ups()).sum(),
            macs: MACS.get(),
            bundles: PARSED.get(),
        };
        (done, cost)
    }

    fn send(&self, to: &Self) -> (Vec<OutgoingEnvelope>, Cost) {
        let address = to.client.address();
        let (sent, cost) = self.cost_of(|client| client.send(address, "x".repeat(64)).unwrap());
        (sent.envelopes, cost)
    }

    /// Hands over what waits, as a transport does that takes one at a time.
    fn hand_over(&self) -> (Vec<OutgoingEnvelope>, Cost) {
        self.cost_of(|client| {
            let waiting = client.outbox(0).unwrap();
            for envelope in &waiting {
                client.mark_sent(vec![envelope.id]).unwrap();
            }
            waiting
        })
    }

    fn receive(&self, envelopes: Vec<OutgoingEnvelope>) -> (Vec<Event>, Cost) {
        self.cost_of(|client| {
            let envelopes = envelopes.into_iter();
            let events = envelopes.map(|one| client.receive(one.bytes).unwrap());
            events.flatten().collect()
        })
    }
}

/// What a message costs: to write it, and until its author knows that it came.
struct Round {
    send: Cost,
    receive: Cost,
    whole: Cost,
}

fn round(alice: &Party, bob: &Party) -> Round {
    let (_, send) = alice.send(bob);
    let (message, handed) = alice.hand_over();
    assert_eq!(message.len(), 1);
    let (events, receive) = bob.receive(message);
    let came = |event: &Event| matches!(event, Event::Message { .. });
    assert!(events.iter().any(came), "{events:?}");
    let (receipt, answered) = bob.hand_over();
    assert_eq!(receipt.len(), 1);
    let (events, told) = alice.receive(receipt);
    let told_of = |event: &Event| matches!(event, Event::Delivered { .. });
    assert!(events.iter().any(told_of), "{events:?}");
    let rest = handed.plus(receive).plus(answered).plus(told);
    Round {
        send,
        receive,
        whole: send.plus(rest),
    }
}

/// Many messages, and then some as they are counted.
fn warm_up(alice: &Party, bob: &Party) {
    let message = || OutgoingMessage {
        to: bob.client.address(),
        body: Body::Text {
            text: "ahoy".into(),
        },
        reply_to: None,
        is_answer: false,
        file: None,
        rich_text: None,
    };
    // In one session, which both have by then.
    round(alice, bob);
    let sent = alice
        .client
        .send_many((0..WARM_UP).map(|_| message()).collect());
    assert_eq!(sent.unwrap().len(), WARM_UP);
    for (from, to) in [(alice, bob), (bob, alice)] {
        let (waiting, _) = from.hand_over();
        let waiting = waiting.into_iter().map(|one| one.bytes);
        to.client.receive_many(waiting.collect()).unwrap();
    }
    for _ in 0..10 {
        round(alice, bob);
    }
}

#[test]
fn a_message_costs_as_many_commits_bytes_rows_and_look_ups_as_are_written_here() {
    let (alice, bob) = acquainted();
    warm_up(&alice, &bob);
    let rounds: Vec<_> = (0..COUNTED).map(|_| round(&alice, &bob)).collect();
    let of = |part: fn(&Round) -> Cost| median(&rounds.iter().map(part).collect::<Vec<_>>());
    let found = [
        ("a durable send", of(|round| round.send), SEND),
        ("taking it in", of(|round| round.receive), RECEIVE),
        (
            "both sides, until it is acknowledged",
            of(|round| round.whole),
            WHOLE,
        ),
    ];
    for (what, cost, _) in found {
        println!("{what}: {cost:?}");
    }
    for (what, cost, most) in found {
        assert!(cost.is_within(&most), "{what}: {cost:?}, at most {most:?}");
    }
}
