//! A payload and the content inside; what is read and written again says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::VerifiedBundle;
use windlass::chat::Content;
use windlass::crypto::unpad;
use windlass::ratchet::scka::Message;
use windlass::wire::{self, v2::Payload};

fuzz_target!(|bytes: &[u8]| {
    let _ = unpad(bytes);
    if let Some((message, payload)) = Message::split(bytes) {
        assert!([&*message.encode(), payload].concat() == bytes);
    }
    if let Ok(payload) = wire::decode::<Payload>("payload", bytes) {
        let _ = VerifiedBundle::decode(&payload.sender_bundle);
        read(&payload.content);
    }
    read(bytes);
});

fn read(bytes: &[u8]) {
    if let Ok(content) = Content::from_bytes(bytes) {
        assert!(Content::from_bytes(&content.to_bytes()).as_ref() == Ok(&content));
    }
}
