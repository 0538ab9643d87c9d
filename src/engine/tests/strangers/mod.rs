//! People whom the user did not ask for: what they may cost, who vouches for them, and that no honest one is locked out (RFC windlass §8.6).

mod bounds;
mod counted;
mod introduced;
mod waiting;

use prost::Message as _;

use super::*;
use crate::bundle::{PrekeySecrets, build};
use crate::chat::Content;
use crate::engine::history::unhandled;
use crate::engine::records::introductions::Origin;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::records::strangers::Wait;
use crate::engine::records::{introductions, removed, strangers};
use crate::engine::sync::outcome::UndecryptableCause as Cause;
use crate::limits::{
    MAX_LAPSED, MAX_REMOVED, MAX_STRANGER_BYTES, MAX_STRANGERS, MAX_STRANGERS_BYTES,
};
use crate::session::{HintKey, Session};
use crate::wire::store::StrangersRow;
use crate::wire::v2::Payload;

/// Somebody with no store of their own: an identity and a device.
struct Somebody {
    pair: IdentityKeyPair,
    bundle: VerifiedBundle,
}

impl Somebody {
    fn new(number: u32) -> Self {
        let mut seed = [9; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let pair = IdentityKeyPair::from_seed(&Secret::new(seed));
        let device = PrekeySecrets::generate(&mut rng()).device(5, 1);
        let bundle = build(&pair, &[device], None, START / 1000).unwrap();
        Self { pair, bundle }
    }

    /// A first message to the owner of a bundle.
    fn first_words(&self, to: &VerifiedBundle, body: Body) -> Vec<u8> {
        let hint_key = HintKey::between(&self.pair, to.identity()).unwrap();
        let (own, rng) = (&self.pair, &mut rng());
        let session = Session::initiate(
            own,
            5,
            to.identity(),
            &to.devices()[0],
            None,
            hint_key,
            START,
            rng,
        );
        let payload = Payload {
            content: content(1, body).to_bytes().to_vec(),
            sender_bundle: self.bundle.encoded().to_vec(),
            pair: None,
            receipt: Vec::new(),
        };
        let sent = session
            .unwrap()
            .send(&own.public(), &payload.encode_to_vec(), START, rng);
        Envelope {
            parts: vec![sent.unwrap().1],
        }
        .encode()
    }
}

fn content(lamport: u64, body: Body) -> Content {
    Content {
        id: MessageId::random(&mut rng()),
        lamport,
        sent_at: 1,
        reply_to: None,
        group: None,
        view: None,
        follows: Vec::new(),
        origin: crate::chat::MessageOrigin::Person,
        body,
    }
}

fn bytes(len: usize) -> Body {
    Body::Data {
        media_type: "a/b".into(),
        data: vec![7; len],
    }
}

fn totals(party: &Party) -> StrangersRow {
    party.at(0, |step| strangers::totals(step.rows)).unwrap()
}

fn contact(party: &Party, who: &PublicIdentity) -> Option<contacts::Contact> {
    party.at(0, |step| contacts::find(step.rows, who)).unwrap()
}

fn set_policy(party: &Party, policy: TrustPolicy) {
    party
        .at(0, |step| trust::set_policy(step.rows, policy))
        .unwrap();
}

fn decide(
    party: &Party,
    day: u64,
    who: &PublicIdentity,
    mut decision: impl FnMut(&mut Step<'_>, &mut contacts::Contact) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    party.at(day, |step| {
        let found = contacts::find(step.rows, who)?;
        decision(step, &mut found.ok_or(EngineError::UnknownContact)?)
    })
}

fn requests(outcomes: &[Outcome]) -> usize {
    let asks = |outcome: &&Outcome| matches!(outcome, Outcome::Peer(_, PeerNews::ContactRequest));
    outcomes.iter().filter(asks).count()
}

fn has_cause(outcomes: &[Outcome], wanted: Cause) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Undecryptable { cause, .. } if *cause == wanted))
}

/// A round of upkeep.
fn keep_up(party: &Party, day: u64) {
    let time = START + day * DAY;
    let due = party.at(day, |step| upkeep::plan(step.rows, time)).unwrap();
    party
        .at(day, |step| upkeep::maintain(step, &due).map(|_| ()))
        .unwrap();
}

fn act(party: &Party, group: &GroupId, action: &GroupAction) {
    party
        .at(0, |step| group_events::act(step, group, action))
        .unwrap();
}

fn sorted(mut people: Vec<PublicIdentity>) -> Vec<PublicIdentity> {
    people.sort_by_key(PublicIdentity::to_bytes);
    people
}

/// Mallory, whom Alice accepted, invites her to a group with others whom she has never heard of.
fn invited(others: &[&Party]) -> (Party, Party, GroupId) {
    let [mallory, alice] = [1, 2].map(Party::new);
    introduce(&[&mallory, &alice], 0);
    for other in others {
        mallory.add(0, &other.bundle(0, false));
        other.add(0, &mallory.bundle(0, false));
    }
    let id = mallory.at(0, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    let members = others.iter().map(|other| other.device.public());
    let members = members.chain([alice.device.public()]).collect();
    act(&mallory, &id, &GroupAction::MembersAdded(sorted(members)));
    let all: Vec<&Party> = others.iter().copied().chain([&mallory, &alice]).collect();
    deliver(&all, 0);
    (mallory, alice, id)
}
