//! What is asked of both places of a copying.

use core::fmt::Debug;
use core::ops::Bound;

use crate::crypto::{Secret, SecretBytes};
use crate::store::header::{Header, Standing};
use crate::store::lifecycle::Beginning;
use crate::store::reader::{OwnedBounds, RawRow};
use crate::store::tree::is_own;
use crate::store::{Sequence, StoreError, StoreKey, Table};

/// Rows that are in memory at once.
pub(in crate::store) const AT_ONCE: usize = 256;

/// The keys of all rows that are carried are above it: places of tables begin at 1, and a key is longer than its place.
pub(in crate::store) const BEFORE_ALL: [u8; 1] = [1];

/// A row: its key as the engine has it, and its value, opened.
pub(in crate::store) type CarriedRow = (Vec<u8>, SecretBytes);

/// What is done with a store while it is held.
pub(in crate::store) type Work<'a> = &'a mut dyn FnMut(&mut dyn Held) -> Result<(), StoreError>;

/// What gives a new store its rows.
pub(in crate::store) type Fill<'a> = &'a mut dyn FnMut(&mut dyn Filling) -> Result<(), StoreError>;

/// Where a store is, or is to be.
pub(in crate::store) trait Side: Debug {
    /// Keeps everybody else from a store that is there, whatever its standing, and shows it to `work`. It is not counted as an opening.
    fn hold(&self, key: &StoreKey, work: Work<'_>) -> Result<(), StoreError>;

    /// Makes a store that begins as `beginning` and has the rows that `fill` brings: with all of them, or not at all. In place of one of
    /// the same id that is still arriving; refuses where any other is.
    fn make(&self, key: &StoreKey, beginning: Beginning, fill: Fill<'_>) -> Result<(), StoreError>;
}

/// A store that nobody else reads or writes.
pub(in crate::store) trait Held {
    fn header(&self) -> Header;

    /// The key that look-up keys come of, and how often the slots say that it was opened.
    fn data_key(&self) -> (Secret<32>, u64);

    /// How many rows are carried.
    fn len(&self) -> Result<u64, StoreError>;

    /// The rows behind `after`, in the order of their keys, at most [`AT_ONCE`].
    fn page(&self, after: &[u8]) -> Result<Vec<CarriedRow>, StoreError>;

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError>;

    /// Has another standing from now on, durably. Nothing else is asked of it afterwards but [`Self::forget_keys`].
    fn stand(&mut self, standing: Standing) -> Result<(), StoreError>;

    /// Overwrites the key slots: nobody opens it any more.
    fn forget_keys(&mut self) -> Result<(), StoreError>;
}

/// A store that is being made.
pub(in crate::store) trait Filling {
    fn put(&mut self, row: Vec<u8>, value: SecretBytes) -> Result<(), StoreError>;

    /// Goes on behind `last`.
    fn set_last(&mut self, sequence: Sequence, last: u64) -> Result<(), StoreError>;
}

/// The next rows behind `after` that are carried, as many as one reading has. `read` gives what an engine has between bounds, at most
/// [`AT_ONCE`], and `unseal` opens it.
pub(in crate::store) fn page_behind(
    after: &[u8],
    read: impl Fn(&OwnedBounds) -> Result<Vec<RawRow>, StoreError>,
    unseal: impl Fn(Table, &[u8], &[u8]) -> Result<SecretBytes, StoreError>,
) -> Result<Vec<CarriedRow>, StoreError> {
    let mut after = after.to_vec();
    loop {
        let rows = read(&(Bound::Excluded(after), Bound::Unbounded))?;
        let Some((last, _)) = rows.last() else {
            return Ok(Vec::new());
        };
        after = last.clone();
        let carried = rows.into_iter().filter(|(row, _)| is_carried(row));
        let opened = carried.map(|(row, sealed)| {
            let table = Table::of_row(&row).ok_or(StoreError::Damaged { what: "row keys" })?;
            let value = unseal(table, &row, &sealed)?;
            Ok((row, value))
        });
        let page = opened.collect::<Result<Vec<_>, StoreError>>()?;
        if !page.is_empty() {
            return Ok(page);
        }
    }
}

/// Whether a row is carried as it is. The store's own are made anew, and sequences are carried by what they say, since engines keep them in their
/// own ways.
fn is_carried(row: &[u8]) -> bool {
    !is_own(row) && Table::of_row(row) != Some(Table::Sequences)
}
