//! The way to a database over a network: sealed, and only to the server that is meant.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::postgres::Server;
use windlass::crypto::Secret;
use windlass::store::postgres::{Address, Postgres};
use windlass::store::{StorageEngine, StoreError, StoreKey};

fn key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

/// A server that listens on an address of this machine that no other process of the tests has.
struct Network {
    server: Server,
    host: String,
}

impl Network {
    fn start() -> Option<Self> {
        let server = Server::start()?;
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let host = format!("127.{}.{b}.{c}", 64 | a);
        let folder = server.folder();
        let file = folder.join("data/pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap();
        let ours = "hostssl all guarded 127.0.0.0/8 scram-sha-256\n\
            hostssl all certified 127.0.0.0/8 cert\nhost all all 127.0.0.0/8 trust\n";
        fs::write(&file, format!("{ours}{rules}")).unwrap();
        for name in ["ours", "others"] {
            authority(folder, name);
        }
        certificate(
            folder,
            "server",
            "ours",
            &format!("IP:{host},DNS:db.example"),
        );
        certificate(folder, "elsewhere", "ours", "DNS:elsewhere.example");
        certificate(folder, "certified", "ours", "DNS:certified");
        for setting in [
            &format!("listen_addresses = '{host}'"),
            "ssl = on",
            "ssl_ca_file = '../ours.pem'",
            "ssl_cert_file = '../server.pem'",
            "ssl_key_file = '../server.key'",
        ] {
            server.sql(&format!("ALTER SYSTEM SET {setting}"));
        }
        server.sql("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'secret'");
        server.sql("CREATE ROLE certified LOGIN SUPERUSER");
        server.down("fast");
        server.up();
        Some(Self { server, host })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.server.folder().join(name)
    }

    fn open(&self, login: &str, rest: &str) -> Result<(), StoreError> {
        let address = format!(
            "postgresql://{login}@{}/postgres?store=bot{rest}",
            self.host
        );
        Postgres::open(&Address::parse(&address)?, &key()).map(|_| ())
    }

    /// By a mode, and an authority.
    fn with(&self, mode: &str, authority: &str) -> Result<(), StoreError> {
        let authority = self.file(authority);
        let rest = format!("&sslmode={mode}&sslrootcert={}", authority.display());
        self.open("owner", &rest)
    }

    fn present(&self, setting: &str) {
        self.server.sql(&format!("ALTER SYSTEM SET {setting}"));
        self.server.down("fast");
        self.server.up();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

const NEW_KEY: &str = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!("{NEW_KEY} -x509 -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"),
    );
}

fn certificate(folder: &Path, name: &str, by: &str, names: &str) {
    openssl(
        folder,
        &format!("{NEW_KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
    );
    let extension = format!("{name}.ext");
    fs::write(
        folder.join(&extension),
        format!("subjectAltName = {names}\n"),
    )
    .unwrap();
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days 2 -sha384 -extfile {extension} -out {name}.pem"
        ),
    );
    // The server takes a key only if it is its own alone.
    let owner = fs::metadata(folder).unwrap();
    for file in ["key", "pem"].map(|kind| folder.join(format!("{name}.{kind}"))) {
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn untrusted(opened: Result<(), StoreError>) -> String {
    match opened {
        Err(StoreError::DatabaseUntrusted { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_is_believed_by_what_it_proves_and_by_nothing_else() {
    let Some(network) = Network::start() else {
        return;
    };
    let here = Address::parse(&network.server.address("bot")).unwrap();
    Postgres::create(&here, &key()).unwrap().close().unwrap();

    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(network.with(mode, "ours.pem"), Ok(()), "{mode}");
        let why = untrusted(network.with(mode, "others.pem"));
        assert!(why.contains("UnknownIssuer"), "{why}");
    }
    assert!(untrusted(network.with("verify-full", "nothing.pem")).contains("cannot be read"));
    assert!(untrusted(network.with("verify-full", "server.key")).contains("cannot be read"));

    // Without an authority the password itself is the proof, bound to this very channel.
    assert_eq!(network.open("guarded:secret", "&sslmode=require"), Ok(()));
    let wrong = network.open("guarded:another", "&sslmode=require");
    assert!(
        matches!(wrong, Err(StoreError::DatabaseRights { .. })),
        "{wrong:?}"
    );
    let why = untrusted(network.open("owner", "&sslmode=require"));
    assert!(why.contains("bound to the channel"), "{why}");

    // A server may want a certificate, too.
    let authority = format!(
        "&sslmode=verify-full&sslrootcert={}",
        network.file("ours.pem").display()
    );
    let bare = network.open("certified", &authority);
    assert!(
        matches!(bare, Err(StoreError::DatabaseRights { .. })),
        "{bare:?}"
    );
    let [shown, own] = ["pem", "key"].map(|kind| network.file(&format!("certified.{kind}")));
    let both = format!(
        "{authority}&sslcert={}&sslkey={}",
        shown.display(),
        own.display()
    );
    assert_eq!(network.open("certified", &both), Ok(()));

    network
        .server
        .sql("ALTER SYSTEM SET ssl_key_file = '../elsewhere.key'");
    network.present("ssl_cert_file = '../elsewhere.pem'");
    assert_eq!(network.with("verify-ca", "ours.pem"), Ok(()));
    let why = untrusted(network.with("verify-full", "ours.pem"));
    assert!(why.contains("not valid for name"), "{why}");

    network.present("ssl = off");
    for mode in ["require", "verify-ca", "verify-full"] {
        assert_eq!(untrusted(network.with(mode, "ours.pem")), "it has no TLS");
    }
    assert_eq!(network.open("owner", ""), Ok(()));
    assert_eq!(network.open("owner", "&sslmode=disable"), Ok(()));
}
