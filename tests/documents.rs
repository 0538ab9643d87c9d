//! The documents lead to what exists.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::tree::{files, root, text};

/// Every document: those at the top, and those in folders.
fn documents() -> Vec<PathBuf> {
    let top = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "RELEASING.md",
    ];
    let mut documents: Vec<_> = top.iter().map(|name| root().join(name)).collect();
    documents.extend(files(&["docs", "examples", "tests"], &["md"]));
    documents
}

/// The lines outside of blocks of code.
fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    document.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// Where the links of a text lead.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("](").skip(1);
    behind.filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

/// The anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn leads_somewhere(from: &Path, link: &str) -> bool {
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        from.to_owned()
    } else {
        from.parent().unwrap().join(path)
    };
    if wanted.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|document| {
        let mut headings = prose(&document).filter(|line| line.starts_with('#'));
        headings.any(|heading| anchor(heading) == wanted)
    })
}

#[test]
fn each_link_leads_to_a_file_or_a_heading_that_exists() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in prose(&text).flat_map(links) {
            if !link.contains("://") {
                assert!(leads_somewhere(&document, link), "{document:?}: {link}");
                count += 1;
            }
        }
    }
    assert!(count > 80, "{count}");
}

#[test]
fn each_decision_is_listed_with_its_title_and_has_a_date_and_a_status() {
    let listed = text("docs/decisions/README.md");
    let records = files(&["docs/decisions"], &["md"]).into_iter();
    let records = records.filter(|path| !path.ends_with("README.md"));
    let mut number = 0;
    for path in records {
        number += 1;
        let record = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut lines = record.lines().filter(|line| !line.is_empty());
        let title = lines.next().unwrap().trim_start_matches("# ");
        let line = format!("- {number:04}: [{title}]({name})\n");
        assert!(listed.contains(&line), "{line}");
        let state = lines.next().unwrap().trim_matches('*');
        let state = state.trim_end_matches('.').split_once(", ");
        let (date, status) = state.unwrap_or_else(|| panic!("{name} has no date and status"));
        assert!(date.len() == 10 && date.starts_with("20"), "{name}: {date}");
        assert!(
            status == "accepted" || status.starts_with("superseded by "),
            "{name}: {status}"
        );
    }
    assert!(number > 30);
}

#[test]
fn the_readme_says_what_is_in_every_folder() {
    let readme = text("README.md");
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let ours = entry.path().is_dir() && !name.starts_with('.') && name != "target";
        // The generator has to stand at the root; nobody looks for anything in it.
        if ours && name != "uniffi-bindgen" {
            let mut cells = readme.lines().filter(|line| line.starts_with("| "));
            assert!(
                cells.any(|line| line.split('|').nth(1).unwrap().contains(&name)),
                "{name} is not in the table of folders"
            );
        }
    }
}

const REFERENCE: &str = "docs/guide/reference-apps.md";

/// The rows of the table behind this heading, in cells; without its head.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = text(REFERENCE);
    let (_, part) = page.split_once(heading).unwrap();
    let lines = part.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        let row = row.trim_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

/// What stands in a cell as code.
fn codes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names in a piece of code, without what is handed over.
fn names(code: &str) -> impl Iterator<Item = &str> {
    let called = code.split(['(', '{']).next().unwrap_or_default();
    let parts = called.trim_start_matches('@').split(['.', ' ']);
    parts.filter(|part| !part.is_empty())
}

fn sources(folders: &[&str], extensions: &[&str]) -> String {
    let all = files(folders, extensions).into_iter();
    all.map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !behind.is_some_and(is_part)
    })
}

/// As Rust and Python write a name of Kotlin and Swift. A type has the same in all.
fn snake(name: &str) -> String {
    if name.starts_with(char::is_uppercase) {
        return name.to_owned();
    }
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Each file of tests, and each test, that a cell names.
fn assert_tests(cell: &str, rust: &str, python: &str) {
    let files = files(&["src", "tests", "bindings"], &["rs", "py", "kt", "swift"]);
    for name in codes(cell) {
        let file = files.iter().any(|file| file.ends_with(name));
        let test =
            rust.contains(&format!("fn {name}(")) || python.contains(&format!("def {name}("));
        assert!(file || test, "there is no test {name}");
    }
}

#[test]
fn each_call_of_the_reference_is_in_its_languages_and_each_test_is_there() {
    let facade = sources(&["src/api"], &["rs"]);
    let rust = sources(&["src", "tests"], &["rs"]);
    let [python, kotlin, swift] = [
        sources(&["bindings/python/src"], &["py", "pyi"]),
        sources(&["bindings/kotlin/src/main"], &["kt"]),
        sources(&["bindings/swift/Sources"], &["swift"]),
    ];
    let tests = sources(&["bindings/python/tests"], &["py"]);
    let mut count = 0;
    // What the facade has, all have: the core makes it for each.
    let mut assert_in = |cell: &str, language: &str| {
        for code in codes(cell) {
            for name in names(code) {
                let here = has_word(language, name) || has_word(&facade, &snake(name));
                assert!(here, "{cell}: there is no {name}");
                count += 1;
            }
        }
    };
    for row in table("# What an app finds here") {
        let [_, calls, named] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_in(calls, &[python.as_str(), &kotlin, &swift].concat());
        assert_tests(named, &rust, &tests);
    }
    for row in table("## Bots") {
        let [_, calls @ .., named] = row.as_slice() else {
            panic!("{row:?}");
        };
        assert_eq!(calls.len(), 3, "{row:?}");
        for (cell, language) in calls.iter().zip([&python, &kotlin, &swift]) {
            assert_in(cell, language);
        }
        assert_tests(named, &rust, &tests);
    }
    assert!(count > 150, "{count}");
}
