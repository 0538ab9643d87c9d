//! Names that people give to what others see.

use super::fold::visible;

/// Whether a text can be a name: something of it can be seen, it is one line, and it changes nothing around it.
///
/// Members of a group have to agree on it, so it depends on nothing but what Unicode never changes.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_seen = visible(text).chars().any(|one| !one.is_whitespace());
    is_seen && !text.chars().any(breaks_out)
}

/// Whether a text can say what somebody or something is: as a name, of several lines.
#[must_use]
pub fn is_description(text: &str) -> bool {
    let is_seen = visible(text).chars().any(|one| !one.is_whitespace());
    is_seen && !text.chars().any(|one| one != '\n' && breaks_out(one))
}

/// Control characters, ends of lines, and what turns the direction of what stands beside it.
fn breaks_out(one: char) -> bool {
    one.is_control() || matches!(one, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_seen_and_draws_nothing() {
        for name in ["crew", " a ", "👨‍👩‍👧", "سفر", "a\u{200e}b", "\u{2764}\u{fe0f}"]
        {
            assert!(is_name(name), "{name:?}");
        }
        for name in [
            "",
            " ",
            "\u{a0}",
            "\n",
            "a\nb",
            "a\0b",
            "a\tb",
            "\u{1b}[31m",
            "a\u{9b}b",
            "\u{7f}",
            "\u{202e}gpj",
            "a\u{2066}b",
            "\u{200b}",
            "\u{2028}",
            "\u{ad}\u{3164}",
            "\u{feff} ",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(is_description("one\n\ntwo") && is_description("one"));
        for text in ["", "\n", "a\rb", "a\u{2028}b", "\u{1b}[31m", "a\n\u{202e}b"] {
            assert!(!is_description(text), "{text:?}");
        }
    }
}
