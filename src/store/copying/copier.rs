//! The order in which a store comes to another place, so that whatever ends it there is one store, and never two.

use std::path::PathBuf;

use super::file::FileSide;
use super::parts::{BEFORE_ALL, Held, Side};
use crate::crypto::{RunningHash, Secret, SecretBytes, system_random};
use crate::store::header::{CopyId, Header, Standing};
use crate::store::lifecycle::Beginning;
use crate::store::slots::Keys;
use crate::store::{Sequence, StoreError, StoreKey, machine_now};

/// Where a store is, or is to be.
#[derive(Debug)]
pub struct Place(Box<dyn Side>);

impl Place {
    /// A file, and its key slots beside it.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        Self(Box::new(FileSide(path)))
    }

    /// A database.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn database(address: crate::store::postgres::Address) -> Self {
        Self(Box::new(address))
    }
}

/// How a copying ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The copy, of so many rows, is the store.
    Whole(u64),
    /// As the caller wished; the store is where it was.
    Stopped,
}

/// Who is told how far it is.
type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Carries the store at `from` to `to`, where the same key opens it, and retires the one at `from`.
///
/// 1. Everything is written at `to`, in one transaction, as a store that is arriving. 2. It is opened there and compared, row by row, with
///    what is at `from`. 3. The header at `from` says that it left: this is what decides. 4. The header at `to` says that it is in use.
///    5. The key slots at `from` are overwritten.
///
/// What is called again with the same places goes on from where it stopped. `progress` is told of rows that are through, written and
/// compared, and of how many there are in both; `false` stops it before anything is decided.
pub fn copy(
    (from, to): (&Place, &Place),
    key: &StoreKey,
    progress: Progress<'_>,
) -> Result<Copied, StoreError> {
    let mut work = Copying {
        progress,
        done: 0,
        total: 0,
        stopped: false,
    };
    let to = to.0.as_ref();
    let held = from
        .0
        .hold(key, &mut |source| match source.header().standing {
            Standing::InUse => work.carry(source, to, key),
            Standing::Left(copy) => finish(source, to, key, copy),
            arriving @ Standing::Arriving(_) => arriving.in_use(),
        });
    match held {
        Err(_) if work.stopped => Ok(Copied::Stopped),
        held => held.map(|()| Copied::Whole(work.total / 2)),
    }
}

struct Copying<'a> {
    progress: Progress<'a>,
    done: u64,
    total: u64,
    stopped: bool,
}

impl Copying<'_> {
    fn carry(
        &mut self,
        source: &mut dyn Held,
        to: &dyn Side,
        key: &StoreKey,
    ) -> Result<(), StoreError> {
        self.total = 2 * source.len()?;
        let copy = *Secret::<16>::random(&mut system_random()?).as_bytes();
        let (mut carried, mut lasts) = (None, Vec::new());
        to.make(key, beginning(source, copy)?, &mut |target| {
            let mut digest = RunningHash::default();
            self.through(source, &mut digest, &mut |row, value| {
                target.put(row, value)
            })?;
            for sequence in Sequence::ALL {
                let last = source.last_id(sequence)?;
                target.set_last(sequence, last)?;
                lasts.push((sequence, last));
            }
            carried = Some(digest.finish());
            Ok(())
        })?;
        to.hold(key, &mut |target| {
            let mut digest = RunningHash::default();
            self.through(target, &mut digest, &mut |_, _| Ok(()))?;
            let mut same = target.header().standing == Standing::Arriving(copy)
                && carried == Some(digest.finish());
            for (sequence, last) in &lasts {
                same &= target.last_id(*sequence)? == *last;
            }
            if !same {
                let what = "copy at the new place";
                return Err(StoreError::Damaged { what });
            }
            source.stand(Standing::Left(copy))?;
            target.stand(Standing::InUse)
        })?;
        source.forget_keys()
    }

    /// Goes through all rows, and sums them up.
    fn through(
        &mut self,
        store: &dyn Held,
        digest: &mut RunningHash,
        each: &mut dyn FnMut(Vec<u8>, SecretBytes) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after = BEFORE_ALL.to_vec();
        loop {
            let page = store.page(&after)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for (row, value) in page {
                for part in [row.as_slice(), &value] {
                    digest.update(&(part.len() as u64).to_be_bytes());
                    digest.update(part);
                }
                each(row, value)?;
                self.done += 1;
            }
            if !(self.progress)(self.done, self.total.max(self.done)) {
                self.stopped = true;
                return Err(StoreError::Closed);
            }
        }
    }
}

/// The decision was made before: the copy is the store.
fn finish(
    source: &mut dyn Held,
    to: &dyn Side,
    key: &StoreKey,
    copy: CopyId,
) -> Result<(), StoreError> {
    let store_id = source.header().store_id;
    let held = to.hold(key, &mut |target| {
        let header = target.header();
        match header.standing {
            Standing::Arriving(of) if of == copy => target.stand(Standing::InUse),
            Standing::InUse if header.store_id == store_id => Ok(()),
            _ => Err(StoreError::Moved),
        }
    });
    match held {
        // It went to another place than this.
        Err(StoreError::NotFound) => Err(StoreError::Moved),
        held => held.and_then(|()| source.forget_keys()),
    }
}

/// The same store under new keys, one epoch later. Names of rows are hashed under the data key, so that stays.
fn beginning(source: &dyn Held, copy: CopyId) -> Result<Beginning, StoreError> {
    let (header, (data_key, slots)) = (source.header(), source.data_key());
    let behind = header.opened == slots || header.opened == slots.saturating_add(1);
    let opened = header.opened.max(slots).saturating_add(1);
    let epoch = header.epoch.saturating_add(1);
    let root = Secret::random(&mut system_random()?);
    Ok(Beginning {
        header: Header {
            epoch,
            // A rollback that nobody was told of yet is noticed at the first opening there: two apart is what no crash leaves.
            opened: if behind {
                opened
            } else {
                opened.saturating_add(2)
            },
            shredded_at: machine_now(),
            standing: Standing::Arriving(copy),
            ..header
        },
        keys: Keys {
            data_key,
            epochs: vec![(epoch, root)],
            opened,
        },
    })
}
