//! URIs in texts as they travel: in mails and chats, in links, with what programs on the way put into them (RFC windlass §6.2, §6.5).

use super::uri::{FRAME_KIND, KINDS, URI_SCHEME, UriFault, decode, travels};
use crate::limits::{MAX_CODE_LEN, MAX_SHARED_TEXT_LEN, MAX_URI_LEN};
use crate::text;

/// Places at which a URI is tried to end: a line of a URI that is wrapped has twenty characters or more, and words of a text follow it.
const MAX_ENDS: usize = 400;

/// Characters of an address (RFC windlass §5.1.2).
const ADDRESS_LEN: usize = 61;

/// So much of what follows a scheme is no chance.
const MIN_SERIOUS: usize = 16;

/// A URI that was found in a text.
pub struct Found {
    /// The letter of its kind.
    pub kind: char,
    /// What it says.
    pub bytes: Vec<u8>,
    /// The link to a web page that brings it, up to its fragment; empty if none does.
    pub link: String,
    /// Whether the text is the URI and nothing else, but for marks around it.
    alone: bool,
}

/// The bytes of a URI of this kind, which is all that the text holds.
pub fn from_uri(kind: char, uri: &str) -> Result<Vec<u8>, UriFault> {
    match parse(uri)? {
        (found, bytes) if found == kind => Ok(bytes),
        (FRAME_KIND, _) => Err(UriFault::Incomplete),
        _ => Err(UriFault::Kind),
    }
}

/// The kind and the bytes of a URI of any kind of this version, which is all that the text holds.
pub fn parse(uri: &str) -> Result<(char, Vec<u8>), UriFault> {
    let found = parse_shared(uri)?;
    if !found.alone {
        return Err(UriFault::Link);
    }
    Ok((found.kind, found.bytes))
}

/// The first URI of a text that is whole, and may be taken out of it: only an invitation, of a person or to a group, may stand beside anything else,
/// or be the fragment of a link to a web page.
pub fn parse_shared(text: &str) -> Result<Found, UriFault> {
    if text.len() > MAX_SHARED_TEXT_LEN {
        return Err(UriFault::Damaged);
    }
    let letters = Letters::of(&cleaned(text));
    let mut fault = UriFault::Scheme;
    for place in letters.schemes() {
        match letters.read(place) {
            Ok(found) if found.alone || travels(found.kind) => return Ok(found),
            Ok(_) => fault = UriFault::Link,
            Err(_) if fault == UriFault::Link => {}
            Err(UriFault::Scheme) => {}
            Err(other) => fault = other,
        }
    }
    Err(fault)
}

/// The URI of an address, if a text is one: `WINDLASS:WL1` and the rest of the address, whose checksum is for who reads it.
pub(super) fn address(text: &str) -> Option<String> {
    let letters = Letters::of(&cleaned(text.get(..MAX_CODE_LEN).unwrap_or(text)));
    let place = *letters.schemes().first()?;
    let begin = place + URI_SCHEME.len();
    let found = letters.address_at(begin)?;
    let alone = letters.is_alone(place, begin + ADDRESS_LEN);
    alone.then(|| format!("{URI_SCHEME}{found}"))
}

/// The words of a text in which an address may be: what is between characters other than letters and digits.
pub fn words(text: &str) -> Vec<String> {
    if text.len() > MAX_SHARED_TEXT_LEN {
        return Vec::new();
    }
    let cleaned = cleaned(text);
    let words = cleaned.split(|one: char| !one.is_ascii_alphanumeric());
    words.map(str::to_owned).collect()
}

/// A text without what programs put into it on its way: line ends of mails (RFC 2045 §6.7), escapes of links, marks that nobody sees.
fn cleaned(text: &str) -> String {
    let mut clean = text.replace("=\r\n", "").replace("=\n", "");
    // A link within a link within a link.
    for _ in 0..3 {
        if !clean.contains('%') {
            break;
        }
        clean = unescaped(&clean);
    }
    text::plain(&clean)
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = match after {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (byte, read) = code.map_or((*first, 1), |(high, low)| (16 * high + low, 3));
        bytes.push(byte);
        rest = rest.get(read..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// A text without its white space and the marks in front of quoted lines.
struct Letters {
    text: Vec<char>,
    /// Whether there was white space in front of each.
    broken: Vec<bool>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self {
            text: Vec::new(),
            broken: Vec::new(),
        };
        let (mut line_begins, mut broken) = (true, false);
        for one in text.chars() {
            let quotes = line_begins && one == '>';
            if one.is_whitespace() || quotes {
                line_begins |= matches!(one, '\n' | '\r');
                broken = true;
                continue;
            }
            letters.text.push(one);
            letters.broken.push(broken);
            (line_begins, broken) = (false, false);
        }
        letters
    }

    /// Where the scheme stands.
    fn schemes(&self) -> Vec<usize> {
        let scheme: Vec<char> = URI_SCHEME.chars().collect();
        let windows = self.text.windows(scheme.len()).enumerate();
        let same = |(one, other): (&char, &char)| one.eq_ignore_ascii_case(other);
        let found = windows.filter(|(_, window)| window.iter().zip(&scheme).all(same));
        found.map(|(at, _)| at).collect()
    }

    /// What looks like an address, in capitals.
    fn address_at(&self, begin: usize) -> Option<String> {
        let rest: String = self.text.iter().skip(begin).take(ADDRESS_LEN).collect();
        let rest = rest.to_ascii_uppercase();
        let is_address = rest.len() == ADDRESS_LEN
            && rest.starts_with("WL1")
            && rest.bytes().all(|one| one.is_ascii_alphanumeric());
        is_address.then_some(rest)
    }

    /// The URI whose scheme is at a place.
    fn read(&self, place: usize) -> Result<Found, UriFault> {
        let mut begin = place + URI_SCHEME.len();
        // A program that takes every scheme for one of web pages.
        let slashes = self.text.iter().skip(begin).take(3);
        begin += slashes.take_while(|one| **one == '/').count();
        if self.address_at(begin).is_some() {
            // An address has a checksum of its own, and is no bundle.
            return Err(UriFault::Scheme);
        }
        let kind = self.text.get(begin).ok_or(UriFault::Damaged)?;
        let kind = kind.to_ascii_uppercase();
        let behind = self.text.get(begin + 1..).unwrap_or_default();
        let is_encoded = |one: &char| matches!(one, 'A'..='Z' | '2'..='7');
        let run = behind.iter().map(char::to_ascii_uppercase);
        let run = run.take(MAX_URI_LEN).take_while(is_encoded);
        let run: String = run.collect();
        let broken = self.broken.get(begin + 1..).unwrap_or_default();
        let ends = broken.iter().take(run.len()).enumerate();
        let ends = ends.filter(|(at, broken)| **broken && *at > 0);
        let ends = ends.map(|(at, _)| at).take(MAX_ENDS);
        for end in ends.chain([run.len()]) {
            let Some(Ok(bytes)) = run.get(..end).map(decode) else {
                continue;
            };
            let alone = self.is_alone(place, begin + 1 + end);
            if !KINDS.contains(kind) {
                return Err(UriFault::Kind);
            }
            return Ok(Found {
                kind,
                bytes,
                link: self.link(place),
                alone,
            });
        }
        let alone = self.is_alone(place, begin + 1 + run.len());
        Err(match alone {
            true if !KINDS.contains(kind) => UriFault::Kind,
            false if !self.is_serious(begin + 1) => UriFault::Scheme,
            _ => UriFault::Damaged,
        })
    }

    /// Whether what begins at a place was meant as a URI: no word of a text is as long.
    fn is_serious(&self, begin: usize) -> bool {
        let letters = self.text.iter().zip(&self.broken).skip(begin);
        let word = letters.take_while(|(one, broken)| one.is_alphanumeric() && !**broken);
        word.take(MIN_SERIOUS).count() == MIN_SERIOUS
    }

    /// Whether nothing but marks stands around what is between two places.
    fn is_alone(&self, begin: usize, end: usize) -> bool {
        let before = self.text.get(..begin).unwrap_or_default();
        let after = self.text.get(end..).unwrap_or_default();
        !before.iter().chain(after).any(|one| one.is_alphanumeric())
    }

    /// The link to a web page in whose fragment, or else within which, the URI at a place stands.
    fn link(&self, place: usize) -> String {
        let before: String = self.text.iter().take(place).collect();
        let schemes = ["HTTPS://", "HTTP://"];
        let capitals = before.to_ascii_uppercase();
        let begin = schemes
            .iter()
            .filter_map(|scheme| capitals.rfind(scheme))
            .max();
        let Some(link) = begin.and_then(|begin| before.get(begin..)) else {
            return String::new();
        };
        let length = link.chars().count();
        let pieces = self.broken.iter().skip(place - length + 1).take(length);
        if link.ends_with('#') || !pieces.into_iter().any(|broken| *broken) {
            link.to_owned()
        } else {
            String::new()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::uri::to_uri;
    use super::*;

    fn taken(text: &str) -> Result<Vec<u8>, UriFault> {
        parse_shared(text).map(|found| found.bytes)
    }

    fn wrapped(uri: &str, width: usize, between: &str) -> String {
        let lines: Vec<String> = (uri.as_bytes().chunks(width))
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        lines.join(between)
    }

    fn escaped(text: &str) -> String {
        let escape = |byte: u8| match byte {
            b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(escape).collect()
    }

    #[test]
    fn an_invitation_is_found_however_it_travelled() {
        for len in [40, 211, 1_500] {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            let uri = to_uri('B', &bytes);
            let (first, last) = uri.split_at(uri.len() / 2);
            let link = format!("https://example.org/invite#{uri}");
            for text in [
                uri.clone(),
                uri.to_lowercase(),
                format!("{first}\u{200b}{last}"),
                format!("\u{feff}{uri}\u{a0}"),
                format!("\u{2068}{first}\u{ad}{last}\u{2069}"),
                format!("<{uri}>, \u{201c}hello\u{201d}"),
                format!("\u{201c}{uri}\u{201d}."),
                format!("({uri})"),
                format!("Write to me here: {uri}"),
                format!("Write to me here: {uri}. I am there from Monday on."),
                format!("Here it is {uri} and more words follow without an end to them"),
                format!(
                    "windlass: is what I use, and this is mine:\n\n{uri}\n\nSEE YOU THERE\nALICE"
                ),
                wrapped(&uri, 76, "\n"),
                format!("{}\nSEE YOU THERE", wrapped(&uri, 20, "\r\n")),
                format!(
                    "On Monday Bob wrote:\n> {}\n> \n> Bob",
                    wrapped(&uri, 70, "\n> ")
                ),
                format!("> > {}", wrapped(&uri, 70, "\n>> ")),
                wrapped(&uri, 75, "=\r\n"),
                wrapped(&uri, 4, " "),
                escaped(&uri),
                escaped(&escaped(&link)),
                format!("https://example.org/away?to={}&from=x", escaped(&link)),
                link.clone(),
                format!("look: {link}, Bob"),
                format!("{link}?fbclid=IwAR0x"),
                format!("{link}&utm_source=mail"),
                format!("https://example.org/invite?fbclid=IwAR0x#{uri}"),
                format!("https://example.org/invite#\n{uri}"),
                link.replace('#', "%23"),
                link.replace("WINDLASS:", "windlass%3a"),
                uri.replace("WINDLASS:", "windlass://"),
                uri.replace("WINDLASS:", "WINDLASS:///"),
                uri.replace("WINDLASS:", "windlass: "),
                uri.replace("WINDLASS:", "\u{ff37}INDLASS\u{ff1a}"),
                // Of several the first that is whole.
                format!("{first}\n{uri}\n{}", to_uri('B', &[9; 40])),
            ] {
                assert_eq!(taken(&text).as_ref(), Ok(&bytes), "{text}");
            }
        }
    }

    #[test]
    fn only_an_invitation_is_taken_out_of_a_text() {
        for kind in KINDS.chars().filter(|kind| !travels(*kind)) {
            let uri = to_uri(kind, &[7; 40]);
            for text in [
                uri.clone(),
                format!("<{uri}>."),
                wrapped(&uri, 20, "\n> "),
                uri.replace(':', "://"),
            ] {
                assert_eq!(parse_shared(&text).unwrap().kind, kind, "{text}");
                assert_eq!(parse(&text).unwrap().0, kind, "{text}");
            }
            for text in [
                format!("Scan this: {uri}"),
                format!("{uri} is mine"),
                format!("https://example.org/#{uri}"),
                format!("https://example.org/%23{}", escaped(&uri)),
            ] {
                assert_eq!(taken(&text), Err(UriFault::Link), "{text}");
                assert!(parse(&text).is_err(), "{text}");
            }
            let invitation = to_uri('B', &[8; 40]);
            assert_eq!(taken(&format!("{uri} or {invitation}")), Ok(vec![8; 40]));
        }
    }

    #[test]
    fn what_is_no_invitation_is_told_as_what_it_is() {
        let uri = to_uri('B', &[7; 40]);
        for (text, fault) in [
            (String::new(), UriFault::Scheme),
            ("https://example.org/".to_owned(), UriFault::Scheme),
            (
                "Do you use windlass: yes or no?".to_owned(),
                UriFault::Scheme,
            ),
            (uri.replacen("BA", "B\u{410}", 1), UriFault::Damaged),
            (
                format!("Here: {}", uri.get(..50).unwrap()),
                UriFault::Damaged,
            ),
            (uri.get(..50).unwrap().to_owned(), UriFault::Damaged),
            (uri.replacen(":B", ":B1", 1), UriFault::Damaged),
            (to_uri('Q', &[7; 40]), UriFault::Kind),
            (" ".repeat(MAX_SHARED_TEXT_LEN + 1), UriFault::Damaged),
        ] {
            let text = if text.contains('\u{410}') || fault != UriFault::Damaged {
                text
            } else {
                text + "."
            };
            assert_eq!(taken(&text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_text_made_to_be_slow_is_not() {
        for text in [
            "WINDLASS:",
            "W I N D L A S S : B ",
            "A ",
            "WINDLASS:BA A A A A A A A ",
            "%25",
            "> ",
            "=\n",
            "http://",
        ] {
            let long = text.repeat(MAX_SHARED_TEXT_LEN / text.len());
            assert!(taken(&long).is_err());
            assert!(taken(&format!("WINDLASS:B{long}")).is_err());
        }
    }
}
