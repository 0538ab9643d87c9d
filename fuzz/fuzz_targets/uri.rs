//! An invitation that is read names the bundle whose URI it is, in any case, with any white space, in a link or not; and codes that are
//! collected end in a URI or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::bundle::{Invitation, VerifiedBundle};
use windlass::wire::{Frames, frames};

fuzz_target!(|text: &str| {
    if let Ok(Invitation { bundle, in_person }) = Invitation::from_uri(text) {
        let uri = |of: &VerifiedBundle| match in_person {
            true => of.to_uri_in_person(),
            false => of.to_uri(),
        };
        // Found in whatever stood around it, it is one that is read alone.
        let again = Invitation::from_uri(&uri(&bundle)).unwrap();
        assert_eq!(again.in_person, in_person);
        assert_eq!(uri(&again.bundle), uri(&bundle));
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
