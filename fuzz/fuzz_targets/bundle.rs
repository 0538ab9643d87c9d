//! A bundle that is accepted keeps its bytes and comes back from its URI.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::VerifiedBundle;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = VerifiedBundle::decode(bytes) {
        assert_eq!(bundle.encoded(), bytes);
        assert_eq!(
            VerifiedBundle::from_uri(&bundle.to_uri()).as_ref(),
            Ok(&bundle)
        );
    }
});
