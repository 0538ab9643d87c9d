//! What a step costs follows from what it does, and not from how long the message or the history is.

use super::counting::{Cost, cost_of, cost_of_taking};
use super::hostile::{content, forge};
use super::*;
use crate::chat::{Content, GroupEvent, GroupLog, GroupView};
use crate::engine::sync::reading;

/// What receipts of a message of this length cost its author, in a group of four: the dearest.
fn receipts_of(len: usize, read: bool) -> (usize, usize) {
    let [alice, bob, carol, dave] = acquainted();
    let all = [&alice, &bob, &carol, &dave];
    let id = group(&alice, &[&bob, &carol, &dave], 0);
    let conversation = ConversationId::Group(id);
    write(
        &alice,
        1,
        &conversation,
        Body::Data {
            media_type: "a/b".into(),
            data: vec![7; len],
        },
    );
    let mut costs = (0, 0);
    for waiting in empty_outbox(&alice) {
        for other in all
            .iter()
            .filter(|one| one.device.public() == waiting.recipient)
        {
            taken(other, 1, &waiting.envelope);
            if read {
                // What they read is what is looked at, and not that it came.
                empty_outbox(other);
                let tell = |step: &mut Step<'_>| reading::read_all(step, &conversation, true);
                other.at(1, tell).unwrap();
            }
            for receipt in empty_outbox(other) {
                if receipt.recipient == alice.device.public() {
                    let cost = cost_of_taking(&alice, 1, &receipt.envelope);
                    let of_messages = cost.written_of(Table::Messages);
                    costs = (costs.0.max(of_messages), costs.1.max(cost.bytes_written()));
                }
            }
        }
    }
    costs
}

#[test]
fn a_receipt_costs_the_same_however_long_the_message_is() {
    for read in [false, true] {
        let (short, long) = (receipts_of(100, read), receipts_of(1_000_000, read));
        assert_eq!((short.0, long.0), (0, 0), "a message is not written anew");
        assert!(short.1 > 0 && long.1 < short.1 + 100, "{short:?} {long:?}");
        // The ratchet, which is most of it, the conversation, and a row.
        assert!(long.1 < 4_000, "{long:?}");
    }
}

#[test]
fn who_has_a_message_goes_with_it_and_comes_back_with_a_backup() {
    let [alice, bob] = acquainted();
    let to = ConversationId::Direct(bob.device.public());
    let before = alice.count(Table::Delivered);
    let id = write(&alice, 1, &to, text("ahoy"));
    deliver(&[&alice, &bob], 1);
    let message = MessageRef {
        author: alice.device.public(),
        id,
    };
    let has = |party: &Party| {
        let shown = party.at(1, |step| view::shown(step.rows, &message));
        let delivered = shown.unwrap().unwrap().delivered;
        delivered.iter().map(|one| one.to).collect::<Vec<_>>()
    };
    assert_eq!(has(&alice), [bob.device.public()]);
    assert_eq!(alice.count(Table::Delivered), before + 1);
    // The same receipt again says nothing.
    let again = bob.at(1, |step| {
        post::send_receipt(step, &alice.device.public(), &[id])
    });
    again.unwrap();
    deliver(&[&alice, &bob], 1);
    assert_eq!(alice.count(Table::Delivered), before + 1);
    let copy: Box<dyn StorageEngine> = Box::new(super::backups::copied(&alice));
    let shown: Result<_, EngineError> = copy.read(|rows| view::shown(rows, &message));
    let delivered = shown.unwrap().unwrap().delivered;
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].to, bob.device.public());
    alice
        .at(1, |step| deletion::erase(step.rows, &message).map(|_| ()))
        .unwrap();
    assert_eq!(alice.count(Table::Delivered), before);
}

/// A group of two with so many events, in which people came and went.
fn aged_group(alice: &Party, bob: &Party, events: usize) -> GroupId {
    let made = alice.at(0, |step| {
        let own = &step.device.identity;
        let (mut log, _) = GroupLog::create(own, "crew", [1; 16])?;
        log.write(own, &GroupAction::MembersAdded(vec![bob.device.public()]))?;
        while log.len() < events {
            let who = IdentityKeyPair::generate(step.rng).public();
            log.write(own, &GroupAction::MembersAdded(vec![who]))?;
            log.write(own, &GroupAction::MembersRemoved(vec![who]))?;
            log.write(own, &GroupAction::Renamed("n".repeat(200)))?;
        }
        let id = *log.id();
        let mut group = groups::Group::made(log);
        group.note_members(step.rows, step.now, step.now)?;
        group.save(step.rows)?;
        Ok(id)
    });
    made.unwrap()
}

/// What is done in a group of so many events, and what each costs.
fn costs_in_group(events: usize) -> Vec<(&'static str, Cost)> {
    let [alice, bob] = acquainted();
    let id = aged_group(&alice, &bob, events);
    let conversation = ConversationId::Group(id);
    let take = |content: &Content| {
        let envelope = forge(&bob, &alice, 0, content, None);
        cost_of_taking(&alice, 0, &envelope)
    };
    // That Bob has not kept up is said with each of his words, and noted with the first.
    let mut behind = content(5, Some(id), text("ahoy"));
    behind.view = Some(GroupView {
        digest: [7; 16],
        heads: Vec::new(),
    });
    take(&behind);
    behind.id = MessageId::random(&mut rng());
    let receipt = Body::ReadReceipt { lamport: 5 };
    let name = |step: &mut Step<'_>| groups::listed(step.rows, &id).map(|_| ());
    let write =
        |step: &mut Step<'_>| write::write(step, &conversation, text("ahoy"), None).map(|_| ());
    vec![
        ("words that come", take(&content(6, Some(id), text("ahoy")))),
        ("words of who is behind", take(&behind)),
        ("a read receipt", take(&content(7, Some(id), receipt))),
        ("words of our own", cost_of(&alice, 0, write)),
        ("the name and the members", cost_of(&alice, 0, name)),
    ]
}

#[test]
fn what_is_said_in_a_group_costs_the_same_however_much_happened_to_it() {
    let (young, aged) = (costs_in_group(5), costs_in_group(200));
    for ((what, young), (_, aged)) in young.iter().zip(&aged) {
        assert_eq!(aged.read_of(Table::GroupEvents), 0, "{what}");
        let (before, after) = (young.bytes_read(), aged.bytes_read());
        assert!(
            before > 0 && after < before + 100,
            "{what}: {before} {after}"
        );
        let (before, after) = (young.bytes_written(), aged.bytes_written());
        assert!(after < before + 100, "{what}: {before} {after}");
    }
}

#[test]
fn an_event_of_a_group_is_one_row_more_however_many_there_are() {
    let [alice, bob] = acquainted();
    let id = aged_group(&alice, &bob, 200);
    let waits = |number: u8| {
        let action = GroupAction::Renamed("?".into());
        let event = GroupEvent::sign(&bob.device.identity, &id, &[[number; 32]], &action);
        Body::GroupEvents {
            events: vec![event.unwrap().encoded().to_vec()],
            bundles: Vec::new(),
        }
    };
    for number in 1..4 {
        let lamport = 10 + u64::from(number);
        let envelope = forge(
            &bob,
            &alice,
            0,
            &content(lamport, Some(id), waits(number)),
            None,
        );
        let cost = cost_of_taking(&alice, 0, &envelope);
        let written = cost.written_of(Table::GroupEvents);
        assert!((1..500).contains(&written), "one that waits: {written}");
    }
    let known = alice.count(Table::GroupEvents);
    let rename = |step: &mut Step<'_>| {
        group_events::act(step, &id, &GroupAction::Renamed("ours".into())).map(|_| ())
    };
    let written = cost_of(&alice, 0, rename).written_of(Table::GroupEvents);
    assert!((1..500).contains(&written), "one of our own: {written}");
    assert_eq!(alice.count(Table::GroupEvents), known + 1);
    // What is stored is what there was.
    let there = |rows: &dyn Rows| groups::known(rows, &id).map(|group| group.log);
    let log: Result<_, EngineError> = alice.store.read(there);
    let log = log.unwrap();
    assert_eq!(
        (log.membership().name.as_str(), log.waiting().len()),
        ("ours", 3)
    );
    let copy: Box<dyn StorageEngine> = Box::new(super::backups::copied(&alice));
    let copied: Result<_, EngineError> = copy.read(there);
    assert_eq!(copied.unwrap().view(), log.view());
    let left = |table| alice.count(table);
    assert!(left(Table::FormerMembers) > 50);
    alice.at(0, |step| groups::erase(step.rows, &id)).unwrap();
    assert_eq!(
        (left(Table::GroupEvents), left(Table::FormerMembers)),
        (0, 0)
    );
}
