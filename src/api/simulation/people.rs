//! Devices: a client on a disk in memory.

use std::sync::Arc;

use crate::api::{Client, DeviceLink, EncryptedStore, Identity, Result, WindlassError};
use crate::crypto::{Secret, SeededRandom, seeded};
use crate::store::{Store, StoreKey};
use crate::testing::{Clock, Disk, Image};

/// A device of somebody.
pub(super) struct Device {
    clock: Clock,
    rng: SeededRandom,
    disk: Disk,
    /// Nothing once the device is lost.
    client: Option<Arc<Client>>,
    copy: Option<Image>,
}

fn key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

impl Device {
    /// The first device of an identity, or of a new one.
    pub(super) fn new(
        clock: &Clock,
        rng: &mut SeededRandom,
        identity: Option<Arc<Identity>>,
    ) -> Result<Self> {
        Self::made(clock, rng, |store| Client::create(store, identity))
    }

    /// A device that another one of the same identity links.
    pub(super) fn linked(clock: &Clock, rng: &mut SeededRandom, known: &Client) -> Result<Self> {
        Self::made(clock, rng, |store| {
            let link = DeviceLink::new(store)?;
            link.take_answer(known.link_device(link.to_uri())?)?;
            known.check_link(link.reply()?)?;
            link.finish(known.confirm_link()?)
        })
    }

    fn made(
        clock: &Clock,
        rng: &mut SeededRandom,
        client: impl FnOnce(Arc<EncryptedStore>) -> Result<Arc<Client>>,
    ) -> Result<Self> {
        let (clock, mut rng) = (clock.another(), seeded(&Secret::random(rng)));
        let disk = Disk::default().with(&clock, seeded(&Secret::random(&mut rng)));
        let store = Store::create_on(disk.medium(), &key())?;
        Ok(Self {
            clock,
            rng,
            disk,
            client: Some(client(Arc::new(EncryptedStore::from(store)))?),
            copy: None,
        })
    }

    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.client.clone()
    }

    pub(super) fn set_clock(&self, milliseconds_ahead: i64) {
        self.clock.set_ahead(milliseconds_ahead);
    }

    /// The machine stops where it is, and starts again with what is on its disk.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.start_with(self.disk.image())
    }

    fn start_with(&mut self, image: Image) -> Result<()> {
        if self.client.is_none() {
            return Err(WindlassError::UnknownDevice);
        }
        // A program that still holds the former client writes to a disk that is in no machine any more.
        self.disk = Disk::of(image).with(&self.clock, seeded(&Secret::random(&mut self.rng)));
        let store = Store::open_on(self.disk.medium(), &key())?;
        self.client = Some(Client::open(Arc::new(EncryptedStore::from(store)))?);
        Ok(())
    }

    /// Takes an envelope in on a machine that loses power after `changes` writes, if it makes as many; and starts it again.
    pub(super) fn receive_and_crash(&mut self, envelope: &[u8], changes: u64) -> Result<()> {
        if let Some(client) = &self.client {
            self.disk.fill_up(Some(changes));
            // Whatever it answered, nobody heard it.
            let _ = client.receive(envelope.to_vec().into());
            self.disk.fill_up(None);
        }
        self.restart()
    }

    pub(super) fn image(&self) -> Image {
        self.disk.image()
    }

    pub(super) fn copy(&mut self) {
        self.copy = Some(self.disk.image());
    }

    pub(super) fn restore(&mut self) -> Result<()> {
        match self.copy.clone() {
            Some(image) => self.start_with(image),
            None => Ok(()),
        }
    }

    pub(super) fn lose(&mut self) {
        self.client = None;
    }
}
