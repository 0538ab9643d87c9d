//! What the auditor's file names is there, and nothing that it has to name is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::support::tree::{files, text};
use super::{clauses, function, rows};

/// The dependencies that `Cargo.toml` has in a table, whatever target it is for.
fn declared(table: &str) -> BTreeSet<String> {
    let manifest = text("Cargo.toml");
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(heading) = line.strip_prefix('[') {
            let heading = heading.trim_end_matches(']');
            inside = heading == table || heading.ends_with(&format!(".{table}"));
        } else if let (true, Some((name, _))) = (inside, line.split_once(" = ")) {
            names.insert(name.to_owned());
        }
    }
    // A crate tests itself by its own name.
    names.remove("windlass");
    names
}

#[test]
fn every_dependency_has_its_row_and_no_row_is_of_another() {
    let page = text("docs/security/dependencies.md");
    for (table, column) in [
        ("dependencies", "crate"),
        ("build-dependencies", "crate of the build"),
        ("dev-dependencies", "crate of the tests"),
    ] {
        let rows = rows(&page, column);
        for row in &rows {
            let whole = row.len() == 6 && row.iter().all(|cell| !cell.is_empty());
            assert!(whole, "a cell is empty or missing: {row:?}");
        }
        let named = rows.iter().map(|row| row[0].trim_matches('`').to_owned());
        assert_eq!(named.collect::<BTreeSet<_>>(), declared(table), "{table}");
    }
}

#[test]
fn the_threat_model_names_clauses_promises_and_tests_that_exist() {
    let clauses: BTreeSet<_> = clauses().into_iter().collect();
    let promises: BTreeSet<_> = rows(&text("docs/store.md"), "no")
        .iter()
        .map(|row| format!("store {}", row[0]))
        .collect();
    let page = text("docs/security/threat-model.md");
    let rows = rows(&page, "no");
    let mut numbers = BTreeSet::new();
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(numbers.insert(&row[0]), "{} twice", row[0]);
        let known = clauses.contains(&row[3]) || promises.contains(&row[3]);
        assert!(known && !row[1].is_empty(), "{row:?}");
        function(&row[4], true);
    }
    // Of each adversary that was promised something there is a table with a row at least.
    let sections = page.split("\n## ").skip(1);
    let of = sections.map(|section| {
        let (heading, rest) = section.split_once('\n').unwrap();
        (heading, rest.matches("\n| ").count().saturating_sub(2))
    });
    let of: BTreeMap<_, _> = of.collect();
    for adversary in [
        "Who is on the network",
        "The broker",
        "A stranger",
        "A contact",
        "A member of a group",
        "A thief of the seed",
        "A thief of the state",
        "A thief of a hand-over",
        "A thief of a backup",
        "A thief of the disk, without the passphrase",
        "A thief of the disk, with the passphrase",
        "A judge",
        "A later quantum computer",
    ] {
        assert!(
            of.get(adversary).is_some_and(|rows| *rows > 1),
            "{adversary}"
        );
    }
}

/// Our sources outside of tests, by their path in the repository.
fn code() -> Vec<(String, String)> {
    let root = super::support::tree::root();
    let paths = files(&["src"], &["rs"]).into_iter();
    let named = paths.map(|path| {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let whole = fs::read_to_string(&path).unwrap();
        let code = whole.split("#[cfg(test)]\nmod tests {").next().unwrap();
        (name, code.to_owned())
    });
    let is_test = |name: &str| name.contains("/tests") || name.contains("/testing/");
    named.filter(|(name, _)| !is_test(name)).collect()
}

#[test]
fn secrets_are_compared_by_their_own_type_alone() {
    let evidence = text("docs/security/evidence.md");
    let section = evidence.split("## Comparisons of secrets").nth(1).unwrap();
    let rows = rows(section.split("\n## ").next().unwrap(), "place");
    for row in &rows {
        function(&row[0], false);
    }
    let listed: BTreeSet<_> = rows
        .iter()
        .map(|row| row[0].split("::").next().unwrap())
        .collect();
    for (name, code) in code() {
        if code.contains("subtle::") {
            assert!(name.starts_with("src/crypto/"), "{name} uses subtle");
            assert!(listed.contains(name.as_str()), "{name} is not listed");
        }
        // An equality that is derived goes by the fields, and theirs is that of the type of secrets; the bytes' own is not.
        for line in code.lines().map(str::trim) {
            let compares = line.contains(" == ") || line.contains(" != ");
            let bytes = [
                "secret.as_bytes()",
                "key.as_bytes()",
                "seed",
                "encode_secret",
                "token.0",
            ];
            let of_secret = bytes.iter().any(|bytes| line.contains(bytes));
            let public = ["prekey", "len()", "signed_", "identity_key"];
            if compares && of_secret && !public.iter().any(|word| line.contains(word)) {
                assert!(listed.contains(name.as_str()), "{name}: {line}");
            }
        }
    }
}

#[test]
fn what_is_promised_about_memory_and_answered_of_mutants_names_tests_that_exist() {
    let memory = rows(&text("docs/security/memory.md"), "no");
    assert!(memory.len() > 5);
    for row in &memory {
        assert_eq!(row.len(), 4, "{row:?}");
        function(&row[3], true);
    }
    let survivors = rows(&text("docs/security/evidence.md"), "survivors in");
    assert!(survivors.len() > 5);
    for test in survivors.iter().flat_map(|row| row[2].split(", ")) {
        function(test, true);
    }
}
