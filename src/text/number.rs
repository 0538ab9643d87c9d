//! Numbers as people type them.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

use super::fold::fold;

/// The digits of a text, in ASCII, without what separates them: white space, dashes, dots. Nothing if there is anything else in it.
#[must_use]
pub fn digits(text: &str) -> Option<String> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let apart = GeneralCategoryGroup::Punctuation.union(GeneralCategoryGroup::Separator);
    let separates = |one: &char| {
        one.is_whitespace() || *one == '\u{2212}' || apart.contains(category.get(*one))
    };
    let found: String = fold(text).chars().filter(|one| !separates(one)).collect();
    found
        .bytes()
        .all(|one| one.is_ascii_digit())
        .then_some(found)
}

/// A number in ASCII, as programming languages read it, of one that was typed with the digits, the minus and the decimal sign of any language.
///
/// Nothing if it is none, or may be one of two: what is `1,000` to one is a thousand to another.
#[must_use]
pub fn number(text: &str) -> Option<String> {
    let folded = fold(text);
    let typed = folded.trim();
    let (sign, typed) = match typed.strip_prefix(['-', '\u{2212}', '\u{2013}', '\u{2010}']) {
        Some(rest) => ("-", rest),
        None => ("", typed.strip_prefix('+').unwrap_or(typed)),
    };
    let (typed, exponent) = match typed.split_once('e') {
        Some((typed, exponent)) => (typed, Some(exponent)),
        None => (typed, None),
    };
    let point = ['.', ',', '\u{66b}'];
    let mut parts = typed.split(point);
    let (whole, fraction) = (parts.next()?, parts.next());
    let grouped = typed.contains(',')
        && (1..=3).contains(&whole.len())
        && fraction.is_some_and(|part| part.len() == 3)
        && whole != "0";
    let plain = |part: &str| part.bytes().all(|one| one.is_ascii_digit());
    let is_number = plain(whole)
        && fraction.is_none_or(plain)
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
        && parts.next().is_none()
        && !grouped;
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && plain(digits)
    });
    if !is_number || !exponent_fits {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.filter(|part| !part.is_empty());
    let fraction = fraction.map(|part| format!(".{part}"));
    let exponent = exponent.map(|exponent| format!("e{exponent}"));
    Some(
        [
            sign,
            whole,
            &fraction.unwrap_or_default(),
            &exponent.unwrap_or_default(),
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_taken_out_of_their_separators_in_every_script() {
        for typed in [
            "12345-67890",
            "12345 67890",
            "١٢٣٤٥.٦٧٨٩٠",
            "１２３４５・67890",
            "12345\u{200b}67890\n",
        ] {
            assert_eq!(digits(typed).as_deref(), Some("1234567890"), "{typed:?}");
        }
        assert_eq!(digits(""), Some(String::new()));
        for typed in ["12a", "½", "12+3", "十"] {
            assert_eq!(digits(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_typed_and_never_guessed() {
        for (typed, read) in [
            ("8", "8"),
            ("+8", "8"),
            ("−8", "-8"),
            ("–8", "-8"),
            ("٨", "8"),
            ("۸", "8"),
            ("８", "8"),
            ("8,5", "8.5"),
            ("8.5", "8.5"),
            ("٨٫٥", "8.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0,125", "0.125"),
            ("1.000", "1.000"),
            ("\u{200e}8\u{200f}", "8"),
            ("1E5", "1e5"),
            ("1e-5", "1e-5"),
            ("99999999999999999999", "99999999999999999999"),
        ] {
            assert_eq!(number(typed).as_deref(), Some(read), "{typed:?}");
        }
        for typed in [
            "",
            "-",
            ".",
            "1,000",
            "1,000,000",
            "1.2.3",
            "1_000",
            "nan",
            "inf",
            "infinity",
            "e5",
            "1e",
            "0x10",
            "--1",
            "½",
            "1 2",
        ] {
            assert_eq!(number(typed), None, "{typed:?}");
        }
    }
}
