//! Layers import downwards only, and each kind of crate has one home.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;

use support::tree::{files, root};

/// What each layer may import, itself always included.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "bundle", "chat", "crypto", "identity", "limits", "link", "qr", "ratchet", "session",
            "store", "testing", "wire", "x3dh",
        ],
    ),
    ("chat", &["crypto", "identity", "limits", "wire"]),
    (
        "session",
        &[
            "bundle", "crypto", "identity", "limits", "ratchet", "wire", "x3dh",
        ],
    ),
    ("link", &["bundle", "crypto", "identity", "limits", "wire"]),
    ("x3dh", &["bundle", "crypto", "identity", "limits", "wire"]),
    ("ratchet", &["crypto", "limits", "wire"]),
    ("bundle", &["crypto", "identity", "limits", "wire"]),
    ("identity", &["crypto", "limits", "wire"]),
    ("store", &["crypto"]),
    ("testing", &["crypto", "store"]),
    ("wire", &["crypto", "limits"]),
    ("crypto", &["limits"]),
    ("qr", &[]),
    ("limits", &[]),
];

/// The layers that may name a crate.
const HOMES: &[(&str, &[&str])] = &[
    ("uniffi", &["api", "lib.rs"]),
    ("redb", &["store", "testing"]),
    (
        "prost",
        &["api", "bundle", "chat", "link", "session", "wire"],
    ),
    ("image", &["qr"]),
    ("qrcode", &["qr"]),
    ("rqrr", &["qr"]),
    ("aes_gcm", &["crypto"]),
    ("argon2", &["crypto"]),
    ("ed25519_dalek", &["crypto"]),
    ("getrandom", &["crypto"]),
    ("hkdf", &["crypto"]),
    ("hmac", &["crypto"]),
    ("rand_chacha", &["crypto"]),
    ("rand_core", &["api", "crypto", "testing"]),
    ("sha2", &["crypto"]),
    ("subtle", &["crypto"]),
    ("x25519_dalek", &["crypto"]),
    ("xaes_256_gcm", &["crypto"]),
];

/// A file holds one subject; past this many lines it usually holds two.
const MAX_LINES: usize = 450;

/// Every line of code with its file, line number and layer.
fn lines() -> Vec<(String, usize, String)> {
    let src = root().join("src");
    let files = files(&["src"], &["rs"]);
    assert!(files.len() > 40);
    let mut lines = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        for (i, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") {
                lines.push((name.clone(), i + 1, code.to_owned()));
            }
        }
    }
    lines
}

fn layer(file: &str) -> &str {
    file.split('/').next().unwrap()
}

/// The words right behind each `marker` in a line.
fn words_after<'a>(line: &'a str, marker: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(marker).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn layers_import_downwards_only() {
    for (file, number, line) in lines() {
        let layer = layer(&file);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == layer) else {
            continue;
        };
        assert!(
            !line.contains("crate::{"),
            "src/{file}:{number}: a line for each layer: {line}"
        );
        for imported in words_after(&line, "crate::") {
            let is_layer = MAY_IMPORT.iter().any(|(name, _)| *name == imported);
            assert!(
                !is_layer || imported == layer || allowed.contains(&imported),
                "src/{file}:{number}: {layer} imports {imported}: {line}"
            );
        }
    }
}

#[test]
fn each_kind_of_crate_has_one_home() {
    for (file, number, line) in lines() {
        for (name, homes) in HOMES {
            let path = format!("{name}::");
            let named = line.match_indices(&path).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            assert!(
                !named || homes.contains(&layer(&file)),
                "src/{file}:{number}: {name} is named outside of {homes:?}: {line}"
            );
        }
    }
}

#[test]
fn a_file_holds_one_subject() {
    for file in files(&["src", "tests"], &["rs"]) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines", file.display());
    }
}
