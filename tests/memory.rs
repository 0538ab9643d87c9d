//! What a process still has in its memory of secrets that it is done with: another process reads all of it (docs/store.md, "Memory").

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use support::files::Folder;
use windlass::crypto::{hkdf_sha256, open, sha512};
use windlass::{Client, EncryptedStore, Event, Identity, StoreKey};

/// Set for the process that is looked at: the folder of its stores.
const FOLDER: &str = "WINDLASS_MEMORY_FOLDER";
/// What neither process has as it is, but where it is used.
const MASK: u8 = 0xA5;
const SEED: [u8; 32] = *b"\x3f\x91\x07\xc2\x6e\xd8\x14\xab\x52\xf0\x8d\x39\xe6\x1b\x74\xcd\x28\x95\x4a\xf7\x03\xbe\x61\xdc\x17\x8a\x46\xe9\x30\x7f\xb5\x5c";
const KEY: [u8; 32] = *b"\xd1\x2c\x87\x5a\xf3\x0e\x69\xb4\x1d\xc8\x73\x9e\x42\xa7\xfb\x06\x58\xbd\x21\x94\xef\x3a\x65\xd0\x8f\x1c\x77\xe2\x4d\xa8\x13\x9b";

fn plain(masked: &[u8; 32]) -> Vec<u8> {
    let mut plain = masked.to_vec();
    for byte in &mut plain {
        *byte ^= MASK;
    }
    plain
}

/// What is looked at. In a run of the tests it has no folder and does nothing.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let path = |name: &str| format!("{folder}/{name}.wl");
    let key = || StoreKey::from_bytes(plain(&KEY).into()).unwrap();
    let mut lines = std::io::stdin().lines();
    let mut pause = |step: &str| {
        println!("\nstep {step}");
        std::io::stdout().flush().unwrap();
        lines.next();
    };
    {
        let identity = Identity::from_seed(plain(&SEED).into()).unwrap();
        let open = |name: &str, identity| {
            let store = EncryptedStore::create(path(name), &key()).unwrap();
            Client::create(store, identity).unwrap()
        };
        let [alice, bob] = [open("alice", Some(identity)), open("bob", None)];
        alice.add_contact(&bob.bundle().unwrap()).unwrap();
        let sent = alice.send(bob.address(), "ahoy".into()).unwrap();
        for envelope in sent.envelopes {
            let told = bob.receive(envelope.bytes).unwrap();
            assert!(
                told.iter()
                    .any(|event| matches!(event, Event::Message { .. }))
            );
        }
        pause("open");
        alice.close().unwrap();
        bob.close().unwrap();
    }
    pause("closed");
    {
        let store = EncryptedStore::open(path("alice"), &key()).unwrap();
        Client::open(store).unwrap().close().unwrap();
    }
    pause("opened again and closed");
}

struct Looked {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Looked {
    fn at(folder: &Folder) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.text(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let stdout = BufReader::new(stdout);
        Self {
            child,
            stdin,
            stdout,
        }
    }

    /// Waits for the child's next step.
    fn step(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it is alive");
            if let Some(step) = line.trim().strip_prefix("step ") {
                return step.to_owned();
            }
        }
    }

    /// How often each of these is in its memory, and in what kind of it.
    fn count(&self, secrets: &[[u8; 32]]) -> Vec<Vec<String>> {
        let of = |file: &str| format!("/proc/{}/{file}", self.child.id());
        let memory = File::open(of("mem")).unwrap();
        let mut found = vec![Vec::new(); secrets.len()];
        for line in fs::read_to_string(of("maps")).unwrap().lines() {
            let mut parts = line.split_whitespace();
            let (range, access) = (parts.next().unwrap(), parts.next().unwrap());
            if !access.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            if memory.read_exact_at(&mut bytes, from).is_err() {
                continue;
            }
            for (secret, found) in secrets.iter().zip(&mut found) {
                for (at, window) in bytes.windows(32).enumerate() {
                    if window[0] == secret[0] && window == secret {
                        let place = parts.clone().nth(3).unwrap_or("anonymous");
                        found.push(format!("{place}+{:x}", at));
                    }
                }
            }
        }
        found
    }
}

/// What the key slots of a store give to whoever has its key: the data key, the root keys.
fn keys_of(folder: &Folder, name: &str) -> Vec<[u8; 32]> {
    let slots = fs::read(folder.path(&format!("{name}.wl.keys"))).unwrap();
    let mut keys = Vec::new();
    for slot in slots.chunks(512) {
        let (head, rest) = slot.split_at(73);
        let wrapping = hkdf_sha256(&head[57..73], &plain(&KEY), b"Windlass store v1 raw key");
        let secrets = open(&wrapping, &rest[..24 + 112 + 16], head).unwrap();
        keys.push(*wrapping.as_bytes());
        keys.push(secrets[..32].try_into().unwrap());
        for epoch in secrets[40..].chunks(40) {
            keys.push(epoch[..32].try_into().unwrap());
        }
    }
    keys.retain(|key| *key != [0; 32]);
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn a_key_is_in_memory_once_while_it_is_used_and_not_at_all_afterwards() {
    let folder = Folder::new();
    let mut looked = Looked::at(&folder);
    let of = |masked: &[u8; 32]| -> [u8; 32] { plain(masked).try_into().unwrap() };
    let scalar = sha512(&[&plain(&SEED)])[..32].try_into().unwrap();
    for (step, most) in [("open", 1), ("closed", 0), ("opened again and closed", 0)] {
        assert_eq!(looked.step(), step);
        let mut keys = vec![of(&SEED), scalar, of(&KEY)];
        keys.extend(keys_of(&folder, "alice"));
        assert!(keys.len() >= 6, "the data key, a root key, what wraps them");
        let found = looked.count(&keys);
        println!("{step}: {found:?}");
        assert!(
            found.iter().all(|found| found.len() <= most),
            "{step}: {found:?}"
        );
        writeln!(looked.stdin).unwrap();
    }
    looked.child.wait().unwrap();
}
