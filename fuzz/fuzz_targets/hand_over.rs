//! Whatever is taken for a hand-over, or stands in one, is read or refused without a panic; and what is looked at twice is told twice the same.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;
use windlass::session::{Envelope, ReceivingSession};
use windlass::wire;
use windlass::wire::store::ReceivingSessionRow;
use windlass::{HandOver, StoreKey};

static KEY: LazyLock<Arc<StoreKey>> =
    LazyLock::new(|| StoreKey::from_bytes(vec![7; 32].into()).unwrap());

fuzz_target!(|bytes: &[u8]| {
    assert!(HandOver::open_at(bytes, &KEY, UNIX_EPOCH).is_err());
    let Some((len, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
    let (row, envelope) = rest.split_at(len);
    let row = wire::decode::<ReceivingSessionRow>("row", row);
    let session = row.map(|row| ReceivingSession::from_row(&row));
    if let (Ok(Ok(session)), Ok(envelope)) = (session, Envelope::decode(envelope)) {
        for part in &envelope.parts {
            let seen = session.peek(part).map(|payload| payload.map(|bytes| bytes.to_vec()));
            let again = session.peek(part).map(|payload| payload.map(|bytes| bytes.to_vec()));
            assert_eq!(seen, again);
        }
    }
});
