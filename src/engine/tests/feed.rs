//! Events are told again, in their order, until they were handled; and nothing of it grows without a bound or outlives what was deleted.

mod words;

use words::said;

use super::*;
use crate::bundle::DeviceChange;
use crate::engine::history::unhandled;
use crate::engine::sync::feed::cursor::Cursor;
use crate::engine::sync::feed::{self, Told};
use crate::engine::sync::outcome::{RefusalReason, UndecryptableCause};
use crate::limits::{KEPT_EVENT_RETENTION_SECONDS, MAX_KEPT_EVENTS};

fn keep(party: &Party) {
    party.at(0, |step| feed::set_kept(step, true)).unwrap();
}

fn read(party: &Party, cursor: Option<&Cursor>, limit: usize) -> Result<Vec<Told>, EngineError> {
    let own = party.device.public();
    party
        .store
        .read(|rows| feed::after(rows, &own, cursor, limit))
}

fn handle(party: &Party, cursor: &Cursor) -> Result<bool, EngineError> {
    party.at(0, |step| feed::handled_up_to(step.rows, cursor))
}

fn tell(party: &Party, day: u64, outcomes: &[Outcome]) {
    party.at(day, |step| feed::tell(step, outcomes)).unwrap();
}

fn all_said(told: &[Told]) -> Vec<String> {
    told.iter().map(|told| said(&told.outcome)).collect()
}

fn conversation_with(party: &Party) -> ConversationId {
    ConversationId::Direct(party.device.public())
}

/// Somebody who keeps events, and two others; all know each other.
fn trio() -> [Party; 3] {
    let trio = [1, 2, 3].map(Party::new);
    introduce(&[&trio[0], &trio[1], &trio[2]], 0);
    keep(&trio[0]);
    trio
}

#[test]
fn what_was_told_is_told_again_in_its_order_until_it_was_handled() {
    let [alice, bob, carol] = trio();
    write(&bob, 0, &conversation_with(&alice), text("one"));
    let mut live: Vec<String> = carry(&bob, &alice, 0).iter().map(said).collect();
    live.retain(|said| !said.ends_with("works on"));
    write(&carol, 0, &conversation_with(&alice), text("two"));
    carry(&carol, &alice, 0);
    let all = read(&alice, None, 10).unwrap();
    assert_eq!(
        all_said(&all)[..live.len()],
        live[..],
        "as `receive` told it"
    );
    assert_eq!(all_said(&all).last().unwrap(), "message Some(\"two\")");
    // Page for page, and any number of times.
    for _ in 0..2 {
        let mut cursor = None;
        let mut paged = Vec::new();
        while let Some(told) = read(&alice, cursor.as_ref(), 1).unwrap().pop() {
            assert!(
                cursor.is_none_or(|before: Cursor| before.to_string() < told.cursor.to_string())
            );
            cursor = Some(told.cursor);
            paged.push(said(&told.outcome));
        }
        assert_eq!(paged, all_said(&all));
    }
    let first = &all[0].cursor;
    assert!(handle(&alice, first).unwrap());
    assert!(!handle(&alice, first).unwrap());
    assert_eq!(
        all_said(&read(&alice, None, 10).unwrap()),
        all_said(&all)[1..]
    );
    handle(&alice, &all.last().unwrap().cursor).unwrap();
    assert!(read(&alice, None, 10).unwrap().is_empty());
    assert_eq!(alice.count(Table::Feed), 0);
}

#[test]
fn every_kind_comes_back_as_it_was_and_work_in_progress_is_not_kept() {
    let [alice, bob, carol] = trio();
    let group = group(&alice, &[&bob], 0);
    let (who, new) = (bob.device.public(), carol.device.public());
    let there = conversation_with(&bob);
    let message = MessageRef {
        author: who,
        id: write(&bob, 0, &conversation_with(&alice), text("hello")),
    };
    carry(&bob, &alice, 0);
    handle(
        &alice,
        &read(&alice, None, 100).unwrap().last().unwrap().cursor,
    )
    .unwrap();
    let shown = || {
        let shown = alice.at(0, |step| view::shown(step.rows, &message));
        Box::new(shown.unwrap().unwrap())
    };
    let place = |news| Outcome::InConversation(there, news);
    let peer = |news| Outcome::Peer(who, news);
    let mut outcomes = vec![
        Outcome::Message(shown()),
        Outcome::Edited(shown()),
        place(ConversationNews::Deleted(message)),
        place(ConversationNews::ConversationDeleted),
        place(ConversationNews::SettingsChanged),
        place(ConversationNews::ScheduledChanged),
        place(ConversationNews::Read { by: who }),
        place(ConversationNews::TimerChanged { by: who, after: 7 }),
        Outcome::InConversation(
            ConversationId::Group(group),
            ConversationNews::Read { by: who },
        ),
        Outcome::GroupInvitation {
            group,
            by: who,
            name: "crew".into(),
        },
        Outcome::GroupChanged { group },
        Outcome::GroupIncomplete {
            group,
            resolved: false,
        },
        Outcome::GroupIncomplete {
            group,
            resolved: true,
        },
        peer(PeerNews::Delivered(vec![message.id; 3])),
        peer(PeerNews::ContactRequest),
        peer(PeerNews::DevicesChanged(DeviceChange {
            added: vec![1, u32::MAX],
            removed: vec![2],
        })),
        peer(PeerNews::IdentityChanged {
            new,
            was_verified: true,
        }),
        Outcome::Peer(
            alice.device.public(),
            PeerNews::DevicesChanged(DeviceChange::default()),
        ),
        Outcome::RollbackNoticed,
    ];
    for number in 0..100 {
        let reason = RefusalReason::of_number(number).into_iter();
        outcomes
            .extend(reason.map(|reason| place(ConversationNews::Refused { from: who, reason })));
        for from in [None, Some(who)] {
            let cause = UndecryptableCause::of_number(number).into_iter();
            outcomes.extend(cause.map(|cause| Outcome::Undecryptable { cause, from }));
        }
    }
    let kept: Vec<_> = outcomes.iter().map(said).collect();
    let device_id = 1;
    outcomes.extend([
        Outcome::Duplicate { id: None },
        place(ConversationNews::Typing {
            by: who,
            active: true,
        }),
        peer(PeerNews::Delivered(Vec::new())),
        peer(PeerNews::SessionEstablished { device_id }),
        peer(PeerNews::SessionHealed { device_id }),
        peer(PeerNews::Healing { attempt: 1 }),
        peer(PeerNews::Resent { messages: 1 }),
        peer(PeerNews::Synchronising {
            device_id,
            messages: 1,
        }),
        peer(PeerNews::Presence { available: true }),
        peer(PeerNews::Blocked),
    ]);
    tell(&alice, 0, &outcomes);
    assert_eq!(all_said(&read(&alice, None, 1_000).unwrap()), kept);
    // No row says what anybody wrote, nor a name that somebody chose.
    let rows: Result<_, StoreError> = alice.store.read(|rows| rows.scan(Table::Feed));
    for row in rows.unwrap() {
        for said in ["hello", "crew"] {
            assert!(!row.windows(said.len()).any(|part| part == said.as_bytes()));
        }
    }
}

/// The numbers of enumerations that the feed stores: a reason or cause that is added cannot be left out of the list.
#[test]
fn every_reason_and_cause_has_its_number() {
    let source = include_str!("../sync/outcome.rs");
    let declared = |name: &str| {
        let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap();
        let body = body.split("\n}").next().unwrap();
        let lines = body.lines().filter(|line| line.starts_with("    "));
        lines
            .filter(|line| {
                line.trim_start()
                    .starts_with(|c: char| c.is_ascii_uppercase())
            })
            .count()
    };
    let known = |of_number: &dyn Fn(u32) -> bool| (0..1_000).filter(|n| of_number(*n)).count();
    let reasons = known(&|number| RefusalReason::of_number(number).is_some());
    assert_eq!(reasons, declared("RefusalReason"));
    let causes = known(&|number| UndecryptableCause::of_number(number).is_some());
    assert_eq!(causes, declared("UndecryptableCause"));
    assert!(RefusalReason::of_number(0).is_none() && UndecryptableCause::of_number(0).is_none());
}

#[test]
fn what_was_deleted_meanwhile_is_left_out() {
    let [alice, bob, _] = trio();
    let (here, there) = (conversation_with(&alice), conversation_with(&bob));
    let own = write(&alice, 0, &there, text("mine"));
    carry(&alice, &bob, 0);
    let id = write(&bob, 0, &here, text("regretted"));
    write(
        &bob,
        0,
        &here,
        Body::Reaction {
            author: alice.device.public().to_bytes(),
            target: own,
            emoji: "⚓".into(),
            removed: false,
        },
    );
    carry(&bob, &alice, 0);
    let told = all_said(&read(&alice, None, 10).unwrap());
    assert!(told.iter().any(|said| said.contains("regretted")));
    assert!(told.iter().any(|said| said.contains("⚓")));
    // Bob takes back what he wrote, Alice what he reacted to.
    write(&bob, 0, &here, Body::Deletion { target: id });
    carry(&bob, &alice, 0);
    write(&alice, 0, &there, Body::Deletion { target: own });
    let told = all_said(&read(&alice, None, 10).unwrap());
    assert!(
        !told
            .iter()
            .any(|said| said.contains("regretted") || said.contains("⚓"))
    );
    assert!(told.last().unwrap().ends_with(&format!("deleted {id}")));
    // With the contact goes all that was told of them, and of what tells nothing any more no row stays.
    tell(
        &alice,
        0,
        &[Outcome::Peer(bob.device.public(), PeerNews::ContactRequest)],
    );
    alice
        .at(0, |step| {
            let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
            people::erase(step.rows, &mut contact)
        })
        .unwrap();
    let left = read(&alice, None, 10).unwrap();
    assert!(left.is_empty(), "{:?}", all_said(&left));
    let own = alice.device.public();
    let erased = alice.at(0, |step| feed::erase_old(step.rows, &own, step.now));
    assert!(erased.unwrap());
    assert_eq!(alice.count(Table::Feed), 0);
}

#[test]
fn a_reader_who_never_comes_costs_a_bounded_number_of_rows_and_is_told() {
    let [alice, bob, _] = trio();
    let read_by = || {
        let news = ConversationNews::Read {
            by: bob.device.public(),
        };
        Outcome::InConversation(conversation_with(&bob), news)
    };
    tell(&alice, 0, &[read_by()]);
    let before = read(&alice, None, 1).unwrap().remove(0).cursor;
    let hundred: Vec<_> = (0..100).map(|_| read_by()).collect();
    let mut most = 0;
    for _ in 0..105 {
        tell(&alice, 0, &hundred);
        most = most.max(alice.count(Table::Feed));
    }
    assert!(most as u64 <= MAX_KEPT_EVENTS + 256 + 100, "{most}");
    let kept = alice.count(Table::Feed) as u64;
    for cursor in [None, Some(&before)] {
        let told = read(&alice, cursor, 2).unwrap();
        let missed = 10_501 - kept;
        assert_eq!(said(&told[0].outcome), format!("missed {missed}"));
        assert!(said(&told[1].outcome).contains("read"));
        // Whoever was told of it goes on behind it.
        let next = read(&alice, Some(&told[0].cursor), 1).unwrap();
        assert_eq!(next[0].cursor, told[1].cursor);
    }
    // It is told until it was handled, too.
    handle(&alice, &before).unwrap();
    let told = read(&alice, None, 2).unwrap();
    assert!(said(&told[0].outcome).starts_with("missed"));
    handle(&alice, &told[0].cursor).unwrap();
    assert_eq!(read(&alice, None, 1).unwrap()[0].cursor, told[1].cursor);
}

#[test]
fn an_event_that_nobody_handles_goes_with_its_age() {
    let [alice, bob, _] = trio();
    let request = [Outcome::Peer(bob.device.public(), PeerNews::ContactRequest)];
    let days = KEPT_EVENT_RETENTION_SECONDS / 86_400;
    // The clock was wrong once: what was told then does not stay for ever, nor keep others.
    for day in [1, 5_000, 2, days + 1] {
        tell(&alice, day, &request);
    }
    let own = alice.device.public();
    let erase = |day| alice.at(day, |step| feed::erase_old(step.rows, &own, step.now));
    assert!(!erase(days).unwrap());
    assert!(erase(days + 2).unwrap());
    let told = all_said(&read(&alice, None, 10).unwrap());
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "missed 3");
}

#[test]
fn a_cursor_of_another_life_is_an_error() {
    let [alice, bob, _] = trio();
    let request = [Outcome::Peer(bob.device.public(), PeerNews::ContactRequest)];
    tell(&alice, 0, &request);
    let cursor = read(&alice, None, 1).unwrap().remove(0).cursor;
    assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
    assert!(read(&alice, Some(&cursor), 1).unwrap().is_empty());
    let unknown = |cursor: &Cursor| {
        matches!(
            read(&alice, Some(cursor), 1),
            Err(EngineError::UnknownCursor)
        ) && matches!(handle(&alice, cursor), Err(EngineError::UnknownCursor))
    };
    // Ahead of everything: an older copy that nobody noticed.
    let life = &cursor.to_string()[..16];
    let ahead = format!("{life}{:016x}", 1_000_000).parse().unwrap();
    assert!(unknown(&ahead));
    for wrong in [
        "",
        "0",
        &"g".repeat(32),
        &"0".repeat(33),
        "é".repeat(16).as_str(),
    ] {
        assert!(matches!(
            wrong.parse::<Cursor>(),
            Err(EngineError::UnknownCursor)
        ));
    }
    // An older copy that was noticed: all that is in it is told again, and that it is one.
    alice.at(0, upkeep::note_rollback).unwrap();
    assert!(unknown(&cursor));
    let told = all_said(&read(&alice, None, 10).unwrap());
    assert!(told[0].ends_with("request") && told[1] == "rollback");
    // Nothing was kept for a while.
    let cursor = read(&alice, None, 1).unwrap().remove(0).cursor;
    alice.at(0, |step| feed::set_kept(step, false)).unwrap();
    assert!(unknown(&cursor) && read(&alice, None, 1).unwrap().is_empty());
    assert_eq!(alice.count(Table::Feed), 0);
    tell(&alice, 0, &request);
    assert_eq!(alice.count(Table::Feed), 0);
    keep(&alice);
    assert!(unknown(&cursor));
}

#[test]
fn an_event_costs_one_row_at_most_and_one_that_changed_nothing_none() {
    let [alice, bob, _] = trio();
    alice
        .at(0, |step| unhandled::set_kept(step.rows, true))
        .unwrap();
    write(&bob, 0, &conversation_with(&alice), text("first"));
    let waiting = empty_outbox(&bob);
    let [envelope] = &waiting[..] else {
        panic!("one device, one envelope: {}", waiting.len());
    };
    take(&alice, 0, &envelope.envelope).unwrap();
    // A message that waits to be handled is there, and nowhere else.
    let told = all_said(&read(&alice, None, 10).unwrap());
    assert!(
        !told.iter().any(|said| said.starts_with("message")),
        "{told:?}"
    );
    let waiting = alice.at(0, |step| unhandled::waiting(step.rows, 0, 10));
    assert_eq!(waiting.unwrap().len(), 1);
    let before = alice.count(Table::Feed);
    take(&alice, 0, &envelope.envelope).unwrap();
    assert_eq!(alice.count(Table::Feed), before);
}
