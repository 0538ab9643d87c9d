//! Several processes answer for one identity, whose store is in PostgreSQL, while they are killed and the server is: each message is answered
//! once. At the end the server is lost, and a replica takes its place.
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
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use support::clients::{acquaint, assert_readable, take_outbox, text_to, texts_in};
use support::files::{FileParty, key};
use support::postgres::Server;
use support::seeds::{Below, rng};
use windlass::crypto::Secret;
use windlass::store::postgres::{Address, Effort, Postgres};
use windlass::store::{StorageEngine, StoreError, StoreKey};
use windlass::testing::Counted;
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
    let engine = engine(&address);
    let counted = Counted::new(Arc::clone(&engine) as Arc<dyn StorageEngine>);
    let store = Arc::new(EncryptedStore::from(counted));
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
        let Effort {
            steps,
            again,
            trips,
        } = engine.effort();
        writeln!(out, "\neffort {steps} {again} {trips}").unwrap();
        out.flush().unwrap();
    }
}

/// The server is perhaps gone at this moment, or a replica that nobody has promoted yet.
fn engine(address: &str) -> Arc<Postgres> {
    let address = Address::parse(address).unwrap();
    loop {
        match Postgres::open(&address, &StoreKey::Raw(Secret::new([1; 32]))) {
            Err(StoreError::DatabaseLost { .. } | StoreError::DatabaseReadOnly) => {}
            opened => return Arc::new(opened.unwrap()),
        }
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

/// Of what waits, also of what a worker that died has left, but not where another one is at it. What that one has answered meanwhile is not
/// answered again.
fn answer_all(client: &Client) {
    let mut after = 0;
    loop {
        let waiting = insisting(|| client.waiting(after, 10)).unwrap();
        let Some(last) = waiting.last() else {
            return;
        };
        after = last.number;
        for one in waiting {
            let lane = vec![one.conversation.clone()];
            if insisting(|| client.claim_work(lane.clone())).unwrap() == [true] {
                answer_one(client, one.number);
                client.release_work(lane).unwrap();
            }
        }
    }
}

fn answer_one(client: &Client, number: u64) {
    let Some(one) = insisting(|| client.unhandled_message(number)).unwrap() else {
        return;
    };
    let text = format!("you said {}", one.message.text.unwrap());
    let answer = text_to(&one.message.author, &text);
    match insisting(|| client.handled(number, vec![answer.clone()])) {
        Ok(_) | Err(WindlassError::UnknownMessage) => {}
        Err(error) => panic!("{error}"),
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
    /// Steps, steps that ran again, and trips, of each worker and its life.
    efforts: BTreeMap<(usize, u64), [u64; 3]>,
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
            efforts: BTreeMap::new(),
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

    /// Of all, without what each did since it told last.
    fn effort(&self) -> [u64; 3] {
        let sum = |at: usize| self.efforts.values().map(|effort| effort[at]).sum();
        [sum(0), sum(1), sum(2)]
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

/// What the servers and the workers go through.
struct Fates {
    servers: [Server; 2],
    messages: usize,
    kills: usize,
    /// Before the server is lost for good.
    restarts: usize,
    killed: usize,
    ended: usize,
}

impl Fates {
    /// Spread over the whole run.
    fn strike(&mut self, answers: usize, fleet: &mut Fleet, rng: &mut impl Below) {
        let (kills, messages) = (self.kills, self.messages);
        if self.killed < kills && answers >= self.killed * messages / (kills + 1) {
            self.killed += 1;
            fleet.kill(rng.below(WORKERS as u32) as usize);
        }
        let ends = self.restarts + 1;
        if self.ended < ends && answers >= (self.ended + 1) * messages / (ends + 1) {
            self.ended += 1;
            let [first, second] = &self.servers;
            first.down("immediate");
            if self.ended < ends {
                first.up();
            } else {
                second.promote();
            }
        }
    }
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
    let replica = server.replica();
    let (host, both) = (
        server.host(),
        format!("{},{}", server.host(), replica.host()),
    );
    let address =
        server.address("fleet").replace(&host, &both) + "&target_session_attrs=read-write";
    let store = EncryptedStore::create(address.clone(), &key(1)).unwrap();
    let client = Client::create(store, None).unwrap();
    client.keep_unhandled(true).unwrap();
    let bot = client.address();
    let users = users(people, &client);
    drop(client);

    let begun = Instant::now();
    let mut fleet = Fleet::new(&address);
    let mut fates = Fates {
        servers: [server, replica],
        messages,
        kills,
        restarts,
        killed: 0,
        ended: 0,
    };
    answer(&mut fleet, &users, &bot, &mut fates);
    assert_eq!((fates.killed, fates.ended), (kills, restarts + 1));
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
    let [steps, again, trips] = fleet.effort();
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{messages} messages of {people}, {kills} kills, {restarts} restarts, 1 fail-over, {seconds:.0} s: \
         {steps} steps, {again} run again, {:.1} trips a step",
        trips as f64 / steps as f64
    );
}

/// Everybody writes, and hears the fleet until all is answered.
fn answer(fleet: &mut Fleet, users: &BTreeMap<String, FileParty>, bot: &str, fates: &mut Fates) {
    let addresses: Vec<&String> = users.keys().collect();
    for number in 0..fates.messages {
        let user = &users[addresses[number % users.len()]];
        user.send(bot.to_owned(), format!("word {number}")).unwrap();
        post_all(fleet, number % users.len() % WORKERS, user);
    }
    let (mut rng, mut answers) = (rng(7), 0);
    while answers < fates.messages {
        let (place, life, line) = match fleet.hears.recv_timeout(Duration::from_secs(5)) {
            Ok(said) => said,
            // Whoever died last may have left something to those who have nothing to do.
            Err(RecvTimeoutError::Timeout) => {
                fleet.all_look();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["taken", number] if fleet.workers[place].life == life => {
                fleet.workers[place].open.remove(&number.parse().unwrap());
            }
            ["ended"] if fleet.workers[place].life == life => panic!("nobody killed it"),
            ["effort", ..] => {
                let count = |at: usize| words[at].parse().unwrap();
                let effort = [count(1), count(2), count(3)];
                fleet.efforts.insert((place, life), effort);
            }
            // Also of who is dead by now: it was sent.
            ["out", to, envelope] => {
                let user = &users[to];
                let envelope = HEXLOWER.decode(envelope.as_bytes()).unwrap();
                let events = user.receive(envelope.into()).unwrap();
                answers += events.iter().filter(|event| is_answer(event)).count();
                let person = addresses.iter().position(|address| *address == to);
                post_all(fleet, person.unwrap() % WORKERS, user);
            }
            _ => continue,
        }
        fates.strike(answers, fleet, &mut rng);
    }
}
