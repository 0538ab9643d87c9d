//! The test vectors beside this file: each case is an input and what has to come out of it.
//!
//! `WINDLASS_WRITE_VECTORS=1 cargo test --test vectors` writes the files anew, after a change of the protocol that was meant.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod evaluate;
mod generate;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(kind: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("{kind}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every file, as (kind, cases).
fn files() -> Vec<(String, Vec<Value>)> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let cases = read(&kind)["cases"].as_array().unwrap().clone();
            (kind, cases)
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// Cases of what a device makes of what comes. The engine's own tests walk them (`src/engine/tests/vectors`).
fn device_cases() -> usize {
    let count = |path: PathBuf| {
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        file["cases"].as_array().unwrap().len()
    };
    let files = fs::read_dir(folder().join("device")).unwrap();
    files.map(|entry| count(entry.unwrap().path())).sum()
}

#[test]
fn every_case_gives_what_its_file_says() {
    if std::env::var_os("WINDLASS_WRITE_VECTORS").is_some() {
        return;
    }
    let mut count = 0;
    for (kind, cases) in files() {
        for case in &cases {
            let found = evaluate::evaluate(&kind, &case["input"]);
            assert_eq!(found, case["expect"], "{kind}: {}", case["name"]);
            count += 1;
        }
        println!("{kind}: {} cases", cases.len());
    }
    count += device_cases();
    println!("{count} cases");
    assert!(count >= 200);
    let readme = fs::read_to_string(folder().join("../../README.md")).unwrap();
    assert!(readme.contains(&format!("{count} test vectors")));
}

#[test]
fn the_files_are_what_the_generator_writes() {
    let write = std::env::var_os("WINDLASS_WRITE_VECTORS").is_some();
    for (kind, about, cases) in generate::all() {
        let cases: Vec<_> = cases
            .into_iter()
            .map(|(name, input)| {
                let expect = evaluate::evaluate(kind, &input);
                json!({ "name": name, "input": input, "expect": expect })
            })
            .collect();
        let file =
            json!({ "protocol": "windlass 2", "kind": kind, "about": about, "cases": cases });
        if write {
            let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
            fs::write(folder().join(format!("{kind}.json")), text).unwrap();
        } else {
            assert_eq!(read(kind), file, "{kind}.json");
        }
    }
    let written: BTreeSet<_> = generate::all()
        .iter()
        .map(|file| file.0.to_owned())
        .collect();
    let found: BTreeSet<_> = files().into_iter().map(|file| file.0).collect();
    assert_eq!(written, found);
}

#[test]
fn names_tell_cases_apart_and_both_outcomes_are_covered() {
    for (kind, cases) in files() {
        let names: BTreeSet<_> = cases.iter().map(|case| case["name"].to_string()).collect();
        assert_eq!(names.len(), cases.len(), "{kind}");
    }
    for kind in [
        "address",
        "bundle",
        "content",
        "envelope",
        "group-link",
        "handshake",
        "header",
        "uri",
        "x25519",
    ] {
        let refused = read(kind)["cases"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|case| !case["expect"]["error"].is_null())
            .count();
        assert!(refused > 2, "{kind}");
    }
}
