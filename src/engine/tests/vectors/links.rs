//! What devices of one identity tell each other of whom the user linked, and of groups that the user deleted.

use serde_json::{Value, json};

use super::firsts::{Writer, receiver};
use super::histories::said;
use super::*;
use crate::chat::{DeletedGroup, DeviceLink, DeviceUpdate, GroupAction, GroupEvent, GroupId};
use crate::engine::records::{invitations, vouching};
use crate::engine::steps::content;
use crate::limits::{GROUP_INVITATION_SECONDS, LINK_LIFETIME_SECONDS, MAX_DEVICES};
use crate::x3dh;

/// Devices of the identity: one that the user linked before, and others.
const LINKED: u32 = 77;
const OTHER: u32 = 78;
const THIRD: u32 = 79;

const LIFETIME: u64 = LINK_LIFETIME_SECONDS * 1000;

fn token(number: u8) -> [u8; 16] {
    [number; 16]
}

fn update(by: u32, later: u64, update: DeviceUpdate) -> Value {
    let (_, content) = said("own", 1, 0, Body::DeviceUpdate(update));
    json!({ "by": by, "at": START + later, "update": hex(&content.to_bytes()) })
}

fn links(by: u32, later: u64, links: Vec<DeviceLink>) -> Value {
    let links = DeviceUpdate {
        links,
        ..DeviceUpdate::default()
    };
    update(by, later, links)
}

fn link(number: u8, lasts: u64, device_id: u32) -> DeviceLink {
    DeviceLink {
        token: Secret::new(token(number)),
        expires_at: START + lasts,
        device_id,
    }
}

fn tells(by: u32, number: u8) -> Value {
    links(by, 0, vec![link(number, LIFETIME, 0)])
}

/// In a session that is known to be its own since the beginning.
fn shows(device: u32, later: u64, number: u8) -> Value {
    json!({ "shows": hex(&token(number)), "by": device, "at": START + later })
}

fn appears(device: u32, later: u64) -> Value {
    json!({ "appears": device, "at": START + later })
}

fn removed(device: u32, later: u64) -> Value {
    json!({ "removed": device, "at": START + later })
}

pub(super) fn cases() -> Vec<(&'static str, Value)> {
    let over = LIFETIME + 1;
    let nine = (1..=u8::try_from(MAX_DEVICES).unwrap() + 1).map(|n| link(n, LIFETIME, 0));
    let all: Vec<(&str, Vec<Value>)> = vec![
        (
            "a device that shows what a linked one told of is linked",
            vec![tells(LINKED, 1), shows(OTHER, 5, 1)],
        ),
        (
            "told after it was shown",
            vec![shows(OTHER, 5, 1), tells(LINKED, 1)],
        ),
        (
            "a token of which nobody told",
            vec![tells(LINKED, 1), shows(OTHER, 5, 2)],
        ),
        (
            "told by a device that is not linked",
            vec![tells(OTHER, 1), shows(THIRD, 5, 1)],
        ),
        (
            "whoever was linked so vouches too",
            vec![
                tells(LINKED, 1),
                shows(OTHER, 0, 1),
                tells(OTHER, 2),
                shows(THIRD, 5, 2),
            ],
        ),
        (
            "the first that shows it",
            vec![tells(LINKED, 1), shows(OTHER, 5, 1), shows(THIRD, 5, 1)],
        ),
        (
            "the device that is named with it",
            vec![
                links(LINKED, 0, vec![link(1, LIFETIME, THIRD)]),
                shows(OTHER, 5, 1),
                shows(THIRD, 5, 1),
            ],
        ),
        (
            "named only when it was known without a name",
            vec![
                tells(LINKED, 1),
                links(LINKED, 0, vec![link(1, LIFETIME, THIRD)]),
                shows(OTHER, 5, 1),
            ],
        ),
        (
            "the history is given until then",
            vec![tells(LINKED, 1), shows(OTHER, LIFETIME - 1, 1)],
        ),
        (
            "and not later, but the device is linked",
            vec![tells(LINKED, 1), shows(OTHER, LIFETIME, 1)],
        ),
        (
            "never longer than from now on",
            vec![
                links(LINKED, 0, vec![link(1, over, 0)]),
                shows(OTHER, LIFETIME, 1),
            ],
        ),
        (
            "told again, the earlier time",
            vec![
                links(LINKED, 0, vec![link(1, 9, 0)]),
                links(LINKED, 1, vec![link(1, LIFETIME, 0)]),
                shows(OTHER, 9, 1),
            ],
        ),
        (
            "told again, an earlier time",
            vec![
                tells(LINKED, 1),
                links(LINKED, 1, vec![link(1, 9, 0)]),
                shows(OTHER, 8, 1),
            ],
        ),
        (
            "of so many of one device the first goes",
            vec![
                links(LINKED, 0, nine.collect()),
                shows(OTHER, 5, 1),
                shows(THIRD, 5, 2),
            ],
        ),
        (
            "what a removed device told of is for those that were known",
            vec![
                tells(LINKED, 1),
                removed(LINKED, 5),
                appears(80, 6),
                shows(80, 7, 1),
                shows(OTHER, 7, 1),
            ],
        ),
        (
            "what a removed device showed is forgotten, and may be told anew",
            vec![
                tells(LINKED, 1),
                shows(OTHER, 5, 1),
                removed(OTHER, 6),
                tells(LINKED, 1),
                shows(THIRD, 7, 1),
            ],
        ),
        (
            "a removed device shows in vain",
            vec![tells(LINKED, 1), removed(OTHER, 5), shows(OTHER, 6, 1)],
        ),
    ];
    let input = |(name, steps)| {
        (
            name,
            json!({ "now": START, "devices": [LINKED, OTHER, THIRD], "linked": [LINKED], "steps": steps }),
        )
    };
    all.into_iter().map(input).collect()
}

/// A device that knows those of the input.
fn knows(input: &Value) -> Party {
    let (own, _) = receiver();
    for id in input["devices"].as_array().unwrap() {
        appear(&own, id, 0);
    }
    let linked = own.at(0, |step| {
        for id in input["linked"].as_array().unwrap() {
            own_devices::note_linked(step.rows, number(id), step.now)?;
        }
        Ok(())
    });
    linked.unwrap();
    own
}

fn number(id: &Value) -> u32 {
    u32::try_from(id.as_u64().unwrap()).unwrap()
}

fn appear(own: &Party, id: &Value, later: u64) {
    let bundle = Writer::new(9, number(id)).bundle(&[number(id)], later);
    let bundle = VerifiedBundle::decode(&bundle).unwrap();
    let known = own.at_time(START + later, |step| {
        own_devices::merge_bundle(step, &bundle, Some(number(id)))
    });
    known.unwrap();
}

/// What a step makes of it; of a token that is shown, whether the whole history is given for it.
fn take(own: &Party, came: &Value) -> Value {
    let at = came["at"].as_u64().unwrap();
    if came["appears"].is_u64() {
        appear(own, &came["appears"], at - START);
        return Value::Null;
    }
    let done = own.at_time(at, |step| {
        if came["removed"].is_u64() {
            own_devices::remove(step, &[number(&came["removed"])])?;
            return Ok(Value::Null);
        }
        let from = x3dh::Party {
            identity: step.device.public(),
            device_id: number(&came["by"]),
        };
        if came["shows"].is_string() {
            let token = Secret::try_from_slice(&unhex(&came["shows"])).unwrap();
            return Ok(json!(vouching::shown(step, &from, &token, START)?));
        }
        let standing = Standing {
            known_since: START,
            proven: None,
            established: false,
        };
        let encoded = unhex(&came["update"]);
        let content = Content::from_bytes(&encoded).unwrap();
        content::receive(step, &from, content, &encoded, &standing, &mut Vec::new())?;
        Ok(Value::Null)
    });
    done.unwrap()
}

/// Which devices are linked then, and what each step gave.
pub(super) fn expected(input: &Value) -> Value {
    let own = knows(input);
    let steps = input["steps"].as_array().unwrap().iter();
    let given: Vec<_> = steps.map(|came| take(&own, came)).collect();
    let linked = own.at(0, |step| own_devices::linked(step.rows));
    let mut linked: Vec<_> = linked.unwrap().into_iter().map(|(id, _)| id).collect();
    linked.sort_unstable();
    json!({ "given": given, "linked": linked })
}

const MONTH: u64 = GROUP_INVITATION_SECONDS * 1000;

fn group(number: u8) -> GroupId {
    GroupId::from_bytes(&[number; 32]).unwrap()
}

/// Somebody leaves a group: the user, or one with another seed.
fn left(seed: u8, number: u8, action: &GroupAction) -> Vec<u8> {
    let author = IdentityKeyPair::from_seed(&Secret::new([seed; 32]));
    let event = GroupEvent::sign(&author, &group(number), &[[7; 32]], action).unwrap();
    event.encoded().to_vec()
}

fn gone(later: u64, invitations: &[u8], left: Vec<u8>) -> DeletedGroup {
    DeletedGroup {
        group: group(1),
        invitations: invitations.iter().map(|mark| [*mark; 32]).collect(),
        left,
        deleted_at: START + later,
    }
}

pub(super) fn deleted_cases() -> Vec<(&'static str, Value)> {
    let own = || left(9, 1, &GroupAction::Left);
    let tell = |by, later, deleted: Vec<DeletedGroup>| {
        let deleted_groups = DeviceUpdate {
            deleted_groups: deleted,
            ..DeviceUpdate::default()
        };
        update(by, later, deleted_groups)
    };
    let one = |deleted| vec![tell(LINKED, 100, vec![deleted])];
    let all: Vec<(&str, Vec<Value>)> = vec![
        ("a group is deleted", one(gone(3, &[1], own()))),
        (
            "by a device that nobody linked",
            vec![tell(OTHER, 100, vec![gone(3, &[1], own())])],
        ),
        (
            "one that the user had not joined",
            one(gone(3, &[1], Vec::new())),
        ),
        ("later than now", one(gone(101, &[], own()))),
        (
            "at no time",
            one(DeletedGroup {
                deleted_at: 0,
                ..gone(0, &[], own())
            }),
        ),
        (
            "two are merged",
            vec![
                tell(LINKED, 100, vec![gone(5, &[1, 2], Vec::new())]),
                tell(LINKED, 200, vec![gone(4, &[3, 2], own())]),
            ],
        ),
        (
            "two groups by one update",
            vec![tell(
                LINKED,
                100,
                vec![
                    gone(5, &[1], own()),
                    DeletedGroup {
                        group: group(2),
                        ..gone(6, &[2], Vec::new())
                    },
                ],
            )],
        ),
        (
            "the leaving of somebody else",
            one(gone(3, &[1], left(8, 1, &GroupAction::Left))),
        ),
        (
            "the leaving of another group",
            one(gone(3, &[1], left(9, 2, &GroupAction::Left))),
        ),
        (
            "an event that is no leaving",
            one(gone(3, &[1], left(9, 1, &GroupAction::Joined))),
        ),
        ("bytes that are no event", one(gone(3, &[1], vec![1, 2, 3]))),
        (
            "a month later it need not be known any more",
            vec![tell(LINKED, MONTH + 3, vec![gone(3, &[1], own())])],
        ),
        (
            "until then it is",
            vec![tell(LINKED, MONTH + 2, vec![gone(3, &[1], own())])],
        ),
    ];
    let input = |(name, steps)| {
        (
            name,
            json!({ "own_seed": hex(&[9; 32]), "now": START, "devices": [LINKED, OTHER], "linked": [LINKED], "steps": steps }),
        )
    };
    all.into_iter().map(input).collect()
}

/// The groups that are known to be deleted when the last one was told of.
pub(super) fn deleted(input: &Value) -> Value {
    let own = knows(input);
    let steps = input["steps"].as_array().unwrap();
    for came in steps {
        take(&own, came);
    }
    let now = steps.last().unwrap()["at"].as_u64().unwrap();
    let deleted = own.at_time(now, |step| invitations::deletions(step.rows, step.now));
    let shown = |one: &DeletedGroup| {
        json!({
            "group": hex(one.group.as_bytes()),
            "deleted_at": one.deleted_at,
            "invitations": one.invitations.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
            "left": hex(&one.left),
        })
    };
    deleted.unwrap().iter().map(shown).collect()
}
