//! The changes that there are, as cargo-mutants lists them.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use xshell::cmd;

use crate::workspace::Workspace;

/// A place in a file: from one, columns in characters.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    pub line: usize,
    pub column: usize,
}

/// From here to before there.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: Point,
    pub end: Point,
}

/// What kind of change it is.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub enum Genre {
    /// A function that returns something at once.
    FnValue,
    /// Another operator between two operands.
    BinaryOperator,
    /// One of `!` and `-` left out.
    UnaryOperator,
    /// An arm of a match that is never taken.
    MatchArm,
    /// A guard that is always or never true.
    MatchArmGuard,
    /// A field that comes from the base of a struct.
    StructField,
}

/// One change of one file.
#[derive(Deserialize)]
pub struct Change {
    /// The file, from the repository's root.
    pub file: String,
    pub genre: Genre,
    /// Place and change, in words.
    pub name: String,
    /// What is written in its place.
    pub replacement: String,
    pub span: Span,
    pub function: Option<Function>,
}

/// The function that it is in.
#[derive(Deserialize)]
pub struct Function {
    pub span: Span,
}

impl Change {
    /// The layer it belongs to; `chat/group` counts for itself.
    pub fn layer(&self) -> &str {
        let below = self.file.strip_prefix("src/").unwrap_or(&self.file);
        if below.starts_with("chat/group") {
            return "chat/group";
        }
        below.split(['/', '.']).next().unwrap_or(below)
    }
}

/// All changes of these files, each once: `src/lib.rs` declares most modules twice.
pub fn changes(ws: &Workspace, files: &[&str]) -> Result<Vec<Change>> {
    let files = files.iter().flat_map(|file| ["--file", file]);
    let listed = cmd!(ws.sh, "cargo mutants --list --json --package windlass").args(files);
    let mut changes: Vec<Change> =
        serde_json::from_str(&listed.read()?).context("cargo mutants")?;
    let mut known = HashSet::new();
    changes.retain(|change| known.insert(change.name.clone()));
    Ok(changes)
}
