//! The name that a file may be saved under: another's text, made harmless for every file system and for the eye.

use crate::limits::MAX_FILE_NAME_LEN;

/// What stands in the place of a character that is taken out. A name shows that something was there.
const INSTEAD: char = '_';

/// How a file is called of whose name nothing is left.
const UNNAMED: &str = "file";

/// Names that mean a device to Windows, with any ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Devices of which there are ten.
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// An ending is kept when a name is cut, up to this length.
const MAX_ENDING_LEN: usize = 16;

/// `name` as a file can be called on every system: one name in one folder, not hidden, no device, no second stream, within 255 bytes, and
/// nothing that draws its letters in another order than they are.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let harmless = |c| if is_harmful(c) { INSTEAD } else { c };
    let name: String = name.chars().map(harmless).collect();
    // Windows leaves these away at the end; so `evil.exe .` would be `evil.exe`.
    let name = name.trim_end_matches(['.', ' ']).trim_start();
    let mut name = match name.strip_prefix('.') {
        Some(hidden) => format!("{INSTEAD}{hidden}"),
        None => name.to_owned(),
    };
    if is_device(&name) {
        name.insert(0, INSTEAD);
    }
    if name.is_empty() {
        return UNNAMED.to_owned();
    }
    shortened(name)
}

/// Separators of any system, what a shell or Windows gives a meaning, controls, and marks that change the order of what is read.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || matches!(
            c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
        )
        || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_lowercase();
    if DEVICES.contains(&stem.as_str()) {
        return true;
    }
    let mut rest = NUMBERED
        .iter()
        .filter_map(|device| stem.strip_prefix(device));
    rest.any(|number| {
        let mut digits = number.chars();
        let digit = digits.next();
        let counts = |c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³');
        digit.is_some_and(counts) && digits.next().is_none()
    })
}

/// Within 255 bytes, with its ending.
fn shortened(name: String) -> String {
    if name.len() <= MAX_FILE_NAME_LEN {
        return name;
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..));
    let ending = ending.filter(|ending| ending.len() <= MAX_ENDING_LEN);
    let ending = ending.unwrap_or_default();
    let mut end = MAX_FILE_NAME_LEN - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let kept = name.get(..end).unwrap_or_default();
    format!("{}{ending}", kept.trim_end_matches(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_safe_for_every_file_system() {
        let long = format!("{}.jpeg", "é".repeat(200));
        let cut = format!("{}.jpeg", "é".repeat(125));
        let table = [
            ("report.pdf", "report.pdf"),
            (
                "👨\u{200d}👩\u{200d}👧 שלום.txt",
                "👨\u{200d}👩\u{200d}👧 שלום.txt",
            ),
            (".bashrc", "_bashrc"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            (" . ", "file"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("a\\b.txt", "a_b.txt"),
            ("C:evil.exe", "C_evil.exe"),
            ("notes.txt:hidden", "notes.txt_hidden"),
            ("evil.exe. .", "evil.exe"),
            ("con", "_con"),
            ("Aux.txt", "_Aux.txt"),
            ("nul .txt", "_nul .txt"),
            ("COM1", "_COM1"),
            ("lpt².doc", "_lpt².doc"),
            ("common.txt", "common.txt"),
            ("com10", "com10"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("a\u{2066}b\u{2069}", "a_b_"),
            ("line\nbreak\u{9b}31m", "line_break_31m"),
            ("what?*<>|\".txt", "what______.txt"),
            (long.as_str(), cut.as_str()),
        ];
        for (name, safe) in table {
            assert_eq!(safe_name(name), safe, "{name:?}");
            assert_eq!(safe_name(safe), safe, "made safe twice");
            assert!(safe.len() <= MAX_FILE_NAME_LEN);
        }
    }
}
