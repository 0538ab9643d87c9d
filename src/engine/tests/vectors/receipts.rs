//! What is acknowledged, under which id, and told as what.

use serde_json::{Value, json};

use super::super::annotated::id;
use super::histories::{deletion, edit, said, text};
use super::*;
use crate::chat::{Copy, DeviceUpdate, GroupEvent};
use crate::engine::steps::content;
use crate::engine::sync::receipts::take_beside;
use crate::x3dh;

/// From whose device, and what.
type Came = (&'static str, Content);

pub(super) fn control(by: &'static str, number: u32, body: Body) -> Came {
    said(by, number, 0, body)
}

/// A copy of what somebody wrote in a conversation.
pub(super) fn copy(
    by: &'static str,
    number: u32,
    of: (&PublicIdentity, &PublicIdentity),
    inner: &Content,
) -> Came {
    let body = Body::Copy(Copy {
        author: of.0.to_bytes(),
        conversation: of.1.to_bytes(),
        content: inner.to_bytes(),
    });
    control(by, number, body)
}

pub(super) fn receipt(by: &'static str, number: u32, of: &[u32]) -> Came {
    let ids = of.iter().copied().map(id).collect();
    control(by, number, Body::DeliveryReceipt(ids))
}

fn read(by: &'static str, number: u32, lamport: u64) -> Came {
    control(by, number, Body::ReadReceipt { lamport })
}

/// An event that somebody made up.
fn event(group: &GroupId) -> Vec<u8> {
    let somebody = IdentityKeyPair::from_seed(&Secret::new([4; 32]));
    let event = GroupEvent::sign(&somebody, group, &[[7; 32]], &GroupAction::Joined);
    event.unwrap().encoded().to_vec()
}

pub(super) fn all(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Value)> {
    let third = Party::new(3).device.public();
    let (one, two) = (text("own", 1, 1).1, text("peer", 2, 2).1);
    let mine = || copy("own", 50, (own, peer), &one);
    let theirs = || text("peer", 2, 2);
    let mut damaged = one.clone();
    damaged.group = Some(GroupId::from_bytes(&[9; 32]).unwrap());
    let inner_receipt = receipt("own", 3, &[1]).1;
    let in_group = ("peer", damaged.clone());
    let cases: Vec<(&'static str, Vec<Came>)> = vec![
        ("a text", vec![theirs()]),
        ("a text that comes twice", vec![theirs(), theirs()]),
        (
            "an opaque body",
            vec![said("peer", 1, 1, Body::Opaque(vec![1]))],
        ),
        ("no body", vec![said("peer", 1, 1, Body::Unknown)]),
        (
            "a text of the own identity without a copy",
            vec![text("own", 1, 1)],
        ),
        ("a copy of own words by a device of one's own", vec![mine()]),
        (
            "the same in another copy",
            vec![mine(), copy("own", 51, (own, peer), &one)],
        ),
        (
            "a copy of the other side's words by a device of one's own",
            vec![copy("own", 50, (peer, peer), &two)],
        ),
        (
            "the same from its author afterwards",
            vec![copy("own", 50, (peer, peer), &two), theirs()],
        ),
        (
            "a copy of somebody else's words in the conversation",
            vec![copy("own", 50, (&third, peer), &one)],
        ),
        (
            "a copy of a conversation with oneself",
            vec![copy("own", 50, (own, own), &one)],
        ),
        (
            "a copy of a receipt",
            vec![copy("own", 50, (own, peer), &inner_receipt)],
        ),
        (
            "a copy whose conversation is not its content's group",
            vec![copy("own", 50, (own, peer), &damaged)],
        ),
        (
            "a copy of own words by the other side, not proved",
            vec![copy("peer", 50, (own, own), &one)],
        ),
        (
            "a copy of its own words by the other side",
            vec![copy("peer", 50, (peer, own), &two)],
        ),
        (
            "an update of a device of one's own",
            vec![control(
                "own",
                5,
                Body::DeviceUpdate(DeviceUpdate::default()),
            )],
        ),
        (
            "an update of another identity",
            vec![control(
                "peer",
                5,
                Body::DeviceUpdate(DeviceUpdate::default()),
            )],
        ),
        (
            "a receipt, and the same again",
            vec![mine(), receipt("peer", 6, &[1]), receipt("peer", 7, &[1])],
        ),
        (
            "a receipt of what is not here, and of what is not one's own",
            vec![theirs(), receipt("peer", 6, &[2, 9])],
        ),
        (
            "a receipt of a device of one's own",
            vec![mine(), receipt("own", 6, &[1])],
        ),
        (
            "a read receipt, the same again, and one beyond all clocks",
            vec![
                mine(),
                read("peer", 6, 1),
                read("peer", 7, 1),
                read("peer", 8, 900),
            ],
        ),
        (
            "a read receipt of nothing",
            vec![mine(), read("peer", 6, 0)],
        ),
        (
            "an answer that answers nothing",
            vec![control(
                "peer",
                6,
                Body::HealingAnswer {
                    messages: 3,
                    bundle: Vec::new(),
                },
            )],
        ),
        ("an edit", vec![theirs(), edit("peer", 3, 3, 2)]),
        ("a deletion", vec![theirs(), deletion("peer", 3, 3, 2)]),
        (
            "an edit of another's words",
            vec![mine(), edit("peer", 3, 3, 1)],
        ),
        ("a text of a group that is not known", vec![in_group]),
        (
            "a reaction to an edit",
            vec![
                theirs(),
                edit("peer", 3, 3, 2),
                said(
                    "peer",
                    4,
                    4,
                    Body::Reaction {
                        author: peer.to_bytes(),
                        target: id(3),
                        emoji: "⚓".into(),
                        removed: false,
                    },
                ),
            ],
        ),
        (
            "events of a group that name none",
            vec![said(
                "peer",
                1,
                1,
                Body::GroupEvents {
                    events: vec![event(&GroupId::from_bytes(&[9; 32]).unwrap())],
                    bundles: Vec::new(),
                },
            )],
        ),
    ];
    let mut all = of_contents(own, peer, cases);
    all.extend(beside(own, peer));
    all
}

/// Receipts beside a content, in the payload (RFC windlass §9.4.1). The content is taken in whatever they are.
fn beside(own: &PublicIdentity, peer: &PublicIdentity) -> Vec<(&'static str, Value)> {
    let (mine, theirs) = (
        copy("own", 50, (own, peer), &text("own", 1, 1).1),
        text("peer", 2, 2),
    );
    let known = id(1).as_bytes().to_vec();
    let both = [known.clone(), id(9).as_bytes().to_vec()].concat();
    let mut half = known.clone();
    half.truncate(15);
    let receipts: [(&'static str, &Came, Vec<u8>); 6] = [
        ("a receipt beside a text", &theirs, known.clone()),
        ("one of two, of which one is not here", &theirs, both),
        ("one of half an id beside a text", &theirs, half.clone()),
        ("one and a half", &theirs, [known.clone(), half].concat()),
        (
            "one of more than there may be",
            &theirs,
            known.repeat(1_025),
        ),
        (
            "one of a device of one's own",
            &("own", theirs.1.clone()),
            known,
        ),
    ];
    let case = |(name, came, receipt): (&'static str, &Came, Vec<u8>)| {
        let contents = vec![mine.clone(), came.clone()];
        let mut cases = of_contents(own, peer, vec![(name, contents)]);
        let (_, mut input) = cases.remove(0);
        input["contents"][1]["receipt"] = hex(&receipt).into();
        (name, input)
    };
    receipts.into_iter().map(case).collect()
}

/// How an outcome is told; nothing for what a device learns besides.
fn told(outcome: &Outcome) -> Option<Value> {
    Some(match outcome {
        Outcome::Message(_) => json!("message"),
        Outcome::Edited(_) => json!("edited"),
        Outcome::Duplicate { .. } => json!("duplicate"),
        Outcome::Undecryptable { .. } => json!("content"),
        Outcome::InConversation(_, ConversationNews::Deleted(_)) => json!("deleted"),
        Outcome::InConversation(_, ConversationNews::ConversationDeleted) => {
            json!("conversation deleted")
        }
        Outcome::InConversation(_, ConversationNews::SettingsChanged) => json!("settings"),
        Outcome::InConversation(_, ConversationNews::ScheduledChanged) => json!("scheduled"),
        Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => {
            json!({ "refused": words(&format!("{reason:?}")) })
        }
        Outcome::InConversation(_, ConversationNews::Read { .. }) => json!("read"),
        Outcome::Peer(_, PeerNews::Delivered(ids)) => {
            json!({ "delivered": ids.iter().map(ToString::to_string).collect::<Vec<_>>() })
        }
        Outcome::Peer(_, PeerNews::Synchronising { messages, .. }) => {
            json!({ "synchronising": messages })
        }
        _ => return None,
    })
}

/// What each content is acknowledged as and told as, in this order. Between them the device asks the other side, or time passes.
pub(super) fn expected(input: &Value) -> Value {
    let two = Two::new();
    let own = two.own.device.public();
    let mut now = START;
    let mut each = Vec::new();
    for came in input["contents"].as_array().unwrap() {
        now += came["later"].as_u64().unwrap_or(0) * 1000;
        if came["ask"] == true {
            let asked = two
                .own
                .at_time(now, |step| healing::ask(step, &two.peer, None));
            asked.unwrap().unwrap();
        }
        if came["encoded"].is_null() {
            continue;
        }
        let from = x3dh::Party {
            identity: if came["by"] == "own" { own } else { two.peer },
            device_id: 77,
        };
        let encoded = unhex(&came["encoded"]);
        let standing = Standing {
            known_since: START,
            proven: None,
            established: false,
        };
        let received = two.own.at_time(now, |step| {
            let mut outcomes = Vec::new();
            if let Some(receipt) = came["receipt"].as_str() {
                take_beside(step, &from, &unhex(&receipt.into()), &mut outcomes)?;
            }
            let content = Content::from_bytes(&encoded).unwrap();
            let id = content::receive(step, &from, content, &encoded, &standing, &mut outcomes)?;
            Ok((id, outcomes))
        });
        let (id, outcomes) = received.unwrap();
        each.push(json!({
            "acknowledged": id.map(|id| id.to_string()),
            "told": outcomes.iter().filter_map(told).collect::<Vec<_>>(),
        }));
    }
    Value::Array(each)
}
