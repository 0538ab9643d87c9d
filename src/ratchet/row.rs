//! A ratchet as the store keeps it, and back.

use super::epochs::Epochs;
use super::state::{OwnKey, ReceivedChain};
use super::{ChainKey, HeaderKey, Ratchet, RatchetError, RootKey};
use crate::crypto::{DhPublic, DhSecret, Secret};
use crate::limits::MAX_RECEIVING_CHAINS;
use crate::wire::store::{RatchetRow, ReceivedChain as ReceivedChainRow};

impl Ratchet {
    /// The row of this state, without its skipped keys.
    #[must_use]
    pub fn to_row(&self) -> RatchetRow {
        let chain_bytes =
            |chain: &Option<ChainKey>| chain.as_ref().map(|key| key.as_bytes().to_vec());
        let header_bytes = |key: &HeaderKey| key.to_bytes().as_bytes().to_vec();
        RatchetRow {
            root_key: self.root.as_bytes().to_vec(),
            remote_key: self
                .remote_key
                .map(|key| key.as_bytes().to_vec())
                .unwrap_or_default(),
            own_secret: self
                .own
                .as_ref()
                .map(|own| own.secret.to_bytes().as_bytes().to_vec())
                .unwrap_or_default(),
            own_public: self
                .own
                .as_ref()
                .map(|own| own.public.as_bytes().to_vec())
                .unwrap_or_default(),
            header_key: self
                .header_key
                .as_ref()
                .map(header_bytes)
                .unwrap_or_default(),
            next_header_key: header_bytes(&self.next_header_key),
            expected_header_key: header_bytes(&self.expected_header_key),
            sending_chain_key: chain_bytes(&self.sending).unwrap_or_default(),
            sent: self.sent,
            previous_sent: self.previous_sent,
            receiving_chain_key: chain_bytes(&self.receiving).unwrap_or_default(),
            received: self.received,
            chains: self
                .chains
                .iter()
                .map(|chain| ReceivedChainRow {
                    ordinal: chain.ordinal,
                    remote_key: chain.remote_key.as_bytes().to_vec(),
                    header_key: header_bytes(&chain.header_key),
                    skipped: chain.skipped,
                    epoch: chain.epoch,
                })
                .collect(),
            epochs: Some(self.epochs.to_row()),
        }
    }

    /// The state of a row. The row was authenticated by the store, so an error is a fault of ours or another version's doing.
    pub fn from_row(row: &RatchetRow) -> Result<Self, RatchetError> {
        if row.chains.len() > MAX_RECEIVING_CHAINS {
            return Err(RatchetError::Damaged);
        }
        Ok(Self {
            root: RootKey::new(secret(&row.root_key)?.ok_or(RatchetError::Damaged)?),
            remote_key: public(&row.remote_key)?,
            remote_point: None,
            own: match (secret(&row.own_secret)?, public(&row.own_public)?) {
                (Some(secret), Some(public)) => Some(OwnKey {
                    secret: DhSecret::from_bytes(&secret),
                    public,
                }),
                (None, None) => None,
                _ => return Err(RatchetError::Damaged),
            },
            header_key: match row.header_key.as_slice() {
                [] => None,
                bytes => Some(header_key(bytes)?),
            },
            next_header_key: header_key(&row.next_header_key)?,
            expected_header_key: header_key(&row.expected_header_key)?,
            sending: secret(&row.sending_chain_key)?.map(ChainKey::new),
            sent: row.sent,
            previous_sent: row.previous_sent,
            receiving: secret(&row.receiving_chain_key)?.map(ChainKey::new),
            received: row.received,
            chains: row
                .chains
                .iter()
                .map(|chain| {
                    Ok(ReceivedChain {
                        ordinal: chain.ordinal,
                        remote_key: public(&chain.remote_key)?.ok_or(RatchetError::Damaged)?,
                        header_key: header_key(&chain.header_key)?,
                        skipped: chain.skipped,
                        epoch: chain.epoch,
                    })
                })
                .collect::<Result<_, RatchetError>>()?,
            epochs: (row.epochs.as_ref())
                .and_then(Epochs::from_row)
                .ok_or(RatchetError::Damaged)?,
        })
    }
}

fn secret(bytes: &[u8]) -> Result<Option<Secret<32>>, RatchetError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    Secret::try_from_slice(bytes)
        .map(Some)
        .ok_or(RatchetError::Damaged)
}

fn header_key(bytes: &[u8]) -> Result<HeaderKey, RatchetError> {
    HeaderKey::from_bytes(bytes).ok_or(RatchetError::Damaged)
}

fn public(bytes: &[u8]) -> Result<Option<DhPublic>, RatchetError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    DhPublic::from_bytes(bytes)
        .map(Some)
        .map_err(|_| RatchetError::Damaged)
}
