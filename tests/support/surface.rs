//! What a package lets others see, read from its sources, which are formatted: what is indented deeper belongs to the line above.

use std::collections::BTreeSet;

/// How a language writes what is public.
pub struct Language {
    /// What a line begins with that says nothing to others.
    pub comments: &'static [&'static str],
    /// What stands in a line of its own in front of a declaration, and is a part of what it promises.
    pub marks: &'static [&'static str],
    /// Whether a declaration is public by its own words.
    pub public: fn(&str) -> bool,
    /// Whether it is public because of the block that it stands in directly.
    pub within: fn(&str, &str) -> bool,
    /// Whether others see what is in a block.
    pub opens: fn(&str) -> bool,
}

pub const RUST: Language = Language {
    comments: &["//", "#[", "#!["],
    marks: &["#[derive(", "#[non_exhaustive]", "#[must_use"],
    public: |line| line.starts_with("pub ") || line.starts_with("impl ") && line.contains(" for "),
    within: |owner, _| owner.starts_with("pub enum ") || owner.starts_with("pub trait "),
    opens: |line| has_word(line, &["impl", "struct", "enum", "trait", "exported"]),
};

pub const KOTLIN: Language = Language {
    comments: &["//", "/*", "*", "@file", "@Suppress"],
    marks: &["@Throws", "@Jvm", "@Deprecated"],
    public: |line| after_annotations(line).starts_with("public "),
    within: |owner, line| owner.contains("enum class ") && !line.starts_with("private "),
    opens: |line| {
        has_word(line, &["class", "interface", "object"])
            && !line.starts_with("private ")
            && !line.starts_with("internal ")
    },
};

pub const SWIFT: Language = Language {
    comments: &["//", "#if", "#else", "#end"],
    marks: &["@available", "@discardableResult", "@MainActor"],
    public: |line| after_annotations(line).starts_with("public ") || line.starts_with("open "),
    within: |owner, line| {
        owner.starts_with("public protocol ")
            || owner.starts_with("public enum ") && line.starts_with("case ")
            || owner.starts_with("public indirect enum ") && line.starts_with("case ")
    },
    opens: |line| {
        has_word(
            line,
            &["class", "struct", "enum", "extension", "protocol", "actor"],
        ) && !has_word(line, &["private", "fileprivate", "func", "case"])
    },
};

pub const PYTHON: Language = Language {
    comments: &["#"],
    marks: &["@"],
    public: |line| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let declared = line
            .strip_prefix("def ")
            .or_else(|| line.strip_prefix("class "));
        match declared {
            // Those that the language calls by itself are part of what a class can do.
            Some(name) => !name.starts_with('_') || name.starts_with("__"),
            None => is_annotated(line),
        }
    },
    within: |_, _| false,
    opens: |line| line.starts_with("class ") && !line.starts_with("class _"),
};

fn has_word(line: &str, words: &[&str]) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| words.contains(&word))
}

/// Annotations stand in front of a declaration, in the same line.
fn after_annotations(line: &str) -> &str {
    let mut rest = line;
    while let Some(annotation) = rest.strip_prefix('@') {
        rest = annotation.split_once(' ').map_or("", |(_, rest)| rest);
    }
    rest
}

/// `name: type`, with or without a value; and what a module calls something.
fn is_annotated(line: &str) -> bool {
    let name = line.split([':', ' ', '=']).next().unwrap_or_default();
    let named = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let rest = &line[name.len()..];
    named && !name.starts_with('_') && (rest.starts_with(": ") || rest.starts_with(" = "))
}

/// The public declarations of a file, each behind the names of the blocks that it is in.
pub fn public(language: &Language, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // How deep each block is indented that the line is in, how deep its members are, its declaration, and whether others see into it.
    let mut blocks: Vec<(usize, Option<usize>, String, bool)> = Vec::new();
    let mut marks = String::new();
    let mut lines = without_texts(text).into_iter();
    while let Some(line) = lines.next() {
        let (indent, line) = (line.len() - line.trim_start().len(), line.trim().to_owned());
        let mark = language.marks.iter().any(|start| line.starts_with(start));
        if mark && !has_word(&line, &["public"]) {
            marks.push_str(&format!("{line} "));
            continue;
        }
        let says_nothing = line.is_empty() || line.starts_with(['}', ')', ']']);
        if says_nothing
            || language
                .comments
                .iter()
                .any(|start| line.starts_with(start))
        {
            continue;
        }
        while blocks.last().is_some_and(|block| block.0 >= indent) {
            blocks.pop();
        }
        let (mut owner, mut direct) = (String::new(), true);
        if let Some((_, members, declaration, _)) = blocks.last_mut() {
            direct = *members.get_or_insert(indent) == indent;
            owner.clone_from(declaration);
        }
        let within = direct && (language.within)(&owner, &line);
        let mut statement = line;
        while open(&statement, within) > 0 {
            let Some(next) = lines.next() else { break };
            let next = next.trim();
            if !language
                .comments
                .iter()
                .any(|start| next.starts_with(start))
            {
                statement = format!("{statement} {next}");
            }
        }
        let visible = direct && blocks.iter().all(|block| block.3);
        if visible && (within || (language.public)(&statement)) {
            let path: String = blocks
                .iter()
                .map(|block| format!("{} / ", name(&block.2)))
                .collect();
            found.insert(format!("{path}{marks}{}", declared(&statement, within)));
        }
        marks.clear();
        let into = (language.opens)(statement.split('(').next().unwrap_or_default());
        blocks.push((indent, None, statement, into));
    }
    found
}

/// The lines, with nothing in quotes that are longer than a line.
fn without_texts(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let marks = line.matches("\"\"\"").count();
        if !inside && marks == 0 {
            lines.push(line.trim_end().to_owned());
        }
        inside ^= marks % 2 == 1;
    }
    lines
}

/// How many brackets are open after a statement; braces count where they hold a part of it.
fn open(statement: &str, braces: bool) -> i32 {
    let weight = |c| match c {
        '(' | '[' => 1,
        ')' | ']' => -1,
        '{' if braces => 1,
        '}' if braces => -1,
        _ => 0,
    };
    statement.chars().map(weight).sum()
}

/// A declaration without what it does, and without what its value is.
fn declared(statement: &str, whole: bool) -> String {
    let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut depth = 0;
    let mut end = statement.len();
    for (at, c) in statement.char_indices().filter(|_| !whole) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => end = end.min(at),
            '=' if depth == 0 && value(&statement, at) => end = end.min(at),
            _ => {}
        }
    }
    statement[..end]
        .trim_end_matches([' ', ',', ';', ':'])
        .to_owned()
}

/// Whether an equals sign stands alone, and says what a value is.
fn value(statement: &str, at: usize) -> bool {
    let ends = statement[at..].starts_with("= ") || at + 1 == statement.len();
    statement[..at].ends_with(' ') && ends
}

/// A block by what it is called.
fn name(declaration: &str) -> String {
    let declaration = declared(declaration, false);
    let end = declaration
        .find(['(', ':', '<'])
        .unwrap_or(declaration.len());
    let words = declaration[..end].split_whitespace();
    let hidden = [
        "public",
        "pub",
        "final",
        "class",
        "struct",
        "enum",
        "extension",
        "data",
    ];
    words
        .filter(|word| !hidden.contains(word))
        .collect::<Vec<_>>()
        .join(" ")
}
