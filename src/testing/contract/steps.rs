//! Steps: whole or not at all, durable, one after the other, and begun again when they have to be.

use std::collections::BTreeSet;
use std::thread;

use rand_core::Rng;

use super::trial::{Promise, Trial, get, key, orders, put, value};
use crate::store::{Key, RowsMut, Sequence, StorageEngine, StoreError, Table, WHOLE_GROUP};

pub(super) const PROMISES: &[Promise] = &[
    (
        "a step that fails leaves no trace",
        a_step_that_fails_leaves_no_trace,
    ),
    (
        "what was written is there after opening again",
        what_was_written_is_there_after_opening_again,
    ),
    (
        "what was written is there after a crash",
        what_was_written_is_there_after_a_crash,
    ),
    ("a snapshot stays as it was", a_snapshot_stays_as_it_was),
    (
        "steps of many threads are one after the other",
        steps_of_many_threads_are_one_after_the_other,
    ),
    (
        "a step takes nothing from what it read before another's was durable",
        no_step_builds_on_what_another_changed,
    ),
    (
        "numbers are taken once, and rise over restarts",
        numbers_are_taken_once_and_rise,
    ),
    (
        "a step that runs again begins from nothing",
        a_step_that_runs_again_begins_from_nothing,
    ),
];

/// Of many who write at once.
const THREADS: u8 = 4;
const STEPS: u8 = 25;

fn a_step_that_fails_leaves_no_trace(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    put(engine, b"a", b"one").unwrap();
    put(engine, b"b", b"kept").unwrap();
    let before = engine.write(|rows| {
        for number in 0..3u8 {
            rows.put(Table::Timeline, Key::ordered(b"g", &[number]), b"")?;
        }
        rows.next_id(Sequence::Outbox)
    });
    let failed: Result<(), StoreError> = engine.write(|rows| {
        rows.put(Table::Messages, Key::new(b"a"), b"two")?;
        rows.put(Table::Messages, Key::new(b"new"), b"row")?;
        rows.delete(Table::Messages, Key::new(b"b"))?;
        rows.delete_range(Table::Timeline, b"g", WHOLE_GROUP, 2)?;
        rows.next_id(Sequence::Outbox)?;
        Err(StoreError::DiskFull)
    });
    trial.equal(failed, Err(StoreError::DiskFull));
    let check = |engine: &dyn StorageEngine| {
        trial.equal(get(engine, b"a"), Ok(Some(b"one".to_vec())));
        trial.equal(get(engine, b"b"), Ok(Some(b"kept".to_vec())));
        trial.equal(get(engine, b"new"), Ok(None));
        trial.equal(engine.read(|rows| orders(rows, b"g")), Ok(vec![0, 1, 2]));
    };
    check(engine);
    let id = engine.write(|rows| rows.next_id(Sequence::Outbox));
    trial.equal(id.unwrap() > before.unwrap(), true);
    // What was made for the failed step was forgotten with it.
    put(engine, b"new", b"again").unwrap();
    trial.equal(get(engine, b"new"), Ok(Some(b"again".to_vec())));
    let deleted = engine.write(|rows| rows.delete(Table::Messages, Key::new(b"new")));
    trial.equal(deleted, Ok(true));
    engine.close().unwrap();
    check(trial.open().as_ref());
}

fn what_was_written_is_there_after_opening_again(trial: &Trial<'_>) {
    let engine = trial.create();
    put(engine.as_ref(), b"a", b"one").unwrap();
    put(engine.as_ref(), b"a", b"two").unwrap();
    drop(engine);
    for _ in 0..2 {
        let engine = trial.open();
        trial.equal(get(engine.as_ref(), b"a"), Ok(Some(b"two".to_vec())));
        trial.equal(get(engine.as_ref(), b"b"), Ok(None));
        trial.equal(engine.rollback_noticed(), false);
        engine.close().unwrap();
    }
}

fn what_was_written_is_there_after_a_crash(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    for number in 0..10u8 {
        put(engine, b"a", &[number]).unwrap();
        let crashed = trial.home.after_crash();
        let found = crashed.open(&key(1)).unwrap();
        trial.equal(get(found.as_ref(), b"a"), Ok(Some(vec![number])));
        trial.equal(found.rollback_noticed(), false);
    }
}

fn a_snapshot_stays_as_it_was(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    put(engine, b"a", b"before").unwrap();
    let seen = engine.read_apart(|rows| {
        put(engine, b"a", b"after")?;
        put(engine, b"b", b"after")?;
        let inside = get(engine, b"a")?;
        let a = value(rows, Table::Messages, Key::new(b"a"))?;
        let b = value(rows, Table::Messages, Key::new(b"b"))?;
        Ok::<_, StoreError>((inside, a, b))
    });
    let (inside, a, b) = seen.unwrap();
    trial.equal(inside, Some(b"after".to_vec()));
    trial.equal(a, Some(b"before".to_vec()));
    trial.equal(b, None);
}

fn steps_of_many_threads_are_one_after_the_other(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    let key = Key::new(b"counter");
    let increment = |rows: &mut dyn RowsMut| {
        let counter = value(rows, Table::Messages, key)?.map_or(0, |value| value[0]);
        rows.put(Table::Messages, key, &[counter + 1])?;
        Ok::<_, StoreError>(counter + 1)
    };
    let answers = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| -> Vec<u8> {
                    (0..STEPS)
                        .map(|_| engine.write(increment).unwrap())
                        .collect()
                })
            })
            .collect();
        let answers = threads.into_iter().map(|thread| thread.join().unwrap());
        answers.collect::<Vec<_>>()
    });
    trial.equal(get(engine, b"counter"), Ok(Some(vec![THREADS * STEPS])));
    let rises = |answers: &Vec<u8>| answers.is_sorted_by(|a, b| a < b);
    trial.equal(answers.iter().all(rises), true);
    let once: BTreeSet<_> = answers.concat().into_iter().collect();
    trial.equal(once.len(), usize::from(THREADS * STEPS));
}

/// Each step writes a row of its own, and only where there is none: nothing but the look at the whole group keeps them apart.
fn no_step_builds_on_what_another_changed(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    for round in 0..STEPS {
        let first = |thread: u8| {
            engine.write(move |rows| {
                let is_first = orders(rows, &[round])?.is_empty();
                if is_first {
                    rows.put(Table::Timeline, Key::ordered(&[round], &[thread]), b"")?;
                }
                Ok::<_, StoreError>(is_first)
            })
        };
        let firsts = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|thread| scope.spawn(move || first(thread).unwrap()))
                .collect();
            let firsts = threads.into_iter().filter_map(|thread| thread.join().ok());
            firsts.filter(|first| *first).count()
        });
        let rows = engine.read(|rows| orders(rows, &[round])).unwrap().len();
        trial.equal((firsts, rows), (1, 1));
    }
}

fn numbers_are_taken_once_and_rise(trial: &Trial<'_>) {
    let mut last = [0; Sequence::ALL.len()];
    for round in 0..3 {
        let engine = match round {
            0 => trial.create(),
            _ => trial.open(),
        };
        let engine = engine.as_ref();
        for (last, sequence) in last.iter_mut().zip(Sequence::ALL) {
            let take = || engine.write(|rows| rows.next_id(sequence)).unwrap();
            let known = engine.read(|rows| rows.last_id(sequence)).unwrap();
            trial.equal(known >= *last, true);
            let taken = thread::scope(|scope| {
                let take = || (0..STEPS).map(|_| take()).collect::<Vec<_>>();
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(take)).collect();
                let taken = threads.into_iter().map(|thread| thread.join().unwrap());
                taken.collect::<Vec<_>>()
            });
            let rises = |taken: &Vec<u64>| taken.is_sorted_by(|a, b| a < b);
            trial.equal(taken.iter().all(rises), true);
            let once: BTreeSet<_> = taken.concat().into_iter().collect();
            trial.equal(once.len(), usize::from(THREADS * STEPS));
            trial.equal(once.first().is_some_and(|first| first > last), true);
            *last = once.last().copied().unwrap();
            // Two of one step, which sees what it took.
            let two = engine.write(|rows| {
                let two = [rows.next_id(sequence)?, rows.next_id(sequence)?];
                Ok::<_, StoreError>((two, rows.last_id(sequence)?))
            });
            let (two, known) = two.unwrap();
            trial.equal(two[0] > *last && two[1] > two[0] && known >= two[1], true);
            *last = two[1];
        }
        engine.close().unwrap();
    }
}

fn a_step_that_runs_again_begins_from_nothing(trial: &Trial<'_>) {
    let engine = trial.create();
    let engine = engine.as_ref();
    let (mut runs, mut always_new) = (0u8, true);
    let answer = engine.write(|rows| {
        runs += 1;
        let id = engine.random()?.next_u64();
        always_new &= rows.get(Table::Messages, Key::new(b"a"))?.is_none();
        always_new &= rows.count(Table::Timeline)? == 0;
        rows.put(Table::Messages, Key::new(b"a"), &[runs])?;
        rows.put(Table::Timeline, Key::ordered(b"g", &id.to_be_bytes()), b"")?;
        Ok::<_, StoreError>((runs, id))
    });
    let (run, id) = answer.unwrap();
    trial.equal(always_new, true);
    trial.equal(run, runs);
    trial.equal(get(engine, b"a"), Ok(Some(vec![run])));
    let rows = engine.read(|rows| rows.of_order(Table::Timeline, b"g", &id.to_be_bytes()));
    trial.equal(rows.map(|rows| rows.len()), Ok(1));
    trial.equal(engine.read(|rows| rows.count(Table::Timeline)), Ok(1));
}
