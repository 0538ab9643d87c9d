//! An invitation that is read names the bundle whose URI it is, in any case, with any white space, in a link or not; and codes that are
//! collected end in a URI or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::Invitation;
use windlass::wire::{Frames, frames, split_link};

fuzz_target!(|text: &str| {
    if let Ok(Invitation { bundle, in_person }) = Invitation::from_uri(text) {
        let plain: String = split_link(text).1.split_ascii_whitespace().collect();
        let uri = if in_person {
            bundle.to_uri_in_person()
        } else {
            bundle.to_uri()
        };
        assert_eq!(uri, plain.to_ascii_uppercase());
    }
    let mut reader = Frames::default();
    for line in text.lines() {
        if let Ok(progress) = reader.take(line) {
            assert!(progress.have <= progress.of);
            if let Some(uri) = progress.uri {
                assert!(frames(&uri).is_ok());
            }
        }
    }
});
