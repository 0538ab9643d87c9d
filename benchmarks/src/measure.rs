//! Interleaved measuring: whatever slows the machine down for a while slows all contestants down alike, so ratios hold where times do not.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use serde::{Deserialize, Serialize};

/// What one of them needed for one piece of work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Result {
    /// Whose it is.
    pub name: String,
    /// Microseconds, the median of all rounds.
    pub micros: f64,
    /// Times the first contestant's, the median of the ratios within each round.
    pub times: f64,
}

/// A piece of work, and what all of them needed for it. The first result is what the others are compared with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Work {
    /// What was done.
    pub name: String,
    /// Where the numbers are shown: `memory`, `processor`, `durable` or `python`.
    pub part: String,
    /// All of them.
    pub results: Vec<Result>,
}

/// One who takes part: does the work so many times and says how long it took.
pub struct Contestant<'a> {
    name: &'a str,
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
}

impl<'a> Contestant<'a> {
    /// Whose work the processor alone does: its time is taken, of which others on the machine take nothing away.
    pub fn new(name: &'a str, mut one: impl FnMut() + 'a) -> Self {
        Self::timing(name, move |count| {
            let begin = processor();
            for _ in 0..count {
                one();
            }
            processor() - begin
        })
    }

    /// Who says how long it took, because there is something to prepare or to wait for.
    pub fn timing(name: &'a str, run: impl FnMut(u32) -> Duration + 'a) -> Self {
        let run = Box::new(run);
        Self { name, run }
    }
}

/// The time that the processor has worked for this process.
pub fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The time on the clock that some work takes.
pub fn waited<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

/// Lets all of them do it `count` times in each of `rounds`, in turn; who begins changes from round to round.
pub fn compare(
    part: &str,
    name: &str,
    rounds: usize,
    count: u32,
    mut all: Vec<Contestant>,
) -> Work {
    eprintln!("{part}: {name}");
    let mut times = vec![Vec::with_capacity(rounds); all.len()];
    for one in &mut all {
        (one.run)(count.div_ceil(4));
    }
    for round in 0..rounds {
        for turn in 0..all.len() {
            let which = (round + turn) % all.len();
            let took = (all[which].run)(count).as_secs_f64() * 1e6 / f64::from(count);
            times[which].push(took);
        }
    }
    let results = all.iter().zip(&times).map(|(one, own)| Result {
        name: one.name.to_owned(),
        micros: median(own.iter().copied()),
        times: median(own.iter().zip(&times[0]).map(|(own, first)| own / first)),
    });
    Work { name: name.to_owned(), part: part.to_owned(), results: results.collect() }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
