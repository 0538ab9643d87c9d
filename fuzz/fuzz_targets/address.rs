//! An address that is read is the one that would be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::identity::PublicIdentity;

fuzz_target!(|text: &str| {
    if let Ok(identity) = PublicIdentity::from_address(text) {
        assert_eq!(identity.address(), text.trim().to_ascii_lowercase());
    }
});
