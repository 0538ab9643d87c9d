//! Two real processes over a pipe that loses, repeats and reorders, killed with SIGKILL at random moments.
//!
//! `WINDLASS_KILLS=10000 cargo test --release --test kill` kills that often.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use data_encoding::HEXLOWER;
use support::clients::{assert_readable, texts_in};
use support::files::{Folder, key};
use support::seeds::{Below, number, rng};
use windlass::crypto::SeededRandom;
use windlass::{Bundle, Client, EncryptedStore};

const KILLS: u64 = 1_000;
/// Set for the processes that are killed: the path of their store.
const STORE: &str = "WINDLASS_KILL_STORE";

/// What a killed process runs: one command a line, one answer a line. In a run of the tests it has no store and does nothing.
#[test]
fn child() {
    let Ok(path) = std::env::var(STORE) else {
        return;
    };
    let client = open(&path);
    let mut answers = std::io::stdout();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = run(&client, command, rest);
        writeln!(answers, "\nanswer {answer}").unwrap();
        answers.flush().unwrap();
    }
}

fn open(path: &str) -> Arc<Client> {
    let key = key(9);
    let store = if Path::new(path).exists() {
        EncryptedStore::open(path.into(), &key).unwrap()
    } else {
        EncryptedStore::create(path.into(), &key).unwrap()
    };
    // The store is made before the identity: a kill in between leaves one without the other.
    Client::open(Arc::clone(&store)).unwrap_or_else(|_| Client::create(store, None).unwrap())
}

fn run(client: &Arc<Client>, command: &str, rest: &str) -> String {
    match command {
        "address" => client.address(),
        "invitation" => client.bundle().unwrap().to_uri(),
        "add" => {
            client
                .add_contact(&Bundle::from_uri(rest.into()).unwrap())
                .unwrap()
                .address
        }
        "send" => {
            let (to, text) = rest.split_once(' ').unwrap();
            client.send(to.into(), text.into()).unwrap().message_id
        }
        "outbox" => {
            let waiting = client.outbox(0).unwrap();
            let shown = waiting
                .iter()
                .map(|e| format!("{}:{}", e.id, HEXLOWER.encode(&e.bytes)));
            shown.collect::<Vec<_>>().join(" ")
        }
        "sent" => {
            client.mark_sent(vec![rest.parse().unwrap()]).unwrap();
            String::new()
        }
        "receive" => {
            let envelope = HEXLOWER.decode(rest.as_bytes()).unwrap();
            assert_readable(&client.receive(envelope.into()).unwrap());
            String::new()
        }
        "texts" => {
            let conversation = client.clone().conversation(rest.into()).unwrap();
            texts_in(&conversation).join(",")
        }
        _ => unreachable!("{command}"),
    }
}

/// A process, and the one that takes its place.
struct Process {
    path: PathBuf,
    running: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    kills: u64,
}

impl Process {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            running: None,
            kills: 0,
        }
    }

    fn running(&mut self) -> &mut (Child, ChildStdin, BufReader<ChildStdout>) {
        self.running.get_or_insert_with(|| {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child", "--nocapture", "--test-threads=1"])
                .env(STORE, &self.path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            (child, stdin, BufReader::new(stdout))
        })
    }

    /// Asks and waits for the answer.
    fn ask(&mut self, line: &str) -> String {
        let (_, stdin, stdout) = self.running();
        writeln!(stdin, "{line}").unwrap();
        stdin.flush().unwrap();
        loop {
            let mut answer = String::new();
            assert!(
                stdout.read_line(&mut answer).unwrap() > 0,
                "the process died of {line}"
            );
            if let Some(answer) = answer.strip_prefix("answer ") {
                return answer.trim_end().to_owned();
            }
        }
    }

    /// Asks, and kills the process somewhere between before and after the answer.
    fn kill_while(&mut self, line: &str, rng: &mut SeededRandom) {
        let turns = rng.below(3_000);
        let (child, stdin, _) = self.running();
        let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        for _ in 0..turns {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        self.running = None;
        self.kills += 1;
    }
}

#[test]
fn killed_a_thousand_times_nothing_is_lost_and_nothing_repeated() {
    let kills = number("WINDLASS_KILLS").unwrap_or(KILLS);
    let folder = Folder::new();
    let mut sides = ["alice.wl", "bob.wl"].map(|name| Process::new(folder.path(name)));
    let mut rng = rng(8);
    let addresses: Vec<_> = sides.iter_mut().map(|side| side.ask("address")).collect();
    let invitation = sides[1].ask("invitation");
    sides[0].ask(&format!("add {invitation}"));
    sides[0].ask(&format!("send {} 0", addresses[1]));
    let mut sent = BTreeSet::from([0]);
    carry(&mut sides, &mut rng);

    let mut carried_at = 0;
    loop {
        let killed = sides.iter().map(|side| side.kills).sum::<u64>();
        if killed >= kills {
            break;
        }
        if killed >= carried_at + 3 {
            carried_at = killed;
            carry(&mut sides, &mut rng);
        }
        let by = rng.below(2) as usize;
        match rng.below(4) {
            0 => {
                let text = sent.len();
                let line = format!("send {} {text}", addresses[1 - by]);
                sides[by].kill_while(&line, &mut rng);
                // Whether it was written is in the history, and nowhere else.
                let texts = sides[by].ask(&format!("texts {}", addresses[1 - by]));
                if !texts.split(',').any(|found| found == text.to_string()) {
                    sides[by].ask(&line);
                }
                sent.insert(text);
            }
            1 => {
                let waiting = sides[by].ask("outbox");
                if let Some((_, envelope)) = waiting
                    .split(' ')
                    .next()
                    .and_then(|first| first.split_once(':'))
                {
                    let line = format!("receive {envelope}");
                    sides[1 - by].kill_while(&line, &mut rng);
                }
            }
            2 => {
                let waiting = sides[by].ask("outbox");
                if let Some((id, envelope)) = waiting
                    .split(' ')
                    .next_back()
                    .and_then(|last| last.split_once(':'))
                {
                    sides[1 - by].ask(&format!("receive {envelope}"));
                    sides[by].kill_while(&format!("sent {id}"), &mut rng);
                }
            }
            _ => carry(&mut sides, &mut rng),
        }
    }
    carry(&mut sides, &mut rng);

    let [alice, bob] =
        [0, 1].map(|side: usize| sides[side].ask(&format!("texts {}", addresses[1 - side])));
    assert_eq!(alice, bob);
    let found: Vec<usize> = alice.split(',').map(|text| text.parse().unwrap()).collect();
    assert_eq!(found.len(), sent.len());
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), sent);
    let killed = sides.iter().map(|side| side.kills).collect::<Vec<_>>();
    println!(
        "{killed:?} kills, {} messages sent, {} received by each, each once",
        sent.len(),
        found.len()
    );
}

/// Carries everything, in any order, some of it twice and some only at the second try. A message that is more than five turns late
/// cannot be read by design (RFC windlass §7.4.9), so nothing is kept back for longer.
fn carry(sides: &mut [Process; 2], rng: &mut SeededRandom) {
    let mut faults = true;
    loop {
        let mut quiet = true;
        for from in 0..2 {
            let waiting = sides[from].ask("outbox");
            let mut envelopes: Vec<_> = waiting
                .split(' ')
                .filter_map(|one| one.split_once(':'))
                .collect();
            quiet &= envelopes.is_empty();
            while !envelopes.is_empty() {
                let (id, envelope) =
                    envelopes.swap_remove(rng.below(envelopes.len() as u32) as usize);
                let fault = if faults { rng.below(4) } else { 2 };
                // Lost: it stays in the outbox.
                if fault > 0 {
                    sides[1 - from].ask(&format!("receive {envelope}"));
                }
                // Delivered, and the sender does not learn it: it comes again.
                if fault > 1 {
                    sides[from].ask(&format!("sent {id}"));
                }
            }
        }
        if quiet {
            return;
        }
        faults = false;
    }
}
