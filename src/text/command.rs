//! Commands as people type them, on a telephone that makes quotation marks curly and puts marks of direction in front.

use super::fold::{fold, visible};

/// A command that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedCommand {
    /// Its name, folded.
    pub name: String,
    /// The words behind it as they were typed; quotation marks, of whatever kind, kept several together.
    pub words: Vec<String>,
}

/// Quotation marks that go together: any of a row ends what any of it began.
const QUOTES: &[&str] = &["\"“”„‟＂〝〞〟", "«»", "‹›", "「」｢｣", "『』"];

/// Reads a text as a command: the prefix, a name, words. Nothing if it begins with something else, or nothing follows.
#[must_use]
pub fn read_command(text: &str, prefix: &str) -> Option<TypedCommand> {
    let typed = visible_start(text);
    let typed = without_prefix(typed, &fold(prefix))?.trim();
    let end = typed.find(char::is_whitespace).unwrap_or(typed.len());
    let (name, rest) = typed.split_at_checked(end)?;
    let name = fold(name);
    (!name.is_empty()).then(|| TypedCommand {
        name,
        words: words(rest),
    })
}

/// A text from its first character on that can be seen.
fn visible_start(text: &str) -> &str {
    text.trim_start_matches(|one: char| {
        one.is_whitespace() || visible(one.encode_utf8(&mut [0; 4])).is_empty()
    })
}

/// What follows a prefix, in whatever form that was typed.
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(text);
    }
    // No character folds to less than nothing, or is seen less than the others: a prefix is found soon, or is not there.
    let ends = text.char_indices().map(|(at, one)| at + one.len_utf8());
    for end in ends.take(prefix.len() + 8) {
        let (first, rest) = text.split_at_checked(end)?;
        let folded = fold(first);
        if folded == prefix {
            return Some(rest);
        }
        if !prefix.starts_with(&folded) {
            return None;
        }
    }
    None
}

/// The words of a text. In quotation marks a backslash keeps the next character as it is; a mark that nothing ends is part of its word.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let kind = QUOTES.iter().find(|kind| kind.contains(first));
        let after = if let Some((word, after)) = kind.and_then(|kind| quoted(rest, first, kind)) {
            found.push(word);
            after
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            // A mark that nobody sees is no word.
            if !visible(word).is_empty() {
                found.push(word.to_owned());
            }
            after
        };
        rest = after.trim_start();
    }
    found
}

/// What stands in quotation marks, and what follows.
fn quoted<'a>(text: &'a str, first: char, kind: &str) -> Option<(String, &'a str)> {
    let mut word = String::new();
    let mut rest = text.strip_prefix(first)?.chars();
    while let Some(one) = rest.next() {
        match one {
            '\\' => word.extend(rest.next()),
            one if kind.contains(one) => {
                // French puts a space inside of them.
                let word = if kind == "«»" || kind == "‹›" {
                    word.trim_matches(['\u{a0}', '\u{202f}', ' ']).to_owned()
                } else {
                    word
                };
                return Some((word, rest.as_str()));
            }
            one => word.push(one),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Vec<String>)> {
        read_command(text, "/").map(|typed| (typed.name, typed.words))
    }

    #[test]
    fn a_command_is_found_however_it_was_typed() {
        for typed in [
            "/say hello",
            " /say hello",
            "/SAY hello",
            "／say hello",
            "\u{200e}/say hello",
            "\u{feff}/say\u{a0}hello",
            "/ say  hello ",
            "\u{2068}/say\u{2069} hello",
            "/s\u{200b}ay\u{3000}hello",
        ] {
            assert_eq!(
                read(typed),
                Some(("say".into(), vec!["hello".into()])),
                "{typed:?}"
            );
        }
        for typed in ["/İptal", "/IPTAL", "/ıptal", "/i\u{307}ptal"] {
            assert_eq!(read(typed), Some(("iptal".into(), vec![])), "{typed:?}");
        }
        for typed in [
            "",
            "/",
            " / ",
            "/\u{200b}",
            "say",
            "say /this",
            "\\/say",
            "//",
        ] {
            let found = read(typed);
            assert!(found.is_none() || typed == "//", "{typed:?}");
        }
        assert_eq!(
            read_command("!!Go 1", "!!").map(|typed| typed.name),
            Some("go".into())
        );
        assert_eq!(read_command("!go", "!!"), None);
        assert_eq!(
            read_command("go 1", "").map(|typed| typed.words),
            Some(vec!["1".into()])
        );
    }

    #[test]
    fn quotation_marks_of_every_kind_keep_words_together() {
        for typed in [
            "\"two words\" 2",
            "“two words” 2",
            "”two words” 2",
            "„two words“ 2",
            "«two words» 2",
            "«\u{a0}two words\u{a0}» 2",
            "»two words« 2",
            "「two words」2",
            "\"two words” 2",
            "＂two words＂ 2",
            "‹two words›\u{a0}2",
        ] {
            assert_eq!(words(typed), ["two words", "2"], "{typed:?}");
        }
        assert_eq!(words(r#""a \"b\" \\" c"#), [r#"a "b" \"#, "c"]);
        assert_eq!(words(r#""never ended"#), ["\"never", "ended"]);
        assert_eq!(words(r#""" x"#), ["", "x"]);
        assert_eq!(words("don't 'stop it'"), ["don't", "'stop", "it'"]);
        assert_eq!(words(" \u{200b} a\u{200d}b "), ["a\u{200d}b"]);
        assert_eq!(words(""), [""; 0]);
    }
}
