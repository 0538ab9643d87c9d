//! What clients promise beside what the tests in `tests/` see of them.

use std::sync::Arc;

use super::Client;
use crate::api::EncryptedStore;
use crate::crypto::{Secret, seeded};
use crate::store::{Store, StoreKey};
use crate::testing::{Clock, Counted, Disk};

mod by_id;
mod changes;
mod chat_settings;
mod costs;
mod group_links;
mod hand_over;
mod handed_over;
mod profiles;
mod rich_text;
mod scheduled;

/// A client on a disk that counts.
struct Party {
    disk: Disk,
    clock: Clock,
    engine: Counted,
    client: Arc<Client>,
}

impl Party {
    fn new(seed: u8, clock: &Clock) -> Self {
        let disk = Disk::default().with(clock, seeded(&Secret::new([seed; 32])));
        let store = Store::create_on(disk.medium(), &key()).unwrap();
        let (engine, store) = counted(store);
        let client = Client::create(store, None).unwrap();
        Self {
            disk,
            clock: clock.clone(),
            engine,
            client,
        }
    }

    /// The one that is on the disk if its machine stops now.
    fn after_a_crash(&self) -> Self {
        Self::on(Disk::of(self.disk.image()), &self.clock)
    }

    /// The one that a disk holds.
    fn on(disk: Disk, clock: &Clock) -> Self {
        let disk = disk.with(clock, seeded(&Secret::new([9; 32])));
        let store = Store::open_on(disk.medium(), &key()).unwrap();
        let (engine, store) = counted(store);
        let client = Client::open(store).unwrap();
        Self {
            disk,
            clock: clock.clone(),
            engine,
            client,
        }
    }
}

fn key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

fn counted(store: Store) -> (Counted, Arc<EncryptedStore>) {
    let engine = Counted::new(Arc::new(store));
    (engine.clone(), Arc::new(EncryptedStore::from(engine)))
}

fn acquainted() -> (Party, Party) {
    let clock = Clock::at(1_700_000_000_000);
    let (alice, bob) = (Party::new(1, &clock), Party::new(2, &clock));
    for (ours, theirs) in [(&alice, &bob), (&bob, &alice)] {
        let bundle = theirs.client.bundle().unwrap();
        ours.client.add_contact(&bundle).unwrap();
    }
    (alice, bob)
}
