//! Tests, the changes that each reaches, and whether one of them notices.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::list::Change;

/// Tests of one process: as many as take this long together, then twice as long, and so on.
const FIRST: Duration = Duration::from_millis(300);

/// Where Linux keeps files in memory: nothing here is about losing power.
const MEMORY: &str = "/dev/shm";

/// Processes that were started.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// How much longer than without it a change may take: it may be a loop that does not end.
const PATIENCE: u32 = 8;

/// One test.
pub struct Test {
    program: PathBuf,
    name: String,
    takes: Duration,
    reaches: HashSet<usize>,
}

/// What became of a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Outcome {
    /// A test failed.
    Noticed,
    /// The tests did not end.
    Endless,
    /// All tests that were asked pass.
    Survived,
    /// No test reaches it.
    Unreached,
    /// It does not compile, or not asleep.
    LeftOut,
}

impl Outcome {
    /// Whether somebody has to look at it.
    pub fn is_unnoticed(self) -> bool {
        matches!(self, Self::Survived | Self::Unreached)
    }
}

/// Finds all tests, times each, and asks what it reaches. Those that fail by themselves are left out, and those that take longer than that.
pub fn tests(
    programs: &[PathBuf],
    most: Duration,
    folder: &Path,
    scratch: &Path,
) -> Result<Vec<Test>> {
    let mut names = Vec::new();
    for program in programs {
        let list = |ignored: &[&str]| -> Result<HashSet<String>> {
            let mut run = Command::new(program);
            run.args(["--list", "--format", "terse"]).args(ignored).current_dir(folder);
            let said = run.output().context("the list of tests")?;
            let said = String::from_utf8(said.stdout)?;
            Ok(said
                .lines()
                .filter_map(|line| line.strip_suffix(": test"))
                .map(Into::into)
                .collect())
        };
        let ignored = list(&["--ignored"])?;
        names.extend(list(&[])?.difference(&ignored).map(|name| (program, name.clone())));
    }
    // One program's together.
    names.sort();
    let tests = on_all_cores(names.len(), |index| {
        let (program, name) = names.get(index)?;
        let reached = scratch.join(format!("reached-{index}"));
        let said = format!("reached:{}", reached.display());
        let began = Instant::now();
        let passed = run(program, folder, &[name], &said, most).ok()?;
        let takes = began.elapsed();
        let list = fs::read_to_string(&reached).unwrap_or_default();
        _ = fs::remove_file(&reached);
        if passed != Some(true) {
            println!("left out: {name} of {}", program.display());
            return None;
        }
        let reaches = list.lines().filter_map(|line| line.parse().ok()).collect();
        Some(Test { program: (*program).clone(), name: name.clone(), takes, reaches })
    });
    Ok(tests.into_iter().flatten().collect())
}

/// Wakes one change after the other, each for tests that take so long without it, and says at once what became of it.
pub fn tried(
    tests: &[Test],
    changes: &[(usize, &Change)],
    most: Duration,
    folder: &Path,
    say: impl Fn(&Change, Outcome) -> Result<()> + Sync,
) -> Result<()> {
    let outcomes = on_all_cores(changes.len(), |index| {
        let (number, change) = *changes.get(index).context("a change that is none")?;
        let mut left: Vec<&Test> =
            tests.iter().filter(|test| test.reaches.contains(&number)).collect();
        left.sort_by_key(|test| test.distance(change));
        say(change, one(&left, number, most, folder)?)
    });
    outcomes.into_iter().collect()
}

impl Test {
    /// Which tests are asked first: those of the file, those of its layer, then quick ones.
    fn distance(&self, change: &Change) -> (bool, bool, u32) {
        let file = change.file.trim_start_matches("src/").trim_end_matches(".rs");
        let (layer, stem) = (file.split('/').next(), file.rsplit('/').next());
        let of_layer = self.name.split("::").next() == layer;
        let of_file = stem.is_some_and(|stem| self.name.split("::").any(|part| part == stem));
        (!(of_layer && of_file), !of_layer, self.takes.as_millis().max(1).ilog2())
    }
}

/// What the tests that reach a change say of it.
fn one(tests: &[&Test], change: usize, most: Duration, folder: &Path) -> Result<Outcome> {
    if tests.is_empty() {
        return Ok(Outcome::Unreached);
    }
    let mut left = tests.iter().peekable();
    let (mut all, mut batch) = (Duration::ZERO, FIRST);
    while let Some(first) = left.next() {
        let (mut names, mut takes) = (vec![first.name.as_str()], first.takes);
        while let Some(next) = left.next_if(|next| next.program == first.program && takes < batch) {
            names.push(&next.name);
            takes += next.takes;
        }
        let patience = takes.saturating_mul(PATIENCE) + Duration::from_secs(5);
        match run(&first.program, folder, &names, &change.to_string(), patience)? {
            Some(true) => {}
            Some(false) => return Ok(Outcome::Noticed),
            None => return Ok(Outcome::Endless),
        }
        all += takes;
        batch = batch.saturating_mul(2);
        if all > most {
            break;
        }
    }
    Ok(Outcome::Survived)
}

/// Whether these tests pass with that change; nothing when they do not end.
fn run(
    program: &Path,
    folder: &Path,
    tests: &[&str],
    change: &str,
    patience: Duration,
) -> Result<Option<bool>> {
    let mut command = Command::new(program);
    command.args(["--exact", "--test-threads", "1"]).args(tests).current_dir(folder);
    command.env("WINDLASS_MUTATION", change).env("WINDLASS_SEEDS", "30");
    command.env("WINDLASS_HISTORIES", "100").env("CARGO_MANIFEST_DIR", folder);
    // Its own, so that nothing is left of what was ended: a server that a test began goes when its files are gone.
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    let memory = Path::new(MEMORY);
    let place = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let temporary = place.join(format!("wl{}-{number}", process::id()));
    fs::create_dir(&temporary)?;
    command
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().context("a test")?;
    let passed = wait(&mut child, patience);
    _ = fs::remove_dir_all(temporary);
    passed
}

fn wait(child: &mut Child, patience: Duration) -> Result<Option<bool>> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if began.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Asks for each index, several at once; answers in their order.
fn on_all_cores<T: Send>(count: usize, ask: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    // One more than there are processors: some only wait.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..=cores {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let answer = ask(index);
                    if let Ok(mut answers) = answers.lock() {
                        answers.push((index, answer));
                    }
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_default();
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
