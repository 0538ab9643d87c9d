//! The store as a whole: its keys, its shredding, its end, and the slots that the keys are in.

use super::trial::{Promise, Trial, get, key, put};
use crate::crypto::Argon2Params;
use crate::store::{
    Inspection, Key, SLOT_LEN, ShredReport, SlotNumber, StoreError, StoreKey, Table,
};

pub(super) const PROMISES: &[Promise] = &[
    (
        "each refusal is told apart and changes nothing",
        each_refusal_is_told_apart_and_changes_nothing,
    ),
    (
        "a closed store answers that it is closed",
        a_closed_store_answers_that_it_is_closed,
    ),
    (
        "a change of key leaves nothing to the former one",
        a_change_of_key_leaves_nothing_to_the_former_one,
    ),
    (
        "a shred keeps the living rows",
        a_shred_keeps_the_living_rows,
    ),
    (
        "an older copy put back is noticed",
        an_older_copy_put_back_is_noticed,
    ),
    (
        "an inspection counts and names no one",
        an_inspection_counts,
    ),
    (
        "a key slot is overwritten, and the other one stays",
        a_key_slot_is_overwritten_and_the_other_stays,
    ),
];

/// A passphrase whose guess is cheap, for tests.
fn passphrase(text: &str) -> StoreKey {
    let cheap = Argon2Params {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
    };
    StoreKey::Passphrase(text.to_owned().into(), cheap)
}

fn each_refusal_is_told_apart_and_changes_nothing(trial: &Trial<'_>) {
    let opened = |key: &StoreKey| trial.home.open(key).map(|_| ());
    let created = |key: &StoreKey| trial.home.create(key).map(|_| ());
    trial.equal(opened(&passphrase("right")), Err(StoreError::NotFound));
    let engine = trial.home.create(&passphrase("right")).unwrap();
    put(engine.as_ref(), b"a", b"kept").unwrap();
    engine.close().unwrap();
    for _ in 0..2 {
        trial.equal(opened(&passphrase("wrong")), Err(StoreError::WrongKey));
        trial.equal(opened(&key(1)), Err(StoreError::WrongKey));
        for key in [passphrase("right"), key(1)] {
            trial.equal(created(&key), Err(StoreError::AlreadyExists));
        }
    }
    let engine = trial.home.open(&passphrase("right")).unwrap();
    trial.equal(get(engine.as_ref(), b"a"), Ok(Some(b"kept".to_vec())));
    trial.equal(engine.rollback_noticed(), false);
}

fn a_closed_store_answers_that_it_is_closed(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    put(engine, b"a", b"kept").unwrap();
    trial.equal(engine.close(), Ok(()));
    trial.equal(engine.close(), Ok(()));
    trial.equal(put(engine, b"a", b"lost"), Err(StoreError::Closed));
    trial.equal(get(engine, b"a"), Err(StoreError::Closed));
    let apart = engine.read_apart(|rows| rows.count(Table::Messages));
    trial.equal(apart, Err(StoreError::Closed));
    trial.equal(engine.shred(), Err(StoreError::Closed));
    trial.equal(engine.inspect().map(|_| ()), Err(StoreError::Closed));
    trial.equal(engine.change_key(&key(2)), Err(StoreError::Closed));
    trial.equal(engine.shredded_at(), 0);
    trial.equal(get(trial.open().as_ref(), b"a"), Ok(Some(b"kept".to_vec())));
}

fn a_change_of_key_leaves_nothing_to_the_former_one(trial: &Trial<'_>) {
    let keys = [
        passphrase("old"),
        passphrase("new"),
        key(3),
        passphrase("old"),
    ];
    let mut engine = trial.home.create(&keys[0]).unwrap();
    put(engine.as_ref(), b"a", b"kept").unwrap();
    for change in keys.windows(2) {
        trial.equal(engine.change_key(&change[1]), Ok(()));
        trial.equal(get(engine.as_ref(), b"a"), Ok(Some(b"kept".to_vec())));
        engine.close().unwrap();
        let former = trial.home.open(&change[0]).map(|_| ());
        trial.equal(former, Err(StoreError::WrongKey));
        engine = trial.home.open(&change[1]).unwrap();
        trial.equal(get(engine.as_ref(), b"a"), Ok(Some(b"kept".to_vec())));
    }
}

fn a_shred_keeps_the_living_rows(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    let made_at = engine.shredded_at();
    trial.equal(engine.shred(), Ok(ShredReport::default()));
    for number in 0..50u8 {
        put(engine, &[number], b"former").unwrap();
        put(engine, &[number], b"living").unwrap();
    }
    put(engine, b"dead", b"secret").unwrap();
    let deleted = engine.write(|rows| rows.delete(Table::Messages, Key::new(b"dead")));
    trial.equal(deleted, Ok(true));
    let before = engine.inspect().unwrap();
    trial.equal(before.dirty_buckets > 0, true);
    let report = engine.shred().unwrap();
    trial.equal(report.buckets, before.dirty_buckets);
    let after = engine.inspect().unwrap();
    trial.equal((after.dirty_buckets, after.epoch), (0, before.epoch + 1));
    trial.equal(engine.shred(), Ok(ShredReport::default()));
    let shredded_at = engine.shredded_at();
    trial.equal(shredded_at >= made_at && shredded_at <= engine.now(), true);
    put(engine, b"new", b"living").unwrap();
    for _ in 0..2 {
        for number in 0..50u8 {
            trial.equal(get(engine, &[number]), Ok(Some(b"living".to_vec())));
        }
    }
    engine.close().unwrap();
    let engine = trial.open();
    let engine = engine.as_ref();
    trial.equal(engine.shredded_at(), shredded_at);
    trial.equal(engine.inspect().unwrap().epoch, after.epoch);
    for number in 0..50u8 {
        trial.equal(get(engine, &[number]), Ok(Some(b"living".to_vec())));
    }
    trial.equal(get(engine, b"new"), Ok(Some(b"living".to_vec())));
    trial.equal(get(engine, b"dead"), Ok(None));
}

fn an_older_copy_put_back_is_noticed(trial: &Trial<'_>) {
    trial.create().close().unwrap();
    for _ in 0..2 {
        let put_back = trial.home.copy_rows();
        let engine = trial.open();
        trial.equal(engine.rollback_noticed(), false);
        engine.close().unwrap();
        put_back();
        let engine = trial.open();
        trial.equal(engine.rollback_noticed(), true);
        engine.close().unwrap();
        let engine = trial.open();
        trial.equal(engine.rollback_noticed(), false);
        engine.close().unwrap();
    }
}

fn an_inspection_counts(trial: &Trial<'_>) {
    let engine = trial.create();
    for number in 0..3u8 {
        put(engine.as_ref(), &[number], b"row").unwrap();
    }
    let counted = |inspection: &Inspection, table: Table| {
        let mut rows = inspection.rows.iter();
        rows.find(|(name, _)| *name == table.name())
            .map(|(_, count)| *count)
    };
    let inspection = engine.inspect().unwrap();
    trial.equal(counted(&inspection, Table::Messages), Some(3));
    trial.equal(counted(&inspection, Table::Contacts), Some(0));
    trial.equal((inspection.epoch, inspection.passphrase), (1, false));
    engine.change_key(&passphrase("new")).unwrap();
    trial.equal(engine.inspect().unwrap().passphrase, true);
}

fn a_key_slot_is_overwritten_and_the_other_stays(trial: &Trial<'_>) {
    let slots = trial.home.key_slots();
    slots.clear().unwrap();
    let [former, first, second] = [1, 2, 3].map(|byte| vec![byte; SLOT_LEN]);
    slots.write(SlotNumber::First, &former).unwrap();
    slots.write(SlotNumber::Second, &second).unwrap();
    trial.equal(slots.read(), Ok([former, second.clone()]));
    slots.write(SlotNumber::First, &first).unwrap();
    trial.equal(slots.read(), Ok([first.clone(), second.clone()]));
    drop(slots);
    let slots = trial.home.after_crash().key_slots();
    trial.equal(slots.read(), Ok([first.clone(), second.clone()]));
    slots.clear().unwrap();
    let [a, b] = slots.read().unwrap();
    trial.equal(a == first || b == second, false);
}
