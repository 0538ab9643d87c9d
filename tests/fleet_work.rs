//! Which process of several does what: each piece of work is one process's until it gives it back, or ends, and nobody else's because a server did.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use support::files::key;
use support::postgres::Server;
use windlass::{Client, EncryptedStore};

/// Set for a process that takes a piece of work and never ends: the address of the store.
const STORE: &str = "WINDLASS_WORK_STORE";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn claim(client: &Client, wanted: &[&str]) -> Vec<bool> {
    client.claim_work(names(wanted)).unwrap()
}

fn opened(address: &str) -> Arc<Client> {
    Client::open(EncryptedStore::open(address.to_owned(), &key(1)).unwrap()).unwrap()
}

/// In a run of the tests it has no store and does nothing.
#[test]
fn taker() {
    let Ok(address) = std::env::var(STORE) else {
        return;
    };
    let client = opened(&address);
    assert_eq!(claim(&client, &["killed"]), [true]);
    println!("\ntaken");
    // Until somebody kills it.
    let _ = std::io::stdin().lines().count();
}

#[test]
fn a_piece_of_work_is_one_process_s_until_it_ends() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = server.address("work");
    let store = EncryptedStore::create(address.clone(), &key(1)).unwrap();
    let a = Client::create(store, None).unwrap();
    let b = opened(&address);
    assert_eq!(claim(&a, &["one", "two"]), [true, true]);
    assert_eq!(claim(&b, &["two", "three", "one"]), [false, true, false]);
    assert_eq!(claim(&a, &["three", "two"]), [false, true]);
    a.release_work(names(&["two", "never had"])).unwrap();
    assert_eq!(claim(&b, &["one", "two"]), [false, true]);

    what_a_server_forgot_is_asked_for_again(&server, [&a, &b]);
    who_is_killed_gives_it_back(&address, &b);

    let many: Vec<String> = (0..300).map(|number| format!("many {number}")).collect();
    let got = a.claim_work(many.clone()).unwrap();
    assert_eq!(got.iter().filter(|got| **got).count(), 255);
    a.release_work(many).unwrap();
    assert_eq!(claim(&b, &["many 0", "one"]), [true, false]);
    a.close().unwrap();
    until_given_back(&b, "one");
    shown_by_the_server(&server);
}

/// Both had something when the server was restarted, and have it still with their next question.
fn what_a_server_forgot_is_asked_for_again(server: &Server, [a, b]: [&Client; 2]) {
    server.down("fast");
    server.up();
    assert_eq!(claim(a, &["another"]), [true]);
    assert_eq!(claim(b, &["yet another", "one"]), [true, false]);
    assert_eq!(claim(a, &["two", "three", "one"]), [false, false, true]);
    a.release_work(names(&["another"])).unwrap();

    // Who comes first has what the other one believes to have.
    server.down("fast");
    server.up();
    assert_eq!(claim(b, &["one"]), [true]);
    assert_eq!(claim(a, &["one"]), [false]);
    b.release_work(names(&["one"])).unwrap();
    assert_eq!(claim(a, &["one"]), [true]);
}

fn who_is_killed_gives_it_back(address: &str, b: &Client) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["taker", "--exact", "--nocapture"]);
    command.env(STORE, address).stdin(Stdio::piped());
    let mut taker = command.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(taker.stdout.take().unwrap()).lines();
    let taken = said.map_while(Result::ok).any(|line| line == "taken");
    assert!(taken && claim(b, &["killed"]) == [false]);
    taker.kill().unwrap();
    taker.wait().unwrap();
    until_given_back(b, "killed");
}

/// The server notices the end of a connection by itself, a moment later.
fn until_given_back(client: &Client, name: &str) {
    while claim(client, &[name]) == [false] {
        std::thread::yield_now();
    }
}

/// Numbers that mean nothing to who has no key: none of them is what anybody makes of a name alone.
fn shown_by_the_server(server: &Server) {
    let sql = "SELECT count(*), bool_or(objsubid = 1 AND (classid::bigint << 32) + objid::bigint \
        IN (hashtextextended('one', 0), hashtext('one'))) FROM pg_locks WHERE locktype = 'advisory'";
    let shown = server.sql(sql);
    assert!(shown.ends_with("|f") && !shown.starts_with("0|"), "{shown}");
}
