//! What several processes do a second that answer for one identity: on a file, in PostgreSQL, and in one that is half a millisecond away.
//!
//! `cargo bench --bench fleet -- 50` has each of 16 people write so many messages in place of 25.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/support/postgres.rs"]
#[allow(dead_code)]
mod postgres;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Server;
use windlass::crypto::Secret;
use windlass::store::postgres::{Address, Effort, Postgres};
use windlass::store::{StorageEngine, StoreKey as RawKey};
use windlass::testing::Counted;
use windlass::{Body, Client, EncryptedStore, OutgoingMessage, StoreKey};

const KEY: [u8; 32] = [1; 32];
const PEOPLE: usize = 16;
const WORKERS: [usize; 4] = [1, 2, 4, 8];
/// To another machine of the same place and back.
const AWAY: Duration = Duration::from_micros(500);

fn main() {
    let mut each = std::env::args().filter_map(|argument| argument.parse().ok());
    let each = each.next_back().unwrap_or(25);
    let Some(server) = Server::start() else {
        return;
    };
    // As docs/guide/fleets.md says.
    for setting in [
        "max_pred_locks_per_transaction = 512",
        "max_pred_locks_per_page = 64",
    ] {
        server.sql(&format!("ALTER SYSTEM SET {setting}"));
    }
    server.down("fast");
    server.up();
    let away = distant(&server);
    println!("a message is taken in, answered, and its answer is out of the outbox: three steps");
    println!("store, workers, messages a second, steps a second, run again, trips a step");
    for workers in WORKERS {
        told("file", workers, on_file(workers, each), None);
    }
    for (name, host) in [("PostgreSQL", server.host()), ("0.5 ms away", shown(&away))] {
        for workers in WORKERS {
            let store = format!(
                "{}_{workers}",
                if name == "PostgreSQL" { "here" } else { "away" }
            );
            let (took, effort) = in_database(&server, &host, &store, workers, each);
            told(name, workers, took, Some(effort));
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn told(name: &str, workers: usize, (messages, took): (usize, Duration), effort: Option<Effort>) {
    let a_second = messages as f64 / took.as_secs_f64();
    let steps = effort.map_or(3 * messages as u64, |effort| effort.steps);
    let again = effort.map_or(0.0, |effort| 100.0 * effort.again as f64 / steps as f64);
    let trips = effort.map_or(0.0, |effort| effort.trips as f64 / steps as f64);
    let steps = steps as f64 / took.as_secs_f64();
    println!("{name}, {workers}, {a_second:.0}, {steps:.0}, {again:.1} %, {trips:.1}");
}

/// Who write to a bot, and what they wrote, of each in its order.
fn mail(bot: &Client, folder: &Path, each: usize) -> Vec<Vec<Vec<u8>>> {
    let written = |person: usize| {
        let client = client(&folder.join(format!("person-{person}")));
        client
            .add_contact(&bot.single_use_bundle().unwrap())
            .unwrap();
        let write = |number: usize| {
            let sent = client
                .send(bot.address(), format!("word {number}"))
                .unwrap();
            sent.envelopes[0].bytes.to_vec()
        };
        (0..each).map(write).collect()
    };
    (0..PEOPLE).map(written).collect()
}

fn client(path: &Path) -> Arc<Client> {
    let key = StoreKey::from_bytes(KEY.to_vec().into()).unwrap();
    Client::create(EncryptedStore::create(shown(path), &key).unwrap(), None).unwrap()
}

/// Takes in, answers, and sends, as a worker does whose mail is of these people.
fn work(client: &Client, mail: Vec<Vec<Vec<u8>>>) -> usize {
    let mut answered = 0;
    let longest = mail.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..longest {
        for envelopes in &mail {
            let Some(envelope) = envelopes.get(number) else {
                continue;
            };
            let events = client.receive(envelope.clone().into()).unwrap();
            answered += events
                .iter()
                .map(|event| answer(client, event))
                .sum::<usize>();
        }
    }
    answered
}

fn answer(client: &Client, event: &windlass::Event) -> usize {
    let windlass::Event::Message { message } = event else {
        return 0;
    };
    let waiting = client.waiting(0, 1_000).unwrap();
    let ours = waiting
        .iter()
        .find(|one| one.author == message.author)
        .unwrap();
    let answer = OutgoingMessage {
        to: message.author.clone(),
        body: Body::Text { text: "yes".into() },
        rich_text: None,
        reply_to: None,
        is_answer: true,
        file: None,
    };
    let sent = client.handled(ours.number, vec![answer]).unwrap();
    let ids = sent
        .iter()
        .flat_map(|sent| &sent.envelopes)
        .map(|envelope| envelope.id);
    client.mark_sent(ids.collect()).unwrap();
    1
}

/// The mail, dealt out to workers by its senders.
fn dealt(mail: Vec<Vec<Vec<u8>>>, workers: usize) -> Vec<Vec<Vec<Vec<u8>>>> {
    let mut dealt = vec![Vec::new(); workers];
    for (person, envelopes) in mail.into_iter().enumerate() {
        dealt[person % workers].push(envelopes);
    }
    dealt
}

fn timed(clients: &[Arc<Client>], mail: Vec<Vec<Vec<u8>>>) -> (usize, Duration) {
    let begun = Instant::now();
    let answered = thread::scope(|scope| {
        let parts = dealt(mail, clients.len()).into_iter().zip(clients);
        let working: Vec<_> = parts
            .map(|(part, client)| scope.spawn(move || work(client, part)))
            .collect();
        working
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    (answered, begun.elapsed())
}

/// One process has a file, so its workers are threads.
fn on_file(workers: usize, each: usize) -> (usize, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let bot = client(&folder.path().join("bot"));
    bot.keep_unhandled(true).unwrap();
    let mail = mail(&bot, folder.path(), each);
    timed(&vec![bot; workers], mail)
}

fn in_database(
    server: &Server,
    host: &str,
    store: &str,
    workers: usize,
    each: usize,
) -> ((usize, Duration), Effort) {
    let folder = tempfile::tempdir().unwrap();
    let key = StoreKey::from_bytes(KEY.to_vec().into()).unwrap();
    let made = EncryptedStore::create(server.address(store), &key).unwrap();
    let bot = Client::create(made, None).unwrap();
    bot.keep_unhandled(true).unwrap();
    let mail = mail(&bot, folder.path(), each);
    let address = server.address(store).replace(&server.host(), host);
    let address = Address::parse(&address).unwrap();
    // Each worker has the store for itself, as a process has.
    let open = |_| Arc::new(Postgres::open(&address, &RawKey::Raw(Secret::new(KEY))).unwrap());
    let engines: Vec<_> = (0..workers).map(open).collect();
    let clients: Vec<_> = engines.iter().map(client_on).collect();
    let before = sum(&engines);
    let done = timed(&clients, mail);
    let after = sum(&engines);
    let effort = Effort {
        steps: after.steps - before.steps,
        again: after.again - before.again,
        trips: after.trips - before.trips,
    };
    (done, effort)
}

fn client_on(engine: &Arc<Postgres>) -> Arc<Client> {
    let counted = Counted::new(Arc::clone(engine) as Arc<dyn StorageEngine>);
    Client::open(Arc::new(EncryptedStore::from(counted))).unwrap()
}

fn sum(engines: &[Arc<Postgres>]) -> Effort {
    let efforts: Vec<_> = engines.iter().map(|engine| engine.effort()).collect();
    Effort {
        steps: efforts.iter().map(|effort| effort.steps).sum(),
        again: efforts.iter().map(|effort| effort.again).sum(),
        trips: efforts.iter().map(|effort| effort.trips).sum(),
    }
}

/// The folder of a socket behind which the server is, so much farther away: what is asked waits.
fn distant(server: &Server) -> PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
    let to = server.folder().join(".s.PGSQL.5432");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = UnixStream::connect(&to).unwrap();
            let (from, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass_on(from, server, AWAY));
            thread::spawn(move || pass_on(back, client, Duration::ZERO));
        }
    });
    folder
}

fn pass_on(mut from: UnixStream, mut to: UnixStream, after: Duration) {
    let mut bytes = vec![0; 1 << 18];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        thread::sleep(after);
        if to.write_all(&bytes[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
