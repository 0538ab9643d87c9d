//! What is asked of Vault's Transit engine ("Transit Secrets Engine (API)" in its manual): one key, its versions, and what they seal.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::address::VaultAddress;
use super::http::{Answer, ask, lost, nonsense};
use crate::store::StoreError;
use crate::store::postgres::trouble::shown;

/// What Vault's ciphertext begins with; the number of the key's version follows.
const PREFIX: &str = "vault:v";
/// Kinds of keys that seal with authentication, by 256 bits.
const KINDS: [&str; 2] = ["aes256-gcm96", "chacha20-poly1305"];
/// What Vault says of ciphertext of a version that it does not use any more, and of one that it does not have yet.
const TOO_OLD: &str = "too old";
const TOO_NEW: &str = "too new";

/// A key in Vault.
#[derive(Debug)]
pub(super) struct Transit {
    address: VaultAddress,
}

/// The versions that a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Versions {
    pub(super) latest: u64,
    /// Older ones are gone for good; 0 if none was ever trimmed.
    pub(super) oldest: u64,
}

/// What became of ciphertext.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Whole(Vec<u8>),
    /// Of a version that is no more.
    Gone,
    /// Of no version of this key, or changed.
    Damaged,
}

/// The version of the key that ciphertext is of; nothing if it is none of Vault's.
pub(super) fn version_of(sealed: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(sealed).ok()?;
    let (version, _) = text.strip_prefix(PREFIX)?.split_once(':')?;
    version.parse().ok()
}

impl Transit {
    pub(super) fn new(address: VaultAddress) -> Self {
        Self { address }
    }

    /// The name of the key, as Vault knows it.
    pub(super) fn name(&self) -> String {
        let VaultAddress { mount, key, .. } = &self.address;
        format!("{mount}/keys/{key}")
    }

    /// Which versions there are, of a key that keeps what is expected of it.
    pub(super) fn versions(&self) -> Result<Versions, StoreError> {
        let answer = self.asked("GET", &self.name(), &Value::Null)?;
        let data = data_of(&answer)?;
        let said = |name: &str| data.get(name);
        let yes = |name: &str| said(name).and_then(Value::as_bool).unwrap_or(false);
        let kind = said("type").and_then(Value::as_str).unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Err(no_key(
                "it is of no type that seals slots: aes256-gcm96 or chacha20-poly1305",
            ));
        }
        if yes("derived") || yes("convergent_encryption") {
            return Err(no_key("it is derived"));
        }
        // A copy of the key that somebody has outlives every version of it.
        if yes("exportable") || yes("allow_plaintext_backup") {
            return Err(no_key(
                "it can be exported or backed up, so nothing of it is ever gone",
            ));
        }
        let number = |name| said(name).and_then(Value::as_u64);
        Ok(Versions {
            latest: number("latest_version").ok_or_else(nonsense)?,
            oldest: number("min_available_version").unwrap_or(0),
        })
    }

    /// Makes a new version, which seals from now on.
    pub(super) fn rotate(&self) -> Result<(), StoreError> {
        let path = format!("{}/rotate", self.name());
        refusal(&self.asked("POST", &path, &json!({}))?)
    }

    /// Seals by the newest version.
    pub(super) fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let body = json!({ "plaintext": BASE64.encode(bytes) });
        let answer = self.asked("POST", &self.path("encrypt"), &body)?;
        let data = data_of(&answer)?;
        let sealed = data.get("ciphertext").and_then(Value::as_str);
        let sealed = sealed.ok_or_else(nonsense)?.as_bytes().to_vec();
        version_of(&sealed).ok_or_else(nonsense)?;
        Ok(sealed)
    }

    /// Opens several, in their order.
    pub(super) fn open(&self, sealed: &[&[u8]]) -> Result<Vec<Opened>, StoreError> {
        let one = |sealed: &&[u8]| json!({ "ciphertext": String::from_utf8_lossy(sealed) });
        let batch: Vec<_> = sealed.iter().map(one).collect();
        let body = json!({ "batch_input": batch });
        let answer = self.asked("POST", &self.path("decrypt"), &body)?;
        // With one that does not open it is no success, and what opened is there all the same.
        let said = json_of(&answer);
        let results = said.get("data").and_then(|data| data.get("batch_results"));
        let Some(results) = results.and_then(Value::as_array) else {
            refusal(&answer)?;
            return Err(nonsense());
        };
        if results.len() != sealed.len() {
            return Err(nonsense());
        }
        results.iter().map(opened).collect()
    }

    /// Makes all versions below `version` be no more: first they open nothing, then they are gone.
    pub(super) fn forget_below(&self, version: u64) -> Result<(), StoreError> {
        let name = self.name();
        let no_older =
            json!({ "min_decryption_version": version, "min_encryption_version": version });
        refusal(&self.asked("POST", &format!("{name}/config"), &no_older)?)?;
        let gone = json!({ "min_available_version": version });
        refusal(&self.asked("POST", &format!("{name}/trim"), &gone)?)
    }

    fn path(&self, work: &str) -> String {
        let VaultAddress { mount, key, .. } = &self.address;
        format!("{mount}/{work}/{key}")
    }

    /// Asks, and once more if the token was replaced meanwhile.
    fn asked(&self, method: &str, path: &str, body: &Value) -> Result<Answer, StoreError> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let mut token = self.address.token()?;
        loop {
            let answer = ask(&self.address, (method, path), &token, &body)?;
            if answer.status != 403 {
                return Ok(answer);
            }
            let newer = self.address.token()?;
            if newer == token {
                return Ok(answer);
            }
            token = newer;
        }
    }
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

/// What a successful answer says.
fn data_of(answer: &Answer) -> Result<Value, StoreError> {
    refusal(answer)?;
    match json_of(answer) {
        Value::Object(mut said) => said.remove("data").ok_or_else(nonsense),
        _ => Err(nonsense()),
    }
}

fn opened(result: &Value) -> Result<Opened, StoreError> {
    let said = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    let error = said("error");
    if error.contains(TOO_OLD) {
        return Ok(Opened::Gone);
    }
    if error.contains(TOO_NEW) {
        return Err(no_key(
            "Vault was put back to before the version that seals the slots",
        ));
    }
    if !error.is_empty() {
        return Ok(Opened::Damaged);
    }
    let bytes = BASE64.decode(said("plaintext").as_bytes());
    Ok(Opened::Whole(bytes.map_err(|_| nonsense())?))
}

fn no_key(why: impl Into<String>) -> StoreError {
    StoreError::VaultKey { why: why.into() }
}

/// What an answer that is no success means.
fn refusal(answer: &Answer) -> Result<(), StoreError> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let errors = json_of(answer);
    let errors = errors.get("errors").and_then(Value::as_array);
    let errors = errors.into_iter().flatten().filter_map(Value::as_str);
    let told = errors.collect::<Vec<_>>().join("; ");
    let why = format!("{} ({status})", shown(told.trim().as_bytes()));
    Err(match status {
        403 => StoreError::VaultRights { why },
        404 => no_key(format!(
            "there is none of this name, or no Transit engine: {why}"
        )),
        400 => no_key(why),
        501 => no_key("Vault is not initialized"),
        503 => StoreError::VaultSealed,
        300..400 => lost("it is not the one that answers, but names another: name the active one"),
        _ => lost(why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Result<(), StoreError> {
        let body = body.as_bytes().to_vec();
        refusal(&Answer { status, body })
    }

    #[test]
    fn what_vault_refuses_is_told_apart() {
        let said = r#"{"errors":["one","two\u001b"]}"#;
        let why = |status: u16| format!("one; two\u{FFFD} ({status})");
        for status in [200, 204, 299] {
            assert_eq!(refused(status, said), Ok(()));
        }
        let rights = StoreError::VaultRights { why: why(403) };
        assert_eq!(refused(403, said), Err(rights));
        assert_eq!(refused(503, said), Err(StoreError::VaultSealed));
        assert_eq!(refused(400, said), Err(no_key(why(400))));
        for status in [404, 501] {
            let no_key = refused(status, said);
            assert!(
                matches!(no_key, Err(StoreError::VaultKey { .. })),
                "{status}"
            );
        }
        for status in [199, 300, 307, 399] {
            let lost = refused(status, said);
            assert!(
                matches!(lost, Err(StoreError::VaultLost { .. })),
                "{status}"
            );
        }
        for (status, body, why) in [(500, said, why(500)), (429, "no JSON", " (429)".into())] {
            assert_eq!(refused(status, body), Err(StoreError::VaultLost { why }));
        }
    }

    #[test]
    fn ciphertext_says_of_which_version_it_is() {
        assert_eq!(version_of(b"vault:v1:abc"), Some(1));
        assert_eq!(version_of(b"vault:v12:"), Some(12));
        for none in [
            b"".as_slice(),
            b"vault:v",
            b"vault:v1",
            b"vault:vx:a",
            b"v1:a",
            b"\xff",
        ] {
            assert_eq!(version_of(none), None);
        }
    }

    #[test]
    fn what_became_of_ciphertext_is_told_apart() {
        let of = |text: &str| opened(&serde_json::from_str(text).unwrap_or(Value::Null));
        assert_eq!(
            of(r#"{"plaintext":"YWI="}"#),
            Ok(Opened::Whole(b"ab".to_vec()))
        );
        assert_eq!(
            of(r#"{"plaintext":"","error":""}"#),
            Ok(Opened::Whole(vec![]))
        );
        let old = r#"{"error":"ciphertext version is too old"}"#;
        assert_eq!(of(old), Ok(Opened::Gone));
        let new = of(r#"{"error":"invalid ciphertext: version is too new"}"#);
        assert!(matches!(new, Err(StoreError::VaultKey { .. })));
        assert_eq!(of(r#"{"error":"cipher: failed"}"#), Ok(Opened::Damaged));
        assert_eq!(of(r#"{"plaintext":"?"}"#), Err(nonsense()));
    }
}
