//! An open store in a database: the keys of the epoch, and how they are found out again when another process has replaced them.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::claims::Claims;
use super::connection::{Ask, Connection, Value};
use super::known::Known;
use super::pool::Pool;
use super::source::pairs;
use super::trouble::Trouble;
use crate::crypto::{Secret, hkdf_sha256};
use crate::store::StoreError;
use crate::store::guard::{lock, read};
use crate::store::header::Header;
use crate::store::slots::{Keys, Slots};
use crate::store::state::header_key;
use crate::store::tree::{self, HEADER_ROW, ROOT_ROW, Tree};

/// How long a process waits for another one that has the whole store for itself: to shred it, to open it, to change its key.
const TURN_PATIENCE: Duration = Duration::from_secs(120);
/// How often it looks.
pub(super) const TURN_PAUSE: Duration = Duration::from_millis(10);
/// An epoch that is replaced again and again while it is read.
const MAX_READINGS: u32 = 300;

/// What replaces keys holds this lock to its end, also where nobody waits for its answer any more.
const NOBODY_ELSE: &str = "BEGIN; LOCK TABLE rows IN SHARE ROW EXCLUSIVE MODE; COMMIT";

/// A store in a database that any number of processes have open. Any thread may call anything.
pub struct Postgres {
    pub(super) pool: Pool,
    /// Whose store it is: after `fork` two processes would speak on one connection.
    pub(super) process_id: u32,
    pub(super) rollback_noticed: bool,
    /// Nothing once it is closed.
    pub(super) epoch: RwLock<Option<Arc<Epoch>>>,
    pub(super) ring: Mutex<Ring>,
    pub(super) counted: Counted,
    pub(super) claims: Mutex<Claims>,
    pub(super) known: Mutex<Known>,
    /// A number of this process; two that have the same one are in each other's way, and nothing worse.
    pub(super) lane: u8,
}

/// What has happened since it was opened.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) steps: AtomicU64,
    pub(super) again: AtomicU64,
    pub(super) trips: AtomicU64,
}

/// What opens the rows, until the next shred by anybody.
pub(super) struct Epoch {
    pub(super) header: Header,
    /// The header's row; as long as it is the same, so is everything else here.
    pub(super) row: Vec<u8>,
    pub(super) tree: Arc<Tree>,
}

/// The keys that open epochs. Whoever has the guard of it may still not be alone: other processes have a ring, too.
pub(super) struct Ring {
    pub(super) slots: Slots,
    pub(super) keys: Keys,
    pub(super) header_key: Secret<32>,
}

impl Ring {
    pub(super) fn new(slots: Slots, keys: Keys) -> Self {
        let header_key = header_key(&keys.data_key);
        Self {
            slots,
            keys,
            header_key,
        }
    }

    pub(super) fn epoch_key(&self, epoch: u64) -> Option<&Secret<32>> {
        let mut epochs = self.keys.epochs.iter();
        epochs
            .find(|(number, _)| *number == epoch)
            .map(|(_, key)| key)
    }

    /// The epoch that the database is in, of a store that is to be used.
    pub(super) fn read(&mut self, connection: &mut Connection) -> Result<Epoch, Trouble> {
        let epoch = self.read_any(connection)?;
        epoch.header.standing.in_use()?;
        Ok(epoch)
    }

    /// The epoch that the database is in, by the slots as they are now.
    ///
    /// The two are read one after the other, so a shred may end in between: then they do not fit, and are read again.
    pub(super) fn read_any(&mut self, connection: &mut Connection) -> Result<Epoch, Trouble> {
        let mut readings = 0;
        loop {
            let (row, root) = own_rows(connection)?;
            self.keys = match self.slots.read_again() {
                Ok(keys) => keys,
                // Slots that open no more are those of a user's key that was changed.
                Err(error) => match blamed(connection, error)? {
                    StoreError::KeySlotsDamaged => return Err(StoreError::WrongKey.into()),
                    error => return Err(error.into()),
                },
            };
            let header = Header::decode(&row, &self.header_key)?;
            if let Some(key) = self.epoch_key(header.epoch) {
                let root = tree::Keys::open(key, &header.store_id, &ROOT_ROW, &root)?;
                let lookup_key = lookup_key(&header, &self.keys);
                let tree = Arc::new(Tree::new(header.store_id, lookup_key, root));
                return Ok(Epoch { header, row, tree });
            }
            readings += 1;
            if readings == MAX_READINGS {
                return Err(self.mismatch(&header).into());
            }
            thread::sleep(TURN_PAUSE);
        }
    }

    pub(super) fn mismatch(&self, header: &Header) -> StoreError {
        if self.slots.of_two_keys() {
            // The key was changed, and the slot of the former one not yet overwritten.
            return StoreError::WrongKey;
        }
        let newest = self.keys.epochs.iter().map(|(number, _)| *number).max();
        StoreError::EpochMismatch {
            store: header.epoch,
            slots: newest.unwrap_or(0),
        }
    }

    /// Runs `f` while no other process of the fleet replaces keys, nor a server still works on what somebody began who is gone.
    pub(super) fn in_turn<T>(
        &mut self,
        connect: impl FnOnce() -> Result<Connection, Trouble>,
        f: impl FnOnce(&mut Self, &mut Connection) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let begun = Instant::now();
        loop {
            match self.slots.take_turn() {
                Ok(()) => break,
                Err(StoreError::Locked) if begun.elapsed() < TURN_PATIENCE => {
                    thread::sleep(TURN_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let done = connect().and_then(|mut connection| {
            connection.command(NOBODY_ELSE)?;
            f(self, &mut connection)
        });
        self.slots.unlock();
        done
    }

    /// Leaves only the key of the epoch that the database is in. Ends what a crash, here or elsewhere, interrupted.
    pub(super) fn forget_others(&mut self, header: &Header) -> Result<(), StoreError> {
        if self.keys.epochs.len() == 1 {
            return Ok(());
        }
        let key = self.epoch_key(header.epoch);
        let key = key.ok_or_else(|| self.mismatch(header))?.duplicate();
        let only = Keys {
            data_key: self.keys.data_key.duplicate(),
            epochs: vec![(header.epoch, key)],
            opened: self.keys.opened,
        };
        let rng = &mut crate::crypto::system_random()?;
        self.slots.write_both(&only, rng)?;
        self.keys = only;
        Ok(())
    }
}

pub(super) fn lookup_key(header: &Header, keys: &Keys) -> Secret<32> {
    hkdf_sha256(
        &header.store_id,
        keys.data_key.as_bytes(),
        b"Windlass store v1 look-up",
    )
}

/// The rows of the header and of the root, as they are at one moment.
pub(super) fn own_rows(connection: &mut Connection) -> Result<(Vec<u8>, Vec<u8>), Trouble> {
    let keys = vec![Value::Many(vec![&ROOT_ROW, &HEADER_ROW])];
    let sql = "SELECT k, v FROM rows WHERE k = ANY ($1::bytea[]) ORDER BY k";
    let rows = connection.ask(&[Ask::new(sql, keys)])?;
    let mut rows = pairs(rows.into_iter().flatten().collect()).into_iter();
    match (rows.next(), rows.next()) {
        (Some((_, root)), Some((_, header))) => Ok((header, root)),
        _ => Err(StoreError::NotFound.into()),
    }
}

/// Why the slots do not open, by the header as it is by now: the two are not read at one moment.
pub(super) fn blamed(
    connection: &mut Connection,
    error: StoreError,
) -> Result<StoreError, Trouble> {
    let (row, _) = own_rows(connection)?;
    Ok(Header::blamed(&row, error))
}

impl Postgres {
    pub(super) fn check_process(&self) -> Result<(), StoreError> {
        if self.process_id != std::process::id() {
            return Err(StoreError::Forked);
        }
        Ok(())
    }

    /// The epoch as it was known last.
    pub(super) fn epoch(&self) -> Result<Arc<Epoch>, StoreError> {
        self.check_process()?;
        read(&self.epoch).clone().ok_or(StoreError::Closed)
    }

    /// Finds out which epoch the database is in.
    pub(super) fn refresh(&self, connection: &mut Connection) -> Result<Arc<Epoch>, Trouble> {
        let epoch = Arc::new(self.ring().read(connection)?);
        self.learn(&epoch);
        Ok(epoch)
    }

    /// What a closed store learns it forgets.
    pub(super) fn learn(&self, epoch: &Arc<Epoch>) {
        let mut known = crate::store::guard::write(&self.epoch);
        if known.is_some() {
            *known = Some(Arc::clone(epoch));
        }
    }

    pub(super) fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }
}

impl core::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Postgres")
            .field("address", &self.pool.address)
            .finish_non_exhaustive()
    }
}
