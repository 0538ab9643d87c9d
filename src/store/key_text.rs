//! What opens a store, as it is kept in a file or a variable: one reader for every language and the command line.
//!
//! A key is 64 hexadecimal digits, or 32 bytes that are no text. A passphrase is one line of text. What could be meant as a key and is none
//! is refused: read as a passphrase it would open nothing, or make a store that no other program opens.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use super::error::StoreError;
use super::fault::shown;
use super::key::StoreKey;
use super::path::fault;
use crate::crypto::{Secret, SecretBytes};

/// Of a key.
const KEY_LEN: usize = 32;
const DIGITS: usize = 2 * KEY_LEN;

/// Nothing longer is read: what has no end (`/dev/zero`) is no key either.
const MAX_FILE_LEN: usize = 4_096;

/// A text of more hexadecimal digits than any common hash or identifier that a passphrase may be, or with `0x` or quotes around half as many
/// as a key has, was meant as a key.
const SURELY_MEANT: usize = 40;
const MARKED_MEANT: usize = KEY_LEN;

/// What a key is not, without quoting it.
type Why = &'static str;

impl StoreKey {
    /// What a file holds: 64 hexadecimal digits or 32 bytes that are no text, a key; any other line of text, a passphrase. The end of its
    /// line and a byte order mark do not count.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let mut content = SecretBytes::new(Vec::with_capacity(MAX_FILE_LEN + 1));
        let mut file = File::open(path).map_err(|error| fault(path, "opened", error))?;
        (&mut file)
            .take(MAX_FILE_LEN as u64 + 1)
            .read_to_end(&mut content)
            .map_err(|error| fault(path, "read", error))?;
        of_bytes(&content).map_err(|why| StoreError::KeyUnreadable {
            place: shown(path),
            why,
        })
    }

    /// The same of what a file holds that was read already.
    pub fn from_content(content: &[u8]) -> Result<Self, StoreError> {
        of_bytes(content).map_err(in_text)
    }

    /// What a variable or a setting holds: 64 hexadecimal digits, a key; any other line of text, a passphrase.
    pub fn from_text(text: &str) -> Result<Self, StoreError> {
        of_text(text).map_err(in_text)
    }

    /// A key as 64 hexadecimal digits, and nothing else.
    pub fn from_hex(digits: &str) -> Result<Self, StoreError> {
        let key = key_of(without_mark(digits).trim());
        let key = key.ok_or(in_text("is no key: it is not 64 hexadecimal digits"))?;
        Ok(Self::Raw(key))
    }
}

fn in_text(why: Why) -> StoreError {
    StoreError::KeyUnreadable {
        place: "the text".to_owned(),
        why,
    }
}

fn of_bytes(content: &[u8]) -> Result<StoreKey, Why> {
    if content.len() > MAX_FILE_LEN {
        return Err("is too long for a key or a passphrase");
    }
    if is_utf16(content) {
        return Err("is text in UTF-16; save it as UTF-8");
    }
    let text = str::from_utf8(content).ok();
    if content.len() == KEY_LEN && text.is_none_or(|text| text.chars().any(is_no_text)) {
        return Secret::try_from_slice(content)
            .map(StoreKey::Raw)
            .ok_or("is no key");
    }
    match text {
        Some(text) => of_text(text),
        None if matches!(content, [.., b'\n'] if content.len() <= KEY_LEN + 2) => {
            Err("is no text, and with the end of a line no key of 32 bytes; write the bytes alone")
        }
        None => Err("holds neither 32 bytes nor text"),
    }
}

fn of_text(text: &str) -> Result<StoreKey, Why> {
    // An editor ends the last line.
    let text = without_mark(text).trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err("is empty");
    }
    if let Some(key) = key_of(text.trim()) {
        return Ok(StoreKey::Raw(key));
    }
    if text.contains(['\r', '\n']) {
        return Err("has more than one line; a key or a passphrase is one");
    }
    if text.chars().any(is_no_text) {
        return Err("holds characters that are no text, and is no key of 32 bytes");
    }
    if let Some(digits) = meant_as_key(text) {
        return Err(if digits == DIGITS {
            "has 64 hexadecimal digits and something around or between them; leave the digits alone"
        } else {
            "has hexadecimal digits, but not the 64 of a key; was some of it lost?"
        });
    }
    StoreKey::passphrase(text).map_err(|_| "is empty")
}

/// How many digits a text has that was meant as a key: nothing but digits, or digits in quotes, behind `0x`, or in groups.
fn meant_as_key(text: &str) -> Option<usize> {
    let quotes = ['"', '\'', '`', '“', '”', '‘', '’'];
    let bare = text.trim().trim_matches(quotes).trim();
    let marked = bare.len() < text.trim().len();
    let prefixed = bare.strip_prefix("0x").or(bare.strip_prefix("0X"));
    let (digits, marked) = (prefixed.unwrap_or(bare), marked || prefixed.is_some());
    let mut count = 0;
    for c in digits.chars() {
        match c {
            c if c.is_ascii_hexdigit() => count += 1,
            ' ' | ':' | '-' | '_' | ',' => {}
            _ => return None,
        }
    }
    let enough = if marked {
        MARKED_MEANT
    } else {
        SURELY_MEANT + 1
    };
    (count >= enough).then_some(count)
}

fn key_of(digits: &str) -> Option<Secret<KEY_LEN>> {
    if digits.len() != DIGITS {
        return None;
    }
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
    Secret::try_from_slice(&Zeroizing::new(bytes))
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text)
}

/// A tab or the end of a line may stand in a text; 32 random bytes have other controls, or are not even UTF-8.
fn is_no_text(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\r' | '\n')
}

/// With its mark, and with the zeros that letters of most languages have in it.
fn is_utf16(content: &[u8]) -> bool {
    let zeros = content.iter().filter(|byte| **byte == 0).count();
    matches!(content, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) && zeros * 4 >= content.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// What was read, to be compared.
    #[derive(Debug, PartialEq)]
    enum Read {
        Key(Vec<u8>),
        Passphrase(String),
        Refused,
    }

    fn read(key: Result<StoreKey, StoreError>) -> Read {
        match key {
            Ok(StoreKey::Raw(key)) => Read::Key(key.as_bytes().to_vec()),
            Ok(StoreKey::Passphrase(text, _)) => Read::Passphrase(text.to_string()),
            Err(StoreError::KeyUnreadable { .. }) => Read::Refused,
            Err(error) => panic!("{error}"),
        }
    }

    const D: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

    fn utf16(text: &str) -> Vec<u8> {
        let units = [0xFEFF].into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_key_is_unmistakable_and_what_was_meant_as_one_is_no_passphrase() {
        let bytes = HEXLOWER_PERMISSIVE.decode(D.as_bytes()).unwrap();
        let key = || Read::Key(bytes.clone());
        let phrase = |text: &str| Read::Passphrase(text.to_owned());
        let mut raw_and_line = bytes.clone();
        raw_and_line.push(b'\n');
        let marked = [[0xFF, 0xFE].as_slice(), &[0x9A; 30]].concat();
        let table: Vec<(Vec<u8>, Read)> = vec![
            (bytes.clone(), key()),
            (vec![0xFF; 32], Read::Key(vec![0xFF; 32])),
            (vec![0; 32], Read::Key(vec![0; 32])),
            (raw_and_line, Read::Refused),
            (vec![0xFF; 31], Read::Refused),
            (vec![0xFF; 64], Read::Refused),
            (vec![0; 64], Read::Refused),
            // Bytes that begin as a text in UTF-16 does, and have not the zeros of one.
            (marked.clone(), Read::Key(marked)),
            (vec![b'a'; 5_000], Read::Refused),
            (utf16(D), Read::Refused),
            (utf16("correct horsey!"), Read::Refused),
            (Vec::new(), Read::Refused),
        ];
        for (content, wanted) in table {
            assert_eq!(
                of_bytes(&content).map_or(Read::Refused, |key| read(Ok(key))),
                wanted
            );
        }
        let text: Vec<(String, Read)> = vec![
            (D.into(), key()),
            (D.to_lowercase(), key()),
            (format!("{D}\r\n"), key()),
            (format!("  {D} \n\n"), key()),
            (format!("\u{FEFF}{D}\n"), key()),
            ("correct horse\n".into(), phrase("correct horse")),
            ("\u{FEFF}correct horse\r\n".into(), phrase("correct horse")),
            (" spaces count ".into(), phrase(" spaces count ")),
            ("\"quoted\"".into(), phrase("\"quoted\"")),
            ("x".repeat(32), phrase(&"x".repeat(32))),
            ("x".repeat(31) + "\n", phrase(&"x".repeat(31))),
            ("x".repeat(64), phrase(&"x".repeat(64))),
            // What a passphrase may well be: a hash, an identifier, 32 bytes in Base64.
            (D[..32].into(), phrase(&D[..32])),
            (D[..40].into(), phrase(&D[..40])),
            (
                "123e4567-e89b-12d3-a456-426614174000".into(),
                phrase("123e4567-e89b-12d3-a456-426614174000"),
            ),
            (
                "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=".into(),
                phrase("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="),
            ),
            (D[..63].into(), Read::Refused),
            (format!("{D}0"), Read::Refused),
            (D[..50].into(), Read::Refused),
            (format!("0x{D}"), Read::Refused),
            (format!("0x{}", &D[..40]), Read::Refused),
            (format!("\"{D}\""), Read::Refused),
            // In quotes half as many digits are enough to be meant.
            (format!("\"{}\"", &D[..32]), Read::Refused),
            (
                format!("\"{}\"", &D[..31]),
                phrase(&format!("\"{}\"", &D[..31])),
            ),
            (format!("'{D}'\n"), Read::Refused),
            (format!("“{D}”"), Read::Refused),
            (
                D.as_bytes()
                    .chunks(2)
                    .map(|pair| str::from_utf8(pair).unwrap())
                    .collect::<Vec<_>>()
                    .join(":"),
                Read::Refused,
            ),
            (format!("{} {}", &D[..32], &D[32..]), Read::Refused),
            (format!("{D}\n{D}"), Read::Refused),
            ("two\nlines".into(), Read::Refused),
            ("bell\u{7}".into(), Read::Refused),
            ("\r\n".into(), Read::Refused),
            ("\u{FEFF}".into(), Read::Refused),
        ];
        for (text, wanted) in text {
            let of_file = of_bytes(text.as_bytes()).map_or(Read::Refused, |key| read(Ok(key)));
            assert_eq!(of_file, wanted, "{text:?}");
            let digits = matches!(wanted, Read::Key(_)).then_some(&wanted);
            let hex = read(StoreKey::from_hex(&text));
            assert_eq!(hex, *digits.unwrap_or(&Read::Refused), "{text:?}");
            assert_eq!(read(StoreKey::from_text(&text)), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_said_with_its_place_and_without_what_stands_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bot-key");
        std::fs::write(&path, &D[..63]).unwrap();
        let said = StoreKey::from_file(&path).unwrap_err().to_string();
        assert!(said.contains("bot-key") && !said.contains("0011"), "{said}");
        for path in [
            folder.path(),
            &folder.path().join("none"),
            Path::new("/dev/zero"),
        ] {
            let said = StoreKey::from_file(path).unwrap_err().to_string();
            assert!(said.contains(path.to_str().unwrap()), "{said}");
        }
    }

    #[test]
    fn all_of_a_file_is_read_or_none_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let longest = "x".repeat(MAX_FILE_LEN);
        std::fs::write(&path, &longest).unwrap();
        let whole = Read::Passphrase(longest.clone());
        assert_eq!(read(StoreKey::from_file(&path)), whole);
        // One byte more, and nothing of it counts.
        std::fs::write(&path, longest + "x").unwrap();
        assert_eq!(read(StoreKey::from_file(&path)), Read::Refused);
    }

    #[test]
    fn a_refusal_says_what_is_to_be_done() {
        let why = |content: &[u8]| of_bytes(content).err().unwrap();
        let line = [[0xFF; KEY_LEN].as_slice(), b"\n"].concat();
        assert!(why(&line).contains("with the end of a line"));
        for neither in [[0xFF; 31].as_slice(), &[0xFF; 64]] {
            assert!(why(neither).contains("neither 32 bytes nor text"));
        }
        let long = [[0xFF; 64].as_slice(), b"\n"].concat();
        assert!(why(&long).contains("neither 32 bytes nor text"));
        assert!(why(format!("'{D}'").as_bytes()).contains("leave the digits alone"));
        assert!(why(&D.as_bytes()[..63]).contains("was some of it lost?"));
    }
}
