//! What becomes of each content, refusal and cause: none can be added to the code without its line in the text.

use std::collections::BTreeSet;

use super::{rfc, rows};
use crate::support::tree::text;

/// The lines of an enumeration that name a variant.
fn variants(source: &str, name: &str) -> Vec<String> {
    let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap();
    let lines = body.split("\n}").next().unwrap().lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with("//") && line.ends_with(','))
        .map(|line| line.split([' ', ',']).next().unwrap().to_owned())
        .collect()
}

/// `NotTheAuthor` as the text writes it.
fn words(variant: &str) -> String {
    let spaced = variant.chars().map(|c| match c {
        'A'..='Z' => format!(" {}", c.to_ascii_lowercase()),
        c => c.to_string(),
    });
    spaced.collect::<String>().trim_start().to_owned()
}

fn named_in_the_code(enumeration: &str) -> BTreeSet<String> {
    let source = text("src/engine/sync/outcome.rs");
    let names = variants(&source, enumeration);
    assert!(names.len() > 10, "{enumeration}");
    names.iter().map(|name| words(name)).collect()
}

/// The part of the text from one heading to the next of the same depth.
fn section(heading: &str) -> String {
    let text = rfc();
    let depth = heading.split(' ').next().unwrap();
    let start = text.find(&format!("\n{heading}")).unwrap() + 1;
    let rest = &text[start..];
    let end = rest[1..].find(&format!("\n{depth} "));
    rest[..end.map_or(rest.len(), |end| end + 1)].to_owned()
}

/// The bodies of the schema: number and name.
fn bodies() -> Vec<(u32, String)> {
    let schema = text("proto/windlass/v2/content.proto");
    let oneof = schema.split("oneof body {").nth(1).unwrap();
    let fields = oneof.split('}').next().unwrap().lines();
    fields
        .filter_map(|line| line.trim().strip_suffix(';'))
        .map(|field| {
            let words: Vec<_> = field.split_whitespace().collect();
            (words[3].parse().unwrap(), words[0].to_owned())
        })
        .collect()
}

/// `16, 20 to 23` as numbers.
fn numbers(list: &str) -> BTreeSet<u32> {
    let list = list.replace(" and ", ", ").replace(" or ", ", ");
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let ranges = list
        .split(',')
        .filter_map(|part| match part.split_once(" to ") {
            Some((from, to)) => Some((number(from)?, number(to)?)),
            None => number(part).map(|one| (one, one)),
        });
    ranges.flat_map(|(from, to)| from..=to).collect()
}

/// The names in backticks.
fn in_backticks(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn every_body_has_its_line_in_the_table_of_what_becomes_of_it() {
    let lines = rows(&section("## Appendix B"), "body");
    let stated: BTreeSet<_> = lines.iter().flat_map(|row| in_backticks(&row[0])).collect();
    let used: BTreeSet<_> = bodies().into_iter().map(|(_, name)| name).collect();
    assert_eq!(stated, used);
    for row in &lines {
        assert!(
            row.len() == 4 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
    }
}

#[test]
fn each_body_is_a_message_or_control_in_the_text_as_in_the_code() {
    let (all, text) = (bodies(), rfc());
    let between = |from: &str, to: &str| -> BTreeSet<u32> {
        numbers(text.split(from).nth(1).unwrap().split(to).next().unwrap())
    };
    let messages = between("A *message* is a content whose body is ", ", one that");
    let control = between(
        "also before the conversation was deleted (8.3.9). Bodies ",
        " are in no",
    );
    let body = super::text("src/chat/body.rs");
    let of_no_conversation = body.split("pub fn is_message").nth(1).unwrap();
    let of_no_conversation = of_no_conversation.split("\n    }").next().unwrap();
    let used: BTreeSet<u32> = all
        .iter()
        .filter(|(_, name)| {
            let same = |at: &str| {
                at.starts_with(name.as_str())
                    && !at[name.len()..].starts_with(char::is_alphanumeric)
            };
            of_no_conversation.split("Self::").any(same)
        })
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(control, used);
    let others = all.iter().map(|(number, _)| *number);
    assert_eq!(
        messages,
        others.filter(|number| !used.contains(number)).collect()
    );
}

#[test]
fn every_refusal_has_its_line_and_says_whether_it_is_acknowledged() {
    let lines = rows(&rfc(), "refused");
    let stated: BTreeSet<_> = lines.iter().map(|row| row[0].clone()).collect();
    assert_eq!(stated, named_in_the_code("RefusalReason"));
    // What is not acknowledged, for it comes again, is named in B.2; for all else there is one line.
    let outcomes = rows(&section("## Appendix B"), "outcome");
    let kept_back: String = outcomes
        .iter()
        .filter(|row| row[2].starts_with("no") && row[3].starts_with("refused"))
        .map(|row| row[0].as_str())
        .collect();
    for row in &lines {
        assert!(["yes", "no"].contains(&row[2].as_str()), "{row:?}");
        let mut of_this_name = lines.iter().filter(|other| other[0] == row[0]);
        let may_come_again = of_this_name.any(|row| row[2] == "no");
        let named = kept_back.contains(&format!("*{}*", row[0]));
        assert_eq!(named, may_come_again, "{row:?}");
    }
}

#[test]
fn every_cause_has_its_place_in_the_order_of_work() {
    let order = section("## Appendix C");
    let order = order.split("**C.2**").next().unwrap();
    for cause in named_in_the_code("UndecryptableCause") {
        assert!(order.contains(&cause), "{cause}");
    }
    // And none that is not in the code: what stands behind `refuse:`, or in brackets.
    let known = named_in_the_code("UndecryptableCause");
    for call in ["undecryptable(", "failed("] {
        for told in order.split(call).skip(1) {
            let cause = told.split([',', ')']).next().unwrap();
            assert!(known.contains(cause) || cause == "cause", "{cause}");
        }
    }
}

#[test]
fn every_bound_that_binds_both_sides_is_tried_by_vectors_or_named_as_one_that_is_not() {
    let constants = rows(&rfc(), "name");
    let binds = |name: &str| {
        constants
            .iter()
            .find(|row| row[0] == name)
            .map(|row| row[2].clone())
    };
    let lines = rows(&text("tests/vectors/README.md"), "bound");
    let tried: BTreeSet<_> = lines.iter().flat_map(|row| in_backticks(&row[0])).collect();
    for row in constants.iter().filter(|row| row[2] == "both") {
        assert!(tried.contains(&row[0]), "{} is in no vector", row[0]);
    }
    for name in &tried {
        assert!(binds(name).is_some(), "{name} is no constant");
    }
    let kinds: BTreeSet<_> = crate::support::tree::files(&["tests/vectors"], &["json"])
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for row in &lines {
        for kind in in_backticks(&row[1]) {
            assert!(kinds.contains(&kind), "there are no vectors of {kind}");
        }
    }
}
