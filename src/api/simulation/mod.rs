//! `Simulation`: people with devices on machines in memory, a network that misbehaves, a clock that is moved by hand. One seed
//! replays one run. For tests of this library, and of bots that are built on it.

mod network;
mod people;
mod world;

pub use world::{Delivery, Faults, Tally};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Client, Identity, Result, Sent, WindlassError};
use crate::crypto::{Secret, seeded};
use crate::testing::{Clock, Image};
use people::Device;
use world::{Network, World, index, number};

/// Where every simulation begins: 2030-01-01T00:00:00Z, in milliseconds.
const START: u64 = 1_893_456_000_000;

/// A small world. Nothing in it happens by itself: `collect`, `deliver` and `advance` make it go on.
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct Simulation {
    clock: Clock,
    world: Mutex<World>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Simulation {
    /// A world in which nobody is yet. Nothing goes wrong until `set_faults`.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    #[must_use]
    pub fn new(seed: u64) -> Arc<Self> {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(seed.to_be_bytes()) {
            *to = from;
        }
        Arc::new(Self {
            clock: Clock::at(START),
            world: Mutex::new(World {
                rng: seeded(&Secret::new(bytes)),
                faults: Faults {
                    drop: 0,
                    duplicate: 0,
                    delay: 0,
                    crash: 0,
                },
                people: Vec::new(),
                network: Network::default(),
                tally: BTreeMap::new(),
            }),
        })
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.world().faults = faults;
    }

    /// A new person with one device; its number.
    pub fn add_person(&self) -> Result<u32> {
        self.add(None)
    }

    /// A further device of a person, linked by its first one; its number. Its request for what the others know is in its outbox.
    pub fn add_device(&self, person: u32) -> Result<u32> {
        let mut world = self.world();
        let World { rng, people, .. } = &mut *world;
        let devices = people
            .get_mut(index(person))
            .ok_or(WindlassError::UnknownDevice)?;
        let known = devices.iter().find_map(Device::client);
        let known = known.ok_or(WindlassError::UnknownDevice)?;
        devices.push(Device::linked(&self.clock, rng, &known)?);
        Ok(number(devices.len()) - 1)
    }

    /// The client of a device. Take it anew after `crash`, `restore` and `deliver`: a machine that lost power has another.
    pub fn client(&self, person: u32, device: u32) -> Result<Arc<Client>> {
        let world = self.world();
        let found = world.device(person, device).and_then(Device::client);
        found.ok_or(WindlassError::UnknownDevice)
    }

    /// Each of the two adds the other's bundle, as when they meet.
    pub fn introduce(&self, a: u32, b: u32) -> Result<()> {
        let (a, b) = (self.client(a, 0)?, self.client(b, 0)?);
        a.add_contact(&*b.bundle()?)?;
        b.add_contact(&*a.bundle()?)?;
        Ok(())
    }

    /// A text from a device of one person to another person.
    pub fn send(&self, person: u32, device: u32, to: u32, text: String) -> Result<Sent> {
        let to = self.client(to, 0)?.address();
        self.client(person, device)?.send(to, text)
    }

    /// Takes every device's outbox to the network; how many envelopes.
    pub fn collect(&self) -> Result<u64> {
        self.world().collect(&self.clock)
    }

    /// Brings one of the envelopes that are due, in no order; nothing if none is.
    pub fn deliver(&self) -> Result<Option<Delivery>> {
        self.world().deliver(&self.clock)
    }

    /// Collects and delivers until nothing is due any more.
    pub fn run(&self) -> Result<Vec<Delivery>> {
        let mut delivered = Vec::new();
        loop {
            self.collect()?;
            match self.deliver()? {
                Some(delivery) => delivered.push(delivery),
                None => return Ok(delivered),
            }
        }
    }

    /// Moves the clock, and lets every device do what is due by then.
    pub fn advance(&self, time: Duration) -> Result<()> {
        self.clock
            .advance(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        for client in self.world().clients() {
            client.maintain()?;
        }
        Ok(())
    }

    /// The clock of a device is wrong from now on: by so many milliseconds ahead, or behind if they are below zero; 0 puts it right. The network goes by the
    /// right time.
    pub fn set_clock(&self, person: u32, device: u32, milliseconds_ahead: i64) -> Result<()> {
        let mut world = self.world();
        if milliseconds_ahead != 0 {
            world.count("wrong clock");
        }
        world
            .device_mut(person, device)?
            .set_clock(milliseconds_ahead);
        Ok(())
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, by the clocks that are right.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Envelopes to and from a person are kept back until `reconnect`.
    pub fn disconnect(&self, person: u32) {
        let mut world = self.world();
        world.count("partition");
        world.network.disconnect(person);
    }

    /// They come again.
    pub fn reconnect(&self, person: u32) {
        self.world().network.reconnect(person);
    }

    /// A device's machine loses power, and starts again.
    pub fn crash(&self, person: u32, device: u32) -> Result<()> {
        let mut world = self.world();
        world.count("crash");
        world.device_mut(person, device)?.restart()
    }

    /// Keeps a copy of a device's disk, in place of an earlier one.
    pub fn copy_disk(&self, person: u32, device: u32) -> Result<()> {
        self.world().device_mut(person, device)?.copy();
        Ok(())
    }

    /// Puts the copy back, as who restores an old image of a machine.
    pub fn restore_disk(&self, person: u32, device: u32) -> Result<()> {
        let mut world = self.world();
        world.count("restored copy");
        world.device_mut(person, device)?.restore()
    }

    /// The device is gone for ever.
    pub fn lose_device(&self, person: u32, device: u32) -> Result<()> {
        let mut world = self.world();
        world.count("lost device");
        world.device_mut(person, device)?.lose();
        Ok(())
    }

    /// What went wrong so far, and what came of it.
    #[must_use]
    pub fn tally(&self) -> Vec<Tally> {
        let world = self.world();
        let tally = world.tally.iter().map(|(what, times)| Tally {
            what: (*what).to_owned(),
            times: *times,
        });
        tally.collect()
    }
}

impl Simulation {
    /// A new person who goes by this identity, for who wants to know its seed; its number.
    pub fn add_person_as(&self, identity: Arc<Identity>) -> Result<u32> {
        self.add(Some(identity))
    }

    fn add(&self, identity: Option<Arc<Identity>>) -> Result<u32> {
        let mut world = self.world();
        let device = Device::new(&self.clock, &mut world.rng, identity)?;
        world.people.push(vec![device]);
        Ok(number(world.people.len()) - 1)
    }

    /// What is on a device's disk, for who runs it elsewhere at the same time. Its store has the raw key of 32 bytes that are 1.
    pub fn image(&self, person: u32, device: u32) -> Result<Image> {
        let world = self.world();
        let found = world.device(person, device).map(Device::image);
        found.ok_or(WindlassError::UnknownDevice)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
