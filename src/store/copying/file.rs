//! A store in a file, as a place of a copying.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parts::{AT_ONCE, CarriedRow, Fill, Filling, Held, Side, Work, page_behind};
use crate::crypto::{Secret, SecretBytes};
use crate::store::counters;
use crate::store::database::Opened;
use crate::store::folder::Folder;
use crate::store::guard::guarded;
use crate::store::header::{Header, Standing};
use crate::store::lifecycle::Beginning;
use crate::store::opening::read_own_rows;
use crate::store::path::{beside, fault, sync_folder_of};
use crate::store::reader::{Source, raw_range};
use crate::store::state::Inner;
use crate::store::writer::Writer;
use crate::store::{Direction, Medium, Rows, Sequence, StoreError, StoreKey, Table};

/// The path of a store, or of one that is to be.
#[derive(Debug, Clone)]
pub(super) struct FileSide(pub(super) PathBuf);

struct HeldFile {
    inner: Inner,
    header: Header,
}

impl Side for FileSide {
    fn hold(&self, key: &StoreKey, work: Work<'_>) -> Result<(), StoreError> {
        let medium: Arc<dyn Medium> = Arc::new(Folder::that_is_there(&self.0)?);
        let (inner, header) = Inner::open(&medium, key, |_| Ok(()))?;
        work(&mut HeldFile { inner, header })
    }

    fn make(&self, key: &StoreKey, beginning: Beginning, fill: Fill<'_>) -> Result<(), StoreError> {
        remove_arriving(&self.0, beginning.header.store_id)?;
        let medium: Arc<dyn Medium> = Arc::new(Folder::to_be_made(&self.0)?);
        let rng = medium.random()?;
        let fill = |writer: &mut Writer<'_>| fill(writer);
        Inner::make((&medium, rng), key, beginning, fill).map(|_| ())
    }
}

/// Makes room where a copying of the same store was stopped before it was decided.
fn remove_arriving(path: &Path, store_id: [u8; 16]) -> Result<(), StoreError> {
    let there = match Folder::that_is_there(path) {
        Ok(there) => there,
        Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    {
        // Its lock is held until it is known what it is.
        let opened = Opened::open(&there).map_err(|error| match error {
            StoreError::NotAStore => StoreError::AlreadyExists,
            error => error,
        })?;
        let (header, _) = guarded(|| read_own_rows(&opened))?;
        let claim = Header::peek(&header)?;
        let arriving = matches!(claim.standing, Standing::Arriving(_));
        if !arriving || claim.store_id != store_id {
            return Err(StoreError::AlreadyExists);
        }
    }
    // The slots first: rows that say what they are can be removed again.
    let path = there.path();
    for file in [beside(path, "keys"), path.to_owned()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fault(&file, "removed", error));
            }
            _ => {}
        }
        sync_folder_of(path)?;
    }
    Ok(())
}

impl Held for HeldFile {
    fn header(&self) -> Header {
        self.header
    }

    fn data_key(&self) -> (Secret<32>, u64) {
        let keys = &self.inner.keys;
        (keys.data_key.duplicate(), keys.opened)
    }

    fn len(&self) -> Result<u64, StoreError> {
        guarded(|| {
            let reader = self.inner.reader()?;
            let mut len = 0;
            for table in Table::ALL {
                if table != Table::Sequences {
                    len += reader.count(table)?;
                }
            }
            Ok(len)
        })
    }

    fn page(&self, after: &[u8]) -> Result<Vec<CarriedRow>, StoreError> {
        guarded(|| {
            let reader = self.inner.reader()?;
            page_behind(
                after,
                |(low, high)| raw_range(reader.table(), low, high, Direction::Forward, AT_ONCE),
                |table, row, sealed| reader.unseal(table, row, sealed),
            )
        })
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        guarded(|| self.inner.reader()?.last_id(sequence))
    }

    fn stand(&mut self, standing: Standing) -> Result<(), StoreError> {
        self.inner.standing = standing;
        // What the header says of openings stays, whatever the slots say.
        self.inner.keys.opened = self.header.opened;
        self.inner.census.header_changes();
        guarded(|| self.inner.commit(self.inner.begin_write()?))
    }

    fn forget_keys(&mut self) -> Result<(), StoreError> {
        self.inner.slots.forget()
    }
}

impl Filling for Writer<'_> {
    fn put(&mut self, row: Vec<u8>, value: SecretBytes) -> Result<(), StoreError> {
        self.put_physical(row, value)
    }

    fn set_last(&mut self, sequence: Sequence, last: u64) -> Result<(), StoreError> {
        if last == 0 {
            return Ok(());
        }
        counters::set_last(self, sequence, last)
    }
}
