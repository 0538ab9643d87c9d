//! Messages that wait until they are handled, and whose answers are part of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use windlass::{Body, OutgoingMessage, Simulation, WindlassError};

fn answer(to: &str, text: &str) -> Vec<OutgoingMessage> {
    vec![OutgoingMessage {
        to: to.to_owned(),
        body: Body::Text { text: text.into() },
        reply_to: None,
    }]
}

#[test]
fn each_message_is_answered_once_whenever_the_machine_stops() {
    let world = Simulation::new(1);
    let (alice, bot) = (world.add_person().unwrap(), world.add_person().unwrap());
    world.introduce(alice, bot).unwrap();
    let client = || world.client(bot, 0).unwrap();
    client().keep_unhandled(true).unwrap();
    for text in ["one", "two"] {
        world.send(alice, 0, bot, text.into()).unwrap();
        world.run().unwrap();
    }
    // It stops before anything was handled: both wait.
    world.crash(bot, 0).unwrap();
    let waiting = client().unhandled(10).unwrap();
    let texts: Vec<_> = waiting
        .iter()
        .filter_map(|w| w.message.text.clone())
        .collect();
    assert_eq!(texts, ["one", "two"]);
    let to = waiting[0].message.author.clone();
    client()
        .handled(waiting[0].number, answer(&to, "1"))
        .unwrap();
    assert!(matches!(
        client().handled(waiting[0].number, answer(&to, "again")),
        Err(WindlassError::UnknownMessage)
    ));
    // An answer that cannot be sent leaves the message where it is.
    assert!(
        client()
            .handled(waiting[1].number, answer("nobody", "2"))
            .is_err()
    );
    world.crash(bot, 0).unwrap();
    let waiting = client().unhandled(10).unwrap();
    assert_eq!(waiting.len(), 1);
    client()
        .handled(waiting[0].number, answer(&to, "2"))
        .unwrap();
    world.run().unwrap();
    let conversation = world.client(alice, 0).unwrap();
    let conversation = conversation.conversation(client().address()).unwrap();
    let texts: Vec<_> = conversation
        .messages(10, None)
        .unwrap()
        .into_iter()
        .filter_map(|m| m.text)
        .collect();
    assert_eq!(texts, ["one", "two", "1", "2"]);
    assert!(client().unhandled(10).unwrap().is_empty());
}

#[test]
fn what_was_deleted_meanwhile_does_not_stand_in_the_way() {
    let world = Simulation::new(2);
    let [alice, carol, bot] = [(); 3].map(|()| world.add_person().unwrap());
    world.introduce(alice, bot).unwrap();
    world.introduce(carol, bot).unwrap();
    let client = world.client(bot, 0).unwrap();
    client.keep_unhandled(true).unwrap();
    for number in 0..5 {
        world.send(alice, 0, bot, number.to_string()).unwrap();
    }
    world.run().unwrap();
    world.send(carol, 0, bot, "waits".into()).unwrap();
    world.run().unwrap();
    client
        .remove_contact(world.client(alice, 0).unwrap().address())
        .unwrap();
    let waiting = client.unhandled(1).unwrap();
    assert_eq!(waiting[0].message.text.as_deref(), Some("waits"));
    client.maintain().unwrap();
    let rows = client.inspect().unwrap().tables;
    assert_eq!(
        rows.iter().find(|t| t.table == "unhandled").unwrap().rows,
        1
    );
}

#[test]
fn what_was_begun_is_counted_over_crashes_until_it_is_handled() {
    let world = Simulation::new(3);
    let (alice, bot) = (world.add_person().unwrap(), world.add_person().unwrap());
    world.introduce(alice, bot).unwrap();
    let client = || world.client(bot, 0).unwrap();
    client().keep_unhandled(true).unwrap();
    for text in ["kills", "waits"] {
        world.send(alice, 0, bot, text.into()).unwrap();
        world.run().unwrap();
    }
    let attempts = || -> Vec<_> {
        let waiting = client().unhandled(10).unwrap();
        waiting.iter().map(|w| (w.number, w.attempts)).collect()
    };
    let [(first, 0), (second, 0)] = attempts()[..] else {
        panic!("two wait, and nothing was begun: {:?}", attempts());
    };
    for count in 1..=3 {
        client().set_attempts(first, count).unwrap();
        world.crash(bot, 0).unwrap();
        assert_eq!(attempts(), [(first, count), (second, 0)]);
    }
    // Ended without having been handled, and not by a crash.
    client().set_attempts(first, 2).unwrap();
    assert_eq!(attempts(), [(first, 2), (second, 0)]);
    client().handled(first, Vec::new()).unwrap();
    for number in [first, second + 1] {
        assert!(matches!(
            client().set_attempts(number, 1),
            Err(WindlassError::UnknownMessage)
        ));
    }
    assert_eq!(attempts(), [(second, 0)]);
}
