//! Requests whose answers are the same each time, to compare one Vault with another.

use serde_json::{Map, Value, json};

use super::Vault;

/// Token, method, path and content; `$0` is the first ciphertext that was answered.
const ASKED: &str = r#"
s.wrong GET transit/keys/a
dev-root GET elsewhere/keys/a
dev-root GET transit/keys/a
dev-root POST transit/keys/a/rotate {}
dev-root POST transit/keys/a/config {"min_decryption_version":1}
dev-root POST transit/keys/a/trim {"min_available_version":1}
dev-root POST transit/decrypt/a {"ciphertext":"vault:v1:AAAA"}
dev-root POST transit/keys/a {}
dev-root GET transit/keys/a
dev-root POST transit/encrypt/a {"plaintext":"YQ=="}
dev-root POST transit/keys/a/trim {"min_available_version":1}
dev-root POST transit/keys/a/rotate {}
dev-root POST transit/encrypt/a {"plaintext":"Yg=="}
dev-root POST transit/decrypt/a {"batch_input":[{"ciphertext":"$0"},{"ciphertext":"$1"}]}
dev-root POST transit/keys/a/config {"min_decryption_version":3,"min_encryption_version":2}
dev-root POST transit/keys/a/config {"min_decryption_version":2,"min_encryption_version":3}
dev-root POST transit/keys/a/config {"min_decryption_version":2,"min_encryption_version":1}
dev-root POST transit/keys/a/config {"min_decryption_version":2,"min_encryption_version":2}
dev-root POST transit/decrypt/a {"batch_input":[{"ciphertext":"$0"},{"ciphertext":"$1"}]}
dev-root POST transit/keys/a/trim {"min_available_version":3}
dev-root POST transit/keys/a/trim {"min_available_version":2}
dev-root POST transit/keys/a/trim {"min_available_version":1}
dev-root POST transit/keys/a/config {"min_decryption_version":1,"min_encryption_version":1}
dev-root POST transit/keys/a/config {"min_decryption_version":1}
dev-root POST transit/decrypt/a {"batch_input":[{"ciphertext":"$0"},{"ciphertext":"$1"}]}
dev-root POST transit/decrypt/a {"ciphertext":"$0"}
dev-root POST transit/decrypt/a {"ciphertext":"vault:v9:AAAA"}
dev-root POST transit/keys/b {"exportable":true,"allow_plaintext_backup":true}
dev-root GET transit/keys/b
dev-root POST transit/keys/c {"derived":true}
dev-root GET transit/keys/c
dev-root PUT sys/seal
dev-root GET transit/keys/a
"#;

/// What of an answer is the same each time.
const SAME: [&str; 11] = [
    "type",
    "derived",
    "exportable",
    "allow_plaintext_backup",
    "latest_version",
    "min_available_version",
    "min_decryption_version",
    "min_encryption_version",
    "plaintext",
    "batch_results",
    "key_version",
];

/// Asks all of it, and answers what was said.
pub fn answers(vault: &Vault) -> Value {
    let (mut said, mut sealed) = (Vec::new(), Vec::<String>::new());
    for line in ASKED.trim().lines() {
        let mut parts = line.splitn(4, ' ');
        let mut next = || parts.next().unwrap_or_default();
        let (token, method, path, content) = (next(), next(), next(), next().to_owned());
        let numbered = sealed.iter().enumerate();
        let content = numbered.fold(content, |content, (number, sealed)| {
            content.replace(&format!("${number}"), sealed)
        });
        let content = serde_json::from_str(&content).unwrap_or_default();
        let (status, answer) = vault.ask_as(token, (method, path), &content);
        let data = &answer["data"];
        sealed.extend(data["ciphertext"].as_str().map(str::to_owned));
        let told = SAME.iter().filter(|name| !data[**name].is_null());
        let told = told.map(|name| ((*name).to_owned(), data[*name].clone()));
        said.push(json!({
            "asked": line,
            "status": status,
            "errors": answer["errors"],
            "data": told.collect::<Map<_, _>>(),
        }));
    }
    Value::Array(said)
}
