//! Messages that wait until they are handled, and whose answers are part of it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::clients::{has_message, rows_in, take_outbox, text_to, texts, write};
use support::worlds::acquainted;
use windlass::{
    Attachment, Body, Client, Event, OutgoingEnvelope, OutgoingFile, OutgoingMessage, Simulation,
    StateChange, StateOwner, WindlassError,
};

const ALICE: u32 = 0;
const BOT: u32 = 1;

/// A bot that two texts of Alice's wait for.
fn waiting(seed: u64, texts: [&str; 2]) -> Arc<Simulation> {
    let world = acquainted(seed, 2);
    bot(&world).keep_unhandled(true).unwrap();
    for text in texts {
        world.send(ALICE, 0, BOT, text.into()).unwrap();
        world.run().unwrap();
    }
    world
}

/// The bot as it is running now: a crash starts another.
fn bot(world: &Simulation) -> Arc<Client> {
    world.client(BOT, 0).unwrap()
}

#[test]
fn each_message_is_answered_once_whenever_the_machine_stops() {
    let world = waiting(1, ["one", "two"]);
    let client = || bot(&world);
    let answer = |to: &str, text| vec![text_to(to, text)];
    // It stops before anything was handled: both wait.
    world.crash(BOT, 0).unwrap();
    let waiting = client().unhandled(10).unwrap();
    let said: Vec<_> = waiting.iter().map(|w| w.message.text.as_deref()).collect();
    assert_eq!(said, [Some("one"), Some("two")]);
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
    world.crash(BOT, 0).unwrap();
    let waiting = client().unhandled(10).unwrap();
    assert_eq!(waiting.len(), 1);
    client()
        .handled(waiting[0].number, answer(&to, "2"))
        .unwrap();
    world.run().unwrap();
    let alice = world.client(ALICE, 0).unwrap();
    assert_eq!(texts(&alice, &client()), ["one", "two", "1", "2"]);
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
    // It, how much waits of who wrote it, and how much in all.
    assert_eq!(rows_in(&client.inspect().unwrap(), "unhandled"), 3);
}

#[test]
fn what_was_begun_is_counted_over_crashes_until_it_is_handled() {
    let world = waiting(3, ["kills", "waits"]);
    let client = || bot(&world);
    let attempts = || -> Vec<_> {
        let waiting = client().unhandled(10).unwrap();
        waiting.iter().map(|w| (w.number, w.attempts)).collect()
    };
    let [(first, 0), (second, 0)] = attempts()[..] else {
        panic!("two wait, and nothing was begun: {:?}", attempts());
    };
    for count in 1..=3 {
        client().set_attempts(first, count).unwrap();
        world.crash(BOT, 0).unwrap();
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

#[test]
fn what_is_remembered_is_committed_with_the_answer_or_not_at_all() {
    let world = waiting(4, ["one", "two"]);
    let client = || bot(&world);
    let waiting = client().unhandled(10).unwrap();
    let to = waiting[0].message.author.clone();
    let owner = StateOwner::Person {
        address: to.clone(),
    };
    let change = |before: Option<&str>, after: &str| StateChange {
        owner: owner.clone(),
        name: "user".into(),
        before: before.map(|text| text.as_bytes().into()),
        after: Some(after.as_bytes().into()),
    };
    let says = || {
        let found = client().state(owner.clone(), "user".into()).unwrap();
        found.map(|document| String::from_utf8(document.into_vec()).unwrap())
    };
    let commit = |number, answer: &str, change| {
        client().commit(Some(number), vec![text_to(answer, "1")], vec![change])
    };
    let (first, second) = (waiting[0].number, waiting[1].number);
    commit(first, &to, change(None, "a")).unwrap();
    world.crash(BOT, 0).unwrap();
    assert_eq!(says().as_deref(), Some("a"));
    // An answer that cannot be sent, a message that was handled, a document that is another one by now: nothing of it happens.
    assert!(commit(second, "nobody", change(Some("a"), "b")).is_err());
    let again = commit(first, &to, change(Some("a"), "b"));
    assert_eq!(again.unwrap_err(), WindlassError::UnknownMessage);
    let late = commit(second, &to, change(None, "b"));
    assert_eq!(late.unwrap_err(), WindlassError::StateChanged);
    assert_eq!(says().as_deref(), Some("a"));
    assert_eq!(client().unhandled(10).unwrap().len(), 1);
    commit(second, &to, change(Some("a"), "b")).unwrap();
    assert_eq!(says().as_deref(), Some("b"));
    let shown = format!("{:?}", change(Some("secret"), "secret"));
    assert!(!shown.contains("115, 101"), "{shown}");
}

/// A bot as it runs, to which a text of Alice's has come; what it has to send by then.
fn asked(seed: u64) -> (Arc<Simulation>, Vec<OutgoingEnvelope>) {
    let world = waiting(seed, ["before", "and"]);
    let (alice, bot) = (world.client(ALICE, 0).unwrap(), bot(&world));
    bot.set_bot(true);
    for one in bot.unhandled(10).unwrap() {
        bot.handled(one.number, Vec::new()).unwrap();
    }
    world.run().unwrap();
    let question = write(&alice, &bot, "?").unwrap();
    take_outbox(&alice);
    let received = bot.receive_many(vec![question.into()]).unwrap();
    assert!(has_message(&received[0].events));
    let waiting = take_outbox(&bot);
    (world, waiting)
}

/// Which of Alice's messages these envelopes tell her are delivered, and whether there is one of the bot's among them.
fn told(world: &Simulation, envelopes: Vec<OutgoingEnvelope>) -> (usize, bool) {
    let alice = world.client(ALICE, 0).unwrap();
    let bytes = envelopes.into_iter().map(|one| one.bytes).collect();
    let events: Vec<_> = alice.receive_many(bytes).unwrap();
    let events: Vec<_> = events.into_iter().flat_map(|one| one.events).collect();
    let delivered = events.iter().map(|event| match event {
        Event::Delivered { message_ids, .. } => message_ids.len(),
        _ => 0,
    });
    (delivered.sum(), has_message(&events))
}

fn answer(world: &Simulation, texts: &[&str]) -> Vec<OutgoingEnvelope> {
    let (alice, bot) = (world.client(ALICE, 0).unwrap().address(), bot(world));
    let number = bot.waiting(0, 1).unwrap()[0].number;
    let answers = texts.iter().map(|text| text_to(&alice, text)).collect();
    bot.handled(number, answers).unwrap();
    take_outbox(&bot)
}

#[test]
fn a_receipt_goes_with_the_answer_and_has_no_envelope_of_its_own() {
    let (world, waiting) = asked(4);
    assert!(waiting.is_empty());
    let answers = answer(&world, &["one", "two"]);
    assert_eq!(answers.len(), 2);
    // With the first one: the other may be lost, and is no receipt.
    assert_eq!(told(&world, answers[..1].to_vec()), (1, true));
    assert_eq!(told(&world, answers[1..].to_vec()), (0, true));
}

#[test]
fn what_is_handled_without_an_answer_has_its_receipt_alone() {
    let (world, waiting) = asked(5);
    assert!(waiting.is_empty());
    assert_eq!(told(&world, answer(&world, &[])), (1, false));
}

#[test]
fn a_receipt_waits_a_second_for_the_answer_and_no_longer() {
    let (world, waiting) = asked(6);
    assert!(waiting.is_empty());
    world.advance(Duration::from_millis(900)).unwrap();
    assert!(take_outbox(&bot(&world)).is_empty());
    world.advance(Duration::from_millis(200)).unwrap();
    assert_eq!(told(&world, take_outbox(&bot(&world))), (1, false));
    world.advance(Duration::from_secs(5)).unwrap();
    assert!(take_outbox(&bot(&world)).is_empty());
    assert_eq!(told(&world, answer(&world, &["late"])), (0, true));
}

#[test]
fn a_receipt_that_waits_outlives_the_process_and_whoever_gives_up_the_queue() {
    let (world, _) = asked(7);
    world.crash(BOT, 0).unwrap();
    assert_eq!(told(&world, take_outbox(&bot(&world))), (1, false));
    let (world, _) = asked(8);
    let alice = world.client(ALICE, 0).unwrap();
    bot(&world).drop_backlog(alice.address()).unwrap();
    assert_eq!(told(&world, take_outbox(&bot(&world))), (1, false));
}

#[test]
fn what_a_person_gets_is_acknowledged_at_once() {
    let world = waiting(9, ["before", "and"]);
    let (alice, bot) = (world.client(ALICE, 0).unwrap(), bot(&world));
    take_outbox(&bot);
    let question = write(&alice, &bot, "?").unwrap();
    take_outbox(&alice);
    bot.receive_many(vec![question.into()]).unwrap();
    assert_eq!(told(&world, take_outbox(&bot)), (1, false));
}

#[test]
fn a_file_is_an_answer_like_any_other() {
    let world = waiting(5, ["one", "two"]);
    let waiting = bot(&world).unhandled(10).unwrap();
    let to = waiting[0].message.author.clone();
    let folder = tempfile::tempdir().unwrap();
    let [plain, encrypted] = ["chart.txt", "encrypted"].map(|name| folder.path().join(name));
    std::fs::write(&plain, "here be dragons").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let attachment =
        Attachment::encrypt(path(&plain), path(&encrypted), "text/plain".into(), None).unwrap();
    let answer = OutgoingMessage {
        file: Some(OutgoingFile {
            attachment,
            location: "somewhere".into(),
        }),
        ..text_to(&to, "not looked at")
    };
    let answers = vec![text_to(&to, "before"), answer, text_to(&to, "after")];
    bot(&world)
        .commit(Some(waiting[0].number), answers, Vec::new())
        .unwrap();
    world.run().unwrap();
    let alice = world.client(ALICE, 0).unwrap();
    let history = alice.conversation(bot(&world).address()).unwrap();
    let history = history.messages(10, None).unwrap();
    let said: Vec<_> = (history.iter().skip(2))
        .map(|message| match &message.body {
            Body::Attachment { attachment } => attachment.name.clone(),
            _ => message.text.clone().unwrap(),
        })
        .collect();
    assert_eq!(said, ["before", "chart.txt", "after"]);
}
