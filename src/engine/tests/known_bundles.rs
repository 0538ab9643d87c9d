//! A bundle goes with what is sent until the other device says that it has it (RFC windlass §7.6.2).

use super::*;

/// Less than a bundle, and more than anything else that changes from one receipt to the next.
const BUNDLE: usize = 500;

/// One message to somebody who only reads, and the length of the receipt.
fn reads(alice: &Party, bob: &Party, day: u64) -> usize {
    write(
        alice,
        day,
        &ConversationId::Direct(bob.device.public()),
        text("ahoy"),
    );
    carry(alice, bob, day);
    let receipts = empty_outbox(bob);
    let [receipt] = &receipts[..] else {
        panic!("{} receipts", receipts.len());
    };
    taken(alice, day, &receipt.envelope);
    receipt.envelope.len()
}

#[test]
fn receipts_of_somebody_who_never_writes_carry_a_bundle_until_it_is_known() {
    let [alice, bob] = acquainted::<2>();
    // A bundle that she does not have.
    bob.at(1, |step| prekeys::invalidate_own_bundle(step.rows))
        .unwrap();
    let lengths: Vec<_> = (0..4).map(|_| reads(&alice, &bob, 1)).collect();
    let [brings, short, third, fourth] = lengths[..] else {
        panic!("four");
    };
    assert!(brings > short + BUNDLE, "{lengths:?}");
    assert_eq!([third, fourth], [short; 2], "{lengths:?}");
    // Whatever was lost: it is brought until she says so.
    bob.at(2, |step| prekeys::invalidate_own_bundle(step.rows))
        .unwrap();
    for _ in 0..2 {
        write(
            &alice,
            2,
            &ConversationId::Direct(bob.device.public()),
            text("ahoy"),
        );
        carry(&alice, &bob, 2);
        let lost = empty_outbox(&bob);
        assert!(lost.iter().all(|lost| lost.envelope.len() > short + BUNDLE));
    }
    // Nor is it known for ever: who asks may have forgotten it.
    assert!(reads(&alice, &bob, 2) > short + BUNDLE);
    assert_eq!(reads(&alice, &bob, 2), short);
    let asked = alice.at(2, |step| {
        let request = Body::HealingRequest(crate::chat::HealingRequest::default());
        post::send_control(
            step,
            &bob.device.public(),
            Recipients::ALL.to_ask(),
            request,
        )
    });
    asked.unwrap();
    carry(&alice, &bob, 2);
    empty_outbox(&bob);
    assert!(reads(&alice, &bob, 2) > short + BUNDLE);
}
