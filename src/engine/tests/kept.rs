//! Rows of a conversation and of what waits: each belongs to one, is read no further than asked for, and goes when it is over.

use super::annotated::{comes, content, id, reaction, two};
use super::*;
use crate::chat::{Decision, KnownContact};
use crate::engine::base::clock;
use crate::engine::base::singletons::STATES;
use crate::engine::history::unhandled;
use crate::engine::records::states::{self, Owner};
use crate::engine::records::{decisions, listed, scheduled};
use crate::wire::store::feed_row::Event;
use crate::wire::store::{ConversationRow, ScheduledRow, StatesRow};

fn direct(seed: u8) -> ConversationId {
    ConversationId::Direct(somebody(seed))
}

#[test]
fn what_is_to_be_sent_belongs_to_one_conversation_and_goes_with_it() {
    let party = Party::new(1);
    let [one, other] = [2, 3].map(direct);
    let saved = party.at(0, |step| {
        for (number, id) in [(1, &one), (2, &one), (3, &other)] {
            let mut row = ScheduledRow::default();
            (row.peer_identity_key, row.group_id) = id.columns();
            row.send_at = START + number;
            scheduled::save(step.rows, &row, &[7])?;
        }
        Ok(())
    });
    saved.unwrap();
    let waits = || {
        [&one, &other].map(|id| {
            let rows = party.at(0, |step| scheduled::of(step.rows, &id.columns()));
            rows.unwrap().len()
        })
    };
    assert_eq!(waits(), [2, 1]);
    party
        .at(0, |step| conversations::erase(step.rows, &one))
        .unwrap();
    assert_eq!(waits(), [0, 1]);
}

#[test]
fn a_page_has_no_more_messages_than_are_asked_for() {
    let (alice, bob, conversation) = two();
    for number in 1..=4 {
        let said = content(&conversation, number.into(), id(number), text("ahoy"));
        comes(&alice, 0, &bob, &conversation, said);
    }
    // It stands among them, and is shown at another.
    let liked = reaction(&bob.device.public(), id(1));
    let liked = content(&conversation, 5, id(5), liked);
    comes(&alice, 0, &bob, &conversation, liked);
    let page = alice.at(0, |step| {
        view::page(step.rows, &conversation, 2, None, step.now)
    });
    let ids: Vec<_> = page
        .unwrap()
        .iter()
        .map(|one| one.stored.content.id)
        .collect();
    assert_eq!(ids, [id(3), id(4)]);
}

#[test]
fn what_is_said_of_a_message_waits_for_it_for_weeks_and_no_longer_once_it_came() {
    let early = |comes_too: bool| {
        let (alice, bob, conversation) = two();
        let liked = reaction(&bob.device.public(), id(1));
        let liked = content(&conversation, 2, id(2), liked);
        comes(&alice, 0, &bob, &conversation, liked);
        assert_eq!(alice.count(Table::EarlyAnnotations), 1);
        if comes_too {
            let said = content(&conversation, 1, id(1), text("ahoy"));
            comes(&alice, 1, &bob, &conversation, said);
            assert_eq!(alice.count(Table::EarlyAnnotations), 0);
        }
        [20, 31].map(|day| {
            alice
                .at(day, |step| deletion::expire(step.rows, step.now))
                .unwrap()
        })
    };
    assert_eq!(early(false), [0, 1]);
    early(true);
}

#[test]
fn only_what_others_wrote_waits_to_be_handled() {
    let [alice, bob] = acquainted();
    let conversation = ConversationId::Direct(bob.device.public());
    let to_alice = ConversationId::Direct(alice.device.public());
    let own = alice.device.public();
    alice
        .at(0, |step| unhandled::set_kept(step.rows, true))
        .unwrap();
    let ours = write(&alice, 0, &conversation, text("ahoy"));
    let theirs = write(&bob, 0, &to_alice, text("ahoy yourself"));
    deliver(&[&alice, &bob], 0);
    let waits = |author, id| {
        let waits = alice.at(0, |step| {
            let stored = message::find(step.rows, &MessageRef { author, id })?.unwrap();
            unhandled::is_enqueued(step.rows, &own, &stored)
        });
        waits.unwrap()
    };
    assert!(!waits(own, ours) && waits(bob.device.public(), theirs));
    // Nothing of it is gone, so nothing is forgotten.
    let forgot = alice.at(0, |step| unhandled::forget_gone(step.rows));
    assert!(!forgot.unwrap());
    let left = alice.at(0, |step| unhandled::oldest(step.rows, 10));
    assert_eq!(left.unwrap().len(), 1);
}

#[test]
fn a_timer_that_is_set_here_is_told_with_its_length() {
    let [alice, bob] = acquainted();
    let conversation = ConversationId::Direct(bob.device.public());
    let told = alice.at(0, |step| {
        write::write(step, &conversation, Body::DisappearingTimer(DAY), None)?;
        Ok(step.changes.clone())
    });
    let told = told.unwrap();
    let length = |event: &Event| match event {
        Event::TimerChanged(change) => Some(change.value),
        _ => None,
    };
    assert_eq!(told.iter().find_map(length), Some(DAY));
}

#[test]
fn a_document_costs_its_row_its_name_and_what_it_says() {
    let party = Party::new(1);
    let owner = Owner::Program("jobs".into());
    let cost = |before: Option<&[u8]>, after: &[u8]| {
        let cost = party.at(0, |step| {
            states::change(step.rows, &owner, "name", before, Some(after))?;
            let row: Option<StatesRow> = get_row(step.rows, Table::Device, STATES)?;
            Ok(row.unwrap_or_default().bytes)
        });
        cost.unwrap()
    };
    let empty = cost(None, b"");
    assert!(empty > 4);
    assert_eq!(cost(Some(b""), b"three"), empty + 5);
}

#[test]
fn of_two_conversations_that_share_a_place_the_one_where_something_happens_comes_first() {
    let party = Party::new(1);
    let both = [2, 3].map(direct);
    let restored = party.at(0, |step| {
        for id in &both {
            let (peer_identity_key, group_id) = id.columns();
            let row = ConversationRow {
                peer_identity_key,
                group_id,
                place: 5,
                ..ConversationRow::default()
            };
            conversations::restore(step.rows, &row)?;
        }
        Ok(())
    });
    restored.unwrap();
    for id in both.iter().chain(&both) {
        let first = party.at(0, |step| {
            let mut row = conversations::row(step.rows, id)?;
            listed::touch(step.rows, &mut row)?;
            conversations::save(step.rows, id, &row)?;
            Ok(listed::page(step.rows, None, 1)?.remove(0).1)
        });
        assert_eq!(first.unwrap().peer_identity_key, id.columns().0);
    }
}

#[test]
fn a_decision_that_is_told_twice_is_news_once() {
    let [alice, bob] = acquainted();
    let known = KnownContact {
        bundle: Vec::new(),
        verified: false,
        accepted: true,
        blocked: true,
        standing: Decision {
            clock: 5,
            device_id: 7,
        },
        verification: Decision::default(),
        devices: Vec::new(),
    };
    let news = alice.at(0, |step| {
        let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
        let first = decisions::merge(step.rows, &mut contact, &known)?;
        Ok([first, decisions::merge(step.rows, &mut contact, &known)?])
    });
    assert_eq!(news.unwrap(), [true, false]);
}

#[test]
fn skipped_keys_are_looked_at_when_they_are_old_or_dated_ahead() {
    for (written_at, changes) in [(START, false), (START + 10 * DAY, true)] {
        let party = Party::new(1);
        let changed = party.at(0, |step| {
            message_keys::schedule_erasure(step.rows, &[1; 16], written_at)?;
            message_keys::erase_old(step.rows, step.now)
        });
        assert_eq!(changed.unwrap(), changes);
        assert_eq!(party.count(Table::SkippedAges), usize::from(!changes));
    }
}

#[test]
fn a_device_with_which_there_is_no_session_is_known_since_no_time() {
    let [alice, bob] = acquainted();
    let since = |of: &Party| {
        let since = alice.at(0, |step| sessions::known_since(step.rows, &of.end()));
        since.unwrap()
    };
    assert_eq!((since(&bob), since(&Party::new(5))), (Some(START), None));
    // What was written to it before is for nobody who took its name since.
    let chosen = |known_by: u64| {
        let to = Recipients::one(bob.device.device_id).known_by(known_by, START);
        let chosen = alice.at(0, |step| to.choose(step.rows, &bob.end()));
        chosen.unwrap().is_some()
    };
    assert!(chosen(START) && !chosen(START - 1));
}

#[test]
fn what_a_wrong_clock_dated_is_looked_through_to_the_end() {
    let party = Party::new(1);
    let unchecked = || party.at(0, |step| clock::unchecked(step.rows)).unwrap();
    for now in [START, START - 400 * DAY] {
        assert_eq!(unchecked(), None);
        party.at(0, |step| clock::tick(step.rows, now)).unwrap();
    }
    assert_eq!(unchecked(), Some(Vec::new()));
    for to in [Some(vec![5]), None] {
        party
            .at(0, |step| clock::checked(step.rows, to.clone()))
            .unwrap();
        assert_eq!(unchecked(), to);
    }
}
