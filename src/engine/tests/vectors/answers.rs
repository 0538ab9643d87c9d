//! What a request for healing is answered with.

use serde_json::{Value, json};

use super::firsts::{Writer, receiver};
use super::histories::{deletion, edit, said, text};
use super::receipts::receipt;
use super::*;
use crate::chat::{ConversationState, HealingRequest};
use crate::engine::steps::content;
use crate::x3dh;

const SALT: [u8; 16] = [7; 16];
const MINUTE: u64 = 60_000;
/// When the request comes.
pub(super) const NOW: u64 = START + 20 * DAY;

/// Who asks.
pub(super) fn friend() -> Writer {
    Writer::new(2, 21)
}

pub(super) fn party(writer: &Writer) -> x3dh::Party {
    x3dh::Party {
        identity: writer.identity.public(),
        device_id: 21,
    }
}

/// Something that came, or was written, at a time.
type Came = ((&'static str, Content), u64);

/// A request.
struct Asks {
    came: Vec<Came>,
    /// Names of what is there: by whom, and the number.
    names: Vec<(&'static str, u32)>,
    /// Nothing for a request that does not name the conversation.
    from_lamport: Option<u64>,
    went_back: bool,
    proved_since: Option<u64>,
    /// How often it comes.
    times: u32,
}

fn asks(came: Vec<Came>) -> Asks {
    Asks {
        came,
        names: Vec::new(),
        from_lamport: Some(0),
        went_back: false,
        proved_since: Some(0),
        times: 1,
    }
}

impl Asks {
    fn names(mut self, names: &[(&'static str, u32)]) -> Self {
        self.names = names.to_vec();
        self
    }

    fn proves(mut self, since: Option<u64>) -> Self {
        self.proved_since = since;
        self
    }

    fn input(&self) -> Value {
        let (own, _) = receiver();
        let (own, peer) = (own.device.public(), friend().identity.public());
        let name = |(by, number): &(&str, u32)| {
            let author = if *by == "own" { own } else { peer };
            let id = super::super::annotated::id(*number);
            HealingRequest::name(&SALT, &author.to_bytes(), &id)
        };
        let mut have: Vec<_> = self.names.iter().map(name).collect();
        have.sort_unstable();
        let state = |from_lamport| ConversationState {
            // The other side is the one who is asked.
            conversation: own.to_bytes(),
            group: false,
            from_lamport,
            have: have.clone(),
        };
        let request = HealingRequest {
            conversations: self.from_lamport.map(state).into_iter().collect(),
            went_back: self.went_back,
            link_token: None,
            salt: SALT,
        };
        let (_, request) = said("peer", 99, 0, Body::HealingRequest(request));
        let came = |((by, content), at): &Came| json!({ "by": by, "at": at, "encoded": hex(&content.to_bytes()) });
        json!({
            "own": hex(&own.to_bytes()),
            "peer": hex(&peer.to_bytes()),
            "now": NOW,
            "contents": self.came.iter().map(came).collect::<Vec<_>>(),
            "request": hex(&request.to_bytes()),
            "proved_since": self.proved_since,
            "times": self.times,
        })
    }
}

/// A message that was written when it came.
fn at(mut came: (&'static str, Content), at: u64) -> Came {
    came.1.sent_at = at;
    (came, at)
}

/// Four of two days ago, in turns; of its own words the device knows the first to be there.
fn talk() -> Vec<Came> {
    let when = NOW - 2 * DAY;
    vec![
        at(text("own", 1, 1), when),
        at(text("peer", 2, 2), when + MINUTE),
        at(text("own", 3, 3), when + 2 * MINUTE),
        at(text("peer", 4, 4), when + 3 * MINUTE),
        at(receipt("peer", 50, &[1]), when + 4 * MINUTE),
    ]
}

pub(super) fn cases() -> Vec<(&'static str, Value)> {
    let window = 14 * DAY;
    let acknowledged = |written: u64, then: u64| {
        vec![
            at(text("own", 1, 1), written),
            at(receipt("peer", 50, &[1]), then),
        ]
    };
    let all: Vec<(&str, Asks)> = vec![
        ("nothing is proved", asks(talk()).proves(None)),
        ("all of it is proved", asks(talk())),
        (
            "what is named is there",
            asks(talk()).names(&[("own", 1), ("peer", 4)]),
        ),
        (
            "a name of another author",
            asks(talk()).names(&[("peer", 1)]),
        ),
        (
            "from a clock on",
            Asks {
                from_lamport: Some(3),
                ..asks(talk())
            },
        ),
        (
            "a conversation that is not named is sent whole",
            Asks {
                from_lamport: None,
                ..asks(talk())
            },
        ),
        (
            "what is not here is asked for later",
            asks(talk()).names(&[("own", 1), ("own", 77)]),
        ),
        (
            "what is not here of before the copy is asked for at once",
            Asks {
                went_back: true,
                ..asks(talk()).names(&[("own", 77)])
            },
        ),
        (
            "who went back and lacks nothing of ours",
            Asks {
                went_back: true,
                ..asks(talk()).names(&[("own", 1)])
            },
        ),
        (
            "what came in the millisecond that is proved",
            asks(talk()).proves(Some(NOW - 2 * DAY + MINUTE)),
        ),
        (
            "what came one before it",
            asks(talk()).proves(Some(NOW - 2 * DAY + MINUTE + 1)),
        ),
        (
            "one's own words came when they were acknowledged",
            asks(acknowledged(NOW - 3 * DAY, NOW - DAY)).proves(Some(NOW - DAY)),
        ),
        (
            "and not later",
            asks(acknowledged(NOW - 3 * DAY, NOW - DAY)).proves(Some(NOW - DAY + 1)),
        ),
        (
            "what came late came when it was written",
            asks(vec![((text("peer", 1, 1)), NOW - DAY)]).proves(Some(NOW - 2 * DAY)),
        ),
        (
            "the end of the window",
            asks(vec![at(text("peer", 1, 1), NOW - window)]),
        ),
        (
            "behind the window",
            asks(vec![at(text("peer", 1, 1), NOW - window - 1)]),
        ),
        (
            "the twelfth request of a day",
            Asks {
                times: 12,
                ..asks(talk())
            },
        ),
        (
            "the thirteenth request of a day",
            Asks {
                times: 13,
                ..asks(talk())
            },
        ),
        (
            "what was deleted by its author is not sent, but that it was is",
            asks(vec![
                at(text("peer", 1, 1), NOW - DAY),
                at(edit("peer", 2, 2, 1), NOW - DAY),
                at(deletion("peer", 3, 3, 1), NOW - DAY),
            ]),
        ),
    ];
    all.into_iter()
        .map(|(name, asks)| (name, asks.input()))
        .collect()
}

fn refs(own: &Party) -> Vec<MessageRef> {
    let waiting = own.at(0, |step| {
        unacknowledged::of_device(step.rows, &party(&friend()), 1_000)
    });
    waiting.unwrap().iter().map(|one| one.message).collect()
}

/// Takes in what came before the request.
fn take(own: &Party, came: &Value) {
    let (this, peer) = (own.device.public(), party(&friend()));
    let encoded = unhex(&came["encoded"]);
    let by_own = came["by"] == "own";
    let done = own.at_time(came["at"].as_u64().unwrap(), |step| {
        let content = Content::from_bytes(&encoded).unwrap();
        if matches!(content.body, Body::DeliveryReceipt(_)) {
            let standing = LOST_ALL;
            content::receive(step, &peer, content, &encoded, &standing, &mut Vec::new())?;
            return Ok(());
        }
        let incoming = Incoming {
            author: if by_own { this } else { peer.identity },
            conversation: ConversationId::Direct(peer.identity),
            content,
            encoded: &encoded,
            copied_from: by_own.then_some(this),
        };
        conversation::receive_message(step, &incoming, &mut Vec::new())?;
        if by_own {
            unacknowledged::schedule_sent(step.rows, &peer, &incoming.name(), 0, step.now)?;
        }
        Ok(())
    });
    done.unwrap();
}

/// What follows from a request.
pub(super) fn expected(input: &Value) -> Value {
    let (own, _) = receiver();
    let friend = friend();
    let bundle = VerifiedBundle::decode(&friend.bundle(&[21], 10)).unwrap();
    own.add(0, &bundle);
    for came in input["contents"].as_array().unwrap() {
        take(&own, came);
    }
    let waited = refs(&own);
    let request = Content::from_bytes(&unhex(&input["request"])).unwrap();
    let Body::HealingRequest(request) = request.body else {
        panic!("no request");
    };
    let standing = Standing {
        known_since: 0,
        proven: input["proved_since"].as_u64().map(lost_since),
        established: false,
    };
    let answered = own.at_time(NOW, |step| {
        for _ in 1..input["times"].as_u64().unwrap() {
            healing::answer(step, &party(&friend), &request, &standing)?;
        }
        let answered = healing::answer(step, &party(&friend), &request, &standing)?;
        let row = doubts::row(step.rows, &friend.identity.public())?;
        Ok((answered, row.is_some_and(|row| row.incomplete)))
    });
    let (answered, doubted) = answered.unwrap();
    let shown = |message: &MessageRef| {
        let by_own = message.author == own.device.public();
        json!([if by_own { "own" } else { "peer" }, message.id.to_string()])
    };
    let promised = refs(&own).into_iter().filter(|one| !waited.contains(one));
    json!({
        "promised": answered.messages,
        "not_acknowledged": waited.iter().map(shown).collect::<Vec<_>>(),
        "lacking": promised.map(|one| shown(&one)).collect::<Vec<_>>(),
        "asks": if answered.asked.is_some() { "at once" } else if doubted { "later" } else { "no" },
    })
}
