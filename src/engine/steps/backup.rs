//! Backups: identity, the key of one's own words, contacts and history, and no live ratchet (docs/store.md, promise 8).
//!
//! A ratchet that is put back would use its keys twice. A client that imports a backup is a new device of the same identity, which
//! opens new sessions.

use prost::Message;

use crate::chat::OwnWordsKey;
use crate::crypto::{Secret, SeededRandom};
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::history::{delivered, message, unread};
use crate::engine::records::contacts::Contact;
use crate::engine::records::strangers::Wait;
use crate::engine::records::{
    chat_settings, contact_list, conversations, floors, former_members, group_comparisons,
    group_logs, groups, invitations, own_words, profiles, settings, states, strangers,
};
use crate::engine::steps::create;
use crate::identity::IdentityKeyPair;
use crate::store::{BackupReader, BackupWriter, Rows, RowsMut, StoreError, Table};
use crate::wire;
use crate::wire::store::backup_record::Record;
use crate::wire::store::{BackupRecord, BackupSummary, ContactRow};

/// How often progress is told: with so many records.
const STEP: u64 = 500;

/// Told how many of how many records are through; `false` stops the work and leaves nothing of it.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// Counts records.
struct Counter<'a> {
    tell: Progress<'a>,
    done: u64,
    total: u64,
}

impl Counter<'_> {
    fn step(&mut self) -> Result<(), EngineError> {
        self.done += 1;
        if self.done.is_multiple_of(STEP) || self.done == self.total {
            let goes_on = (self.tell)(self.done, self.total);
            return if goes_on {
                Ok(())
            } else {
                Err(EngineError::Stopped)
            };
        }
        Ok(())
    }
}

/// Writes everything but ratchets and prekeys; how many records.
pub(crate) fn export(
    store: &dyn Rows,
    mut backup: BackupWriter,
    now: u64,
    tell: Progress<'_>,
) -> Result<u64, EngineError> {
    const TABLES: [Table; 11] = [
        Table::Floors,
        Table::Contacts,
        Table::Groups,
        Table::GroupEvents,
        Table::FormerMembers,
        Table::Conversations,
        Table::Messages,
        // Behind the messages that they are about.
        Table::Delivered,
        Table::States,
        Table::ChatSettings,
        Table::Profiles,
    ];
    // The seed, the key of our own words, and the settings.
    let mut records = 3;
    for table in TABLES {
        records += store.count(table)?;
    }
    let deleted = invitations::rows_of_deletions(store)?;
    records += deleted.len() as u64;
    let mut counter = Counter {
        tell,
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
    push(Record::OwnWords(
        own_words::oldest(store)?.encode().to_vec(),
    ))?;
    counter.step()?;
    push(Record::Settings(settings::row(store)?))?;
    counter.step()?;
    for row in deleted {
        push(Record::DeletedGroup(row))?;
        counter.step()?;
    }
    for table in TABLES {
        let mut stopped = None;
        let visited = store.visit(table, &mut |row| {
            push(record_of(table, &row)?)?;
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

/// A row as the backup has it.
fn record_of(table: Table, row: &[u8]) -> Result<Record, StoreError> {
    let record = match table {
        Table::Contacts => wire::decode("row", row).map(Record::Contact),
        Table::Conversations => wire::decode("row", row).map(Record::Conversation),
        Table::Groups => wire::decode("row", row).map(Record::Group),
        Table::Floors => wire::decode("row", row).map(Record::Floor),
        Table::Delivered => wire::decode("row", row).map(Record::Delivered),
        Table::GroupEvents => wire::decode("row", row).map(Record::GroupEvent),
        Table::FormerMembers => wire::decode("row", row).map(Record::FormerMember),
        Table::States => wire::decode("row", row).map(Record::State),
        Table::ChatSettings => wire::decode("row", row).map(Record::ChatSettings),
        Table::Profiles => wire::decode("row", row).map(Record::Profile),
        _ => wire::decode("row", row).map(Record::Message),
    };
    record.map_err(|_| StoreError::Damaged { what: table.name() })
}

/// Fills a new store.
pub(crate) fn import(
    store: &mut dyn RowsMut,
    mut backup: BackupReader,
    now: u64,
    rng: &mut SeededRandom,
    tell: Progress<'_>,
) -> Result<(), EngineError> {
    let malformed = || EngineError::from(StoreError::BackupDamaged);
    let mut counter = Counter {
        tell,
        done: 0,
        total: 0,
    };
    let (mut identity, mut words) = (false, false);
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
                create::create(store, pair, now, rng)?;
                identity = true;
            }
            Record::OwnWords(bytes) => {
                let bytes = zeroize::Zeroizing::new(bytes);
                let key = OwnWordsKey::decode(&bytes).map_err(|_| malformed())?;
                own_words::save(store, &key)?;
                words = true;
            }
            Record::Settings(row) => settings::save(store, &row)?,
            Record::Contact(row) => restore_contact(store, row)?,
            Record::Conversation(row) => conversations::restore(store, &row)?,
            Record::Group(row) => groups::restore(store, &row)?,
            Record::GroupEvent(row) => group_logs::restore(store, &row)?,
            Record::FormerMember(row) => former_members::restore(store, &row)?,
            Record::Message(row) => message::restore(store, &row)?,
            Record::Floor(row) => floors::restore(store, &row)?,
            Record::Delivered(row) => {
                let own = Device::load(store)?.public();
                delivered::restore(store, &own, &row)?;
            }
            Record::State(row) => states::restore(store, &row)?,
            Record::ChatSettings(row) => chat_settings::restore(store, &row)?,
            Record::Profile(row) => profiles::restore(store, &row)?,
            Record::DeletedGroup(row) => invitations::restore_deletion(store, &row)?,
        }
        counter.step()?;
    }
    if !identity || !words || counter.done != counter.total {
        return Err(malformed());
    }
    let own = Device::load(store)?.public();
    for summary in conversations::all(store)? {
        unread::restore(store, &summary.id, &own, now)?;
    }
    group_comparisons::begin_in_all(store, &own, now)
}

fn restore_contact(store: &mut dyn RowsMut, mut row: ContactRow) -> Result<(), EngineError> {
    // The former device may have used them.
    row.one_time_prekeys_used = true;
    // Nobody is counted in a new store yet.
    let (waits_as, since) = (core::mem::take(&mut row.waits_as), row.waits_since);
    contact_list::enter(store, &mut row)?;
    let contact = Contact::from_row(row);
    let mut contact = contact.map_err(|_| damaged(Table::Contacts))?;
    match Wait::of_number(waits_as) {
        Some(wait) => strangers::enter(store, &mut contact, wait, since),
        None => contact.save(store),
    }
}
