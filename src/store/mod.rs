//! The encrypted store: rows of bytes, sealed, in one redb file and one small key-slot file (docs/store.md).
//!
//! It knows nothing of protocols. What it promises the layers above ([`StorageEngine`]): a step that returned is durable, one that
//! failed left no trace; whoever has the files has sizes, counts and times; what was deleted is gone after [`Store::shred`].

mod as_engine;
mod backup;
mod census;
#[cfg(not(target_arch = "wasm32"))]
pub mod copying;
mod counters;
mod database;
mod engine;
mod error;
mod fault;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
mod group;
mod guard;
mod handle;
mod header;
mod key;
mod key_slots;
mod key_text;
mod lifecycle;
mod medium;
#[cfg(not(target_arch = "wasm32"))]
mod named_file;
mod opening;
#[cfg(unix)]
mod other_names;
mod path;
#[cfg(all(feature = "postgres", not(target_arch = "wasm32")))]
pub mod postgres;
mod reader;
mod rekey;
mod rows;
mod sequence;
mod shred;
mod slots;
mod state;
mod steps;
mod table;
mod tree;
mod writer;

pub use backup::{BackupReader, BackupWriter};
pub use engine::{Inspection, Refused, ShredReport, StorageEngine};
pub use error::StoreError;
pub use fault::FileFault;
#[cfg(not(target_arch = "wasm32"))]
pub use folder::{Folder, machine_now};
pub use handle::Store;
pub use key::StoreKey;
pub use key_slots::{KeySlots, SLOT_LEN, SlotNumber};
pub use medium::{Medium, StoreFile};
pub(crate) use path::{fault, new_file, of_new, owners_only, publish};
pub use reader::Reader;
pub use rows::{Direction, OrderedRow, Rows, RowsMut, WHOLE_GROUP};
pub use sequence::Sequence;
pub use table::{Key, Table};
pub use writer::Writer;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests;
