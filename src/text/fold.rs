//! The text by which two texts are compared (RFC windlass §4.4.1).

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The text by which two texts are compared: compatibility forms, all cases and ways to compose a character are one; what nobody sees is left out;
/// a digit is a digit in every script; and a Turkish I is an I, with and without its dot.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Unicode 17 §3.13, D146: case folding may need another decomposition, and the other way round.
    let nfkd = DecomposingNormalizer::new_nfkd();
    let case = CaseMapper::new();
    let decomposed = DecomposingNormalizer::new_nfd().normalize(text);
    let once = case.fold_string(&decomposed);
    let plain = nfkd.normalize(&once);
    let twice = case.fold_string(&plain);
    let seen: String = without_dots(&visible(&nfkd.normalize(&twice)));
    let composed = ComposingNormalizer::new_nfc().normalize(&seen);
    composed.chars().map(ascii_digit).collect()
}

/// A text without what nobody sees: soft hyphens, joiners, marks of direction, variation selectors.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    if text.is_ascii() || !text.chars().any(|one| ignorable.contains(one)) {
        return Cow::Borrowed(text);
    }
    let seen = text.chars().filter(|one| !ignorable.contains(*one));
    Cow::Owned(seen.collect())
}

/// The same with compatibility forms replaced, in the case that it has.
#[must_use]
pub fn plain(text: &str) -> String {
    let composed = ComposingNormalizer::new_nfkc().normalize(text);
    visible(&composed).into_owned()
}

/// `i` for both of the Turkish ones, of a text that is folded and decomposed.
fn without_dots(text: &str) -> String {
    let mut last = ' ';
    let mut found = String::with_capacity(text.len());
    for one in text.chars() {
        if !(last == 'i' && one == '\u{307}') {
            found.push(if one == 'ı' { 'i' } else { one });
            last = one;
        }
    }
    found
}

/// The ASCII digit of a decimal digit, and any other character as it is.
///
/// The decimal digits of a script are ten code points in a row, and begin a run of such rows (Unicode's stability policy, since 6.3); so the value
/// follows from where the run begins.
fn ascii_digit(one: char) -> char {
    let category = CodePointMapData::<GeneralCategory>::new();
    if one.is_ascii() || category.get(one) != GeneralCategory::DecimalNumber {
        return one;
    }
    let mut before = 0_u32;
    while category.get32(u32::from(one).saturating_sub(before + 1))
        == GeneralCategory::DecimalNumber
    {
        before += 1;
    }
    char::from_digit(before % 10, 10).unwrap_or(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (one, other) in [
            ("Café", "cafe\u{301}"),
            ("Straße", "STRASSE"),
            ("İstanbul", "istanbul"),
            ("ISTANBUL", "ıstanbul"),
            ("i\u{307}ptal", "İPTAL"),
            ("ΟΔΥΣΣΕΎΣ", "οδυσσεύς"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("감사", "\u{1100}\u{1161}\u{11b7}\u{1109}\u{1161}"),
            ("ＡＢＣ", "abc"),
            ("ﬁsh", "FISH"),
            ("re\u{ad}ceipt", "receipt"),
            ("❤\u{fe0f}", "❤"),
            ("\u{200e}a\u{202e}b\u{2069}\u{feff}\u{200b}", "ab"),
            ("٢۲२２²𝟐", "222222"),
            ("ᾼ", "αι"),
            ("a\0b", "A\0B"),
            ("ǆ", "Ǆ"),
            ("ͅ", "ι"),
            ("", "\u{200b}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one:?} {other:?}");
        }
        assert_ne!(
            fold("a"),
            fold("а"),
            "a look-alike of another script stays another one"
        );
        assert_ne!(fold("cafe"), fold("café"));
    }

    #[test]
    fn folding_once_is_enough() {
        // All but Han, Hangul syllables and what is for private use.
        let some = ('\0'..'\u{3400}').chain('\u{a000}'..'\u{ac00}');
        for one in some.chain('\u{f900}'..'\u{1f000}') {
            let once = fold(&one.to_string());
            assert_eq!(fold(&once), once, "{one:?}");
        }
    }

    #[test]
    fn every_decimal_digit_has_its_value() {
        let category = CodePointMapData::<GeneralCategory>::new();
        let mut counted = [0; 10];
        for one in '\0'..=char::MAX {
            if category.get(one) == GeneralCategory::DecimalNumber {
                let value = ascii_digit(one).to_digit(10);
                if let Some(of) = value.and_then(|value| counted.get_mut(value as usize)) {
                    *of += 1;
                }
            }
        }
        // As many of each, in at least seventy scripts.
        assert!(
            counted.iter().all(|of| *of == counted[0] && *of >= 70),
            "{counted:?}"
        );
    }
}
