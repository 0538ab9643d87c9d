//! Finding a text in a text.

use icu_normalizer::DecomposingNormalizer;
use icu_properties::CodePointMapData;
use icu_properties::props::CanonicalCombiningClass;

use super::fold::fold;

/// What is sought, or searched: letters, and the accents that stand on each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    letters: String,
    /// Accents with the place of their letter in `letters`, the same order for all.
    accents: Vec<(usize, char)>,
}

impl Sought {
    /// A text, folded ([`fold`]).
    #[must_use]
    pub fn new(text: &str) -> Self {
        let classes = CodePointMapData::<CanonicalCombiningClass>::new();
        let folded = fold(text);
        let (mut letters, mut accents) = (String::with_capacity(folded.len()), Vec::new());
        let mut last = 0;
        for one in DecomposingNormalizer::new_nfd().normalize(&folded).chars() {
            if one.is_ascii() || classes.get(one) == CanonicalCombiningClass::NotReordered {
                last = letters.len();
                letters.push(one);
            } else {
                accents.push((last, one));
            }
        }
        Self { letters, accents }
    }

    /// Whether a text has it. An accent that is sought has to be there; one that is not may be: who types without accents finds words with them.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let text = Self::new(text);
        if self.accents.is_empty() {
            return text.letters.contains(&self.letters);
        }
        let mut from = 0;
        while let Some(rest) = text.letters.get(from..) {
            let Some(at) = rest.find(&self.letters).map(|at| from + at) else {
                return false;
            };
            if self.has_accents(&text, at) {
                return true;
            }
            from = at + rest.chars().next().map_or(1, char::len_utf8);
            while !text.letters.is_char_boundary(from) {
                from += 1;
            }
        }
        false
    }

    fn has_accents(&self, text: &Self, at: usize) -> bool {
        let start = text.accents.partition_point(|(place, _)| *place < at);
        let there = text.accents.get(start..).unwrap_or_default();
        let mut there = there.iter();
        self.accents.iter().all(|(place, accent)| {
            there.any(|(other, another)| *other == at + place && another == accent)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_types_without_accents_finds_words_with_them_and_not_the_other_way_round() {
        for (text, sought) in [
            ("Café at noon", "cafe"),
            ("the Café at noon", "cafe\u{301} at"),
            ("Ὀδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
            ("cafe and café", "Café"),
            ("ệ", "e\u{302}"),
            ("ệ", "e\u{323}"),
            ("שָׁלוֹם", "שלום"),
            ("감사", "\u{1100}\u{1161}\u{11b7}"),
            ("x", ""),
            ("e\u{301}e\u{301}e", "é"),
        ] {
            assert!(Sought::new(sought).is_in(text), "{text:?} {sought:?}");
        }
        for (text, sought) in [
            ("cafe", "café"),
            ("é e", "ee\u{301}"),
            ("e\u{301}e", "ee\u{301}"),
            ("ê", "é"),
            ("", "x"),
        ] {
            assert!(!Sought::new(sought).is_in(text), "{text:?} {sought:?}");
        }
    }

    #[test]
    fn accents_of_many_kinds_are_found_on_their_letter() {
        let text = format!("{}é", "e".repeat(300));
        assert!(Sought::new("eé").is_in(&text));
        assert!(!Sought::new("éa").is_in(&text));
    }
}
