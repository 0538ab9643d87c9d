//! What is behind a web address that stands in a text, as who wrote the text says (RFC windlass §9.9.6).

use super::bounds::{ContentError, fits};
use super::picture::Picture;
use crate::limits::{MAX_ABOUT_LEN, MAX_CHAT_NAME_LEN, MAX_LOCATION_LEN};
use crate::text::{is_description, is_name};
use crate::wire::v2;

/// Brackets and quotation marks, on either side of an address.
const AROUND: &str = "()[]{}<>\"'«»‹›“”„‘’‚（）「」『』【】《》〈〉";

/// What ends a sentence or a part of one, behind an address.
const BEHIND: &str = ".,;:!?…。，、！？；：";

/// What is behind a web address that stands in a text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LinkPreview {
    /// The address, as it stands in the text.
    pub url: String,
    /// What the page is called; empty for nothing.
    pub title: String,
    /// Some lines about it; empty for nothing.
    pub description: String,
    /// A small picture, or none.
    pub image: Picture,
}

impl LinkPreview {
    /// Whether it may stand beside a text.
    pub(super) fn check(&self, text: &str) -> Result<(), ContentError> {
        fits("address", self.url.len(), MAX_LOCATION_LEN)?;
        fits("title", self.title.len(), MAX_CHAT_NAME_LEN)?;
        fits("description", self.description.len(), MAX_ABOUT_LEN)?;
        let named = self.title.is_empty() || is_name(&self.title);
        let described = self.description.is_empty() || is_description(&self.description);
        let stands = is_web_address(&self.url) && stands_in(text, &self.url);
        let allowed = named && described && stands;
        allowed.then_some(()).ok_or(ContentError::Preview)
    }

    /// Nothing of one that may not be sent: the words are there all the same.
    pub(super) fn from_wire(preview: v2::LinkPreview, text: &str) -> Option<Self> {
        let preview = Self {
            url: preview.url,
            title: preview.title,
            description: preview.description,
            image: Picture::from_bytes(preview.image).ok()?,
        };
        preview.check(text).is_ok().then_some(preview)
    }

    pub(super) fn to_wire(&self) -> v2::LinkPreview {
        v2::LinkPreview {
            url: self.url.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            image: self.image.as_bytes().to_vec(),
        }
    }
}

/// Whether it is of a page: what else an address can begin with runs or opens something when it is touched.
fn is_web_address(url: &str) -> bool {
    let leads_on = |scheme: &str| {
        let begins = url.get(..scheme.len());
        begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)) && url.len() > scheme.len()
    };
    let is_page = leads_on("https://") || leads_on("http://");
    is_page && is_name(url) && !url.contains(char::is_whitespace)
}

/// Whether an address stands in a text as a whole, and not as the beginning of another one: readers see where they are led.
fn stands_in(text: &str, url: &str) -> bool {
    let mut before = None;
    for (at, one) in text.char_indices() {
        let begins = before.is_none_or(|one: char| one.is_whitespace() || AROUND.contains(one));
        before = Some(one);
        let rest = text.get(at..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix(url).filter(|_| begins) else {
            continue;
        };
        let rest = rest.trim_start_matches(|one| AROUND.contains(one) || BEHIND.contains(one));
        if rest.is_empty() || rest.starts_with(char::is_whitespace) {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::limits::MAX_PICTURE_LEN;

    const URL: &str = "https://example.org/a";

    fn preview() -> LinkPreview {
        LinkPreview {
            url: URL.into(),
            title: "A page ⚓".into(),
            description: "Of two\nlines.".into(),
            image: Picture::from_bytes(b"\xff\xd8\xff".to_vec()).unwrap(),
        }
    }

    #[test]
    fn it_is_of_an_address_that_readers_see_as_a_whole() {
        let whole = [
            "{}",
            "see {}",
            "see {}.",
            "({})",
            "„{}“, he said",
            "{}\nand",
            "a\t{}?! b",
            "{}x, {}",
            "<{}>",
            "（{}）。",
            "x{} {}",
        ];
        for text in whole {
            let text = text.replace("{}", URL);
            assert_eq!(preview().check(&text), Ok(()), "{text}");
        }
        let parts = [
            "",
            "see",
            "{}b",
            "{}/",
            "{}?x",
            "x{}",
            "{}.b",
            "/{}",
            "{}-",
            "{}\u{fc}",
            "https://example.org/",
        ];
        for text in parts {
            let text = text.replace("{}", URL);
            assert_eq!(preview().check(&text), Err(ContentError::Preview), "{text}");
        }
        // One that overlaps itself is found where it stands as a whole.
        let url = "http://(http://";
        assert!(stands_in("http://(http://(http://", url));
    }

    #[test]
    fn it_is_of_a_page_and_says_no_more_than_may_be() {
        let of = |url: &str| LinkPreview {
            url: url.into(),
            ..LinkPreview::default()
        };
        for url in ["http://a", "HTTPS://a", "https://bücher.example/⚓"] {
            assert_eq!(of(url).check(url), Ok(()), "{url}");
        }
        let wrong = [
            "",
            "http://",
            "https://",
            "https:/a",
            "a",
            "javascript:alert(1)",
            "ftp://a",
            "https://a b",
            "https://a\u{202e}b",
            "wl:a",
            "äöüäöü",
        ];
        for url in wrong {
            assert_eq!(of(url).check(url), Err(ContentError::Preview), "{url}");
        }
        let long = |len: usize| format!("https://{}", "a".repeat(len - 8));
        assert_eq!(
            of(&long(MAX_LOCATION_LEN)).check(&long(MAX_LOCATION_LEN)),
            Ok(())
        );
        let (title, about) = ("x".repeat(MAX_CHAT_NAME_LEN), "x".repeat(MAX_ABOUT_LEN));
        let with = |title: &str, description: &str| LinkPreview {
            title: title.into(),
            description: description.into(),
            ..preview()
        };
        assert_eq!(with(&title, &about).check(URL), Ok(()));
        assert_eq!(with("", "").check(URL), Ok(()));
        for (title, description) in [("a\nb", ""), (" ", ""), ("", "\u{202e}")] {
            let refused = with(title, description).check(URL);
            assert_eq!(refused, Err(ContentError::Preview));
        }
        let large = [
            of(&long(MAX_LOCATION_LEN + 1)),
            with(&format!("{title}x"), ""),
            with("", &format!("{about}x")),
        ];
        for one in large {
            let refused = one.check(&one.url);
            assert!(matches!(refused, Err(ContentError::TooLarge { .. })));
        }
    }

    #[test]
    fn one_that_may_not_be_sent_is_passed_over_where_it_comes() {
        let came = |change: fn(&mut v2::LinkPreview)| {
            let mut wire = preview().to_wire();
            change(&mut wire);
            LinkPreview::from_wire(wire, URL)
        };
        assert!(came(|_| ()) == Some(preview()));
        let changes: [fn(&mut v2::LinkPreview); 5] = [
            |one| one.url.push('b'),
            |one| one.title = "a\nb".into(),
            |one| one.description = "x".repeat(MAX_ABOUT_LEN + 1),
            |one| one.image = b"<svg/>".to_vec(),
            |one| one.image.resize(MAX_PICTURE_LEN + 1, 0),
        ];
        for change in changes {
            assert!(came(change).is_none());
        }
    }
}
