//! What Vault's Transit engine answers, where there is no Vault: the part of its API that key slots use, and every refusal of it. It seals
//! nothing: it remembers what it was given, for as long as the version is there.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::Said;
use super::gate::whole;

/// A server.
pub struct Double(Mutex<State>);

struct State {
    root: &'static str,
    sealed: bool,
    keys: BTreeMap<String, Key>,
}

struct Key {
    kind: String,
    derived: bool,
    exportable: bool,
    plaintext_backup: bool,
    latest: u64,
    oldest: u64,
    opens_from: u64,
    seals_from: u64,
    /// What is sealed, by its version.
    contents: Vec<(u64, String)>,
}

impl Double {
    pub fn start(listener: TcpListener, root: &'static str) -> Arc<Self> {
        let double = Arc::new(Self(Mutex::new(State {
            root,
            sealed: false,
            keys: BTreeMap::new(),
        })));
        let served = Arc::clone(&double);
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let Some(request) = whole(&mut client) else {
                    continue;
                };
                let (status, said) = served.answered(&String::from_utf8_lossy(&request));
                let body = if said.is_null() {
                    String::new()
                } else {
                    said.to_string()
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n\r\n");
                let _ = client.write_all((head + &body).as_bytes());
            }
        });
        double
    }

    fn answered(&self, request: &str) -> Said {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut first = head.lines().next().unwrap().split(' ');
        let (method, path) = (first.next().unwrap(), first.next().unwrap());
        let token = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("x-vault-token").then_some(value)
        });
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        let mut state = self.0.lock().unwrap();
        let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
        match parts.as_slice() {
            ["sys", "unseal"] => {
                state.sealed = false;
                (200, json!({ "sealed": false }))
            }
            _ if state.sealed => errors(503, "Vault is sealed"),
            _ if token != Some(state.root) => errors(403, "permission denied"),
            ["sys", "seal"] => {
                state.sealed = true;
                (204, Value::Null)
            }
            ["transit", rest @ ..] => state.transit(method, rest, &body),
            _ => {
                let route = path.trim_start_matches("/v1/");
                errors(
                    404,
                    &format!("no handler for route \"{route}\". route entry not found."),
                )
            }
        }
    }
}

fn errors(status: u16, error: &str) -> Said {
    (status, json!({ "errors": [error] }))
}

impl State {
    fn transit(&mut self, method: &str, path: &[&str], body: &Value) -> Said {
        let number = |name: &str| body[name].as_u64();
        match (method, path) {
            ("POST", ["keys", name]) => {
                let made = self.keys.entry((*name).to_owned());
                (
                    200,
                    json!({ "data": made.or_insert_with(|| Key::made(body)).told() }),
                )
            }
            ("GET", ["keys", name]) => match self.keys.get(*name) {
                Some(key) => (200, json!({ "data": key.told() })),
                None => (404, json!({ "errors": [] })),
            },
            (_, ["keys", name, "rotate"]) => match self.keys.get_mut(*name) {
                Some(key) => {
                    key.latest += 1;
                    (200, json!({ "data": key.told() }))
                }
                None => errors(400, "key not found"),
            },
            (_, ["keys", name, "config"]) => match self.keys.get_mut(*name) {
                Some(key) => key.configured(
                    number("min_decryption_version"),
                    number("min_encryption_version"),
                ),
                None => errors(400, &format!("no existing key named {name} could be found")),
            },
            (_, ["keys", name, "trim"]) => match self.keys.get_mut(*name) {
                Some(key) => key.trimmed(number("min_available_version").unwrap_or(0)),
                None => errors(400, "invalid key name"),
            },
            (_, ["encrypt", name]) => match self.keys.get_mut(*name) {
                Some(key) => {
                    key.contents
                        .push((key.latest, body["plaintext"].as_str().unwrap().to_owned()));
                    let sealed = format!("vault:v{}:{:08}", key.latest, key.contents.len() - 1);
                    (
                        200,
                        json!({ "data": { "ciphertext": sealed, "key_version": key.latest } }),
                    )
                }
                None => errors(400, "encryption key not found"),
            },
            (_, ["decrypt", name]) => match self.keys.get(*name) {
                Some(key) => key.decrypted(body),
                None => errors(400, "encryption key not found"),
            },
            _ => errors(404, "unsupported path"),
        }
    }
}

impl Key {
    fn made(how: &Value) -> Self {
        let yes = |name: &str| how[name].as_bool().unwrap_or(false);
        Self {
            kind: how["type"].as_str().unwrap_or("aes256-gcm96").to_owned(),
            derived: yes("derived"),
            exportable: yes("exportable"),
            plaintext_backup: yes("allow_plaintext_backup"),
            latest: 1,
            oldest: 0,
            opens_from: 1,
            seals_from: 0,
            contents: Vec::new(),
        }
    }

    fn told(&self) -> Value {
        json!({
            "type": self.kind,
            "derived": self.derived,
            "exportable": self.exportable,
            "allow_plaintext_backup": self.plaintext_backup,
            "latest_version": self.latest,
            "min_available_version": self.oldest,
            "min_decryption_version": self.opens_from,
            "min_encryption_version": self.seals_from,
        })
    }

    fn configured(&mut self, opens_from: Option<u64>, seals_from: Option<u64>) -> Said {
        let opens_from = opens_from.unwrap_or(self.opens_from).max(1);
        let seals_from = seals_from.unwrap_or(self.seals_from);
        let latest = self.latest;
        if opens_from > latest {
            return errors(
                400,
                &format!(
                    "cannot set min decryption version of {opens_from}, latest key version is {latest}"
                ),
            );
        }
        if seals_from > latest {
            return errors(
                400,
                &format!(
                    "cannot set min encryption version of {seals_from}, latest key version is {latest}"
                ),
            );
        }
        if seals_from > 0 && seals_from < opens_from {
            return errors(
                400,
                &format!(
                    "cannot set min encryption/decryption values; min encryption version of {seals_from} must be greater than or equal to min decryption version of {opens_from}"
                ),
            );
        }
        if self.oldest > seals_from {
            return errors(
                400,
                "min encryption version should not be less than min available version",
            );
        }
        if self.oldest > opens_from {
            return errors(
                400,
                "min decryption version should not be less then min available version",
            );
        }
        (self.opens_from, self.seals_from) = (opens_from, seals_from);
        (200, json!({ "data": self.told() }))
    }

    fn trimmed(&mut self, oldest: u64) -> Said {
        let refused = match oldest {
            _ if oldest < self.oldest => "minimum available version cannot be decremented",
            _ if self.seals_from == 0 => {
                "minimum available version cannot be set when minimum encryption version is not set"
            }
            _ if oldest > self.seals_from => {
                "minimum available version cannot be greater than minmum encryption version"
            }
            _ if oldest > self.opens_from => {
                "minimum available version cannot be greater than minimum decryption version"
            }
            0 => "minimum available version should be positive",
            _ => "",
        };
        if !refused.is_empty() {
            return errors(400, refused);
        }
        self.oldest = oldest;
        for (version, content) in &mut self.contents {
            if *version < oldest {
                content.clear();
            }
        }
        (200, json!({ "data": self.told() }))
    }

    fn decrypted(&self, body: &Value) -> Said {
        let Some(batch) = body["batch_input"].as_array() else {
            return match self.opened(&body["ciphertext"]) {
                Ok(plaintext) => (200, json!({ "data": { "plaintext": plaintext } })),
                Err(error) => errors(400, error),
            };
        };
        let opened: Vec<_> = batch
            .iter()
            .map(|one| self.opened(&one["ciphertext"]))
            .collect();
        let status = if opened.iter().all(Result::is_ok) {
            200
        } else {
            400
        };
        let told = opened.iter().map(|one| match one {
            Ok(plaintext) => json!({ "plaintext": plaintext, "reference": "" }),
            Err(error) => json!({ "plaintext": "", "error": error, "reference": "" }),
        });
        (
            status,
            json!({ "data": { "batch_results": told.collect::<Vec<_>>() } }),
        )
    }

    fn opened(&self, sealed: &Value) -> Result<&str, &'static str> {
        let sealed = sealed.as_str().unwrap_or_default();
        let rest = sealed
            .strip_prefix("vault:v")
            .ok_or("invalid ciphertext: no prefix")?;
        let (version, place) = rest
            .split_once(':')
            .ok_or("invalid ciphertext: wrong number of fields")?;
        let version: u64 = version
            .parse()
            .map_err(|_| "invalid ciphertext: version number could not be decoded")?;
        if version > self.latest {
            return Err("invalid ciphertext: version is too new");
        }
        if version < self.opens_from {
            return Err("ciphertext or signature version is disallowed by policy (too old)");
        }
        let content = place
            .parse()
            .ok()
            .and_then(|place: usize| self.contents.get(place));
        match content {
            Some((of, content)) if *of == version => Ok(content),
            _ => Err("cipher: message authentication failed"),
        }
    }
}
