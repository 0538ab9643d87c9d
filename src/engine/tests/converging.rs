//! Three devices of one user, a handful of decisions on them, and every order in which they can hear of each other's.

use super::*;
use crate::chat::{DeviceUpdate, Floor};
use crate::engine::records::{decisions, floors};
use crate::engine::sync::deletions;

/// All orders of the numbers below `len`.
fn orders(len: usize) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new()];
    for _ in 0..len {
        let longer = |order: Vec<usize>| {
            let rest = (0..len)
                .filter(|next| !order.contains(next))
                .collect::<Vec<_>>();
            rest.into_iter()
                .map(move |next| [order.clone(), vec![next]].concat())
        };
        found = found.into_iter().flat_map(longer).collect();
    }
    found
}

/// What a device knows of somebody, and of the conversation with them.
#[derive(Debug, PartialEq)]
struct State {
    contact: Option<(bool, bool, bool)>,
    texts: Vec<String>,
    floors: Vec<Floor>,
    unread: u64,
}

struct World {
    devices: [Party; 3],
    friend: Party,
}

impl World {
    fn new() -> Self {
        let devices = [1, 1, 1].map(Party::new);
        let friend = Party::new(2);
        for knows in &devices {
            knows.add(0, &friend.bundle(0, false));
        }
        Self { devices, friend }
    }

    fn who(&self) -> PublicIdentity {
        self.friend.device.public()
    }

    /// A message of the friend is put into the conversation on these devices, as each of them gets it.
    fn say(&self, at: &[usize], lamport: u64, said: &str) -> MessageRef {
        let mut content = super::hostile::content(lamport, None, text(said));
        content.sent_at = START;
        let message = MessageRef {
            author: self.who(),
            id: content.id,
        };
        for at in at {
            self.put(*at, &content);
        }
        message
    }

    fn put(&self, at: usize, content: &crate::chat::Content) {
        let encoded = content.to_bytes();
        let put = self.devices[at].at(0, |step| {
            let incoming = message::Incoming {
                author: self.who(),
                conversation: ConversationId::Direct(self.who()),
                content: crate::chat::Content::from_bytes(&encoded).unwrap(),
                encoded: &encoded,
                copied_from: None,
            };
            conversation::receive_message(step, &incoming, &mut Vec::new())
        });
        put.unwrap();
    }

    fn state(&self, at: usize) -> State {
        let who = self.who();
        let conversation = ConversationId::Direct(who);
        let contact = self.devices[at]
            .at(0, |step| contacts::find(step.rows, &who))
            .unwrap();
        let said = texts(&self.devices[at], 0, &conversation).unwrap();
        let unread = self.devices[at].at(0, |step| conversations::unread(step.rows, &conversation));
        State {
            contact: contact.map(|contact| {
                let row = &contact.row;
                (
                    contact.is_accepted() && !row.blocked,
                    row.blocked,
                    row.verified,
                )
            }),
            texts: said.into_iter().map(|(_, text, _)| text).collect(),
            floors: self.devices[at]
                .at(0, |step| floors::all(step.rows))
                .unwrap(),
            unread: unread.unwrap(),
        }
    }

    /// Does something on one device; what it tells the others.
    fn act(&self, at: usize, act: &Act) -> DeviceUpdate {
        let who = self.who();
        let told = self.devices[at].at(1, |step| {
            let contact = contacts::find(step.rows, &who)?;
            match (act, contact) {
                (Act::Block, Some(mut contact)) => people::block(step.rows, &mut contact)?,
                (Act::Accept, Some(mut contact)) => people::accept(step, &mut contact)?,
                (Act::Verify, Some(mut contact)) => people::verify(step.rows, &mut contact)?,
                (Act::Remove, Some(mut contact)) => people::remove(step, &mut contact)?,
                (Act::Add, _) => {
                    people::add(step, &self.friend_bundle())?;
                }
                (Act::DeleteMessage(message), _) => {
                    deletions::delete_message(step, message)?;
                }
                (Act::DeleteConversation, _) => {
                    deletions::delete_conversation(step, &ConversationId::Direct(who))?;
                }
                _ => {}
            }
            let contact = contacts::find(step.rows, &who)?;
            Ok(DeviceUpdate {
                contacts: contact.iter().filter_map(updates::known_contact).collect(),
                floors: floors::all(step.rows)?,
                ..DeviceUpdate::default()
            })
        });
        told.unwrap()
    }

    fn friend_bundle(&self) -> VerifiedBundle {
        self.friend.bundle(0, false)
    }

    fn hear(&self, at: usize, update: &DeviceUpdate) {
        let heard = self.devices[at].at(1, |step| {
            deletions::receive(step, &update.floors)?;
            for known in &update.contacts {
                people::receive(step, known, &mut Vec::new())?;
            }
            Ok(())
        });
        heard.unwrap();
    }
}

enum Act {
    Block,
    Accept,
    Verify,
    Remove,
    Add,
    DeleteMessage(MessageRef),
    DeleteConversation,
}

/// Each device decides something that the others do not know of yet; then a fourth hears of all of it in each order, some of it twice.
fn converge(acts: impl Fn(&[MessageRef]) -> [Vec<Act>; 3]) -> State {
    let mut agreed: Option<State> = None;
    for order in orders(3) {
        let world = World::new();
        agreed = None;
        let messages: Vec<_> = (1..6)
            .map(|clock| world.say(&[0, 1, 2], clock, &clock.to_string()))
            .collect();
        let mut told: Vec<DeviceUpdate> = Vec::new();
        for (at, acts) in acts(&messages).iter().enumerate() {
            for act in acts {
                told.push(world.act(at, act));
            }
        }
        let last: Vec<_> = order
            .iter()
            .map(|at| told[*at % told.len()].clone())
            .collect();
        for at in 0..3 {
            // Each device begins elsewhere.
            for heard in last.iter().cycle().skip(at).take(2 * last.len()) {
                world.hear(at, heard);
            }
            for heard in &told {
                world.hear(at, heard);
            }
        }
        for at in 0..3 {
            let state = world.state(at);
            match &agreed {
                Some(agreed) => assert_eq!(*agreed, state, "device {at}, order {order:?}"),
                None => agreed = Some(state),
            }
        }
    }
    agreed.unwrap()
}

#[test]
fn of_decisions_on_three_devices_the_last_counts_in_every_order() {
    // Two decisions are later than one, wherever they are made.
    let state = converge(|_| {
        [
            vec![Act::Block, Act::Accept, Act::Block],
            vec![Act::Verify],
            vec![Act::Remove, Act::Add],
        ]
    });
    assert_eq!(state.contact.map(|(_, blocked, _)| blocked), Some(true));
}

#[test]
fn a_removal_and_what_was_decided_before_it_end_in_a_removal_in_every_order() {
    let state = converge(|_| {
        [
            vec![Act::Block],
            vec![Act::Verify, Act::Block, Act::Accept, Act::Remove],
            vec![Act::Verify],
        ]
    });
    assert_eq!(state.contact, None);
    assert!(state.texts.is_empty());
}

#[test]
fn deletions_on_three_devices_end_in_the_same_conversation_in_every_order() {
    let state = converge(|messages| {
        [
            vec![
                Act::DeleteMessage(messages[0]),
                Act::DeleteMessage(messages[3]),
            ],
            vec![Act::DeleteMessage(messages[3])],
            vec![Act::DeleteMessage(messages[1])],
        ]
    });
    assert_eq!(state.texts, ["3", "5"]);
    assert_eq!(state.unread, 2);
}

#[test]
fn a_conversation_that_is_deleted_on_one_device_is_gone_in_every_order() {
    let state = converge(|messages| {
        [
            vec![Act::DeleteMessage(messages[0])],
            vec![Act::DeleteConversation],
            vec![Act::Block],
        ]
    });
    assert!(state.texts.is_empty());
    assert_eq!(state.unread, 0);
}

#[test]
fn numbers_of_decisions_grow_with_everything_that_is_known() {
    let world = World::new();
    let who = world.who();
    let mut last = crate::chat::Decision::default();
    for at in [0, 1, 2, 1, 0, 2] {
        let told = world.act(at, if at == 1 { &Act::Block } else { &Act::Accept });
        for other in 0..3 {
            world.hear(other, &told);
        }
        let contact = world.devices[at]
            .at(0, |step| contacts::find(step.rows, &who))
            .unwrap();
        let standing = decisions::standing(&contact.unwrap().row);
        assert!(standing >= last);
        last = standing;
    }
}
