//! The published text says what the code does: labels, constants, causes, clauses and the evidence for them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "specification/appendices.rs"]
mod appendices;
#[path = "specification/security.rs"]
mod security;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use support::tree::{files, text};
use windlass::crypto::labels;
use windlass::limits;

fn sources(folders: &[&str]) -> Vec<PathBuf> {
    files(folders, &["rs", "proto", "py"])
}

fn rfc() -> String {
    text("docs/spec/rfc.md")
}

/// The cells of the table whose first column is called `first`, in the whole text.
fn rows(text: &str, first: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let cells: Vec<_> = line
            .trim()
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
            .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect())
            .unwrap_or_default();
        if cells.is_empty() {
            inside = false;
        } else if cells[0] == first {
            inside = true;
        } else if inside && !cells[0].starts_with("---") {
            found.push(cells);
        }
    }
    assert!(!found.is_empty(), "no table that begins with {first}");
    found
}

#[test]
fn the_table_of_labels_is_the_one_of_the_code() {
    let stated: Vec<_> = rows(&rfc(), "name")
        .into_iter()
        .filter(|row| row[1].starts_with('`'))
        .map(|row| (row[0].clone(), row[1].trim_matches('`').to_owned()))
        .collect();
    let used: Vec<_> = labels::ALL
        .iter()
        .map(|(name, label)| {
            (
                (*name).to_owned(),
                String::from_utf8(label.to_vec()).unwrap(),
            )
        })
        .collect();
    assert_eq!(stated, used);
}

#[test]
fn no_label_is_written_anywhere_but_in_the_table() {
    let elsewhere: Vec<_> = sources(&["src"])
        .into_iter()
        .filter(|path| !path.ends_with("crypto/labels.rs"))
        .filter(|path| fs::read_to_string(path).unwrap().contains("\"Windlass v2"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

/// Constants by name, as the compiler sees them.
macro_rules! constants {
    ($($name:ident)*) => { [$((stringify!($name), u128::try_from(limits::$name).unwrap())),*] };
}

#[test]
fn the_table_of_constants_is_the_one_of_the_code() {
    let used = BTreeMap::from(constants!(
        PROTOCOL_VERSION MAX_CHAIN_JUMP MAX_SKIPPED_KEYS EPOCH_MESSAGES EPOCH_SECONDS EPOCH_REPEAT MAX_RECEIVING_CHAINS MAX_SESSIONS_PER_DEVICE
        MAX_ACCEPTED_PER_CHAIN MAX_DEVICES MAX_BUNDLE_BODY_LEN MAX_BUNDLE_LEN MAX_ENVELOPE_LEN MAX_CONTENT_LEN
        MAX_TEXT_LEN MAX_DATA_LEN MAX_MEDIA_TYPE_LEN MAX_RECEIPT_IDS MAX_LAMPORT_JUMP MAX_GROUP_MEMBERS
        FORMER_MEMBER_SECONDS MAX_GROUP_EVENTS MAX_GROUP_PARENTS MAX_GROUP_NAME_LEN MAX_REACTION_LEN MAX_FILE_NAME_LEN
        MAX_ATTACHMENT_SIZE MAX_TIME_SECONDS MAX_LOCATION_LEN ATTACHMENT_CHUNK_LEN MAX_LISTED_AT_ONCE MAX_SEARCHED_AT_ONCE MAX_LAMPORT MAX_URI_LEN MAX_SHARED_TEXT_LEN MAX_CODE_LEN
        MAX_CODE_FRAMES BUNDLE_LIFETIME_SECONDS SIGNED_PREKEY_LIFETIME_SECONDS SIGNED_PREKEY_RETENTION_SECONDS
        MAX_RESENT_BYTES_TO_ONE MAX_ANSWERED_BYTES_PER_DAY MAX_OWN_ANSWERED_BYTES_PER_DAY MAX_REACTIONS_BY_ONE MAX_EARLY_ANNOTATIONS EARLY_ANNOTATION_RETENTION_SECONDS MAX_COMPARED MAX_HEALING_SUMMARIES HEALING_SUMMARY_IDS MAX_HEALING_NAMED MAX_ASKED_AT_ONCE MAX_CLOCK_SKEW_SECONDS CLOCK_LEAP_SECONDS CLOCK_PATIENCE_SECONDS CLOCK_PROOF_SECONDS
        SAFETY_NUMBER_ITERATIONS MAX_HEALING_IDS MAX_HEALING_CONVERSATIONS MAX_HEALING_ATTEMPTS
        MAX_HEALING_PER_DAY HEALING_BACK_OFF_SECONDS MAX_RESENT_AT_ONCE RESEND_AFTER_SECONDS HEALING_WINDOW_SECONDS
        LINK_LIFETIME_SECONDS TAKE_OVER_AFTER_SECONDS MAX_RESENDS RESEND_RETENTION_SECONDS MAX_UNACKNOWLEDGED
        NEW_DEVICE_SECONDS GAP_PATIENCE_SECONDS MAX_HINTS_PER_MINUTE MAX_ONE_TIME_PREKEYS MAX_STRANGERS
        MAX_STRANGER_BYTES MAX_STRANGERS_BYTES STRANGER_RETENTION_SECONDS MAX_STRANGER_SESSIONS_PER_HOUR
        AGED_STRANGER_RETENTION_SECONDS MAX_INVITED_WAITING MAX_LAPSED MAX_INTRODUCERS REMOVED_RETENTION_SECONDS MAX_REMOVED
        UNANSWERED_SESSION_SECONDS
        MAX_STRANGER_SKIPPED_KEYS MAX_FOLLOWED MAX_MISSING RESENDS_IN_SESSION MAX_WAITING_GROUP_EVENTS MAX_GROUP_EVENT_LEN
        MAX_UNPROVED_HEALING_PER_DAY MAX_RESENT_BYTES_AT_ONCE MAX_KEPT_EVENTS KEPT_EVENT_RETENTION_SECONDS
        MAX_ARGON2_MEMORY_KIB MAX_ARGON2_ITERATIONS MAX_ARGON2_LANES
        SKIPPED_KEY_RETENTION_SECONDS MAX_OWN_WORDS_STEPS MAX_FLOOR_NAMES MAX_FLOORS MAX_READ_NAMES MAX_TIMERS
        MIN_DISAPPEARING_SECONDS MAX_DISAPPEARING_SECONDS
        MAX_HELD MAX_HELD_BYTES HELD_SECONDS
        MAX_WAITING_GROUP_EVENTS_OF_AUTHOR GROUP_PATIENCE_SECONDS GROUP_SYNC_BACK_OFF_SECONDS MAX_GROUP_SYNCS
        MAX_GROUP_SYNCS_PER_DAY GROUP_COMPARISON_SECONDS MAX_GROUP_COMPARISONS MISSING_GROUP_EVENT_SECONDS MAX_TOLD_GROUP_HEADS
        MAX_GROUP_LINKS GROUP_LINK_SECONDS MAX_GROUP_JOINS
        MAX_GROUP_INVITATIONS MAX_GROUP_INVITATIONS_BY_ONE GROUP_INVITATION_SECONDS
        PRIVATE_ONE_TIME_PREKEYS HEALING_KEY_DAYS MAX_UNHANDLED MAX_UNHANDLED_BYTES UNHANDLED_SHARE MIN_UNHANDLED_BY_ONE
        MIN_UNHANDLED_BYTES_BY_ONE MAX_STATE_BYTES MAX_STATE_NAME_LEN MAX_STATES_BYTES MAX_SCHEDULED MAX_SCHEDULE_SECONDS
        TRANSIENT_SECONDS MAX_CHAT_NAME_LEN MAX_CHAT_SETTINGS MAX_SET_CHATS MAX_ABOUT_LEN MAX_PICTURE_LEN
        TRANSIENT_SECONDS MAX_CHAT_NAME_LEN MAX_CHAT_SETTINGS MAX_SET_CHATS
        MAX_TEXT_SPANS MAX_SUGGESTIONS MAX_SUGGESTION_LEN MAX_PINNED
    ));
    let source = text("src/limits.rs");
    let declared: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(declared, used.keys().copied().collect());
    let text = rfc();
    let stated: BTreeMap<_, _> = rows(&text, "name")
        .into_iter()
        .filter_map(|row| Some((row[0].clone(), row[1].parse::<u128>().ok()?)))
        .collect();
    let used: BTreeMap<_, _> = used
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(stated, used);
}

#[test]
fn the_table_of_causes_is_the_enumeration() {
    let stated: BTreeSet<_> = rows(&rfc(), "cause")
        .into_iter()
        .map(|row| row[0].replace(' ', ""))
        .collect();
    let source = text("src/engine/sync/outcome.rs");
    let body = source
        .split("pub enum UndecryptableCause {")
        .nth(1)
        .unwrap();
    let used: BTreeSet<_> = body
        .split("\n}")
        .next()
        .unwrap()
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && line.ends_with(','))
        .map(|line| line.split([' ', ',']).next().unwrap().to_ascii_lowercase())
        .collect();
    assert_eq!(stated, used);
}

#[test]
fn the_table_of_bodies_is_the_one_of_the_schema() {
    let schema = text("proto/windlass/v2/content.proto");
    let oneof = schema
        .split("oneof body {")
        .nth(1)
        .unwrap()
        .split('}')
        .next()
        .unwrap();
    let used: BTreeSet<_> = oneof
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';'))
        .map(|field| {
            let mut words = field.split_whitespace();
            let kind = words.next().unwrap();
            (words.nth(2).unwrap().to_owned(), format!("`{kind}`"))
        })
        .collect();
    let stated: BTreeSet<_> = rows(&rfc(), "field")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    assert_eq!(stated, used);
}

/// The clause number that a text begins with; empty if it begins with none.
fn leading_number(text: &str) -> String {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - number.len()];
    number.trim_end_matches('.').to_owned()
}

/// Every section and clause of the RFC, in the order of the text.
fn clauses() -> Vec<String> {
    rfc()
        .lines()
        .filter_map(|line| {
            let heading = line.trim_start_matches('#').trim_start();
            let clause = line.strip_prefix("**");
            let start = clause.or((heading != line).then_some(heading))?;
            let number = leading_number(start);
            (!number.is_empty()).then_some(number)
        })
        .collect()
}

fn as_numbers(clause: &str) -> Vec<u32> {
    clause
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect()
}

#[test]
fn clauses_are_numbered_in_order_and_each_once() {
    let clauses = clauses();
    assert!(clauses.len() > 100);
    for pair in clauses.windows(2) {
        assert!(
            as_numbers(&pair[0]) < as_numbers(&pair[1]),
            "{} before {}",
            pair[0],
            pair[1]
        );
    }
}

/// The numbers that stand behind a section sign or in brackets: `§7.4`, `(7.4.6)`, `7.4.6 to 7.4.9`.
fn cited(text: &str, mark: &str) -> Vec<String> {
    text.match_indices(mark)
        .map(|(at, _)| leading_number(&text[at + mark.len()..]))
        .filter(|number| !number.is_empty())
        .collect()
}

#[test]
fn every_clause_that_is_cited_exists() {
    let clauses: BTreeSet<_> = clauses().into_iter().collect();
    let mut count = 0;
    let mut check = |place: &str, number: String| {
        assert!(clauses.contains(&number), "{place} cites clause {number}");
        count += 1;
    };
    for path in sources(&["src", "proto", "tests", "bindings/python", "examples"]) {
        for number in cited(&fs::read_to_string(&path).unwrap(), "RFC windlass §") {
            check(&path.display().to_string(), number);
        }
    }
    // The peer's section signs are the RFC's throughout.
    for path in sources(&["examples/peer-from-the-spec"]) {
        for number in cited(&fs::read_to_string(&path).unwrap(), "§") {
            check(&path.display().to_string(), number);
        }
    }
    // In the text itself: what stands in brackets alone, and section signs that belong to no other document.
    let text = rfc();
    for number in cited(&text, "(")
        .into_iter()
        .filter(|number| number.contains('.'))
    {
        check("the RFC", number);
    }
    for (before, number) in text.match_indices('§').map(|(at, sign)| {
        (
            text[..at].trim_end().chars().next_back(),
            leading_number(&text[at + sign.len()..]),
        )
    }) {
        let foreign = before.is_some_and(|c| c.is_ascii_alphanumeric() || c == ']');
        // `RFC 7748 §5`, `[DR §3]`: the number of a document or a name stands before the sign.
        if !foreign || clauses.contains(&number) {
            check("the RFC", number);
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn the_conformance_table_is_whole_and_names_what_exists() {
    let clauses: BTreeSet<_> = clauses().into_iter().collect();
    let rows = rows(&text("docs/spec/conformance.md"), "no");
    assert!(rows.len() > 70);
    let mut numbers = BTreeSet::new();
    for row in &rows {
        assert_eq!(row.len(), 7, "{row:?}");
        assert!(
            row.iter().all(|cell| !cell.is_empty()),
            "an empty cell: {row:?}"
        );
        assert!(numbers.insert(&row[0]), "{} twice", row[0]);
        assert!(
            clauses.contains(&row[3]),
            "{} names clause {}",
            row[0],
            row[3]
        );
        assert!(
            ["as is", "stricter", "different"].contains(&row[6].as_str()),
            "{row:?}"
        );
        function(&row[4], false);
        function(&row[5], true);
    }
}

/// The queries of a model, each with the result that stands behind it.
fn queries(model: &str) -> Vec<(String, String)> {
    text(&format!("docs/spec/model/{model}"))
        .lines()
        .filter_map(|line| line.trim().split_once(" // "))
        .filter(|(query, _)| query.contains("? "))
        .map(|(query, result)| (query.to_owned(), result.to_owned()))
        .collect()
}

fn models() -> BTreeSet<String> {
    files(&["docs/spec/model"], &["vp"])
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_query_of_a_model_is_in_the_tables_with_its_result() {
    let readme = text("docs/spec/model/README.md");
    let mut stated: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for section in readme
        .split("\n## ")
        .filter(|part| part.contains("| model |"))
    {
        let heading = section.lines().next().unwrap();
        let rows = rows(section, "model");
        // Who asks whether something holds has to show that it can fail.
        for result in ["holds", "broken"] {
            assert!(
                rows.iter().any(|row| row[3] == result),
                "{heading}: nothing {result}"
            );
        }
        for row in rows {
            assert_eq!(row[3], row[4], "{row:?}");
            let model = row[0].trim_matches('`').to_owned();
            let query = row[2].trim_matches('`').to_owned();
            stated
                .entry(model)
                .or_default()
                .push((query, row[3].clone()));
        }
    }
    assert_eq!(stated.keys().cloned().collect::<BTreeSet<_>>(), models());
    for (model, stated) in stated {
        assert_eq!(stated, queries(&model), "{model}");
    }
}

#[test]
fn each_model_is_evidence_for_a_clause() {
    let clauses: BTreeSet<_> = clauses().into_iter().collect();
    let mut named = BTreeSet::new();
    for row in rows(&text("docs/spec/conformance.md"), "property") {
        assert!(clauses.contains(&row[1]), "{row:?}");
        let cells = [&row[2], &row[3]];
        named.extend(cells.iter().flat_map(|cell| {
            cell.split(", ")
                .map(|model| model.trim_matches('`').to_owned())
        }));
    }
    assert_eq!(named, models());
}

/// `file::function` exists, and is a test if it has to be one.
fn function(cell: &str, test: bool) {
    let (path, name) = cell.split_once("::").unwrap_or_else(|| panic!("{cell}"));
    let source = text(path);
    let lines: Vec<_> = source.lines().map(str::trim_start).collect();
    let at = lines.iter().position(|line| {
        let public = line
            .strip_prefix("pub(")
            .and_then(|rest| rest.split_once(") "));
        let line = public.map_or_else(|| line.trim_start_matches("pub "), |(_, rest)| rest);
        let rest = ["fn ", "const fn ", "def "]
            .iter()
            .find_map(|keyword| line.strip_prefix(keyword));
        rest.and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with(['(', '<']))
    });
    let at = at.unwrap_or_else(|| panic!("{cell} does not exist"));
    if test {
        let marked = lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with('#'))
            .any(|line| *line == "#[test]");
        assert!(marked || name.starts_with("test_"), "{cell} is no test");
    }
}

#[test]
fn the_appendix_is_the_table_of_pictures() {
    let stated: Vec<_> = rows(&rfc(), "digits")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
        .collect();
    let used: Vec<_> = windlass::identity::EMOJI
        .iter()
        .enumerate()
        .map(|(digits, (picture, name))| {
            (
                format!("{digits:02}"),
                (*picture).to_owned(),
                (*name).to_owned(),
            )
        })
        .collect();
    assert_eq!(stated, used);
}
