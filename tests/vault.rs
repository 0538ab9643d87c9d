//! Key slots whose key is in Vault: nothing of before a shred opens, whatever is cut, whoever else shreds.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::{Value, json};
use support::postgres::Server;
use support::vault::gate::{Cut, Gate};
use support::vault::{Vault, script};
use windlass::crypto::Secret;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{Key, SlotNumber, StorageEngine, StoreError, StoreKey, Table};

fn key(byte: u8) -> StoreKey {
    StoreKey::Raw(Secret::new([byte; 32]))
}

fn create(address: &str) -> Result<Postgres, StoreError> {
    Postgres::create(&Address::parse(address)?, &key(1))
}

fn open(address: &str) -> Result<Postgres, StoreError> {
    Postgres::open(&Address::parse(address)?, &key(1))
}

fn put(store: &dyn StorageEngine, value: &[u8]) -> Result<(), StoreError> {
    store.write(|rows| rows.put(Table::Messages, Key::new(b"a"), value))
}

fn get(store: &dyn StorageEngine) -> Result<Vec<u8>, StoreError> {
    let found = store.read(|rows| rows.get(Table::Messages, Key::new(b"a")))?;
    Ok(found.unwrap().to_vec())
}

/// Something to shred.
fn replaced(store: &dyn StorageEngine, value: &[u8]) {
    put(store, b"dead").unwrap();
    put(store, value).unwrap();
}

/// No two of this process have one name.
static NUMBER: AtomicU32 = AtomicU32::new(0);

fn servers() -> Option<(Server, Vault)> {
    Some((Server::start()?, Vault::start()))
}

#[test]
fn with_the_key_and_the_slots_of_today_nothing_shredded_before_opens() {
    let Some((server, vault)) = servers() else {
        return;
    };
    vault.make_key("bot", &json!({}));
    vault.put_token("fleet", &vault.token_of_fleet("bot"));
    let address = server.address("bot") + &vault.slots_at(vault.at(), "bot", "fleet");
    let store = create(&address).unwrap();
    let said = store.inspect().unwrap();
    assert!(said.slots_in_vault && !said.slots_in_database);
    put(&store, b"a word nobody may read").unwrap();
    // Whoever has a log or a backup has all of this.
    server.sql("CREATE SCHEMA former; CREATE TABLE former.rows AS TABLE bot.rows; CREATE TABLE former.slots AS TABLE bot.slots");
    let former = server.slots_of("former");
    let opens = |sealed: &str| {
        let path = ("POST", "transit/decrypt/bot");
        vault.ask_as("dev-root", path, &json!({ "ciphertext": sealed }))
    };
    assert_eq!(former.len(), 2);
    for sealed in &former {
        assert_eq!(opens(sealed).0, 200);
    }

    put(&store, b"another word").unwrap();
    assert!(store.shred().unwrap().buckets > 0);
    assert_eq!(get(&store), Ok(b"another word".to_vec()));
    let (oldest, latest) = vault.versions("bot");
    assert_eq!(oldest, latest);
    for sealed in server.slots_of("bot") {
        assert!(sealed.starts_with(&format!("vault:v{latest}:")), "{sealed}");
    }
    store.close().unwrap();

    // Vault itself, asked by who may do everything there, opens none of it, and cannot be told to.
    for sealed in &former {
        let (status, said) = opens(sealed);
        assert_eq!(status, 400);
        assert!(said.to_string().contains("too old"), "{said}");
    }
    let back = json!({ "min_decryption_version": 1, "min_encryption_version": 1 });
    assert_eq!(vault.ask("POST", "transit/keys/bot/config", &back).0, 400);
    let back = json!({ "min_available_version": 1 });
    assert_eq!(vault.ask("POST", "transit/keys/bot/trim", &back).0, 400);
    assert!(vault.ask("GET", "transit/backup/bot", &Value::Null).0 >= 400);

    // The slots of before with today's rows, all of before, and rows of before with today's slots.
    server.sql("CREATE SCHEMA today; CREATE TABLE today.rows AS TABLE bot.rows; CREATE TABLE today.slots AS TABLE bot.slots");
    let put_back = |rows: &str, slots: &str| {
        server.sql(&format!(
            "DELETE FROM bot.rows; INSERT INTO bot.rows TABLE {rows}.rows; \
             DELETE FROM bot.slots; INSERT INTO bot.slots TABLE {slots}.slots"
        ));
        open(&address).map(|_| ())
    };
    assert_eq!(
        put_back("today", "former"),
        Err(StoreError::KeySlotsTrimmed)
    );
    assert_eq!(
        put_back("former", "former"),
        Err(StoreError::KeySlotsTrimmed)
    );
    let mixed = put_back("former", "today");
    assert_eq!(mixed, Err(StoreError::EpochMismatch { store: 1, slots: 2 }));
    assert_eq!(put_back("today", "today"), Ok(()));
    assert_eq!(get(&open(&address).unwrap()), Ok(b"another word".to_vec()));
}

/// What is done to the whole of a store.
const WORK: [&str; 4] = ["open", "shred", "change", "close"];

#[test]
fn whatever_trip_is_cut_nothing_is_lost_and_one_version_lives() {
    let Some((server, vault)) = servers() else {
        return;
    };
    let gate = Gate::new(vault.at());
    for work in WORK {
        for cut in [Cut::Before, Cut::Behind] {
            let mut trips = 0;
            for from in 0.. {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                let name = format!("cut_{number}");
                if !cut_at(&server, &vault, &gate, (work, &name), (from, cut)) {
                    break;
                }
                trips = from + 1;
            }
            println!("{work}: cut {cut:?} at each of {trips} trips");
            assert!(trips > 3);
        }
    }
}

/// Whether the work met the cut.
fn cut_at(
    server: &Server,
    vault: &Vault,
    gate: &Gate,
    (work, name): (&str, &str),
    cut: (u32, Cut),
) -> bool {
    vault.make_key(name, &json!({}));
    let address = server.address(name) + &vault.slots_at(gate.at(), name, "root");
    gate.cut(None);
    let store = create(&address).unwrap();
    replaced(&store, b"living");
    if work == "open" {
        store.close().unwrap();
        // Else it would be tried for ten seconds.
        let former = server.slots_of(name);
        assert_eq!(former.len(), 2);
    }
    gate.cut(Some(cut));
    let slots = Postgres::key_slots(&Address::parse(&address).unwrap()).unwrap();
    let done = match work {
        // What an opening asks of slots, without its patience.
        "open" => slots.lock().and_then(|()| {
            let read = slots.read();
            let written = read.and_then(|[first, second]| {
                slots.renew()?;
                slots.write(SlotNumber::First, &first)?;
                slots.write(SlotNumber::Second, &second)?;
                slots.forget_former()
            });
            slots.unlock();
            written
        }),
        "shred" => store.shred().map(|_| ()),
        "change" => store.change_key(&key(2)),
        _ => store.close(),
    };
    let met = gate.trips() > cut.0;
    assert_eq!(done.is_err(), met, "{work} {cut:?} {done:?}");
    // The process is gone: nothing that it does at its end arrives.
    gate.cut(Some((0, Cut::Before)));
    drop(store);
    drop(slots);
    gate.cut(None);
    let of_key = |byte: u8| Postgres::open(&Address::parse(&address).unwrap(), &key(byte));
    let store = match of_key(1) {
        Err(StoreError::WrongKey) if work == "change" => of_key(2),
        opened => opened,
    };
    let store = store.unwrap_or_else(|error| panic!("{work} {cut:?}: {error}"));
    assert_eq!(get(&store), Ok(b"living".to_vec()), "{work} {cut:?}");
    assert!(!store.rollback_noticed());
    // What was not ended was ended by the opening. Slots that were sealed anew and are the same may have one version more until the next turn.
    for closed in [false, true] {
        let (oldest, needed, latest) = versions(server, vault, name);
        let more = u64::from(work == "open");
        let said = format!("{work} {cut:?} {closed}: {oldest} {needed} {latest}");
        assert!(needed - oldest <= more && latest <= needed + 1, "{said}");
        assert!(store.close().is_ok());
    }
    let slots = Postgres::key_slots(&Address::parse(&address).unwrap()).unwrap();
    slots.lock().unwrap();
    let (oldest, needed, _) = versions(server, vault, name);
    assert_eq!(oldest, needed, "{work} {cut:?}");
    met
}

/// The oldest version of a key, the oldest that its rows need, and the latest.
fn versions(server: &Server, vault: &Vault, name: &str) -> (u64, u64, u64) {
    let of_rows = server.slots_of(name).into_iter().map(|row| {
        let version = row.strip_prefix("vault:v").unwrap();
        version.split(':').next().unwrap().parse::<u64>().unwrap()
    });
    let (oldest, latest) = vault.versions(name);
    (oldest, of_rows.min().unwrap(), latest)
}

#[test]
fn workers_that_shred_at_once_are_in_nobody_s_way() {
    const ROUNDS: u8 = 5;
    let Some((server, vault)) = servers() else {
        return;
    };
    vault.make_key("shared", &json!({}));
    let address = server.address("shared") + &vault.slots("shared");
    let stores = [create(&address).unwrap(), open(&address).unwrap()];
    thread::scope(|scope| {
        for (number, store) in (0u8..).zip(&stores) {
            scope.spawn(move || {
                let store: &dyn StorageEngine = store;
                for round in 0..ROUNDS {
                    let write = |value: &[u8]| {
                        store.write(|rows| rows.put(Table::Messages, Key::new(&[number]), value))
                    };
                    write(b"dead").unwrap();
                    write(&[round]).unwrap();
                    store.shred().unwrap();
                }
            });
        }
        // Reads the slots while others end the versions that they were sealed by.
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let store = open(&address).unwrap();
                assert!(store.inspect().is_ok());
                store.close().unwrap();
            }
        });
    });
    for store in &stores {
        for number in 0..2u8 {
            let found = (store as &dyn StorageEngine)
                .read(|rows| rows.get(Table::Messages, Key::new(&[number])))
                .unwrap();
            assert_eq!(found.unwrap().to_vec(), [ROUNDS - 1]);
        }
    }
    let epoch = stores[0].inspect().unwrap().epoch;
    assert!(epoch > u64::from(ROUNDS), "{epoch}");
    let (oldest, latest) = vault.versions("shared");
    println!("{epoch} epochs, versions {oldest} to {latest}");
    assert_eq!(oldest, latest);
}

#[test]
fn each_way_in_which_vault_refuses_is_told_apart() {
    let Some((server, vault)) = servers() else {
        return;
    };
    vault.make_key("kept", &json!({}));
    let slots = vault.slots_at(vault.at(), "kept", "token");
    let address = server.address("kept") + &slots;
    let store = create(&address).unwrap();
    replaced(&store, b"living");

    vault.put_token("token", "s.wrong");
    let refused = store.shred().unwrap_err();
    assert!(
        matches!(refused, StoreError::VaultRights { .. }),
        "{refused:?}"
    );
    assert!(!format!("{refused} {refused:?} {store:?}").contains("s.wrong"));
    assert!(matches!(
        open(&address),
        Err(StoreError::VaultRights { .. })
    ));
    // Whoever renews it writes the file anew, and no process begins anew.
    vault.put_token("token", "dev-root");
    assert!(store.shred().unwrap().buckets > 0);

    replaced(&store, b"still living");
    vault.seal();
    assert_eq!(store.shred(), Err(StoreError::VaultSealed));
    // The rows are there meanwhile.
    assert_eq!(get(&store), Ok(b"still living".to_vec()));
    put(&store, b"living").unwrap();
    assert!(matches!(open(&address), Err(StoreError::VaultSealed)));
    vault.unseal();
    assert!(store.shred().unwrap().buckets > 0);
    store.close().unwrap();

    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = address.replace(&vault.at().to_string(), &nobody.to_string());
    assert!(matches!(open(&nobody), Err(StoreError::VaultLost { .. })));
    keys_that_slots_may_not_have(&server, &vault);
    assert_eq!(get(&open(&address).unwrap()), Ok(b"living".to_vec()));
}

fn keys_that_slots_may_not_have(server: &Server, vault: &Vault) {
    for (name, how) in [
        ("none", Value::Null),
        ("exported", json!({ "exportable": true })),
        ("copied", json!({ "allow_plaintext_backup": true })),
        ("derived", json!({ "derived": true })),
        ("signs", json!({ "type": "ed25519" })),
    ] {
        if !how.is_null() {
            vault.make_key(name, &how);
        }
        let made = create(&(server.address(name) + &vault.slots(name)));
        assert!(
            matches!(made, Err(StoreError::VaultKey { .. })),
            "{name}: {made:?}"
        );
    }
    // Of another store: a shred of the one would end the other. It does nothing to it.
    let before = vault.versions("kept");
    let made = create(&(server.address("second") + &vault.slots("kept")));
    assert!(matches!(made, Err(StoreError::VaultKey { .. })), "{made:?}");
    assert_eq!(vault.versions("kept"), before);
    // A making that was stopped is begun anew with its key.
    let gate = Gate::new(vault.at());
    vault.make_key("begun", &json!({}));
    let begun = server.address("begun") + &vault.slots_at(gate.at(), "begun", "root");
    for from in 2..7 {
        gate.cut(Some((from, Cut::Behind)));
        assert!(
            matches!(create(&begun), Err(StoreError::VaultLost { .. })),
            "{from}"
        );
    }
    gate.cut(None);
    let store = create(&begun).unwrap();
    put(&store, b"begun").unwrap();
    store.close().unwrap();
    assert_eq!(get(&open(&begun).unwrap()), Ok(b"begun".to_vec()));
    // Two that make stores with one new key: one of them at most has it, and loses nothing.
    vault.make_key("both", &json!({}));
    let addresses =
        ["first_of", "other_of"].map(|name| server.address(name) + &vault.slots("both"));
    let made = thread::scope(|scope| {
        let made = addresses
            .each_ref()
            .map(|address| scope.spawn(move || create(address)));
        made.map(|made| made.join().unwrap())
    });
    assert!(made.iter().filter(|made| made.is_ok()).count() < 2);
    for (made, address) in made.into_iter().zip(&addresses) {
        match made {
            Ok(store) => {
                put(&store, b"one").unwrap();
                store.close().unwrap();
                assert_eq!(get(&open(address).unwrap()), Ok(b"one".to_vec()));
            }
            Err(error) => assert!(matches!(error, StoreError::VaultKey { .. }), "{error:?}"),
        }
    }
}

#[test]
fn the_double_answers_as_vault_does() {
    let double = Vault::double();
    let mut answers = vec![script::answers(&double)];
    answers.extend(Vault::real().map(|real| script::answers(&real)));
    let recorded: Value =
        serde_json::from_str(&std::fs::read_to_string(record()).unwrap_or_default())
            .unwrap_or_default();
    if std::env::var_os("WINDLASS_WRITE_VAULT").is_some() {
        let real = answers.last().filter(|_| answers.len() == 2).unwrap();
        let text = serde_json::to_string_pretty(real).unwrap();
        std::fs::write(record(), text + "\n").unwrap();
        return;
    }
    for answered in answers {
        assert_eq!(answered, recorded);
    }
}

/// What a Vault answered.
fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/vault/recorded.json")
}
