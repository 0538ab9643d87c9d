//! An envelope that is read has one encoding, the one that came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::session::Envelope;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert_eq!(envelope.encode(), bytes);
    }
});
