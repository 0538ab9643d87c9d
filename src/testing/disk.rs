//! A disk that forgets: every write and sync goes through it, and a crash can be replayed after each of them.

// A tool of tests: a fault in it is to be loud.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rand_core::Rng;
use redb::StorageBackend;

use super::clock::{Clock, machine_now};
use crate::crypto::{Secret, SeededRandom, seeded, system_random};
use crate::store::{Medium, StoreError, StoreFile};

/// A sector is written whole or not at all; what is torn is torn between two of them.
const SECTOR: usize = 512;

/// What a process did to its files.
#[derive(Debug, Clone)]
enum Event {
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Sync(usize),
    Create(StoreFile, usize),
    Publish,
    SyncFolder,
}

/// Files and their names, as a disk holds them.
#[derive(Debug, Clone, Default)]
pub struct Image {
    names: BTreeMap<StoreFile, usize>,
    files: Vec<Vec<u8>>,
}

impl Image {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Write(file, offset, data) => {
                let (content, at) = (&mut self.files[*file], *offset as usize);
                if content.len() < at + data.len() {
                    content.resize(at + data.len(), 0);
                }
                content[at..at + data.len()].copy_from_slice(data);
            }
            Event::SetLen(file, len) => self.files[*file].resize(*len as usize, 0),
            Event::Create(name, file) => {
                self.make(*file);
                self.names.insert(*name, *file);
            }
            Event::Publish => {
                if let Some(file) = self.names.remove(&StoreFile::Unfinished) {
                    self.names.insert(StoreFile::Rows, file);
                }
            }
            Event::Sync(_) | Event::SyncFolder => {}
        }
    }

    fn make(&mut self, file: usize) {
        if self.files.len() <= file {
            self.files.resize(file + 1, Vec::new());
        }
    }

    /// The bytes of a file, if there is one of the name.
    #[must_use]
    pub fn file(&self, name: StoreFile) -> Option<&[u8]> {
        self.names
            .get(&name)
            .map(|file| self.files[*file].as_slice())
    }

    /// The same, to be changed.
    pub fn file_mut(&mut self, name: StoreFile) -> &mut Vec<u8> {
        &mut self.files[self.names[&name]]
    }
}

/// What happens to the writes that no sync had made durable.
#[derive(Debug, Clone, Copy)]
pub enum Unsynced {
    /// None of them reached the disk.
    Lost,
    /// All of them did.
    Kept,
    /// Each is kept, lost or torn, by chance.
    Torn,
}

/// A recorded stretch: the disk before it, and what was done.
pub struct Recording {
    before: Image,
    events: Vec<Event>,
}

impl Recording {
    /// How many crashes there are: before the first event, between two, and after the last.
    #[must_use]
    pub fn points(&self) -> usize {
        self.events.len() + 1
    }

    /// How many syncs there were.
    #[must_use]
    pub fn syncs(&self) -> usize {
        let syncs = self.events.iter();
        syncs
            .filter(|event| matches!(event, Event::Sync(_)))
            .count()
    }

    /// How many bytes were written.
    #[must_use]
    pub fn bytes_written(&self) -> usize {
        let written = self.events.iter().map(|event| match event {
            Event::Write(_, _, data) => data.len(),
            _ => 0,
        });
        written.sum()
    }

    /// Whether a file changed its length.
    #[must_use]
    pub fn grew(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| matches!(event, Event::SetLen(..)))
    }

    /// The disk after a crash behind the first `point` events.
    #[must_use]
    pub fn crash(&self, point: usize, unsynced: Unsynced, rng: &mut SeededRandom) -> Image {
        let mut image = self.before.clone();
        let mut waiting: Vec<&Event> = Vec::new();
        for event in &self.events[..point] {
            let done: Vec<_> = match event {
                Event::Sync(file) => waiting
                    .extract_if(.., |event| match event {
                        Event::Write(of, ..) | Event::SetLen(of, _) => of == file,
                        _ => false,
                    })
                    .collect(),
                Event::SyncFolder => waiting
                    .extract_if(.., |event| {
                        matches!(event, Event::Create(..) | Event::Publish)
                    })
                    .collect(),
                _ => {
                    if let Event::Create(_, file) = event {
                        image.make(*file);
                    }
                    waiting.push(event);
                    continue;
                }
            };
            done.into_iter().for_each(|event| image.apply(event));
        }
        for event in waiting {
            match unsynced {
                Unsynced::Lost => {}
                Unsynced::Kept => image.apply(event),
                Unsynced::Torn => match (rng.next_u32() % 4, event) {
                    (0, _) => {}
                    (1, Event::Write(file, offset, data)) if data.len() > SECTOR => {
                        let sectors = rng.next_u32() as usize % (data.len() / SECTOR) + 1;
                        let part = data[..sectors * SECTOR].to_vec();
                        image.apply(&Event::Write(*file, *offset, part));
                    }
                    _ => image.apply(event),
                },
            }
        }
        image
    }
}

#[derive(Debug, Default)]
struct State {
    image: Image,
    recorded: Vec<Event>,
    before: Image,
    /// Changes from this one on find the disk full.
    full_from: Option<u64>,
    changes: u64,
    /// Nothing that is on it can be read.
    unreadable: bool,
    sync_takes: Duration,
    read: Vec<(usize, u64, usize)>,
    recording: bool,
    traffic: Traffic,
    /// Nothing for the machine's own.
    clock: Option<Clock>,
    rng: Option<SeededRandom>,
}

/// What went to a disk since it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes that were written.
    pub bytes: usize,
    /// How often it was waited until they were durable.
    pub syncs: usize,
}

/// A disk in memory.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// A disk with this on it.
    #[must_use]
    pub fn of(image: Image) -> Self {
        Self(Arc::new(Mutex::new(State {
            image,
            ..State::default()
        })))
    }

    /// The same disk in a machine whose time and randomness are given.
    #[must_use]
    pub fn with(self, clock: &Clock, rng: SeededRandom) -> Self {
        {
            let mut state = self.state();
            state.clock = Some(clock.clone());
            state.rng = Some(rng);
        }
        self
    }

    /// For `Store::create_on` and `Store::open_on`.
    #[must_use]
    pub fn medium(&self) -> Arc<dyn Medium> {
        Arc::new(self.clone())
    }

    /// Everything as a process sees it.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// From here on; whatever was written before counts as durable.
    pub fn record(&self) {
        let mut state = self.state();
        state.recording = true;
        state.recorded.clear();
        state.read.clear();
        state.before = state.image.clone();
    }

    /// What was done since.
    #[must_use]
    pub fn recorded(&self) -> Recording {
        let state = self.state();
        Recording {
            before: state.before.clone(),
            events: state.recorded.clone(),
        }
    }

    /// What went to it so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.state().traffic
    }

    /// The disk is full after `changes` more changes, until it is called again.
    pub fn fill_up(&self, changes: Option<u64>) {
        let mut state = self.state();
        state.full_from = changes.map(|changes| state.changes + changes);
    }

    /// Whether reading fails, until it is called again.
    pub fn be_unreadable(&self, unreadable: bool) {
        self.state().unreadable = unreadable;
    }

    /// How long a sync takes from now on. For measuring, never for a test.
    pub fn slow_down(&self, sync_takes: Duration) {
        self.state().sync_takes = sync_takes;
    }

    /// The ranges of a file that were read.
    #[must_use]
    pub fn reads(&self, name: StoreFile) -> Vec<(u64, usize)> {
        let state = self.state();
        let file = state.image.names[&name];
        let of_file = state.read.iter().filter(|(of, ..)| *of == file);
        of_file.map(|(_, offset, len)| (*offset, *len)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn change(&self, event: Event) -> io::Result<()> {
        let mut state = self.state();
        state.changes += 1;
        let grows = !matches!(event, Event::Sync(_) | Event::SyncFolder);
        if grows && state.full_from.is_some_and(|from| state.changes > from) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.image.apply(&event);
        match &event {
            Event::Write(_, _, data) => state.traffic.bytes += data.len(),
            Event::Sync(_) => state.traffic.syncs += 1,
            _ => {}
        }
        if state.recording {
            state.recorded.push(event);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct File {
    disk: Disk,
    file: usize,
}

impl StorageBackend for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().image.files[self.file].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.unreadable {
            return Err(io::Error::other("the disk cannot be read"));
        }
        if state.recording {
            state.read.push((self.file, offset, out.len()));
        }
        let from = offset as usize;
        let content = &state.image.files[self.file];
        let range = content.get(from..from + out.len());
        out.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(Event::SetLen(self.file, len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let takes = self.disk.state().sync_takes;
        if !takes.is_zero() {
            thread::sleep(takes);
        }
        self.disk.change(Event::Sync(self.file))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let data = data.to_vec();
        self.disk.change(Event::Write(self.file, offset, data))
    }
}

impl Medium for Disk {
    fn exists(&self, file: StoreFile) -> Result<bool, StoreError> {
        Ok(self.state().image.names.contains_key(&file))
    }

    fn open(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        let file = self.state().image.names.get(&file).copied();
        Ok(Box::new(File {
            disk: self.clone(),
            file: file.ok_or(StoreError::NotFound)?,
        }))
    }

    fn create(&self, file: StoreFile) -> Result<Box<dyn StorageBackend>, StoreError> {
        if self.exists(file)? {
            return self.open(file);
        }
        let number = self.state().image.files.len();
        self.change(Event::Create(file, number))?;
        self.change(Event::SyncFolder)?;
        self.open(file)
    }

    fn publish(&self) -> Result<(), StoreError> {
        self.change(Event::Publish)?;
        Ok(self.change(Event::SyncFolder)?)
    }

    fn path(&self) -> &Path {
        Path::new("a disk that forgets")
    }

    fn now(&self) -> u64 {
        let clock = &self.state().clock;
        clock.as_ref().map_or_else(machine_now, Clock::now)
    }

    fn random(&self) -> Result<SeededRandom, StoreError> {
        match &mut self.state().rng {
            Some(rng) => Ok(seeded(&Secret::random(rng))),
            None => Ok(system_random()?),
        }
    }
}
