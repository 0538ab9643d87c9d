//! Several processes answer for one identity, whose store is in PostgreSQL, while they are killed and the server is: each message is answered
//! once.
//!
//! `WINDLASS_FLEET=5000 cargo test --release --test fleet_bots -- --nocapture` has four workers answer so many messages of 50 users, with 40 kills.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use data_encoding::HEXLOWER;
use support::clients::{acquaint, assert_readable, take_outbox, text_to, texts_in};
use support::files::{FileParty, key};
use support::postgres::Server;
use support::seeds::{Below, rng};
use windlass::{Client, EncryptedStore, Event, WindlassError};

const WORKERS: usize = 4;
/// Set for a worker: the address of the store.
const STORE: &str = "WINDLASS_FLEET_STORE";

/// What a worker runs: mail comes in by lines, and goes out by lines. In a run of the tests it has no store and does nothing.
#[test]
fn worker() {
    let Ok(address) = std::env::var(STORE) else {
        return;
    };
    let store = insisting(|| EncryptedStore::open(address.clone(), &key(1))).unwrap();
    let client = insisting(|| Client::open(Arc::clone(&store))).unwrap();
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        if let Some((number, envelope)) = line.split_once(' ') {
            let envelope = HEXLOWER.decode(envelope.as_bytes()).unwrap();
            let events = insisting(|| client.receive(envelope.clone().into())).unwrap();
            assert_readable(&events);
            // The transport is told only what is durable.
            writeln!(out, "\ntaken {number}").unwrap();
        }
        answer_all(&client);
        for envelope in insisting(|| client.outbox(0)).unwrap() {
            let bytes = HEXLOWER.encode(&envelope.bytes);
            writeln!(out, "\nout {} {bytes}", envelope.to).unwrap();
            out.flush().unwrap();
            insisting(|| client.mark_sent(vec![envelope.id])).unwrap();
        }
        writeln!(out, "\nlooked").unwrap();
        out.flush().unwrap();
    }
}

/// What only reads is told at once that the server is gone, and may be repeated (docs/guide/fleets.md).
fn insisting<T>(call: impl Fn() -> windlass::Result<T>) -> windlass::Result<T> {
    loop {
        match call() {
            Err(WindlassError::DatabaseLost(_)) => {}
            ended => return ended,
        }
    }
}

/// Of what waits, also of what a worker that died has left. What another one has answered meanwhile is not answered again.
fn answer_all(client: &Client) {
    loop {
        let waiting = insisting(|| client.unhandled(10)).unwrap();
        if waiting.is_empty() {
            return;
        }
        for one in waiting {
            let text = format!("you said {}", one.message.text.unwrap());
            let answer = text_to(&one.message.author, &text);
            match insisting(|| client.handled(one.number, vec![answer.clone()])) {
                Ok(_) | Err(WindlassError::UnknownMessage) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// What a worker says, with its place and which of those that had the place it is.
type Said = (usize, u64, String);

/// A worker's process.
struct Worker {
    process: Child,
    to: ChildStdin,
    life: u64,
    /// Mail that it has and did not say that it is durable.
    open: BTreeSet<u64>,
}

impl Worker {
    fn new(place: usize, life: u64, address: &str, said: &Sender<Said>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["worker", "--exact", "--nocapture"])
            .env(STORE, address);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (to, from) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let said = said.clone();
        thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // The test may be over.
                let _ = said.send((place, life, line));
            }
            let _ = said.send((place, life, "ended".to_owned()));
        });
        let open = BTreeSet::new();
        Self {
            process,
            to,
            life,
            open,
        }
    }

    /// A worker that was killed does not hear it.
    fn say(&mut self, line: &str) {
        let _ = writeln!(self.to, "{line}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The workers, and the mail that each of them has.
struct Fleet {
    address: String,
    workers: Vec<Worker>,
    /// By number, each with its place.
    mail: BTreeMap<u64, (usize, String)>,
    posted: u64,
    said: Sender<Said>,
    hears: Receiver<Said>,
}

impl Fleet {
    fn new(address: &str) -> Self {
        let (said, hears) = channel();
        let started = (0..WORKERS).map(|place| Worker::new(place, 0, address, &said));
        Self {
            address: address.to_owned(),
            workers: started.collect(),
            mail: BTreeMap::new(),
            posted: 0,
            said,
            hears,
        }
    }

    /// To one of them. What one person writes goes to the same one: kept back by one while others answer what the person wrote later, it would come
    /// more turns late than there are keys for (RFC windlass §7.4.9), and again only when its sender sends it again.
    fn post(&mut self, place: usize, envelope: &[u8]) {
        self.posted += 1;
        let number = self.posted;
        self.mail.insert(number, (place, HEXLOWER.encode(envelope)));
        self.give(number);
    }

    fn give(&mut self, number: u64) {
        let (place, envelope) = &self.mail[&number];
        self.workers[*place].open.insert(number);
        self.workers[*place].say(&format!("{number} {envelope}"));
    }

    /// SIGKILL, and another one in its place, which gets again what this one did not acknowledge.
    fn kill(&mut self, place: usize) {
        let life = self.workers[place].life + 1;
        let new = Worker::new(place, life, &self.address, &self.said);
        let open = std::mem::replace(&mut self.workers[place], new)
            .open
            .clone();
        self.workers[place].say("look");
        open.into_iter().for_each(|number| self.give(number));
    }

    fn all_look(&mut self) {
        self.workers
            .iter_mut()
            .for_each(|worker| worker.say("look"));
    }
}

/// People who write to the fleet.
fn users(count: usize, client: &Client) -> BTreeMap<String, FileParty> {
    let users = (0..count).map(|_| {
        let user = FileParty::new();
        acquaint(&user, client);
        (user.address(), user)
    });
    users.collect()
}

fn post_all(fleet: &mut Fleet, place: usize, user: &Client) {
    for envelope in take_outbox(user) {
        fleet.post(place, &envelope.bytes);
    }
}

fn is_answer(event: &Event) -> bool {
    matches!(event, Event::Message { message } if !message.outgoing)
}

#[test]
fn each_message_is_answered_once_whatever_dies() {
    let Some(server) = Server::start() else {
        return;
    };
    let large: Option<usize> = std::env::var("WINDLASS_FLEET")
        .ok()
        .map(|n| n.parse().unwrap());
    let (people, messages, kills, restarts) = match large {
        Some(messages) => (50, messages, 40, 2),
        None => (4, 32, 4, 1),
    };
    let address = server.address("fleet");
    let store = EncryptedStore::create(address.clone(), &key(1)).unwrap();
    let client = Client::create(store, None).unwrap();
    client.keep_unhandled(true).unwrap();
    let bot = client.address();
    let users = users(people, &client);
    drop(client);

    let mut fleet = Fleet::new(&address);
    let addresses: Vec<&String> = users.keys().collect();
    for number in 0..messages {
        let user = &users[addresses[number % people]];
        user.send(bot.clone(), format!("word {number}")).unwrap();
        post_all(&mut fleet, number % people % WORKERS, user);
    }
    let mut rng = rng(7);
    let (mut answers, mut killed, mut restarted) = (0, 0, 0);
    while answers < messages {
        let (place, life, line) = match fleet.hears.recv_timeout(Duration::from_secs(5)) {
            Ok(said) => said,
            // Whoever died last may have left something to those who have nothing to do.
            Err(RecvTimeoutError::Timeout) => {
                fleet.all_look();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("taken"), Some(number), None) if fleet.workers[place].life == life => {
                fleet.workers[place].open.remove(&number.parse().unwrap());
            }
            (Some("ended"), ..) if fleet.workers[place].life == life => panic!("nobody killed it"),
            // Also of who is dead by now: it was sent.
            (Some("out"), Some(to), Some(envelope)) => {
                let user = &users[to];
                let envelope = HEXLOWER.decode(envelope.as_bytes()).unwrap();
                let events = user.receive(envelope.into()).unwrap();
                answers += events.iter().filter(|event| is_answer(event)).count();
                let person = addresses.iter().position(|address| *address == to);
                post_all(&mut fleet, person.unwrap() % WORKERS, user);
            }
            _ => continue,
        }
        if killed < kills && answers >= killed * messages / (kills + 1) {
            killed += 1;
            fleet.kill(rng.below(WORKERS as u32) as usize);
        }
        if restarted < restarts && answers >= (restarted + 1) * messages / (restarts + 1) {
            restarted += 1;
            server.down("immediate");
            server.up();
        }
    }
    assert_eq!((killed, restarted), (kills, restarts));
    let mut heard = BTreeMap::new();
    for user in users.values() {
        let said = Arc::clone(user).conversation(bot.clone()).unwrap();
        for text in texts_in(&said) {
            *heard.entry(text).or_insert(0) += 1;
        }
    }
    for number in 0..messages {
        assert_eq!(heard.get(&format!("you said word {number}")), Some(&1));
    }
    println!(
        "{}",
        server.sql(
            "SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"
        )
    );
}
