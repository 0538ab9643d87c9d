//! One emoji, and its one form (UTS #51 §1.4.9, ED-17).

use icu_properties::CodePointSetData;
use icu_properties::props::{
    Emoji, EmojiModifier, EmojiPresentation, ExtendedPictographic, RegionalIndicator,
};

const AS_PICTURE: char = '\u{fe0f}';
const AS_TEXT: char = '\u{fe0e}';
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
const LAST_TAG: char = '\u{e007f}';

/// An emoji in its one form, if the text is one emoji and nothing else: with the selector that makes a picture of a sign where it is needed, and
/// nowhere else. Code points that Unicode keeps for emoji of later versions count as such.
#[must_use]
pub fn emoji(text: &str) -> Option<String> {
    let mut rest = text.trim().chars().peekable();
    let mut whole = String::new();
    loop {
        part(&mut rest, &mut whole)?;
        match rest.next() {
            None => return Some(whole),
            Some(JOINER) => whole.push(JOINER),
            Some(_) => return None,
        }
    }
}

/// What stands alone, or between joiners: a flag, a keycap, a picture with its tone or its tags.
fn part(rest: &mut Characters<'_>, whole: &mut String) -> Option<()> {
    let first = rest.next()?;
    whole.push(first);
    if CodePointSetData::new::<RegionalIndicator>().contains(first) {
        let indicator = |one: &char| CodePointSetData::new::<RegionalIndicator>().contains(*one);
        whole.push(rest.next_if(indicator)?);
        return Some(());
    }
    let selected = rest
        .next_if(|one| matches!(*one, AS_PICTURE | AS_TEXT))
        .is_some();
    if first.is_ascii() {
        // What a keycap is put on is a digit, not an emoji, by itself.
        if !matches!(first, '0'..='9' | '#' | '*') {
            return None;
        }
        rest.next_if_eq(&KEYCAP)?;
        whole.extend([AS_PICTURE, KEYCAP]);
        return Some(());
    }
    let known = CodePointSetData::new::<Emoji>().contains(first);
    if !known && !CodePointSetData::new::<ExtendedPictographic>().contains(first) {
        return None;
    }
    let tone = |one: &char| CodePointSetData::new::<EmojiModifier>().contains(*one);
    if let Some(tone) = rest.next_if(tone) {
        whole.push(tone);
    } else if known && !CodePointSetData::new::<EmojiPresentation>().contains(first) {
        whole.push(AS_PICTURE);
    } else if selected && !known {
        // Whether it needs one is known to a later version.
        whole.push(AS_PICTURE);
    }
    tags(rest, whole)
}

/// The tags behind a flag of a region, ended as they have to be.
fn tags(rest: &mut Characters<'_>, whole: &mut String) -> Option<()> {
    let tag = |one: &char| matches!(*one, '\u{e0020}'..='\u{e007e}');
    let mut any = false;
    while let Some(tag) = rest.next_if(tag) {
        whole.push(tag);
        any = true;
    }
    if any {
        whole.push(rest.next_if_eq(&LAST_TAG)?);
    }
    Some(())
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

#[cfg(test)]
mod tests {
    use super::emoji;

    #[test]
    fn one_emoji_has_one_form() {
        for (typed, form) in [
            ("👍", "👍"),
            ("❤", "❤\u{fe0f}"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("❤\u{fe0e}", "❤\u{fe0f}"),
            ("👍\u{fe0f}", "👍"),
            (" 👍\n", "👍"),
            ("👍🏽", "👍🏽"),
            ("☝🏽", "☝🏽"),
            ("☝\u{fe0f}🏽", "☝🏽"),
            ("🇸🇪", "🇸🇪"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("#\u{fe0f}\u{20e3}", "#\u{fe0f}\u{20e3}"),
            ("👨‍👩‍👧", "👨‍👩‍👧"),
            ("❤‍🔥", "❤\u{fe0f}‍🔥"),
            ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"),
            ("©", "©\u{fe0f}"),
            // Kept for a later version.
            ("\u{1fadd}", "\u{1fadd}"),
        ] {
            assert_eq!(emoji(typed).as_deref(), Some(form), "{typed:?}");
            assert_eq!(emoji(form).as_deref(), Some(form), "{form:?}");
        }
    }

    #[test]
    fn what_is_not_one_emoji_is_none() {
        for text in [
            "",
            " ",
            "a",
            "1",
            "+1",
            "👍👍",
            "👍 👍",
            "👍a",
            "a👍",
            "🇸",
            "🇸🇪🇸",
            "👨‍",
            "‍👨",
            "\u{fe0f}",
            "\u{200d}",
            "❤\u{fe0f}\u{fe0f}",
            "👍\u{202e}",
            "👍\0",
            "1\u{fe0f}",
            "🏴󠁧󠁢",
            "e\u{301}",
            "ありがとう",
        ] {
            assert_eq!(emoji(text), None, "{text:?}");
        }
    }
}
