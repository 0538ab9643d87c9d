//! What devices of one identity tell each other of people and of what was deleted.

use serde_json::{Value, json};

use super::firsts::{Writer, receiver};
use super::histories::said;
use super::*;
use crate::chat::{Decision, DeviceUpdate, Floor, FloorKey, FloorTimer, KnownContact};
use crate::engine::records::{decisions, floors};
use crate::engine::steps::content;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::x3dh;

/// Who the decisions are about.
fn friend() -> Writer {
    Writer::new(2, 21)
}

/// A number of a decision: its clock and device.
type Number = (u64, u32);

/// What is told of the friend: blocked, accepted, verified.
fn known(standing: Number, verification: Number, said: [bool; 3], issued_at: u64) -> Value {
    let decision = |(clock, device_id): Number| Decision { clock, device_id };
    let [blocked, accepted, verified] = said;
    told(DeviceUpdate {
        contacts: vec![KnownContact {
            devices: Vec::new(),
            bundle: friend().bundle(&[21], issued_at),
            verified,
            accepted,
            blocked,
            standing: decision(standing),
            verification: decision(verification),
        }],
        ..DeviceUpdate::default()
    })
}

fn told(update: DeviceUpdate) -> Value {
    let (_, content) = said("own", 1, 0, Body::DeviceUpdate(update));
    json!({ "update": hex(&content.to_bytes()) })
}

fn standing(number: Number, blocked: bool) -> Value {
    known(number, (0, 0), [blocked, !blocked, false], 10)
}

fn verified(number: Number, verified: bool) -> Value {
    known((0, 0), number, [false, true, verified], 10)
}

fn user(does: &str) -> Value {
    json!({ "user": does })
}

fn floor() -> Floor {
    let friend = friend().identity.public().to_bytes();
    Floor {
        conversation: FloorKey::of_seed(&[9; 32]).conversation(&friend, false),
        ..Floor::default()
    }
}

fn gone(floor: Floor) -> Value {
    told(DeviceUpdate {
        floors: vec![floor],
        ..DeviceUpdate::default()
    })
}

fn whole(clock: u64, lamport: u64, until: u64) -> Value {
    gone(Floor {
        clock,
        lamport,
        until,
        ..floor()
    })
}

/// Names of messages with clocks from one number on.
fn names(from: u64, count: u64, mark: u8) -> Value {
    let name = |clock: u64| {
        let mut name = [mark; 16];
        name[..8].copy_from_slice(&clock.to_be_bytes());
        name
    };
    gone(Floor {
        messages: (from..from + count).map(name).collect(),
        ..floor()
    })
}

fn timer(clock: u64, lamport: u64, id: u8, milliseconds: u64) -> Value {
    gone(Floor {
        clock,
        timer: FloorTimer {
            lamport,
            message_id: vec![id; 16],
            milliseconds,
        },
        ..floor()
    })
}

fn removed(clock: u64, device_id: u32) -> Value {
    gone(Floor {
        clock: 1,
        removed: Decision { clock, device_id },
        ..floor()
    })
}

fn of_people() -> Vec<(&'static str, Vec<Value>)> {
    let jump = MAX_LAMPORT_JUMP;
    vec![
        ("somebody is accepted", vec![standing((1, 5), false)]),
        (
            "of two decisions the higher clock",
            vec![standing((2, 5), true), standing((1, 9), false)],
        ),
        (
            "of equal clocks the higher device",
            vec![standing((2, 5), true), standing((2, 9), false)],
        ),
        (
            "of equal numbers blocked before accepted",
            vec![standing((2, 5), false), standing((2, 5), true)],
        ),
        (
            "the two kinds go by themselves",
            vec![
                known((1, 5), (9, 5), [false, true, true], 10),
                known((2, 5), (3, 5), [true, false, false], 10),
            ],
        ),
        (
            "verified before not",
            vec![verified((2, 5), false), verified((2, 5), true)],
        ),
        (
            "a decision without a number counts where there was none",
            vec![known((0, 0), (0, 0), [false, true, false], 10)],
        ),
        (
            "as far ahead as a decision may be",
            vec![standing((1, 5), false), standing((jump + 2, 5), true)],
        ),
        (
            "further ahead than a decision may be",
            vec![standing((1, 5), false), standing((jump + 3, 5), true)],
        ),
        (
            "what the user does then has the next number",
            vec![
                known((7, 5), (4, 5), [false, true, false], 10),
                user("verify"),
                user("block"),
            ],
        ),
        (
            "who was removed here, and a decision of before",
            vec![
                standing((3, 5), false),
                user("remove"),
                standing((3, 5), false),
            ],
        ),
        (
            "who was removed here, and a decision of after",
            vec![
                standing((3, 5), false),
                user("remove"),
                known((5, 5), (2, 5), [false, true, true], 10),
            ],
        ),
        (
            "who was removed elsewhere after all decisions",
            vec![standing((3, 5), false), removed(4, 5)],
        ),
        (
            "who was removed elsewhere before the last decision",
            vec![standing((3, 5), false), removed(2, 5)],
        ),
    ]
}

fn of_bundles() -> Vec<(&'static str, Vec<Value>)> {
    let with = |issued_at| known((1, 5), (0, 0), [false, true, false], issued_at);
    let day = 86_400;
    vec![
        ("the bundle that was issued later", vec![with(10), with(20)]),
        ("an older one that comes late", vec![with(20), with(10)]),
        (
            "one that is a day ahead of the clock holds its place",
            vec![with(day), with(10)],
        ),
        (
            "one that is further ahead gives way to any that comes afterwards",
            vec![with(day + 1), with(10)],
        ),
        (
            "of two that are too far ahead the later",
            vec![with(3 * day), with(2 * day), with(4 * day)],
        ),
    ]
}

fn of_floors() -> Vec<(&'static str, Vec<Value>)> {
    let (jump, day) = (MAX_LAMPORT_JUMP, 86_400_000);
    vec![
        (
            "of each number the highest",
            vec![whole(9, 3, START - 5), whole(7, 6, START - 9)],
        ),
        (
            "a clock as far ahead as it may be",
            vec![whole(4, 0, 1), whole(4 + jump, 2, 1)],
        ),
        (
            "a clock further ahead",
            vec![whole(4, 0, 1), whole(5 + jump, 2, 1)],
        ),
        ("more is gone than the clock allows", vec![whole(4, 9, 1)]),
        (
            "what is gone until a day ahead of the clock",
            vec![whole(4, 1, START + day)],
        ),
        (
            "what is gone until later than that",
            vec![whole(4, 1, START + day + 1)],
        ),
        (
            "names of both",
            vec![names(3, 2, 7), names(1, 1, 9), names(4, 1, 6)],
        ),
        (
            "of 600 names the highest 512",
            vec![names(1, 300, 7), names(301, 300, 7)],
        ),
        (
            "of two timers the later, of one clock that of the higher id",
            vec![
                timer(9, 4, 2, 5_000),
                timer(9, 4, 3, 6_000),
                timer(9, 2, 9, 7_000),
            ],
        ),
        (
            "a timer above the clock",
            vec![timer(3, 3, 1, 5_000), timer(3, 4, 1, 6_000)],
        ),
        (
            "of two removals the later",
            vec![removed(4, 9), removed(5, 2), removed(5, 1)],
        ),
        (
            "as far ahead as a removal may be",
            vec![removed(1, 5), removed(1 + jump, 2)],
        ),
        (
            "a removal further ahead",
            vec![removed(1, 5), removed(2 + jump, 2)],
        ),
    ]
}

/// The cases; those that only merge come in the other order too, where the order may not matter.
pub(super) fn all() -> Vec<(String, Value)> {
    let input = |steps: &[Value]| {
        let (own, _) = receiver();
        json!({
            "own": hex(&own.device.public().to_bytes()),
            "own_seed": hex(&[9; 32]),
            "device_id": own.device.device_id,
            "now": START,
            "steps": steps,
        })
    };
    let mut cases = Vec::new();
    for (name, mut steps) in [of_people(), of_bundles(), of_floors()].concat() {
        cases.push((name.to_owned(), input(&steps)));
        if steps.len() > 1 && steps.iter().all(|step| step["user"].is_null()) {
            steps.reverse();
            cases.push((format!("{name}, in the other order"), input(&steps)));
        }
    }
    cases
}

fn decision(decision: Decision) -> Value {
    json!([decision.clock, decision.device_id])
}

fn contact(contact: &contacts::Contact) -> Value {
    json!({
        "identity": hex(&contact.identity.to_bytes()),
        "issued_at": contact.bundle.as_ref().map(VerifiedBundle::issued_at),
        "accepted": contact.is_accepted(),
        "blocked": contact.row.blocked,
        "verified": contact.row.verified,
        "standing": decision(decisions::standing(&contact.row)),
        "verification": decision(decisions::verification(&contact.row)),
    })
}

fn shown(floor: &Floor) -> Value {
    json!({
        "conversation": hex(&floor.conversation),
        "clock": floor.clock,
        "lamport": floor.lamport,
        "until": floor.until,
        "messages": hex(&floor.messages.concat()),
        "timer": [floor.timer.lamport, hex(&floor.timer.message_id), floor.timer.milliseconds],
        "removed": decision(floor.removed),
    })
}

fn act(step: &mut Step<'_>, does: &str) -> Result<(), EngineError> {
    let mut contact = contacts::find(step.rows, &friend().identity.public())?.unwrap();
    match does {
        "verify" => people::verify(step.rows, &mut contact),
        "block" => people::block(step.rows, &mut contact),
        "remove" => people::remove(step, &mut contact),
        other => panic!("{other}"),
    }
}

/// The people that are known then, and what is gone.
pub(super) fn expected(input: &Value) -> Value {
    let (own, _) = receiver();
    let from = x3dh::Party {
        identity: own.device.public(),
        device_id: 77,
    };
    let standing = Standing {
        known_since: START,
        proven: None,
        established: false,
    };
    for step in input["steps"].as_array().unwrap() {
        let done = own.at(0, |at| {
            if let Some(does) = step["user"].as_str() {
                return act(at, does);
            }
            let encoded = unhex(&step["update"]);
            let content = Content::from_bytes(&encoded).unwrap();
            let mut outcomes = Vec::new();
            content::receive(at, &from, content, &encoded, &standing, &mut outcomes)?;
            Ok(())
        });
        done.unwrap();
    }
    let state = own.at(0, |step| {
        let contacts = contacts::all(step.rows)?;
        Ok((contacts, floors::all(step.rows)?))
    });
    let (contacts, floors) = state.unwrap();
    json!({
        "contacts": contacts.iter().map(contact).collect::<Vec<_>>(),
        "floors": floors.iter().map(shown).collect::<Vec<_>>(),
    })
}
