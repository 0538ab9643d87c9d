//! What is done to the whole of a store in a database, by one process at a time: shredding, another user's key, counting openings.

use std::sync::Arc;

use super::connection::{Ask, Connection, Value};
use super::replacing::{Replacing, marks};
use super::state::{Epoch, Postgres, Ring};
use super::trouble::Trouble;
use crate::crypto::{Secret, system_random};
use crate::store::engine::ShredReport;
use crate::store::header::Header;
use crate::store::slots::Keys;
use crate::store::tree::HEADER_ROW;
use crate::store::{StoreError, StoreKey, machine_now};

/// What connections committed last that wrote nothing for a day: nobody is in doubt about it any more.
const FORGET: &str = "DELETE FROM commits WHERE at < now() - interval '1 day'";

impl Postgres {
    /// Runs `f` while this process has the store for itself, on a connection and the epoch that is in force.
    fn alone<T>(
        &self,
        f: impl FnOnce(&mut Ring, &mut Connection, &Epoch) -> Result<(T, Option<Epoch>), Trouble>,
    ) -> Result<T, StoreError> {
        self.epoch()?;
        let mut ring = self.ring();
        let fresh = || self.fresh();
        let done = ring.in_turn(fresh, |ring, connection| {
            let epoch = ring.read(connection)?;
            // Of one that failed before its end, here or elsewhere.
            ring.forget_others(&epoch.header)?;
            let (done, next) = f(ring, connection, &epoch)?;
            self.learn(&Arc::new(next.unwrap_or(epoch)));
            Ok(done)
        });
        done.map_err(|trouble| trouble.told())
    }

    /// A connection that answers: one that waited may have been lost meanwhile.
    fn fresh(&self) -> Result<Connection, Trouble> {
        let mut connection = self.pool.take()?;
        match connection.command("") {
            Err(Trouble::Lost(_)) => {
                self.pool.clear();
                self.pool.take()
            }
            answered => answered.map(|()| connection),
        }
    }

    /// 1. The next epoch's root key is written beside the current one. 2. One transaction seals the dirty buckets, their nodes and the
    ///    root anew. 3. The slots are overwritten with the next key alone. After a crash whoever comes next ends what was begun.
    pub(super) fn shred_all(&self) -> Result<ShredReport, StoreError> {
        self.alone(|ring, connection, epoch| {
            connection.command(FORGET)?;
            if marks(connection)?.is_empty() {
                return Ok((ShredReport::default(), None));
            }
            let (header, next) = ring.begin_next(&epoch.header)?;
            let rng = &mut system_random()?;
            ring.slots.write(&ring.keys, rng)?;
            let mut replacing = Replacing {
                connection,
                tree: &epoch.tree,
                rng: system_random()?,
            };
            let (report, epoch) = replacing.shred((&header, &ring.keys), &next)?;
            ring.forget_others(&epoch.header)?;
            Ok((report, Some(epoch)))
        })
    }

    /// As in a file (docs/store.md, "Changing the key"). Other processes that have the store open go on with the former key until their next
    /// call, which answers that it is wrong.
    pub(super) fn change_user_key(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.alone(|ring, connection, epoch| {
            let (header, next) = ring.begin_next(&epoch.header)?;
            let rng = &mut system_random()?;
            ring.slots.rewrap(key, &ring.keys, rng)?;
            let mut replacing = Replacing {
                connection,
                tree: &epoch.tree,
                rng: system_random()?,
            };
            let renewed = replacing.renew((&header, &ring.keys), &next);
            let renewed = renewed.inspect_err(|trouble| {
                // Whether a lost connection was lost before the commit is for the database to say.
                if !matches!(trouble, Trouble::Lost(_)) {
                    ring.slots.go_back();
                }
            })?;
            ring.forget_others(&renewed.header)?;
            Ok(((), Some(renewed)))
        })
    }

    /// Counts the end of this opening.
    pub(super) fn count_closing(&self) -> Result<(), StoreError> {
        self.alone(|ring, connection, epoch| {
            let header = ring.count_opening(connection, epoch.header.opened, epoch.header)?;
            let row = header.encode(&ring.header_key);
            let tree = Arc::clone(&epoch.tree);
            Ok(((), Some(Epoch { header, row, tree })))
        })
    }
}

impl Ring {
    /// The keys of this epoch and of the next, with the header of the next.
    fn begin_next(&mut self, header: &Header) -> Result<(Header, Secret<32>), StoreError> {
        let current = self.epoch_key(header.epoch);
        let current = current.ok_or(StoreError::KeySlotsDamaged)?.duplicate();
        let next = Secret::random(&mut system_random()?);
        let next_epoch = header.epoch + 1;
        self.keys = Keys {
            data_key: self.keys.data_key.duplicate(),
            epochs: vec![(header.epoch, current), (next_epoch, next.duplicate())],
            opened: self.keys.opened,
        };
        let header = Header {
            epoch: next_epoch,
            shredded_at: machine_now(),
            ..*header
        };
        Ok((header, next))
    }

    /// Counts up in the database and in the slots, the database first. A copy of one of them that is put back later has a lower number than
    /// the other.
    pub(super) fn count_opening(
        &mut self,
        connection: &mut Connection,
        from: u64,
        header: Header,
    ) -> Result<Header, Trouble> {
        let opened = from.saturating_add(1);
        let header = Header { opened, ..header };
        let row = header.encode(&self.header_key);
        let values = [HEADER_ROW.as_slice(), &row].map(Value::Bytes);
        let sql = "UPDATE rows SET v = $2 WHERE k = $1";
        connection.ask(&[Ask::new(sql, values.into())])?;
        self.keys.opened = opened;
        self.slots.write(&self.keys, &mut system_random()?)?;
        Ok(header)
    }

    /// Counts this opening, and says whether database or slots are older than the other (docs/store.md, "Key slots").
    pub(super) fn compare_openings(
        &mut self,
        connection: &mut Connection,
        header: Header,
    ) -> Result<(bool, Header), Trouble> {
        let slots = self.keys.opened;
        if header.opened == slots.saturating_add(1) {
            self.keys.opened = header.opened;
            self.slots.write(&self.keys, &mut system_random()?)?;
        }
        let older = header.opened != self.keys.opened;
        let from = header.opened.max(slots).saturating_add(u64::from(older));
        Ok((older, self.count_opening(connection, from, header)?))
    }
}
