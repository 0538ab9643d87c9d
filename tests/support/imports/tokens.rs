//! Rust source as the words and signs that matter to imports, without comments, literals and what only tests compile.

/// A word, `::`, or another sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Path,
    Sign(char),
}

use Token::{Path, Sign, Word};

impl Token {
    pub fn is(&self, word: &str) -> bool {
        matches!(self, Word(found) if found == word)
    }

    pub fn word(&self) -> Option<&str> {
        match self {
            Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The code of a file.
pub fn code(text: &str) -> Vec<Token> {
    without_tests(&tokens(text))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else if rest.starts_with("/*") {
            behind_comment(rest)
        } else if first == '"' {
            behind_string(&rest[1..])
        } else if first == '\'' {
            behind_quote(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
            match behind_raw_string(word, behind) {
                Some(behind) => behind,
                None => {
                    found.push(Word(word.to_owned()));
                    behind
                }
            }
        } else if let Some(behind) = rest.strip_prefix("::") {
            found.push(Path);
            behind
        } else {
            if !first.is_whitespace() {
                found.push(Sign(first));
            }
            &rest[first.len_utf8()..]
        };
    }
    found
}

fn behind_comment(text: &str) -> &str {
    let (mut rest, mut depth) = (&text[2..], 1);
    while depth > 0 {
        let Some(at) = rest
            .find("*/")
            .map(|end| rest.find("/*").map_or(end, |at| at.min(end)))
        else {
            return "";
        };
        depth = if rest[at..].starts_with("/*") {
            depth + 1
        } else {
            depth - 1
        };
        rest = &rest[at + 2..];
    }
    rest
}

fn behind_string(text: &str) -> &str {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

/// Behind a character, or behind the apostrophe of a lifetime.
fn behind_quote(text: &str) -> &str {
    let mut characters = text[1..].chars();
    let first = characters.next();
    let second = characters.next();
    if first == Some('\\') {
        let from = 2 + second.map_or(0, char::len_utf8);
        return text[from..]
            .find('\'')
            .map_or("", |end| &text[from + end + 1..]);
    }
    match (first, second) {
        (Some(first), Some('\'')) => &text[2 + first.len_utf8()..],
        _ => &text[1..],
    }
}

fn behind_raw_string<'a>(word: &str, behind: &'a str) -> Option<&'a str> {
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    if !matches!(word, "r" | "br") || !behind[hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let inside = &behind[hashes + 1..];
    Some(inside.find(&end).map_or("", |at| &inside[at + end.len()..]))
}

/// Without the items and statements under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let words = ["#", "[", "cfg", "(", "test", ")", "]"];
    let marker: Vec<Token> = words.map(sign_or_word).to_vec();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&marker) {
            at = behind_item(tokens, at + marker.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn sign_or_word(text: &str) -> Token {
    match text.chars().next() {
        Some(sign) if !sign.is_alphanumeric() => Sign(sign),
        _ => Word(text.to_owned()),
    }
}

/// An item ends with its semicolon or its block; an import has braces that end nothing.
fn behind_item(tokens: &[Token], start: usize) -> usize {
    let (mut depth, mut import) = (0, false);
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Sign('{' | '(' | '[') => depth += 1,
            Sign('}' | ')' | ']') => depth -= 1,
            token if depth == 0 && token.is("use") => import = true,
            _ => {}
        }
        let ends = match token {
            Sign(';') => true,
            Sign('}') => !import,
            _ => false,
        };
        if depth == 0 && ends {
            return at + 1;
        }
    }
    tokens.len()
}
