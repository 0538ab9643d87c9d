//! A bundle that is accepted keeps its bytes and comes back from its URI.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::VerifiedBundle;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = VerifiedBundle::decode(bytes) {
        assert_eq!(bundle.encoded(), bytes);
        // A code has no room for ML-KEM keys, so what comes back is what a code says.
        let again = VerifiedBundle::from_uri(&bundle.to_uri());
        assert_eq!(again.map(|again| again.to_uri()), Ok(bundle.to_uri()));
    }
});
