//! Backups: identity, contacts and history, and no live ratchet (docs/store.md, promise 8).
//!
//! A ratchet that is put back would use its keys twice. Who imports a backup is a new device of the same identity, which opens new
//! sessions.

use prost::Message;

use super::{Device, Moment, conversation, damaged, groups, history, settings, trust};
use crate::api::error::WindlassError;
use crate::api::progress::ProgressListener;
use crate::crypto::Secret;
use crate::identity::IdentityKeyPair;
use crate::store::{BackupReader, BackupWriter, Rows, StoreError, Table, Writer};
use crate::wire::{
    self,
    store::{BackupRecord, BackupSummary, ContactRow, backup_record::Record},
};

/// How often progress is told: with so many records.
const STEP: u64 = 500;

/// Counts records.
struct Counter<'a> {
    progress: Option<&'a dyn ProgressListener>,
    done: u64,
    total: u64,
}

impl Counter<'_> {
    fn step(&mut self) -> Result<(), WindlassError> {
        self.done += 1;
        if self.done.is_multiple_of(STEP) || self.done == self.total {
            self.tell()?;
        }
        Ok(())
    }

    fn tell(&self) -> Result<(), WindlassError> {
        if let Some(progress) = self.progress {
            progress.advance(self.done, self.total)?;
        }
        Ok(())
    }
}

/// Writes everything but ratchets and prekeys; how many records.
pub(in crate::api) fn export(
    store: &impl Rows,
    mut backup: BackupWriter,
    now: u64,
    progress: Option<&dyn ProgressListener>,
) -> Result<u64, WindlassError> {
    const TABLES: [Table; 4] = [
        Table::Contacts,
        Table::Groups,
        Table::Conversations,
        Table::Messages,
    ];
    // The seed and the settings.
    let mut records = 2;
    for table in TABLES {
        records += store.count(table)?;
    }
    let mut counter = Counter {
        progress,
        done: 0,
        total: records,
    };
    let mut push = |record| {
        let record = BackupRecord {
            record: Some(record),
        };
        backup.push(&wire::encode_secret(&record))
    };
    push(Record::Summary(BackupSummary {
        records,
        made_at: now,
    }))?;
    let device = Device::load(store)?;
    push(Record::IdentitySeed(
        device.identity.seed().as_bytes().to_vec(),
    ))?;
    counter.step()?;
    push(Record::Settings(settings::row(store)?))?;
    counter.step()?;
    for table in TABLES {
        let mut stopped = None;
        let visited = store.visit(table, &mut |row| {
            let damaged = |_| StoreError::Damaged { what: table.name() };
            let record = match table {
                Table::Contacts => Record::Contact(wire::decode("row", &row).map_err(damaged)?),
                Table::Conversations => {
                    Record::Conversation(wire::decode("row", &row).map_err(damaged)?)
                }
                Table::Groups => Record::Group(wire::decode("row", &row).map_err(damaged)?),
                _ => Record::Message(wire::decode("row", &row).map_err(damaged)?),
            };
            push(record)?;
            counter.step().map_err(|error| {
                stopped = Some(error);
                StoreError::Closed
            })
        });
        match stopped {
            Some(error) => return Err(error),
            None => visited?,
        }
    }
    backup.finish()?;
    Ok(records)
}

/// Fills a new store.
pub(in crate::api) fn import(
    store: &mut Writer<'_>,
    mut backup: BackupReader,
    moment: &mut Moment,
    progress: Option<&dyn ProgressListener>,
) -> Result<(), WindlassError> {
    let malformed = || WindlassError::from(StoreError::BackupDamaged);
    let mut counter = Counter {
        progress,
        done: 0,
        total: 0,
    };
    let mut identity = false;
    while let Some(record) = backup.next_record()? {
        let mut record = BackupRecord::decode(record.as_slice()).map_err(|_| malformed())?;
        match record.record.take().ok_or_else(malformed)? {
            Record::Summary(summary) => {
                counter.total = summary.records;
                continue;
            }
            Record::IdentitySeed(seed) => {
                let seed = Secret::try_from_slice(&zeroize::Zeroizing::new(seed));
                let pair = IdentityKeyPair::from_seed(&seed.ok_or_else(malformed)?);
                Device::create(store, pair, moment)?;
                identity = true;
            }
            Record::Settings(row) => settings::save(store, &row)?,
            Record::Contact(row) => restore_contact(store, row)?,
            Record::Conversation(row) => conversation::restore(store, &row)?,
            Record::Group(row) => groups::restore(store, row)?,
            Record::Message(row) => history::restore(store, &row)?,
        }
        counter.step()?;
    }
    if !identity || counter.done != counter.total {
        return Err(malformed());
    }
    Ok(())
}

fn restore_contact(store: &mut Writer<'_>, mut row: ContactRow) -> Result<(), WindlassError> {
    // The former device may have used them.
    row.one_time_prekeys_used = true;
    // Nobody is counted in a new store yet.
    row.counted = false;
    let contact = super::contacts::Contact::from_row(row);
    let mut contact = contact.map_err(|_| damaged(Table::Contacts))?;
    trust::note_stranger(store, &mut contact)?;
    contact.save(store)
}
