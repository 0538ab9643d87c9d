//! A Vault of a test's own: the program that `WINDLASS_VAULT` names, or, where there is none, a double that answers as Vault 1.14 does,
//! which `tests/vault.rs` compares with it.

mod double;
pub mod gate;
pub mod script;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use double::Double;

/// A Vault with a Transit engine, which ends with this value.
pub struct Vault {
    at: SocketAddr,
    /// Of who may do everything.
    root: String,
    /// The files of tokens.
    folder: TempDir,
    kind: Kind,
}

enum Kind {
    Real { program: Child, unseal_key: String },
    Double(Arc<Double>),
}

/// What a server answers: its status, and what it says.
pub type Said = (u16, Value);

impl Vault {
    /// The real one, if there is one here.
    pub fn real() -> Option<Self> {
        let program = std::env::var_os("WINDLASS_VAULT")?;
        let at = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let mut program = Command::new(program)
            .args([
                "server",
                "-dev",
                "-dev-no-store-token",
                "-dev-root-token-id=dev-root",
            ])
            .arg(format!("-dev-listen-address={at}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap());
        let mut unseal_key = None;
        let mut line = String::new();
        while unseal_key.is_none() {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
            let key = line.trim().strip_prefix("Unseal Key: ");
            unseal_key = key.map(str::to_owned);
        }
        // It would wait for somebody who reads what it says.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let vault = Self {
            at,
            root: "dev-root".to_owned(),
            folder: tempfile::tempdir().unwrap(),
            kind: Kind::Real {
                program,
                unseal_key: unseal_key.unwrap(),
            },
        };
        let mounted = vault.ask("POST", "sys/mounts/transit", &json!({ "type": "transit" }));
        assert_eq!(mounted.0, 204, "{mounted:?}");
        Some(vault)
    }

    pub fn double() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        Self {
            at,
            root: "dev-root".to_owned(),
            folder: tempfile::tempdir().unwrap(),
            kind: Kind::Double(Double::start(listener, "dev-root")),
        }
    }

    pub fn start() -> Self {
        Self::real().unwrap_or_else(|| {
            println!("there is no Vault here (WINDLASS_VAULT); its double answers");
            Self::double()
        })
    }

    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Asks as who may do everything.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Said {
        self.ask_as(&self.root, (method, path), body)
    }

    pub fn ask_as(&self, token: &str, (method, path): (&str, &str), body: &Value) -> Said {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        // By HTTP/1.0 an answer has no chunks, and ends with its connection.
        let request = format!(
            "{method} /v1/{path} HTTP/1.0\r\nX-Vault-Token: {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A new key, made as `how` says.
    pub fn make_key(&self, name: &str, how: &Value) {
        let (status, said) = self.ask("POST", &format!("transit/keys/{name}"), how);
        assert!((200..300).contains(&status), "{status} {said}");
    }

    /// What of an address leads to a key of this name, through `at`, with the token of the file `token`.
    pub fn slots_at(&self, at: SocketAddr, name: &str, token: &str) -> String {
        let file = self.token_file(token);
        if !file.exists() {
            self.put_token(token, &self.root);
        }
        format!(
            "&slots=vault://{at}/transit/keys/{name}&slots_token={}",
            file.display()
        )
    }

    pub fn slots(&self, name: &str) -> String {
        self.slots_at(self.at, name, "root")
    }

    pub fn token_file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put_token(&self, file: &str, token: &str) {
        std::fs::write(self.token_file(file), format!("{token}\n")).unwrap();
    }

    /// A token with no more rights than docs/guide/fleets.md gives a fleet.
    pub fn token_of_fleet(&self, key: &str) -> String {
        let Kind::Real { .. } = &self.kind else {
            return self.root.clone();
        };
        let mut rules = format!("path \"transit/keys/{key}\" {{ capabilities = [\"read\"] }}\n");
        for path in [
            "keys/{}/rotate",
            "keys/{}/config",
            "keys/{}/trim",
            "encrypt/{}",
            "decrypt/{}",
        ] {
            let path = path.replace("{}", key);
            rules += &format!("path \"transit/{path}\" {{ capabilities = [\"update\"] }}\n");
        }
        let policy = json!({ "policy": rules });
        let made = self.ask("PUT", &format!("sys/policies/acl/{key}"), &policy);
        assert_eq!(made.0, 204, "{made:?}");
        let how = json!({ "policies": [key], "no_default_policy": true });
        let (_, said) = self.ask("POST", "auth/token/create", &how);
        said["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// The versions of a key: the oldest that is there, and the latest.
    pub fn versions(&self, name: &str) -> (u64, u64) {
        let (_, said) = self.ask("GET", &format!("transit/keys/{name}"), &Value::Null);
        let number = |of: &str| said["data"][of].as_u64().unwrap();
        (number("min_available_version"), number("latest_version"))
    }

    /// What is sealed is opened, and sealed by another key.
    pub fn carry(&self, sealed: &str, from: &str, to: &str) -> String {
        let ask = json!({ "ciphertext": sealed });
        let (_, said) = self.ask("POST", &format!("transit/decrypt/{from}"), &ask);
        let ask = json!({ "plaintext": said["data"]["plaintext"] });
        let (_, said) = self.ask("POST", &format!("transit/encrypt/{to}"), &ask);
        said["data"]["ciphertext"].as_str().unwrap().to_owned()
    }

    pub fn seal(&self) {
        let (status, _) = self.ask("PUT", "sys/seal", &Value::Null);
        assert_eq!(status, 204);
    }

    pub fn unseal(&self) {
        let key = match &self.kind {
            Kind::Real { unseal_key, .. } => unseal_key,
            Kind::Double(_) => "any",
        };
        let (status, said) = self.ask("PUT", "sys/unseal", &json!({ "key": key }));
        assert_eq!(status, 200, "{said}");
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        if let Kind::Real { program, .. } = &mut self.kind {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}
