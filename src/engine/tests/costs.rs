//! What a step costs follows from what it does, and not from how long the message or the history is.

use super::counting::cost_of_taking;
use super::*;
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
