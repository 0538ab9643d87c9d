//! Healing keys, and the proofs that requests carry.

use windlass::identity::IdentityKeyPair;

use super::*;

pub fn healing_proof() -> Vec<Case> {
    let mut rng = rng(47);
    let mut cases = Vec::new();
    for (name, day) in [
        ("of the root's day", 20_000),
        ("of the next day", 20_001),
        ("of sixteen days later", 20_016),
        ("of the day before", 19_999),
    ] {
        let mut party = |device_id: u32| {
            let identity = IdentityKeyPair::generate(&mut rng).public();
            json!({ "identity": hex(&identity.to_bytes()), "device_id": device_id })
        };
        let (asker, answerer) = (party(0x0102_0304), party(7));
        let input = json!({
            "root": hex(&random::<32>(&mut rng)),
            "root_day": 20_000,
            "day": day,
            "session_id": hex(&random::<16>(&mut rng)),
            "asker": asker,
            "answerer": answerer,
            "content": hex(&random::<40>(&mut rng)),
        });
        cases.push((name.to_owned(), input));
    }
    cases
}
