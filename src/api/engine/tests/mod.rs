//! The engine without its facade: parties whose time is set by hand, and whose words a test may forge.

mod annotated;
mod backups;
mod hostile;
mod linked;
mod members;
mod time;

use tempfile::TempDir;

use super::conversation::{self, ConversationId};
use super::receive::Outcome;
use super::*;
use crate::bundle::VerifiedBundle;
use crate::chat::{Body, GroupAction, GroupId, MessageId};
use crate::identity::PublicIdentity;
use crate::session::Envelope;
use crate::store::{Store, StoreError, StoreKey};

const DAY: u64 = 86_400_000;
/// Not at the beginning of time, so that nothing is 0 by chance.
const START: u64 = 20_000 * DAY;

struct Party {
    _folder: TempDir,
    store: Store,
    device: Device,
}

fn moment(day: u64) -> Moment {
    Moment {
        now: START + day * DAY,
        rng: crate::crypto::system_random().unwrap(),
    }
}

impl Party {
    fn new(seed: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = StoreKey::Raw(Secret::new([seed; 32]));
        let store = Store::create(&folder.path().join("store.wl"), &key).unwrap();
        let identity = IdentityKeyPair::from_seed(&Secret::new([seed; 32]));
        let device = store.write(|rows| Device::create(rows, identity, &mut moment(0)));
        Self {
            _folder: folder,
            store,
            device: device.unwrap(),
        }
    }

    fn at<T>(
        &self,
        day: u64,
        step: impl FnOnce(&mut Writer<'_>, &Device, &mut Moment) -> Result<T, WindlassError>,
    ) -> Result<T, WindlassError> {
        self.store
            .write(|rows| step(rows, &self.device, &mut moment(day)))
    }

    /// The bundle of a day, prekeys rotated as every call of the facade does.
    fn bundle(&self, day: u64, single_use: bool) -> VerifiedBundle {
        self.at(day, |rows, device, moment| {
            prekeys::rotate(rows, moment)?;
            if single_use {
                prekeys::single_use_bundle(rows, device, moment)
            } else {
                prekeys::own_bundle(rows, device, moment)
            }
        })
        .unwrap()
    }

    fn add(&self, day: u64, bundle: &VerifiedBundle) {
        self.at(day, |rows, device, moment| {
            contacts::add(rows, device, bundle, moment).map(|_| ())
        })
        .unwrap();
    }

    fn send(&self, day: u64, to: &Self) -> Result<Vec<u8>, WindlassError> {
        self.at(day, |rows, device, moment| {
            let body = Body::Text("ahoy".into());
            let (_, waiting) = {
                let to = ConversationId::Direct(to.device.public());
                send::send(rows, device, &to, body, None, moment)?
            };
            Ok(waiting.into_iter().next().unwrap().envelope)
        })
    }

    fn receive(&self, day: u64, envelope: &[u8]) -> Vec<Outcome> {
        let envelope = Envelope::decode(envelope).unwrap();
        self.at(day, |rows, device, moment| {
            prekeys::rotate(rows, moment)?;
            Ok(receive::receive(rows, device, &envelope, moment)?.outcomes)
        })
        .unwrap()
    }

    fn count(&self, table: Table) -> usize {
        let count: Result<u64, StoreError> = self.store.read(|rows| rows.count(table));
        usize::try_from(count.unwrap()).unwrap()
    }
}

fn opens(outcomes: &[Outcome]) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Message(_)))
}

/// Takes an envelope in, and acknowledges it.
fn take(party: &Party, day: u64, envelope: &[u8]) -> Result<Vec<Outcome>, WindlassError> {
    let envelope = Envelope::decode(envelope).unwrap();
    party.at(day, |rows, device, moment| {
        let processed = receive::receive(rows, device, &envelope, moment)?;
        let came: Vec<_> = processed.acknowledge.into_iter().collect();
        receive::acknowledge(rows, device, &came, moment)?;
        Ok(processed.outcomes)
    })
}

/// What waits in an outbox; it counts as sent.
fn empty_outbox(party: &Party) -> Vec<outbox::Waiting> {
    let waiting: Result<_, WindlassError> =
        party.store.read(|rows| outbox::waiting(rows, 0, 100_000));
    let waiting = waiting.unwrap();
    let ids: Vec<u64> = waiting.iter().map(|waiting| waiting.id).collect();
    party
        .at(0, |rows, _, _| outbox::mark_sent(rows, &ids))
        .unwrap();
    waiting
}

fn text(text: &str) -> Body {
    Body::Text(text.into())
}

fn write(party: &Party, day: u64, to: &ConversationId, body: Body) -> MessageId {
    let sent = party.at(day, |rows, device, moment| {
        send::send(rows, device, to, body, None, moment)
    });
    sent.unwrap().0
}

/// Carries everybody's envelopes until nobody has anything to say.
fn deliver(parties: &[&Party], day: u64) {
    for _ in 0..20 {
        let mut moved = false;
        for from in parties {
            for waiting in empty_outbox(from) {
                for to in parties.iter().filter(|to| !std::ptr::eq(*from, **to)) {
                    if to.device.public() == waiting.recipient {
                        moved = true;
                        take(to, day, &waiting.envelope).unwrap();
                    }
                }
            }
        }
        if !moved {
            return;
        }
    }
}

/// Everybody knows everybody.
fn introduce(parties: &[&Party], day: u64) {
    for party in parties {
        for other in parties
            .iter()
            .filter(|other| !std::ptr::eq(*party, **other))
        {
            party.add(day, &other.bundle(day, false));
        }
    }
}

/// A group that `admin` made, and that the others joined.
fn group(admin: &Party, others: &[&Party], day: u64) -> GroupId {
    let all: Vec<&Party> = others.iter().copied().chain([admin]).collect();
    let act = |party: &Party, group: &GroupId, action: GroupAction| {
        let done = party.at(day, |rows, device, moment| {
            groups::act(rows, device, group, action, moment)
        });
        done.unwrap();
        deliver(&all, day);
    };
    let id = admin.at(day, |rows, device, moment| {
        groups::create(rows, device, "crew", moment)
    });
    let id = id.unwrap();
    let mut members: Vec<_> = others.iter().map(|other| other.device.public()).collect();
    members.sort_by_key(PublicIdentity::to_bytes);
    act(admin, &id, GroupAction::MembersAdded(members));
    for other in others {
        act(other, &id, GroupAction::Joined);
    }
    id
}

/// The texts that somebody sees in a conversation: who wrote each, what, and whether it is a copy.
fn texts(
    party: &Party,
    day: u64,
    conversation: &ConversationId,
) -> Result<Vec<(PublicIdentity, String, bool)>, WindlassError> {
    let page = party.at(day, |rows, _, moment| {
        pages::page(rows, conversation, 1_000, None, moment.now)
    })?;
    let text = |stored: history::Stored| match &stored.content.body {
        Body::Text(text) => Some((stored.author, text.clone(), stored.copied)),
        _ => None,
    };
    Ok(page.into_iter().filter_map(text).collect())
}

/// One round of what is due.
fn carry_on(party: &Party, day: u64) -> Result<(), WindlassError> {
    carry_on_at(party, moment(day))
}

/// The same at any time.
fn carry_on_at(party: &Party, mut moment: Moment) -> Result<(), WindlassError> {
    party.store.write(|rows| {
        let found = due::look(rows, moment.now)?;
        due::carry_on(rows, &party.device, found, &mut moment)
    })
}

#[test]
fn as_many_things_fit_as_there_is_room_for_and_one_at_least() {
    let fit = |things: &[usize], room| fitting(things, room, |thing| *thing);
    assert_eq!(fit(&[4, 4, 4], 11), 2);
    assert_eq!(fit(&[4, 4, 4], 12), 3);
    assert_eq!(fit(&[40, 4], 12), 1);
    assert_eq!(fit(&[], 12), 0);
}
