//! The transfer to a new device, and the codes of linking: bytes of a stranger are an error, and a code that is read is written alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::crypto::{Secret, seeded};
use windlass::link::{LinkCode, LinkRequest, transfer_from_uri, transfer_to_uri};

fuzz_target!(|bytes: &[u8]| {
    let request = LinkRequest::new(&mut seeded(&Secret::new([1; 32])));
    // Nothing is sealed to this key.
    assert!(request.open(bytes).is_err());
    assert_eq!(
        transfer_from_uri(&transfer_to_uri(bytes)),
        Ok(bytes.to_vec())
    );
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = LinkCode::from_uri(text);
        if let Ok(transfer) = transfer_from_uri(text) {
            let plain: String = text.split_ascii_whitespace().collect();
            assert_eq!(transfer_to_uri(&transfer), plain.to_ascii_uppercase());
        }
    }
});
