//! The codes of linking and the transfer: bytes of a stranger are an error, and a code that is read is written alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::crypto::{Secret, seeded};
use windlass::identity::IdentityKeyPair;
use windlass::link::{
    ExistingDevice, LinkAnswer, LinkCode, LinkReply, NewDevice, transfer_from_uri, transfer_to_uri,
};

fuzz_target!(|bytes: &[u8]| {
    let mut rng = seeded(&Secret::new([1; 32]));
    let new = NewDevice::new(&mut rng);
    let own = IdentityKeyPair::generate(&mut rng).public();
    let existing = ExistingDevice::new(new.code(), own, &mut rng);
    // Nothing is sealed to this key.
    let agreed = new.agree(&existing.answer()).unwrap();
    assert!(agreed.open(bytes).is_err());
    assert_eq!(
        transfer_from_uri(&transfer_to_uri(bytes)),
        Ok(bytes.to_vec())
    );
    if let Ok(answer) = LinkAnswer::from_bytes(bytes) {
        assert_eq!(answer.to_bytes(), bytes);
        let _ = new.agree(&answer);
    }
    if let Ok(reply) = LinkReply::from_bytes(bytes) {
        assert!(existing.agree(&reply).is_err() || reply == new.reply());
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        let plain: String = text.split_ascii_whitespace().collect();
        let plain = plain.to_ascii_uppercase();
        let codes = [
            LinkCode::from_uri(text).map(|code| code.to_uri()),
            LinkAnswer::from_uri(text).map(|answer| answer.to_uri()),
            LinkReply::from_uri(text).map(|reply| reply.to_uri()),
            transfer_from_uri(text).map(|transfer| transfer_to_uri(&transfer)),
        ];
        for code in codes.into_iter().flatten() {
            assert_eq!(code, plain);
        }
    }
});
