//! Key slots whose ciphertext is in the database, and whose key is in Vault's Transit engine, where a version of a key can be made to be no
//! more (docs/store.md, "Slots in Vault").

mod address;
mod http;
mod slots;
mod transit;

pub(super) use address::{Parts, VaultAddress};
pub(super) use slots::VaultSlots;
