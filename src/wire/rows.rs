//! Rows that hold secrets: their fields are zeroised when the row is dropped.

use zeroize::Zeroize;

use super::store::{
    ContactRow, DeviceRow, MessageRow, OneTimePrekeyRow, RatchetRow, SessionRow, SignedPrekeyRow,
    SkippedKeyRow,
};
use super::v1::{Payload, TransferBody};

macro_rules! zeroise_on_drop {
    ($($message:ty: $($field:ident),+;)+) => {$(
        impl Drop for $message {
            fn drop(&mut self) {
                $(self.$field.zeroize();)+
            }
        }
    )+};
}

zeroise_on_drop! {
    DeviceRow: identity_seed;
    SignedPrekeyRow: secret;
    OneTimePrekeyRow: secret;
    ContactRow: hint_key;
    SessionRow: hint_key;
    RatchetRow: root_key, own_secret, sending_chain_key, receiving_chain_key;
    SkippedKeyRow: message_key;
    MessageRow: content;
    Payload: content;
    TransferBody: identity_seed, link_token;
}
