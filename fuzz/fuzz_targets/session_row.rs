//! A session row that is read is the one that would be written; what is refused is refused without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::session::Session;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(session) = Session::from_row(bytes) {
        let row = session.to_row();
        assert!(Session::from_row(&row).is_ok_and(|again| *again.to_row() == *row));
    }
});
