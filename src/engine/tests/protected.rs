//! What waits for a session that withstands a quantum computer.

use super::*;
use crate::chat::{Content, Copy, HealingRequest};
use crate::engine::delivery::protection;
use crate::engine::records::settings;

#[test]
fn words_wait_and_so_do_copies_of_words_and_what_devices_say_by_themselves_does_not() {
    let party = Party::new(1);
    let copy = Copy {
        author: [1; 32],
        conversation: [2; 32],
        content: vec![3; 9].into(),
    };
    let bodies = [
        (text("ahoy"), true),
        (Body::Copy(copy), true),
        (
            Body::DeliveryReceipt(vec![MessageId::random(&mut rng())]),
            false,
        ),
        (Body::HealingRequest(HealingRequest::default()), false),
    ];
    for requires in [false, true] {
        for (body, waits) in &bodies {
            let content = Content {
                id: MessageId::random(&mut rng()),
                lamport: 1,
                sent_at: START,
                reply_to: None,
                group: None,
                view: None,
                follows: Vec::new(),
                origin: crate::chat::MessageOrigin::Person,
                body: body.clone(),
            };
            let found = party.at(0, |step| {
                let mut row = settings::row(step.rows)?;
                row.require_post_quantum = requires;
                settings::save(step.rows, &row)?;
                protection::is_asked_for(step.rows, &content.to_bytes())
            });
            assert_eq!(found.unwrap(), requires && *waits);
        }
    }
}
