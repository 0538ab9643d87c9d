//! Making and opening a store in a database.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::address::{Address, SlotPlace};
use super::connection::{Ask, Connection, Value, first};
use super::login;
use super::new_rows::{INSERT, NewRows};
use super::pool::Pool;
use super::replacing::Replacing;
use super::running::Waiting;
use super::schema;
use super::slots::SlotRows;
use super::state::{Counted, Epoch, Postgres, Ring, TURN_PAUSE, blamed, lookup_key, own_rows};
use super::trouble::Trouble;
use super::vault::VaultSlots;
use crate::crypto::{Secret, system_random};
use crate::store::copying::Fill;
use crate::store::folder::slot_file;
use crate::store::header::{Claim, Header, Standing};
use crate::store::lifecycle::Beginning;
use crate::store::slots::{self, Slots};
use crate::store::tree::{self, HEADER_ROW, ROOT_ROW, Tree};
use crate::store::{KeySlots, StoreError, StoreKey, machine_now};

/// How long an opening waits for a server: it may be restarting, or not be where the address says.
const OPENING_PATIENCE: Duration = Duration::from_secs(10);

impl Postgres {
    /// Makes a new store in the schema that the address names. Refuses one where a store is.
    pub fn create(address: &Address, key: &StoreKey) -> Result<Self, StoreError> {
        create(address, key).map_err(|trouble| trouble.told())
    }

    /// Opens a store. Never makes one. A server that is not there is waited for, not for long. Any number of processes may have it open.
    pub fn open(address: &Address, key: &StoreKey) -> Result<Self, StoreError> {
        let mut waiting = Waiting::new(OPENING_PATIENCE);
        loop {
            match open(address, key) {
                Ok(opened) => return Ok(opened),
                Err(trouble) => waiting.after(&trouble)?,
            }
        }
    }

    /// Where the key slots of an address are, for who makes a store there.
    pub fn key_slots(address: &Address) -> Result<Box<dyn KeySlots>, StoreError> {
        slots_of(address, true)
    }

    fn of(address: &Address, ring: Ring, epoch: Epoch, older: bool) -> Result<Self, Trouble> {
        let lane = Secret::<1>::random(&mut system_random()?);
        Ok(Self {
            pool: Pool::new(address.clone()),
            process_id: std::process::id(),
            rollback_noticed: older,
            epoch: RwLock::new(Some(Arc::new(epoch))),
            ring: Mutex::new(ring),
            counted: Counted::default(),
            claims: Mutex::default(),
            known: Mutex::default(),
            lane: u8::from_be_bytes(*lane.as_bytes()),
        })
    }
}

/// The key slots that an address names.
fn slots_of(address: &Address, create: bool) -> Result<Box<dyn KeySlots>, StoreError> {
    match &address.slots {
        SlotPlace::Database => Ok(Box::new(SlotRows::new(address.clone()))),
        SlotPlace::Vault(vault) => Ok(Box::new(VaultSlots::new(address.clone(), vault.clone()))),
        SlotPlace::File(path) => slot_file(path, create).map_err(|error| match error {
            StoreError::NotFound => StoreError::KeySlotsMissing,
            other => other,
        }),
    }
}

fn create(address: &Address, key: &StoreKey) -> Result<Postgres, Trouble> {
    let beginning = Beginning::new(machine_now(), &mut system_random()?);
    let (ring, epoch) = make(address, key, beginning, &mut |_| Ok(()))?;
    Postgres::of(address, ring, epoch, false)
}

/// Makes a store that begins with the rows that `fill` brings: with all of them, or not at all. In place of one of the same id that is
/// still arriving.
pub(super) fn make(
    address: &Address,
    key: &StoreKey,
    Beginning { header, keys }: Beginning,
    fill: Fill<'_>,
) -> Result<(Ring, Epoch), Trouble> {
    let mut connection = login::open(address)?;
    // Slots of which no store is known may be all that opens a copy of one; a file that is empty is of a making that was stopped.
    let unfinished = schema::version(&mut connection)? != 0;
    let is_slots = |path: &Path| path.metadata().is_ok_and(|file| file.len() != 0);
    match &address.slots {
        SlotPlace::File(path) if !unfinished && is_slots(path) => {
            return Err(StoreError::AlreadyExists.into());
        }
        _ => {}
    }
    if unfinished {
        refuse_made(&mut connection, header.store_id)?;
    }
    let locked = locked(address, header.standing)?;
    schema::make(&mut connection, &address.store)?;
    // Whoever had the lock before may have made the store meanwhile.
    refuse_made(&mut connection, header.store_id)?;
    let mut rng = system_random()?;
    let slots = Slots::create(locked, key, header.store_id, &keys, &mut rng)?;
    let ring = Ring::new(slots, keys);
    let root = tree::Keys::generate(&mut rng);
    let tree = Arc::new(Tree::new(
        header.store_id,
        lookup_key(&header, &ring.keys),
        root,
    ));
    let row = header.encode(&ring.header_key);
    let root_key = ring.epoch_key(header.epoch);
    let root_key = root_key.ok_or(StoreError::KeySlotsDamaged)?;
    let sealed = tree
        .root
        .seal(root_key, &header.store_id, &ROOT_ROW, &mut rng)
        .map_err(StoreError::from)?;
    connection.command("BEGIN; LOCK TABLE rows IN SHARE ROW EXCLUSIVE MODE; DELETE FROM rows")?;
    let mut filling = NewRows::new(&mut connection, &tree, rng);
    fill(&mut filling)?;
    filling.finish()?;
    // The store is there from the moment on that its header is.
    let own = vec![ROOT_ROW.as_slice(), &HEADER_ROW];
    let values = [own, vec![sealed.as_slice(), &row]].map(Value::Many);
    let values = values.into();
    connection.ask(&[Ask::new(INSERT, values), Ask::plain("COMMIT")])?;
    ring.slots.unlock();
    Ok((ring, Epoch { header, row, tree }))
}

/// The slots, before a byte of them is changed. A copying waits while a server still works on what a process began that is gone.
fn locked(address: &Address, standing: Standing) -> Result<slots::Locked, Trouble> {
    let begun = Instant::now();
    loop {
        match Slots::lock(slots_of(address, true)?) {
            Err(StoreError::Locked)
                if standing != Standing::InUse && begun.elapsed() < OPENING_PATIENCE =>
            {
                thread::sleep(TURN_PAUSE);
            }
            locked => return Ok(locked?),
        }
    }
}

/// Refuses where a store is, unless it is the same one, still arriving.
fn refuse_made(connection: &mut Connection, store_id: [u8; 16]) -> Result<(), Trouble> {
    let sql = "SELECT v FROM rows WHERE k = $1";
    let header = vec![Value::Bytes(&HEADER_ROW)];
    let found = connection.ask(&[Ask::new(sql, header)])?;
    let Some(row) = first(&found) else {
        return Ok(());
    };
    match Header::peek(row) {
        Ok(Claim {
            store_id: of,
            standing: Standing::Arriving(_),
        }) if of == store_id => Ok(()),
        _ => Err(StoreError::AlreadyExists.into()),
    }
}

/// The slots of a store that is there, and its header as it stands there, if its standing is `allowed`.
pub(super) fn found(
    address: &Address,
    key: &StoreKey,
    allowed: fn(Standing) -> Result<(), StoreError>,
) -> Result<(Connection, Ring), Trouble> {
    let mut connection = login::open(address)?;
    if schema::version(&mut connection)? == 0 {
        return Err(StoreError::NotFound.into());
    }
    schema::migrate(&mut connection)?;
    let (row, _) = own_rows(&mut connection)?;
    let claim = Header::peek(&row)?;
    allowed(claim.standing)?;
    let (slots, keys) = match Slots::open(slots_of(address, false)?, key) {
        Ok(opened) => opened,
        Err(error) => return Err(blamed(&mut connection, error)?.into()),
    };
    if slots.store_id() != claim.store_id {
        return Err(StoreError::KeySlotsOfAnotherStore.into());
    }
    Ok((connection, Ring::new(slots, keys)))
}

fn open(address: &Address, key: &StoreKey) -> Result<Postgres, Trouble> {
    let (connection, mut ring) = found(address, key, Standing::in_use)?;
    let (epoch, older) = ring.in_turn(
        || Ok(connection),
        |ring, connection| {
            let of_two_keys = ring.slots.of_two_keys();
            let mut epoch = ring.read(connection)?;
            let next = epoch.header.epoch + 1;
            match ring.epoch_key(next).filter(|_| of_two_keys) {
                // A change to the key that opened it was stopped behind its first step.
                Some(next_key) => {
                    let next_key = next_key.duplicate();
                    let header = Header {
                        epoch: next,
                        shredded_at: machine_now(),
                        ..epoch.header
                    };
                    let mut replacing = Replacing {
                        connection,
                        tree: &epoch.tree,
                        rng: system_random()?,
                    };
                    epoch = replacing.renew((&header, &ring.keys), &next_key)?;
                    ring.forget_others(&epoch.header)?;
                }
                None => ring.forget_others(&epoch.header)?,
            }
            let (older, header) = ring.compare_openings(connection, epoch.header)?;
            epoch.header = header;
            epoch.row = header.encode(&ring.header_key);
            Ok((epoch, older))
        },
    )?;
    Postgres::of(address, ring, epoch, older)
}
