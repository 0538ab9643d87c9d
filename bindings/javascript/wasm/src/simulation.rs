//! A small world of people with devices, for tests of programs: all of it in memory.

use std::sync::Arc;
use std::time::Duration;

use wasm_bindgen::prelude::*;
use windlass::Faults;

use crate::client::Client;
use crate::failure::{Answer, answer, thrown};
use crate::values::ToJs;

/// People with devices on machines in memory, a network that misbehaves, a clock that is moved by hand.
#[wasm_bindgen]
pub struct Simulation {
    world: Arc<windlass::Simulation>,
}

#[wasm_bindgen]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
impl Simulation {
    /// A world in which nobody is yet.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(seed: f64) -> Self {
        let world = windlass::Simulation::new(seed as u64);
        Self { world }
    }

    /// What goes wrong from now on, each as a chance in 1,000.
    #[wasm_bindgen(js_name = setFaults)]
    pub fn set_faults(&self, drop: u32, duplicate: u32, delay: u32, crash: u32) {
        let faults = Faults {
            drop,
            duplicate,
            delay,
            crash,
        };
        self.world.set_faults(faults);
    }

    /// A new person with one device; its number.
    #[wasm_bindgen(js_name = addPerson)]
    pub fn add_person(&self) -> Answer {
        answer(self.world.add_person())
    }

    /// A further device of a person; its number.
    #[wasm_bindgen(js_name = addDevice)]
    pub fn add_device(&self, person: u32) -> Answer {
        answer(self.world.add_device(person))
    }

    /// The client of a device.
    pub fn client(&self, person: u32, device: u32) -> Result<Client, JsValue> {
        let client = self.world.client(person, device);
        client.map(Client::of).map_err(thrown)
    }

    /// Whether this is the client of the device, and not one that its machine had before.
    #[wasm_bindgen(js_name = isCurrent)]
    #[must_use]
    pub fn is_current(&self, person: u32, device: u32, client: &Client) -> bool {
        let now = self.world.client(person, device);
        now.is_ok_and(|now| Arc::ptr_eq(&now, &client.client))
    }

    /// Each of the two adds the other's bundle.
    pub fn introduce(&self, a: u32, b: u32) -> Answer {
        answer(self.world.introduce(a, b))
    }

    /// A text from a device of one person to another person.
    pub fn send(&self, person: u32, device: u32, to: u32, text: String) -> Answer {
        answer(self.world.send(person, device, to, text))
    }

    /// Takes every device's outbox to the network; how many envelopes.
    pub fn collect(&self) -> Answer {
        answer(self.world.collect())
    }

    /// Brings one of the envelopes that are due.
    pub fn deliver(&self) -> Answer {
        answer(self.world.deliver())
    }

    /// Collects and delivers until nothing is due any more.
    pub fn run(&self) -> Answer {
        answer(self.world.run())
    }

    /// Moves the clock by so many milliseconds.
    pub fn advance(&self, milliseconds: f64) -> Answer {
        let time = Duration::from_millis(milliseconds as u64);
        answer(self.world.advance(time))
    }

    /// A device's clock is wrong from now on.
    #[wasm_bindgen(js_name = setClock)]
    pub fn set_clock(&self, person: u32, device: u32, milliseconds_ahead: f64) -> Answer {
        let ahead = milliseconds_ahead as i64;
        answer(self.world.set_clock(person, device, ahead))
    }

    /// The right time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> JsValue {
        self.world.now().to_js()
    }

    /// Envelopes to and from a person are kept back.
    pub fn disconnect(&self, person: u32) {
        self.world.disconnect(person);
    }

    /// They come again.
    pub fn reconnect(&self, person: u32) {
        self.world.reconnect(person);
    }

    /// A device's machine loses power, and starts again.
    pub fn crash(&self, person: u32, device: u32) -> Answer {
        answer(self.world.crash(person, device))
    }

    /// Keeps a copy of a device's disk.
    #[wasm_bindgen(js_name = copyDisk)]
    pub fn copy_disk(&self, person: u32, device: u32) -> Answer {
        answer(self.world.copy_disk(person, device))
    }

    /// Puts the copy back.
    #[wasm_bindgen(js_name = restoreDisk)]
    pub fn restore_disk(&self, person: u32, device: u32) -> Answer {
        answer(self.world.restore_disk(person, device))
    }

    /// The device is gone for ever.
    #[wasm_bindgen(js_name = loseDevice)]
    pub fn lose_device(&self, person: u32, device: u32) -> Answer {
        answer(self.world.lose_device(person, device))
    }

    /// What went wrong so far, and what came of it.
    #[must_use]
    pub fn tally(&self) -> JsValue {
        self.world.tally().to_js()
    }
}
