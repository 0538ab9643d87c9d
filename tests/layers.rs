//! Layers import downwards only, and each kind of crate has one home.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;

use support::imports::graph::Imports;
use support::imports::python::python_imports;
use support::imports::rust::rust_imports;
use support::imports::sources;
use support::tree::{files, root};

/// What each layer may import, itself always included.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "bundle", "chat", "crypto", "engine", "identity", "limits", "link", "qr", "session",
            "store", "testing", "text", "wire", "x3dh",
        ],
    ),
    (
        "engine",
        &[
            "bundle", "chat", "crypto", "due", "identity", "limits", "link", "ratchet", "session",
            "store", "text", "wire", "x3dh",
        ],
    ),
    ("chat", &["crypto", "identity", "limits", "text", "wire"]),
    (
        "session",
        &[
            "bundle", "crypto", "identity", "limits", "ratchet", "wire", "x3dh",
        ],
    ),
    (
        "link",
        &["bundle", "chat", "crypto", "identity", "limits", "wire"],
    ),
    ("x3dh", &["bundle", "crypto", "identity", "limits", "wire"]),
    ("ratchet", &["crypto", "due", "limits", "wire"]),
    ("bundle", &["crypto", "identity", "limits", "wire"]),
    ("identity", &["crypto", "limits", "text", "wire"]),
    ("store", &["crypto"]),
    ("testing", &["crypto", "store"]),
    ("wire", &["crypto", "limits", "text"]),
    ("crypto", &["limits"]),
    ("qr", &[]),
    ("text", &[]),
    ("due", &[]),
    ("limits", &[]),
];

/// The floors of the engine, each importing itself and those in front of it.
const FLOORS: [&str; 6] = ["base", "records", "history", "delivery", "sync", "steps"];

/// The layers, or single files, that may name a crate.
const HOMES: &[(&str, &[&str])] = &[
    (
        "uniffi",
        &[
            "api",
            "lib.rs",
            // Enumerations that the facade shows as they are.
            "engine/records/settings.rs",
            "session/post_quantum.rs",
            "chat/group/permission.rs",
            "chat/origin.rs",
            "engine/sync/outcome.rs",
        ],
    ),
    ("redb", &["store", "testing"]),
    ("fallible_iterator", &["store"]),
    ("postgres_protocol", &["store"]),
    ("rustls", &["store"]),
    (
        "prost",
        &["bundle", "chat", "engine", "link", "session", "wire"],
    ),
    ("icu_casemap", &["text"]),
    ("icu_normalizer", &["text"]),
    ("icu_properties", &["text"]),
    ("image", &["qr"]),
    ("qrcode", &["qr"]),
    ("rqrr", &["qr"]),
    ("aes_gcm", &["crypto"]),
    ("argon2", &["crypto"]),
    ("ed25519_dalek", &["crypto"]),
    ("getrandom", &["crypto"]),
    ("hkdf", &["crypto"]),
    ("hmac", &["crypto"]),
    ("chacha20", &["crypto"]),
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

/// What tests stand on is above what they test.
fn is_test(file: &str) -> bool {
    file.split('/')
        .any(|part| part == "tests" || part == "tests.rs")
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
            let by_test = imported == "testing" && is_test(&file);
            assert!(
                !is_layer || imported == layer || allowed.contains(&imported) || by_test,
                "src/{file}:{number}: {layer} imports {imported}: {line}"
            );
        }
    }
}

/// The facade may use all that is below it; everything else is allowed only what it needs.
#[test]
fn no_layer_may_import_what_it_does_not() {
    let lines = lines();
    for (name, allowed) in MAY_IMPORT.iter().filter(|(name, _)| *name != "api") {
        for other in *allowed {
            let imports = |(file, _, line): &(String, usize, String)| {
                layer(file) == *name && words_after(line, "crate::").any(|word| word == *other)
            };
            assert!(lines.iter().any(imports), "{name} does not import {other}");
        }
    }
}

#[test]
fn the_floors_of_the_engine_import_downwards_only() {
    let floor = |file: &str| {
        let path: Vec<_> = file.strip_prefix("engine/")?.split('/').collect();
        (path.len() > 1).then(|| FLOORS.iter().position(|floor| *floor == path[0]))
    };
    let sources = sources("src", &["rs"]);
    for file in sources.keys().filter(|file| !is_test(file)) {
        if file.starts_with("engine/") && file != "engine/mod.rs" {
            let known = floor(file).flatten().is_some();
            assert!(known, "src/{file}: in none of {FLOORS:?}");
        }
    }
    let imports = rust_imports(&sources);
    let mut count = 0;
    for (from, to, names) in imports.edges() {
        if let (Some(above), Some(below)) = (floor(from), floor(to)) {
            assert!(below <= above, "src/{from} imports {names:?} of src/{to}");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn no_files_of_the_library_import_each_other() {
    let sources = sources("src", &["rs"]);
    no_circles("src", &rust_imports(&sources));
}

#[test]
fn no_files_of_the_python_package_import_each_other() {
    let folder = "bindings/python/src/windlass_chat";
    let sources = sources(folder, &["py", "pyi"]);
    no_circles(folder, &python_imports("windlass_chat", &sources));
}

fn no_circles(folder: &str, imports: &Imports) {
    assert!(imports.edges().count() > 60);
    let circles = imports.circles();
    let text = circles.join("\n");
    assert!(circles.is_empty(), "circles in {folder}:\n{text}");
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
                !named || homes.contains(&layer(&file)) || homes.contains(&file.as_str()),
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
