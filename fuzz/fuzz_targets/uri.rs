//! A URI that is read names the bundle whose URI it is, in any case and with any white space.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::VerifiedBundle;

fuzz_target!(|text: &str| {
    if let Ok(bundle) = VerifiedBundle::from_uri(text) {
        let plain: String = text.split_ascii_whitespace().collect();
        assert_eq!(bundle.to_uri(), plain.to_ascii_uppercase());
    }
});
