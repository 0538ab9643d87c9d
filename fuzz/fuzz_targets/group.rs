//! Events of a group: bytes of a stranger are an error, and a log that took some in is the same when it is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass::chat::{GroupEvent, GroupId, GroupLog};

fuzz_target!(|bytes: &[u8]| {
    let Some((id, mut rest)) = bytes.split_first_chunk::<32>() else {
        return;
    };
    let Ok(id) = GroupId::from_bytes(id) else {
        return;
    };
    let mut log = GroupLog::new(id);
    // Each event behind its length. The signature is not asked for: nobody guesses one.
    while let Some(([high, low], behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (event, behind) = behind.split_at(len);
        assert!(GroupEvent::decode(event).is_err() || GroupEvent::from_stored(event).is_ok());
        if let Ok(event) = GroupEvent::from_stored(event) {
            let _ = log.take(event);
        }
        rest = behind;
    }
    let stored: Vec<Vec<u8>> = log.encoded().map(<[u8]>::to_vec).collect();
    let again = GroupLog::from_stored(id, stored.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(again.membership(), log.membership());
});
