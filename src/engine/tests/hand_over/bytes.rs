//! Bytes that are no hand-over, or no envelope for who has one.

use super::*;
use crate::engine::sync::peek::HandOverError;

#[test]
fn whatever_else_the_bytes_are_they_are_refused_with_the_reason() {
    let [alice, _] = acquainted();
    let bytes = sealed(&alice, 1);
    let open_on = |bytes: &[u8], day: u64| Opened::open(bytes, &key(), START + day * DAY).err();
    assert_eq!(open_on(&bytes, 1), None);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 3;
        let newer = HandOverError::Newer(changed[0]);
        let expected = if at == 0 {
            newer
        } else {
            HandOverError::Unreadable
        };
        assert_eq!(open_on(&changed, 1), Some(expected), "byte {at}");
        assert_eq!(open_on(&bytes[..at], 1), Some(HandOverError::Unreadable));
    }
    let other = Opened::open(&bytes, &Secret::new([78; 32]), START + DAY);
    assert_eq!(other.err(), Some(HandOverError::Unreadable));
    assert_eq!(
        open_on(&[&[0], &bytes[1..]].concat(), 1),
        Some(HandOverError::Unreadable)
    );
    assert_eq!(
        open_on(&vec![1; 8 * 1024 * 1024 + 1], 1),
        Some(HandOverError::Unreadable)
    );
    // Seven days, and no clock that was wrong makes them more.
    assert_eq!(open_on(&bytes, 7), None);
    assert_eq!(open_on(&bytes, 8), Some(HandOverError::TooOld));
    let ahead = Opened::open(&sealed(&alice, 400), &key(), START);
    assert_eq!(ahead.err(), Some(HandOverError::TooOld));
    // Two of the same state have nothing in common but the version and the date, and lengths say little.
    assert_ne!(bytes[9..], sealed(&alice, 1)[9..]);
    assert_eq!(bytes.len(), sealed(&alice, 1).len());
}

#[test]
fn an_envelope_that_is_changed_or_for_another_device_is_not_read() {
    let [alice, bob] = acquainted();
    let opened = handed_over(&alice);
    let envelope = said(&bob, &alice, "land ho");
    let mut read = 0;
    for at in 0..envelope.len() {
        let mut changed = envelope.clone();
        changed[at] ^= 1;
        if let Ok(envelope) = Envelope::decode(&changed)
            && let Ok(peeked) = opened.peek(&envelope)
        {
            read += 1;
            assert!(matches!(peeked, Peeked::Unreadable), "byte {at}");
        }
    }
    assert!(read > 100);
    let theirs = Envelope::decode(&said(&alice, &bob, "ahoy")).unwrap();
    assert!(matches!(
        opened.peek(&theirs),
        Err(EngineError::NotForThisDevice)
    ));
}
