//! Which file imports which, and the circles among them.

pub mod graph;
pub mod python;
pub mod rust;
mod tokens;

use std::collections::BTreeMap;
use std::fs;

use super::tree::{files, root};

/// Files by their paths below a folder of the repository, with their text.
pub type Sources = BTreeMap<String, String>;

pub fn sources(folder: &str, extensions: &[&str]) -> Sources {
    let base = root().join(folder);
    files(&[folder], extensions)
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&base).unwrap().to_str().unwrap();
            (name.replace('\\', "/"), fs::read_to_string(&file).unwrap())
        })
        .collect()
}
