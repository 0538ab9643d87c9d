//! People in a simulation.

use std::sync::Arc;
use std::time::Duration;

use windlass::{Client, Event, Faults, Identity, Simulation};

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(24 * 3_600);

pub const NO_FAULTS: Faults = Faults {
    drop: 0,
    duplicate: 0,
    delay: 0,
    crash: 0,
};

/// People who have not met.
pub fn people<const N: usize>(seed: u64) -> (Arc<Simulation>, [Arc<Client>; N]) {
    let world = Simulation::new(seed);
    let clients = [(); N].map(|()| world.client(world.add_person().unwrap(), 0).unwrap());
    (world, clients)
}

/// People each of whom knows all others, by their numbers from 0.
pub fn acquainted(seed: u64, count: u32) -> Arc<Simulation> {
    let world = Simulation::new(seed);
    for person in 0..count {
        assert_eq!(world.add_person().unwrap(), person);
    }
    introduce_all(&world, count);
    world
}

/// The same, who go by these identities.
pub fn acquainted_as(seed: u64, people: &[Arc<Identity>]) -> Arc<Simulation> {
    let world = Simulation::new(seed);
    for identity in people {
        world.add_person_as(Arc::clone(identity)).unwrap();
    }
    introduce_all(&world, people.len() as u32);
    world
}

fn introduce_all(world: &Simulation, count: u32) {
    for person in 0..count {
        (0..person).for_each(|other| world.introduce(person, other).unwrap());
    }
}

/// Delivers everything; what was told of it.
pub fn run(world: &Simulation) -> Vec<Event> {
    let delivered = world.run().unwrap();
    delivered.into_iter().flat_map(|d| d.events).collect()
}
