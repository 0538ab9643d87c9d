//! What is in the key slots, sealed, and which of the two is in force (docs/store.md, "Key slots").
//!
//! redb copies on write, so what was ever in its file may still be there. The wrapped data key and the epoch root keys are
//! therefore in two slots of fixed length, which are overwritten one after the other.

use super::error::StoreError;
use super::key::{Derivation, StoreKey, WrappingKey};
use super::key_slots::{KeySlots, SLOT_LEN, SlotNumber};
use crate::crypto::{self, CryptoRng, Secret, SecretBytes, sha256};

/// Version of the slots' format.
pub(super) const SLOT_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"WLKEYSLT";
/// magic, version, store id, write number, open counter, derivation (kind, memory, iterations, lanes), salt.
const HEAD_LEN: usize = 8 + 4 + 16 + 8 + 8 + Derivation::LEN + 16;
/// data key, then two of (epoch, root key); an absent second one is all zero.
const SECRETS_LEN: usize = 32 + 2 * (8 + 32);
const SEALED_LEN: usize = SECRETS_LEN + crypto::SEAL_OVERHEAD;
const CHECKSUM_LEN: usize = 32;

/// An epoch's number and root key.
pub(super) type Epoch = (u64, Secret<32>);

/// What the slots hold.
pub(super) struct Keys {
    pub(super) data_key: Secret<32>,
    /// The current epoch; during a shred also the next one.
    pub(super) epochs: Vec<Epoch>,
    /// How often the store was opened and closed; the same number in the store tells an older copy of one of the two files.
    pub(super) opened: u64,
}

/// The key slots of a store that is open.
pub(super) struct Slots {
    kept: Box<dyn KeySlots>,
    wrapping: WrappingKey,
    store_id: [u8; 16],
    /// Number of the latest write; the parity says which slot it is in.
    written: u64,
    /// While the user's key is being changed.
    former: Option<WrappingKey>,
    of_two_keys: bool,
}

/// Slots that nobody else makes a store with.
pub(super) struct Locked(Box<dyn KeySlots>);

/// A slot whose checksum is right.
struct Slot {
    head: [u8; HEAD_LEN],
    sealed: [u8; SEALED_LEN],
}

impl Slots {
    /// Takes the slots of a store that is being made, before a byte of them is changed: of two processes that make one store, the
    /// second must not empty the keys of the first.
    pub(super) fn lock(kept: Box<dyn KeySlots>) -> Result<Locked, StoreError> {
        kept.lock()?;
        Ok(Locked(kept))
    }

    pub(super) fn unlock(&self) {
        self.kept.unlock();
    }

    /// Keeps away others who have the same slots, where they are more than one; until [`Self::unlock`].
    #[cfg(feature = "postgres")]
    pub(super) fn take_turn(&self) -> Result<(), StoreError> {
        self.kept.lock()
    }

    /// Both slots of a new store.
    pub(super) fn create(
        Locked(kept): Locked,
        key: &StoreKey,
        store_id: [u8; 16],
        keys: &Keys,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, StoreError> {
        kept.clear()?;
        let mut slots = Self {
            kept,
            wrapping: WrappingKey::create(key, rng)?,
            store_id,
            written: 0,
            former: None,
            of_two_keys: false,
        };
        slots.write_both(keys, rng)?;
        Ok(slots)
    }

    /// Opens the keys. While the user's key is being changed the two slots may be for two of them, so either counts.
    pub(super) fn open(
        kept: Box<dyn KeySlots>,
        key: &StoreKey,
    ) -> Result<(Self, Keys), StoreError> {
        let mut refused = StoreError::KeySlotsDamaged;
        let mut tried = None;
        let found = read_slots(kept.as_ref())?;
        for (_, head) in &found {
            // A passphrase costs a second to try, and both slots are for the same one but during a change.
            if tried == Some(head.salt) {
                continue;
            }
            tried = Some(head.salt);
            let wrapping = WrappingKey::derive(key, head.derivation.clone()?, head.salt)?;
            let Some((written, keys)) = open_slots(&found, &wrapping.key)? else {
                refused = StoreError::WrongKey;
                continue;
            };
            let of_two_keys = found.iter().any(|(_, other)| other.salt != head.salt);
            let slots = Self {
                kept,
                wrapping,
                store_id: head.store_id,
                written,
                former: None,
                of_two_keys,
            };
            return Ok((slots, keys));
        }
        Err(refused)
    }

    /// What the slots say now, after a write that may or may not have reached them.
    pub(super) fn read_again(&mut self) -> Result<Keys, StoreError> {
        let found = read_slots(self.kept.as_ref())?;
        let (written, keys) =
            open_slots(&found, &self.wrapping.key)?.ok_or(StoreError::KeySlotsDamaged)?;
        self.written = written;
        Ok(keys)
    }

    pub(super) fn store_id(&self) -> [u8; 16] {
        self.store_id
    }

    pub(super) fn derivation(&self) -> Derivation {
        self.wrapping.derivation
    }

    /// Writes the slot that is not the latest. The latest stays readable until this one is durable.
    pub(super) fn write(&mut self, keys: &Keys, rng: &mut dyn CryptoRng) -> Result<(), StoreError> {
        let written = self.written + 1;
        let bytes = self.encode(keys, written, rng)?;
        let slot = match written % 2 {
            0 => SlotNumber::First,
            _ => SlotNumber::Second,
        };
        self.kept.write(slot, &bytes)?;
        self.written = written;
        Ok(())
    }

    /// Writes one slot after the other, so that nothing of the earlier keys stays in them.
    pub(super) fn write_both(
        &mut self,
        keys: &Keys,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StoreError> {
        self.kept.renew()?;
        self.write(keys, rng)?;
        self.write(keys, rng)?;
        self.kept.forget_former()?;
        self.former = None;
        self.of_two_keys = false;
        Ok(())
    }

    /// Writes one slot under another user's key. The other one stays as it is, and [`Self::go_back`] leads to it.
    pub(super) fn rewrap(
        &mut self,
        key: &StoreKey,
        keys: &Keys,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StoreError> {
        let former = core::mem::replace(&mut self.wrapping, WrappingKey::create(key, rng)?);
        if let Err(error) = self.write(keys, rng) {
            self.wrapping = former;
            return Err(error);
        }
        self.former = Some(former);
        self.of_two_keys = true;
        Ok(())
    }

    /// The change did not come about: the slot under the new key, the latest, is the next to be overwritten.
    pub(super) fn go_back(&mut self) {
        if let Some(former) = self.former.take() {
            self.wrapping = former;
            self.written = self.written.saturating_sub(1);
        }
    }

    /// Whether a slot is under another key than the one that opened: a change of key did not come to its end.
    pub(super) fn of_two_keys(&self) -> bool {
        self.of_two_keys
    }

    /// Overwrites both with what opens nothing.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn forget(&self) -> Result<(), StoreError> {
        self.kept.renew()?;
        self.kept.write(SlotNumber::First, &[0; SLOT_LEN])?;
        self.kept.write(SlotNumber::Second, &[0; SLOT_LEN])?;
        self.kept.forget_former()
    }

    fn encode(
        &self,
        keys: &Keys,
        written: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, StoreError> {
        let mut slot = Vec::with_capacity(SLOT_LEN);
        slot.extend_from_slice(MAGIC);
        slot.extend_from_slice(&SLOT_VERSION.to_be_bytes());
        slot.extend_from_slice(&self.store_id);
        slot.extend_from_slice(&written.to_be_bytes());
        slot.extend_from_slice(&keys.opened.to_be_bytes());
        slot.extend_from_slice(&self.wrapping.derivation.to_bytes());
        slot.extend_from_slice(&self.wrapping.salt);

        let mut secrets = SecretBytes::new(Vec::with_capacity(SECRETS_LEN));
        secrets.extend_from_slice(keys.data_key.as_bytes());
        for (number, root) in keys.epochs.iter().take(2) {
            secrets.extend_from_slice(&number.to_be_bytes());
            secrets.extend_from_slice(root.as_bytes());
        }
        secrets.resize(SECRETS_LEN, 0);
        let sealed = crypto::seal(&self.wrapping.key, &secrets, &slot, rng)?;
        slot.extend_from_slice(&sealed);
        slot.resize(SLOT_LEN - CHECKSUM_LEN, 0);
        let checksum = sha256(&[&slot]);
        slot.extend_from_slice(&checksum);
        Ok(slot)
    }
}

impl Slot {
    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SLOT_LEN {
            return None;
        }
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
        if sha256(&[content]) != *checksum || !content.starts_with(MAGIC) {
            return None;
        }
        let (head, rest) = content.split_first_chunk::<HEAD_LEN>()?;
        let (sealed, _) = rest.split_first_chunk::<SEALED_LEN>()?;
        Some(Self {
            head: *head,
            sealed: *sealed,
        })
    }
}

struct Head {
    version: u32,
    store_id: [u8; 16],
    written: u64,
    opened: u64,
    derivation: Result<Derivation, StoreError>,
    salt: [u8; 16],
}

impl Head {
    fn parse(head: &[u8; HEAD_LEN]) -> Option<Self> {
        let (_, rest) = head.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (store_id, rest) = rest.split_first_chunk::<16>()?;
        let (written, rest) = rest.split_first_chunk::<8>()?;
        let (opened, rest) = rest.split_first_chunk::<8>()?;
        let (derivation, rest) = rest.split_first_chunk::<{ Derivation::LEN }>()?;
        let (salt, _) = rest.split_first_chunk::<16>()?;
        let derivation = Derivation::from_bytes(derivation).ok_or(StoreError::KeySlotsDamaged);
        Some(Self {
            version: u32::from_be_bytes(*version),
            store_id: *store_id,
            written: u64::from_be_bytes(*written),
            opened: u64::from_be_bytes(*opened),
            derivation,
            salt: *salt,
        })
    }
}

impl Keys {
    fn parse(secrets: &[u8], opened: u64) -> Result<Self, StoreError> {
        let (data_key, epochs) = parse_secrets(secrets).ok_or(StoreError::KeySlotsDamaged)?;
        Ok(Self {
            data_key,
            epochs,
            opened,
        })
    }
}

/// The slots that are whole, the latest first. One of a newer version is told as such.
fn read_slots(kept: &dyn KeySlots) -> Result<Vec<(Slot, Head)>, StoreError> {
    let mut slots: Vec<_> = kept
        .read()?
        .iter()
        .filter_map(|bytes| Slot::read(bytes))
        .filter_map(|slot| {
            let head = Head::parse(&slot.head)?;
            Some((slot, head))
        })
        .collect();
    slots.sort_by_key(|(_, head)| core::cmp::Reverse(head.written));
    if let Some((_, head)) = slots.iter().find(|(_, head)| head.version > SLOT_VERSION) {
        return Err(StoreError::NewerVersion {
            got: head.version,
            max: SLOT_VERSION,
        });
    }
    Ok(slots)
}

/// The keys of the latest slot that opens, and its write number. Behind its epochs stand those that only the other slot still holds:
/// a shred that did not come to its end left them, and they are to be overwritten.
fn open_slots(slots: &[(Slot, Head)], key: &Secret<32>) -> Result<Option<(u64, Keys)>, StoreError> {
    let mut found: Option<(u64, Keys)> = None;
    for (slot, head) in slots {
        let Ok(secrets) = crypto::open(key, &slot.sealed, &slot.head) else {
            continue;
        };
        let keys = Keys::parse(&secrets, head.opened)?;
        let Some((_, latest)) = &mut found else {
            found = Some((head.written, keys));
            continue;
        };
        for epoch in keys.epochs {
            if !latest.epochs.contains(&epoch) {
                latest.epochs.push(epoch);
            }
        }
    }
    Ok(found)
}

fn parse_secrets(secrets: &[u8]) -> Option<(Secret<32>, Vec<Epoch>)> {
    let (data_key, mut rest) = secrets.split_first_chunk::<32>()?;
    let mut epochs = Vec::new();
    while let Some((number, after)) = rest.split_first_chunk::<8>() {
        let (root, after) = after.split_first_chunk::<32>()?;
        rest = after;
        let number = u64::from_be_bytes(*number);
        if number != 0 {
            epochs.push((number, Secret::try_from_slice(root)?));
        }
    }
    Some((Secret::try_from_slice(data_key)?, epochs))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
