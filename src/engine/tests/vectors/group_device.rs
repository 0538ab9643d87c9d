//! What a device that belongs to a group makes of what comes, and to whom it says what.

use serde_json::{Value, json};

use super::firsts::{Writer, receiver};
use super::group_stories::{bundle, everybody, person};
use super::*;
use crate::chat::GroupEvent;
use crate::engine::records::group_views;
use crate::engine::steps::content;
use crate::engine::sync::group_sync;
use crate::ratchet::MemorySkippedKeys;
use crate::session::{HintKey, Session};
use crate::x3dh::{self, ResponderKeys};

impl Writer {
    /// What an envelope says whose session this device does not have yet.
    fn opens(&self, envelope: &[u8]) -> Content {
        let envelope = Envelope::decode(envelope).unwrap();
        let part = envelope.part_for(self.device_id).unwrap();
        let us = x3dh::Party {
            identity: self.identity.public(),
            device_id: self.device_id,
        };
        let sealed = part.handshake.as_ref().unwrap();
        let (handshake, kem_shared) = sealed.open(&us, &self.prekeys).unwrap();
        let keys = ResponderKeys {
            identity: &self.identity,
            device_id: self.device_id,
            prekeys: &self.prekeys,
            kem_shared: kem_shared.as_ref(),
            one_time_prekey: None,
            secret: None,
        };
        let hint = HintKey::between(&self.identity, &handshake.initiator.identity).unwrap();
        let session = Session::respond(&keys, &handshake, hint, 0).unwrap();
        let received = session
            .receive(part, &MemorySkippedKeys::default())
            .unwrap();
        let payload = received.payload.unwrap();
        let payload: crate::wire::v2::Payload = crate::wire::decode("payload", &payload).unwrap();
        Content::from_bytes(&payload.content).unwrap()
    }
}

fn number_of(identity: &PublicIdentity) -> usize {
    everybody().iter().position(|one| one == identity).unwrap()
}

/// Events by their hashes, and of whom bundles are.
fn shown(events: &[Vec<u8>], bundles: &[Vec<u8>]) -> (Value, Value) {
    let hash = |event: &Vec<u8>| hex(&GroupEvent::decode(event).unwrap().hash()[..8]);
    let of = |bundle: &Vec<u8>| number_of(VerifiedBundle::decode(bundle).unwrap().identity());
    let mut bundles: Vec<_> = bundles.iter().map(of).collect();
    bundles.sort_unstable();
    (events.iter().map(hash).collect(), json!(bundles))
}

/// What goes out, by whom it is for.
fn sent(own: &Party) -> Value {
    let mut sent: Vec<(usize, Value)> = Vec::new();
    for waiting in empty_outbox(own) {
        let to = number_of(&waiting.recipient);
        let said = match person(to).opens(&waiting.envelope).body {
            Body::GroupEvents { events, bundles } => {
                let (events, bundles) = shown(&events, &bundles);
                json!({ "to": to, "events": events, "bundles": bundles })
            }
            Body::GroupSync(sync) => {
                let (events, bundles) = shown(&sync.events, &sync.bundles);
                json!({ "to": to, "sync": events, "bundles": bundles, "asks": sync.have.is_some() })
            }
            Body::HealingRequest(request) => {
                let named = request.conversations.iter().map(|state| {
                    if state.group {
                        json!("the group")
                    } else {
                        let side = PublicIdentity::from_bytes(&state.conversation);
                        json!(number_of(&side.unwrap()))
                    }
                });
                json!({ "to": to, "request": named.collect::<Vec<_>>() })
            }
            body if body.is_message() => json!({ "to": to, "words": true }),
            _ => continue,
        };
        sent.push((to, said));
    }
    sent.sort_by_key(|(to, _)| *to);
    sent.into_iter().map(|(_, said)| said).collect()
}

fn told(outcome: &Outcome) -> Option<Value> {
    Some(match outcome {
        Outcome::Message(_) => json!("message"),
        Outcome::Duplicate { .. } => json!("duplicate"),
        Outcome::GroupInvitation { .. } => json!("group invitation"),
        Outcome::GroupChanged { .. } => json!("group changed"),
        Outcome::GroupIncomplete { resolved, .. } => {
            json!(if *resolved { "complete" } else { "incomplete" })
        }
        Outcome::InConversation(_, ConversationNews::TimerChanged { .. }) => json!("timer changed"),
        Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => {
            json!({ "refused": words(&format!("{reason:?}")) })
        }
        _ => return None,
    })
}

fn does(step: &mut Step<'_>, id: &GroupId, what: &str) -> Result<Vec<Outcome>, EngineError> {
    let action = match what {
        "join" => GroupAction::Joined,
        "leave" => GroupAction::Left,
        "write" => {
            let to = ConversationId::Group(*id);
            return write::write(step, &to, text("ahoy"), None).map(|_| Vec::new());
        }
        other => {
            let (what, whom) = other.split_once(' ').unwrap();
            let whom: usize = whom.parse().unwrap();
            if what == "ask" {
                return healing::ask(step, &everybody()[whom], None).map(|_| Vec::new());
            }
            people::add(step, &VerifiedBundle::decode(&bundle(whom)).unwrap())?;
            GroupAction::MembersAdded(vec![everybody()[whom]])
        }
    };
    group_events::act(step, id, &action)
}

/// What is acknowledged and told of each step, what goes out for it, and whether the view is known to be incomplete then.
pub(super) fn expected(input: &Value) -> Value {
    let (own, _) = receiver();
    for contact in input["contacts"].as_array().unwrap() {
        let number = usize::try_from(contact.as_u64().unwrap()).unwrap();
        own.add(0, &VerifiedBundle::decode(&bundle(number)).unwrap());
    }
    empty_outbox(&own);
    let id = GroupId::from_bytes(&unhex(&input["group_id"])).unwrap();
    let mut now = START;
    let each = input["steps"].as_array().unwrap().iter().map(|came| {
        now += came["later"].as_u64().unwrap_or(0) * 1000;
        let done = own.at_time(now, |step| {
            let mut outcomes = Vec::new();
            let mut refused = false;
            let mut acknowledged = None;
            if let Some(what) = came["does"].as_str() {
                match does(step, &id, what) {
                    Ok(told) => outcomes = told,
                    Err(_) => refused = true,
                }
            } else if came["later"].is_null() {
                let by = usize::try_from(came["by"].as_u64().unwrap()).unwrap();
                let from = x3dh::Party {
                    identity: everybody()[by],
                    device_id: person(by).device_id,
                };
                let encoded = unhex(&came["encoded"]);
                let content = Content::from_bytes(&encoded).unwrap();
                let standing = LOST_ALL;
                acknowledged =
                    content::receive(step, &from, content, &encoded, &standing, &mut outcomes)?;
            }
            if group_views::due(step.rows, now)?.contains(&id) {
                group_sync::maintain(step, &id, &mut outcomes)?;
            }
            let incomplete = group_views::load(step.rows, &id)?.is_incomplete(now);
            Ok((acknowledged, outcomes, refused, incomplete))
        });
        let (acknowledged, outcomes, refused, incomplete) = done.unwrap();
        json!({
            "acknowledged": acknowledged.is_some(),
            "told": outcomes.iter().filter_map(told).collect::<Vec<_>>(),
            "sent": sent(&own),
            "impossible": refused,
            "incomplete": incomplete,
        })
    });
    each.collect()
}
