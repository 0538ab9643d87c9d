//! Rows that hold secrets: their fields are zeroised when the row is dropped.

use crate::crypto::wipe;

use super::store::{
    BackupRecord, ContactListRow, ContactRow, DeviceRow, EpochChainRow, EpochsRow, GivenPrekeyRow,
    GroupJoinRow, GroupLinkRow, HealingKeyRow, HealingRootRow, HealingRow, JoiningRow, LinkingRow,
    MessageRow, OneTimePrekeyRow, PendingLinkRow, RatchetRow, ReceivedChain, ReceivingRatchetRow,
    ScheduledRow, SckaRow, SessionRow, SignedPrekeyRow, SkippedKeyRow, TakenPrekeyRow,
    backup_record::Record,
};
use super::v2::{
    Attachment, Copy, DeviceLink, GroupJoinRequest, HealingRequest, OwnWords, Pair, Payload,
    PrivatePrekey, SignedBundle, TransferBody,
};

macro_rules! zeroise_on_drop {
    ($($message:ty: $($field:ident),+;)+) => {$(
        impl Drop for $message {
            fn drop(&mut self) {
                $(wipe(&mut self.$field);)+
            }
        }
    )+};
}

zeroise_on_drop! {
    DeviceRow: identity_seed;
    SignedPrekeyRow: secret, kem_seed;
    OneTimePrekeyRow: secret, code_secret;
    ContactRow: hint_key, bundle;
    ContactListRow: hint_key;
    SessionRow: hint_key;
    RatchetRow: root_key, own_secret, sending_chain_key, receiving_chain_key, header_key, next_header_key, expected_header_key;
    ReceivedChain: header_key;
    ReceivingRatchetRow: header_key, chain_key, root_key, own_secret, expected_header_key;
    EpochsRow: root_key;
    EpochChainRow: chain_key, next_chain_key;
    SckaRow: seed;
    SkippedKeyRow: message_key;
    MessageRow: content;
    ScheduledRow: content;
    LinkingRow: secret;
    JoiningRow: secret;
    PendingLinkRow: token;
    HealingRow: link_token;
    HealingKeyRow: key;
    GroupLinkRow: token;
    GroupJoinRow: token;
    GivenPrekeyRow: secret, code_secret;
    TakenPrekeyRow: secret;
    HealingRootRow: key;
    Payload: content;
    Pair: healing_key;
    PrivatePrekey: secret;
    SignedBundle: code_secret;
    TransferBody: identity_seed, link_token;
    OwnWords: key;
    HealingRequest: link_token;
    DeviceLink: token;
    GroupJoinRequest: token;
    Copy: content;
    Attachment: key;
}

/// The other records are rows, which see to themselves.
impl Drop for BackupRecord {
    fn drop(&mut self) {
        if let Some(Record::IdentitySeed(secret) | Record::OwnWords(secret)) = &mut self.record {
            wipe(secret);
        }
    }
}
