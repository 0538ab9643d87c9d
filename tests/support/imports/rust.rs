//! The imports of Rust: a file imports the files that define what its code names.
//!
//! Names are followed through `pub use` to their definition; `mod x;` and `pub use x::Y;` themselves import nothing, so a `mod.rs` that
//! only declares and re-exports is in no circle. What only tests compile does not count. Methods are not followed.

use std::collections::BTreeMap;

use super::Sources;
use super::graph::Imports;
use super::tokens::{Token, code};

/// Where a module is: the names from the crate's root to it.
type Module = Vec<String>;

#[derive(Default)]
struct File {
    name: String,
    /// Names that a `pub use` gives to others, and where they come from.
    re_exports: BTreeMap<String, Module>,
    /// Names that a `use` brings, for the file alone.
    aliases: BTreeMap<String, Module>,
    /// Paths in the rest of the code, as they are written.
    paths: Vec<Vec<String>>,
}

struct Tree(BTreeMap<Module, File>);

/// Of all files but those of tests, by their paths below `src`.
pub fn rust_imports(sources: &Sources) -> Imports {
    let tree = Tree::read(sources);
    let mut imports = Imports::default();
    for (module, file) in &tree.0 {
        let mut import = |path: &[String]| {
            // A module's name alone is nothing that its file defines.
            if let Some((to, name)) = tree.definition(path, 0) {
                imports.add(&file.name, &tree.0[&to].name, &name);
            }
        };
        file.aliases.values().for_each(|path| import(path));
        for path in &file.paths {
            if let Some(path) = tree.absolute(module, path) {
                import(&path);
            }
        }
    }
    imports
}

fn module_of(file: &str) -> Option<Module> {
    let mut parts: Module = file
        .strip_suffix(".rs")?
        .split('/')
        .map(str::to_owned)
        .collect();
    if parts.iter().any(|part| part == "tests") {
        return None;
    }
    let is_folder = |last: &String| last == "mod" || (last == "lib" && !file.contains('/'));
    if parts.last().is_some_and(is_folder) {
        parts.pop();
    }
    Some(parts)
}

impl Tree {
    fn read(sources: &Sources) -> Self {
        let modules = sources
            .iter()
            .filter_map(|(name, text)| Some((name, module_of(name)?, code(text))));
        let modules: Vec<_> = modules.collect();
        let empty = |(name, module, _): &(&String, Module, Vec<Token>)| {
            let file = File {
                name: (*name).clone(),
                ..File::default()
            };
            (module.clone(), file)
        };
        let mut tree = Self(modules.iter().map(empty).collect());
        for (name, module, tokens) in modules {
            let (uses, rest) = split_uses(&tokens);
            let (mut re_exports, mut aliases) = (BTreeMap::new(), BTreeMap::new());
            for (public, path, alias) in uses {
                let Some(path) = tree.absolute(&module, &path) else {
                    continue;
                };
                assert!(
                    alias != "*",
                    "src/{name}: names what it imports from {path:?}"
                );
                let names = if public {
                    &mut re_exports
                } else {
                    &mut aliases
                };
                names.insert(alias, path);
            }
            let file = tree.0.get_mut(&module).unwrap();
            (file.re_exports, file.aliases) = (re_exports, aliases);
            file.paths = paths(&rest);
        }
        tree
    }

    /// A path from the crate's root; nothing for one that leads out of the crate, or to a local name.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let from = |base: &[String]| Some([base, rest].concat());
        match first.as_str() {
            "crate" => return from(&[]),
            "self" => return from(module),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let base = &module[..module.len().checked_sub(up)?];
                return Some([base, &path[up..]].concat());
            }
            _ => {}
        }
        let file = &self.0[module];
        let child = [module, std::slice::from_ref(first)].concat();
        if !rest.is_empty() && self.0.contains_key(&child) {
            return from(&child);
        }
        let brought = file.re_exports.get(first);
        // What was brought alone was counted where it was brought; behind a module's name the definition is still to be found.
        let brought = brought.or_else(|| file.aliases.get(first).filter(|_| !rest.is_empty()));
        brought.and_then(|base| from(base))
    }

    /// The file that defines what a path names, and its name there.
    fn definition(&self, path: &[String], followed: usize) -> Option<(Module, String)> {
        assert!(
            followed < 20,
            "re-exports that lead to each other: {path:?}"
        );
        let path: Vec<_> = path
            .iter()
            .filter(|part| *part != "self")
            .cloned()
            .collect();
        let length = (0..=path.len())
            .rev()
            .find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let name = rest.first()?;
        match self.0[module].re_exports.get(name) {
            Some(base) => self.definition(&[base, &rest[1..]].concat(), followed + 1),
            None => Some((module.to_vec(), name.clone())),
        }
    }
}

/// A `use`: whether others see it, the path, and the name that it brings.
type Use = (bool, Vec<String>, String);

/// The imports of a file, and its other code.
fn split_uses(tokens: &[Token]) -> (Vec<Use>, Vec<Token>) {
    let (mut uses, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        // `use<'a>` bounds what a type captures.
        if tokens[at].is("use") && tokens.get(at + 1) != Some(&Token::Sign('<')) {
            let end = tokens[at..]
                .iter()
                .position(|token| *token == Token::Sign(';'));
            let end = at + end.unwrap();
            let public = is_public(&rest);
            let mut tree = &tokens[at + 1..end];
            expand(&mut tree, &[], &mut |path, alias| {
                uses.push((public, path, alias));
            });
            at = end;
        } else {
            rest.push(tokens[at].clone());
        }
        at += 1;
    }
    (uses, rest)
}

/// Whether code ends with `pub` or `pub(...)`.
fn is_public(before: &[Token]) -> bool {
    let scope = before.iter().rev().take_while(|token| match token {
        Token::Word(word) => ["crate", "super", "self", "in"].contains(&word.as_str()),
        token => matches!(token, Token::Sign('(' | ')') | Token::Path),
    });
    let end = before.len() - scope.count();
    before[..end].last().is_some_and(|token| token.is("pub"))
}

/// Each path of a tree such as `a::{b, c::{self, D as E}}`.
fn expand(tokens: &mut &[Token], base: &[String], found: &mut dyn FnMut(Vec<String>, String)) {
    let mut path = base.to_vec();
    let mut alias = None;
    let mut ended = false;
    while let Some((token, rest)) = tokens.split_first() {
        match token {
            Token::Sign(',' | '}') => break,
            Token::Sign('{') => {
                *tokens = rest;
                while tokens.first() != Some(&Token::Sign('}')) {
                    expand(tokens, &path, found);
                    *tokens = tokens
                        .strip_prefix(&[Token::Sign(',')][..])
                        .unwrap_or(tokens);
                }
                ended = true;
            }
            Token::Sign(sign) => path.push(sign.to_string()),
            Token::Word(word) if word == "as" => {
                alias = rest.first().and_then(Token::word).map(str::to_owned);
                *tokens = rest;
            }
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Path => {}
        }
        *tokens = &tokens[1..];
    }
    if !ended {
        let alias = alias.or_else(|| path.last().cloned());
        found(path, alias.unwrap());
    }
}

/// Every path and single name in code, from its first word on. A word behind a dot is a field or a method.
fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut before: Option<&Token> = None;
    let mut open = false;
    for token in tokens {
        match token {
            Token::Word(word) if open && before == Some(&Token::Path) => {
                found.last_mut().unwrap().push(word.clone());
            }
            Token::Word(word) => {
                open = !matches!(before, Some(Token::Path | Token::Sign('.')));
                if open {
                    found.push(vec![word.clone()]);
                }
            }
            Token::Path => {}
            Token::Sign(_) => open = false,
        }
        before = Some(token);
    }
    found
}
