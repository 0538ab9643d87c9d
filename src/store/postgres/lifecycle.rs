//! Making and opening a store in a database.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use super::address::Address;
use super::connection::{Ask, Connection, Value, first, number};
use super::login;
use super::pool::Pool;
use super::replacing::Replacing;
use super::schema;
use super::slots::SlotRows;
use super::state::{Counted, Epoch, Postgres, Ring, lookup_key, own_rows};
use super::trouble::Trouble;
use crate::crypto::{Secret, system_random};
use crate::store::folder::slot_file;
use crate::store::header::Header;
use crate::store::slots::{Keys, Slots};
use crate::store::tree::{self, HEADER_ROW, ROOT_ROW, Tree};
use crate::store::{KeySlots, StoreError, StoreKey, machine_now};

impl Postgres {
    /// Makes a new store in the schema that the address names. Refuses one where a store is.
    pub fn create(address: &Address, key: &StoreKey) -> Result<Self, StoreError> {
        create(address, key).map_err(|trouble| trouble.told())
    }

    /// Opens a store. Never makes one. Any number of processes may have it open.
    pub fn open(address: &Address, key: &StoreKey) -> Result<Self, StoreError> {
        open(address, key).map_err(|trouble| trouble.told())
    }

    /// Where the key slots of an address are, for who makes a store there.
    pub fn key_slots(address: &Address) -> Result<Box<dyn KeySlots>, StoreError> {
        slots_of(address, true)
    }

    fn of(address: &Address, ring: Ring, epoch: Epoch, rollback_noticed: bool) -> Self {
        Self {
            pool: Pool::new(address.clone()),
            process_id: std::process::id(),
            rollback_noticed,
            epoch: RwLock::new(Some(Arc::new(epoch))),
            ring: Mutex::new(ring),
            counted: Counted::default(),
        }
    }
}

/// The key slots that an address names.
fn slots_of(address: &Address, create: bool) -> Result<Box<dyn KeySlots>, StoreError> {
    match &address.slots {
        None => Ok(Box::new(SlotRows::new(address.clone()))),
        Some(path) => slot_file(path, create).map_err(|error| match error {
            StoreError::NotFound => StoreError::KeySlotsMissing,
            other => other,
        }),
    }
}

fn create(address: &Address, key: &StoreKey) -> Result<Postgres, Trouble> {
    let mut connection = login::open(address)?;
    // Slots of which no store is known may be all that opens a copy of one.
    let unfinished = schema::version(&mut connection)? != 0;
    let of_another = |path: &Path| !unfinished && path.exists();
    if address.slots.as_deref().is_some_and(of_another) {
        return Err(StoreError::AlreadyExists.into());
    }
    let locked = Slots::lock(slots_of(address, true)?)?;
    // Whoever had the lock before may have made the store meanwhile.
    if unfinished && is_made(&mut connection)? {
        return Err(StoreError::AlreadyExists.into());
    }
    schema::make(&mut connection, &address.store)?;
    if is_made(&mut connection)? {
        return Err(StoreError::AlreadyExists.into());
    }
    let mut rng = system_random()?;
    let mut store_id = [0; 16];
    store_id.copy_from_slice(Secret::<16>::random(&mut rng).as_bytes());
    let keys = Keys {
        data_key: Secret::random(&mut rng),
        epochs: vec![(1, Secret::random(&mut rng))],
        opened: 1,
    };
    let slots = Slots::create(locked, key, store_id, &keys, &mut rng)?;
    let ring = Ring::new(slots, keys);
    let header = Header {
        store_id,
        epoch: 1,
        opened: 1,
        shredded_at: machine_now(),
    };
    let root = tree::Keys::generate(&mut rng);
    let root_key = ring.epoch_key(1).ok_or(StoreError::KeySlotsDamaged)?;
    let sealed = root.seal(root_key, &store_id, &ROOT_ROW, &mut rng);
    let sealed = sealed.map_err(StoreError::from)?;
    let row = header.encode(&ring.header_key);
    let values = vec![
        Value::Many(vec![&ROOT_ROW, &HEADER_ROW]),
        Value::Many(vec![&sealed, &row]),
    ];
    // The store is there from the moment on that its header is.
    let sql = "INSERT INTO rows SELECT k, v FROM unnest($1::bytea[], $2::bytea[]) AS put (k, v)";
    connection.ask(&[Ask::new(sql, values)])?;
    ring.slots.unlock();
    let tree = Tree::new(store_id, lookup_key(&header, &ring.keys), root);
    let tree = Arc::new(tree);
    let epoch = Epoch { header, row, tree };
    Ok(Postgres::of(address, ring, epoch, false))
}

fn is_made(connection: &mut Connection) -> Result<bool, Trouble> {
    let sql = "SELECT count(*) FROM rows WHERE k = $1";
    let header = vec![Value::Bytes(&HEADER_ROW)];
    let count = connection.ask(&[Ask::new(sql, header)])?;
    Ok(number(first(&count))? != 0)
}

fn open(address: &Address, key: &StoreKey) -> Result<Postgres, Trouble> {
    let mut connection = login::open(address)?;
    if schema::version(&mut connection)? == 0 {
        return Err(StoreError::NotFound.into());
    }
    schema::migrate(&mut connection)?;
    let (row, _) = own_rows(&mut connection)?;
    let store_id = Header::peek(&row)?;
    let (slots, keys) = Slots::open(slots_of(address, false)?, key)?;
    if slots.store_id() != store_id {
        return Err(StoreError::KeySlotsOfAnotherStore.into());
    }
    let mut ring = Ring::new(slots, keys);
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
    Ok(Postgres::of(address, ring, epoch, older))
}
