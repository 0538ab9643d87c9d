//! What this device writes is told to who shows it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::by_id::{exchange, talk};
use super::{Party, acquainted};
use crate::api::{ChangeListener, Client, Event};

/// Counts how often it was told.
#[derive(Default)]
pub(super) struct Told(AtomicUsize);

impl ChangeListener for Told {
    fn on_change(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) fn listening(party: &Party) -> Arc<Told> {
    let told = Arc::new(Told::default());
    party.client.set_change_listener(Some(told.clone()));
    told
}

fn kinds(party: &Party) -> Vec<String> {
    let changes = party.client.take_changes(100).unwrap();
    let name = |event: &Event| match event {
        Event::Message { message } => format!("Message {}", message.text.clone().unwrap()),
        Event::Edited { message } => format!("Edited {}", message.text.clone().unwrap()),
        Event::Missed { events } => format!("Missed {events}"),
        other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
    };
    changes.iter().map(name).collect()
}

#[test]
fn each_thing_that_is_written_is_told_once_and_in_its_order() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    ours.send("before anybody listens".into()).unwrap();
    assert!(kinds(&alice).is_empty());
    let id = theirs.send("hello".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let told = listening(&alice);
    assert!(kinds(&alice).is_empty(), "what came is not written here");
    let (own, them) = (alice.client.address(), bob.client.address());
    ours.react_to(&them, &id, "👍").unwrap();
    ours.pin_message(&them, &id).unwrap();
    let sent = ours.send("ahoy".into()).unwrap().message_id;
    ours.edit_message(&sent, "ahoy!".into()).unwrap();
    ours.delete_message(&sent).unwrap();
    ours.set_disappearing(Some(std::time::Duration::from_secs(60)))
        .unwrap();
    ours.set_archived(true).unwrap();
    assert_eq!(told.0.load(Ordering::Relaxed), 7);
    let changes = alice.client.take_changes(100).unwrap();
    // Of what is gone already that it was written is not told.
    let [reacted, pinned, read, deleted, timer, settings] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert!(
        matches!(read, Event::Read { by, .. } if *by == own),
        "{read:?}"
    );
    assert!(matches!(reacted, Event::Reacted { by, removed: false, .. } if *by == own));
    assert!(matches!(pinned, Event::Pinned { by, removed: false, .. } if *by == own));
    assert!(matches!(deleted, Event::Deleted { message_id, .. } if *message_id == sent));
    assert!(matches!(timer, Event::DisappearingChanged { by, .. } if *by == own));
    assert!(
        matches!(settings, Event::ChatSettingsChanged { conversation } if *conversation == them)
    );
    assert!(kinds(&alice).is_empty(), "each once");
    ours.delete_message_for_me(&them, &id).unwrap();
    ours.send("last".into()).unwrap();
    alice.client.delete_conversation(them).unwrap();
    assert_eq!(kinds(&alice), ["Deleted", "ConversationDeleted"]);
}

#[test]
fn groups_and_profiles_are_told_and_what_was_refused_is_not() {
    let (alice, bob) = acquainted();
    let told = listening(&alice);
    let group = Arc::clone(&alice.client)
        .create_group("crew".into(), vec![bob.client.address()])
        .unwrap();
    group.rename("the crew".into()).unwrap();
    let message = group.send("aye".into()).unwrap();
    let about = crate::api::Profile {
        name: "Ann".into(),
        ..crate::api::Profile::default()
    };
    alice.client.set_profile(about.clone()).unwrap();
    assert_eq!(
        kinds(&alice),
        [
            "GroupChanged",
            "GroupChanged",
            "GroupChanged",
            "Message aye",
            "ProfileChanged"
        ]
    );
    let before = told.0.load(Ordering::Relaxed);
    group.rename(String::new()).unwrap_err();
    group.edit_message("nothing", "x".into()).unwrap_err();
    alice.client.set_profile(about).unwrap();
    assert_eq!(told.0.load(Ordering::Relaxed), before);
    group
        .edit_message(&message.message_id, "aye, aye".into())
        .unwrap();
    group.delete_group().unwrap();
    assert_eq!(kinds(&alice), ["ConversationDeleted"]);
}

#[test]
fn who_does_not_take_them_is_told_that_some_were_missed() {
    let (alice, bob) = acquainted();
    listening(&alice);
    let ours = talk(&alice, &bob);
    for number in 0..1_001 {
        let archived = number % 2 == 0;
        ours.set_archived(archived).unwrap();
    }
    ours.send("last".into()).unwrap();
    assert_eq!(kinds(&alice), ["Missed 1001", "Message last"]);
    // A page after the other.
    for text in ["one", "two", "three"] {
        ours.send(text.into()).unwrap();
    }
    assert_eq!(alice.client.take_changes(2).unwrap().len(), 2);
    assert_eq!(kinds(&alice), ["Message three"]);
    // Whoever begins anew hears of nothing of before.
    ours.send("unheard".into()).unwrap();
    alice.client.set_change_listener(None);
    ours.send("unheard too".into()).unwrap();
    listening(&alice);
    ours.send("heard".into()).unwrap();
    assert_eq!(kinds(&alice), ["Message heard"]);
}

/// Calls the client for each change: reads it, and answers once.
#[derive(Default)]
struct Calling {
    client: Mutex<Weak<Client>>,
    to: String,
    heard: Mutex<Vec<Event>>,
}

impl ChangeListener for Calling {
    fn on_change(&self) {
        let client = self.client.lock().unwrap().upgrade().unwrap();
        let changes = client.take_changes(100).unwrap();
        let first = self.heard.lock().unwrap().is_empty();
        self.heard.lock().unwrap().extend(changes);
        if first {
            client
                .send(self.to.clone(), "by the listener".into())
                .unwrap();
            client.set_change_listener(None);
        }
    }
}

#[test]
fn a_listener_may_call_the_client() {
    let (alice, bob) = acquainted();
    let calling = Arc::new(Calling {
        client: Mutex::new(Arc::downgrade(&alice.client)),
        to: bob.client.address(),
        ..Calling::default()
    });
    alice.client.set_change_listener(Some(calling.clone()));
    alice
        .client
        .send(bob.client.address(), "ahoy".into())
        .unwrap();
    let heard = calling.heard.lock().unwrap();
    let texts = heard.iter().map(|event| match event {
        Event::Message { message } => message.text.clone().unwrap(),
        other => panic!("{other:?}"),
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["ahoy", "by the listener"]);
    assert_eq!(talk(&alice, &bob).messages(9, None).unwrap().len(), 2);
}

#[test]
fn threads_that_write_at_once_are_told_in_the_order_of_what_they_wrote() {
    let (alice, bob) = acquainted();
    listening(&alice);
    let id = talk(&alice, &bob).send("0".into()).unwrap().message_id;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (ours, id) = (talk(&alice, &bob), &id);
            scope.spawn(move || {
                for number in 0..20 {
                    ours.send(format!("{thread} {number}")).unwrap();
                    ours.edit_message(id, format!("{thread} {number}")).unwrap();
                }
            });
        }
    });
    let mut told = Vec::new();
    loop {
        let changes = alice.client.take_changes(7).unwrap();
        if changes.is_empty() {
            break;
        }
        told.extend(changes.into_iter().filter_map(|event| match event {
            Event::Message { message } => message.text,
            _ => None,
        }));
    }
    let history = talk(&alice, &bob).messages(100, None).unwrap();
    let written: Vec<_> = history.into_iter().filter_map(|one| one.text).collect();
    assert_eq!(told, written);
}
