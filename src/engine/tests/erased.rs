//! What is deleted stays so, whoever has it still.

use super::hostile::{content, forge};
use super::*;
use crate::chat::{Content, Copy, Decision, Floor, FloorTimer};
use crate::engine::records::floors;
use crate::engine::sync::deletions;
use crate::engine::sync::outcome::RefusalReason;
use crate::limits::{MAX_FLOOR_NAMES, MAX_FLOORS, MAX_LAMPORT_JUMP};
use crate::wire::store::FloorRow;

/// A message of the author's, as somebody gives it back who kept it.
fn given_back(author: &Party, by: &Party, kept: &[u8]) -> Body {
    Body::Copy(Copy {
        author: author.device.public().to_bytes(),
        conversation: by.device.public().to_bytes(),
        content: kept.to_vec().into(),
    })
}

/// What is stored of a message, by whom it was written.
fn kept(by: &Party, author: &Party, id: MessageId) -> Vec<u8> {
    let message = MessageRef {
        author: author.device.public(),
        id,
    };
    let encoded = by.at(0, |step| message::encoded(step.rows, &message));
    encoded.unwrap().unwrap().1.to_vec()
}

fn refused(outcomes: &[Outcome], why: RefusalReason) -> bool {
    let is = |news: &ConversationNews| matches!(news, ConversationNews::Refused { reason, .. } if *reason == why);
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::InConversation(_, news) if is(news)))
}

/// Takes a copy in from somebody who made it up, without acknowledging it.
fn hand(by: &Party, to: &Party, day: u64, body: Body) -> Vec<Outcome> {
    let forged = forge(by, to, day, &content(0, None, body), None);
    take(to, day, &forged).unwrap()
}

#[test]
fn own_words_are_taken_back_only_as_answers_that_were_asked_for_and_as_many_as_promised() {
    let [alice, mallory] = [1, 2].map(Party::new);
    let all = [&alice, &mallory];
    introduce(&all, 0);
    let to_mallory = ConversationId::Direct(mallory.device.public());
    let ids = ["one", "two", "three"].map(|words| write(&alice, 0, &to_mallory, text(words)));
    deliver(&all, 0);
    let kept = ids.map(|id| kept(&mallory, &alice, id));
    // Alice's store is put back from before she wrote.
    let erase = alice.at(0, |step| {
        for id in ids {
            let author = step.device.public();
            let message = MessageRef { author, id };
            deletion::erase(step.rows, &message)?;
        }
        Ok(())
    });
    erase.unwrap();
    let give = |at: usize| hand(&mallory, &alice, 0, given_back(&alice, &mallory, &kept[at]));
    let there = || texts(&alice, 0, &to_mallory).unwrap().len();

    // Nobody asked, and a promise that nobody asked for is none.
    assert!(refused(&give(0), RefusalReason::NotAsked));
    let promise = |messages| Body::HealingAnswer {
        messages,
        bundle: Vec::new(),
    };
    hand(&mallory, &alice, 0, promise(10));
    assert!(refused(&give(0), RefusalReason::NotAsked));
    assert_eq!(there(), 0);

    let asked = alice.at(0, |step| healing::ask(step, &mallory.device.public(), None));
    assert_eq!(asked.unwrap(), Some(1));
    // Asked, and not answered yet.
    assert!(refused(&give(0), RefusalReason::NotAsked));
    hand(&mallory, &alice, 0, promise(2));
    // What is here counts for nothing.
    for at in [0, 0, 1] {
        assert!(!refused(&give(at), RefusalReason::NotAsked));
    }
    assert!(refused(&give(2), RefusalReason::NotAsked));
    // The one answer of its one device has come.
    hand(&mallory, &alice, 0, promise(10));
    assert!(refused(&give(2), RefusalReason::NotAsked));
    assert_eq!(there(), 2);
}

/// Alice asks Mallory for what is missing, who promises as much as she may.
fn asked_and_promised(alice: &Party, mallory: &Party, day: u64) {
    let asked = alice.at(day, |step| {
        healing::ask(step, &mallory.device.public(), None)
    });
    assert!(asked.unwrap().is_some());
    let promise = Body::HealingAnswer {
        messages: 100,
        bundle: Vec::new(),
    };
    hand(mallory, alice, day, promise);
}

#[test]
fn words_that_were_deleted_with_their_contact_come_back_by_no_answer() {
    let [alice, mallory] = [1, 2].map(Party::new);
    let all = [&alice, &mallory];
    introduce(&all, 0);
    let to_mallory = ConversationId::Direct(mallory.device.public());
    let id = write(&alice, 0, &to_mallory, text("what I regret"));
    deliver(&all, 0);
    let kept = kept(&mallory, &alice, id);
    alice
        .at(1, |step| {
            let mut contact = contacts::find(step.rows, &mallory.device.public())?.unwrap();
            people::remove(step, &mut contact)
        })
        .unwrap();
    // They become contacts again, and talk.
    introduce(&all, 1);
    let anew = alice.end();
    mallory
        .at(1, |step| sessions::erase_all(step.rows, &anew))
        .unwrap();
    write(&alice, 1, &to_mallory, text("hello"));
    deliver(&all, 1);
    asked_and_promised(&alice, &mallory, 2);
    let outcomes = hand(&mallory, &alice, 2, given_back(&alice, &mallory, &kept));
    assert!(refused(&outcomes, RefusalReason::Deleted));
    let there = texts(&alice, 2, &to_mallory).unwrap();
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].1, "hello");
}

#[test]
fn words_that_disappeared_do_not_come_back_after_a_month() {
    let [alice, mallory] = [1, 2].map(Party::new);
    let all = [&alice, &mallory];
    introduce(&all, 0);
    let to_mallory = ConversationId::Direct(mallory.device.public());
    write(&alice, 0, &to_mallory, Body::DisappearingTimer(DAY));
    let to_alice = ConversationId::Direct(alice.device.public());
    let id = write(&alice, 0, &to_mallory, text("gone tomorrow"));
    deliver(&all, 0);
    let answer = write(&mallory, 0, &to_alice, text("gone as well"));
    deliver(&all, 0);
    let own = kept(&mallory, &alice, id);
    let theirs = kept(&mallory, &mallory, answer);
    write(&alice, 1, &to_mallory, Body::DisappearingTimer(0));
    deliver(&all, 1);
    for day in [2, 40] {
        let expired = alice.at(day, |step| deletion::expire(step.rows, step.now));
        assert!(expired.unwrap() > 0);
    }
    asked_and_promised(&alice, &mallory, 41);
    let outcomes = hand(&mallory, &alice, 41, given_back(&alice, &mallory, &own));
    assert!(refused(&outcomes, RefusalReason::NotProved));
    // Nor do theirs, whoever sends them again.
    let again = Content::from_bytes(&theirs).unwrap();
    let again = forge(&mallory, &alice, 41, &again, None);
    let outcomes = take(&alice, 41, &again).unwrap();
    assert!(refused(&outcomes, RefusalReason::Deleted));
    assert!(texts(&alice, 41, &to_mallory).unwrap().is_empty());
    assert_eq!(alice.count(Table::Expiries), 0);
}

#[test]
fn a_late_message_in_front_of_a_change_of_the_timer_disappears_as_it_was_to() {
    let [alice, bob] = [1, 2].map(Party::new);
    let all = [&alice, &bob];
    introduce(&all, 0);
    let to_alice = ConversationId::Direct(alice.device.public());
    let to_bob = ConversationId::Direct(bob.device.public());
    write(&bob, 0, &to_alice, Body::DisappearingTimer(DAY));
    deliver(&all, 0);
    write(&bob, 0, &to_alice, text("for a day"));
    let late = empty_outbox(&bob);
    write(&bob, 0, &to_alice, Body::DisappearingTimer(0));
    write(&bob, 0, &to_alice, text("for ever"));
    deliver(&all, 0);
    take(&alice, 1, &late[0].envelope).unwrap();
    assert_eq!(texts(&alice, 1, &to_bob).unwrap().len(), 2);
    for party in [(&alice, &to_bob), (&bob, &to_alice)] {
        let there = texts(party.0, 3, party.1).unwrap();
        assert_eq!(there.len(), 1);
        assert_eq!(there[0].1, "for ever");
    }
}

#[test]
fn the_conversation_of_a_group_is_deleted_and_its_log_is_not() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &carol];
    introduce(&all, 0);
    let id = group(&alice, &[&bob], 0);
    let conversation = ConversationId::Group(id);
    write(&alice, 0, &conversation, text("before"));
    deliver(&all, 0);
    // An event that was sent before reaches Bob after he deleted the conversation.
    let invite = GroupAction::MembersAdded(vec![carol.device.public()]);
    alice
        .at(0, |step| group_events::act(step, &id, &invite))
        .unwrap();
    let events = empty_outbox(&alice);
    let deleted = bob.at(1, |step| {
        deletions::delete_conversation(step, &conversation)
    });
    deleted.unwrap();
    assert!(texts(&bob, 1, &conversation).unwrap().is_empty());
    for waiting in events {
        if waiting.recipient == bob.device.public() {
            take(&bob, 1, &waiting.envelope).unwrap();
        }
    }
    let members = bob.at(1, |step| groups::member_list(step.rows, &id));
    let members = members.unwrap().unwrap();
    assert!(
        members
            .members()
            .any(|member| member == carol.device.public())
    );
    write(&alice, 1, &conversation, text("after"));
    deliver(&all, 1);
    let there = texts(&bob, 1, &conversation).unwrap();
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].1, "after");
    // Bob still writes above all that was there.
    write(&bob, 1, &conversation, text("answer"));
    deliver(&all, 1);
    let last = texts(&alice, 1, &conversation).unwrap().pop().unwrap();
    assert_eq!(last.1, "answer");
}

#[test]
fn whatever_a_member_writes_and_deletes_keeps_nobody_else_out() {
    let [alice, mallory] = [1, 2].map(Party::new);
    let conversation = ConversationId::Direct(mallory.device.public());
    let which = conversation.wire();
    let author = mallory.device.public();
    let note = |count: u64, told| {
        alice.at(0, |step| {
            for clock in 0..count {
                let id = MessageId::random(step.rng);
                let message = MessageRef { author, id };
                let high = (1 << 30) + clock;
                floors::note(
                    step.rows,
                    &which,
                    (&message, high, u64::MAX),
                    told,
                    step.now,
                )?;
            }
            Ok(())
        })
    };
    for told in [false, true] {
        note(600, told).unwrap();
        let gone = alice.at(0, |step| floors::find(step.rows, &which));
        let gone = gone.unwrap().unwrap();
        let another = MessageRef {
            author: alice.device.public(),
            id: MessageId::from_bytes(&[7; 16]).unwrap(),
        };
        // What was written before is closed below the names that had to go; nothing that is written later is.
        assert!(gone.covers(&another, 5, START));
        assert!(!gone.covers(&another, 5, START + 1));
        assert_eq!(gone.asked_from(), 0);
        assert!(gone.floor().messages.len() <= MAX_FLOOR_NAMES);
    }
}

#[test]
fn a_floor_that_a_device_makes_up_shuts_out_nothing_that_is_written_later() {
    let alice = Party::new(1);
    let conversation = ConversationId::Direct(Party::new(2).device.public());
    let made_up = alice.at(0, |step| {
        let (side, group) = conversation.wire();
        let floor = Floor {
            conversation: floors::key(step.rows)?.conversation(&side, group),
            clock: 1 << 62,
            lamport: 1 << 62,
            until: u64::MAX,
            timer: FloorTimer {
                lamport: 1 << 62,
                message_id: vec![1; 16],
                milliseconds: 1,
            },
            removed: Decision {
                clock: 1 << 62,
                device_id: 1,
            },
            ..Floor::default()
        };
        deletions::receive(step, &[floor])?;
        let gone = floors::find(step.rows, &conversation.wire())?.unwrap();
        let row = conversations::row(step.rows, &conversation)?;
        Ok((gone, row))
    });
    let (gone, row) = made_up.unwrap();
    let message = MessageRef {
        author: alice.device.public(),
        id: MessageId::from_bytes(&[7; 16]).unwrap(),
    };
    assert!(gone.covers(&message, 1 << 32, START));
    assert!(!gone.covers(&message, 1, START + 2 * DAY));
    assert!(row.lamport <= MAX_LAMPORT_JUMP && row.disappear_after == 0);
    assert_eq!(gone.floor().removed, Decision::default());
}

#[test]
fn floors_have_a_bound_and_the_oldest_goes_first() {
    let alice = Party::new(1);
    let name = |at: u64| {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&at.to_be_bytes());
        name
    };
    alice
        .at(0, |step| {
            for at in 0..MAX_FLOORS {
                let row = FloorRow {
                    conversation: name(at).to_vec(),
                    clock: 1,
                    changed_at: step.now + at,
                    ..Default::default()
                };
                floors::restore(step.rows, &row)?;
            }
            for at in MAX_FLOORS..MAX_FLOORS + 3 {
                let floor = Floor {
                    conversation: name(at),
                    clock: 1,
                    ..Floor::default()
                };
                floors::merge(step.rows, &floor, step.now + at)?;
            }
            Ok(())
        })
        .unwrap();
    let all = alice.at(0, |step| floors::all(step.rows)).unwrap();
    assert_eq!(all.len() as u64, MAX_FLOORS);
    assert_eq!(all[0].conversation, name(3));
}
