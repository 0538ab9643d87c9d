//! A copy of the repository with its changes asleep in it, and the tests that were compiled from it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use xshell::cmd;

use super::list::Change;
use super::results::Known;
use super::trial::Outcome;
use super::weave::{Lines, Woven, weave};
use crate::workspace::{Workspace, update, update_with};

/// The module that every change asks.
const SWITCH: &str = include_str!("switch.rs.txt");

/// Where it is in the copy.
const SWITCH_FILE: &str = "src/mutation.rs";

/// What declares it.
const LIBRARY: &str = "src/lib.rs";

/// Compilations until what is left has to compile: types first, then lifetimes, and what they hid.
const ROUNDS: usize = 12;

/// The copy.
pub struct Tree<'a> {
    ws: &'a Workspace,
    changes: &'a [Change],
    folder: PathBuf,
    /// Those that do not compile, or have no place.
    pub without: HashSet<usize>,
    woven: BTreeMap<String, (String, Woven)>,
}

/// A byte of a file that the compiler complains about.
struct Fault {
    file: String,
    at: usize,
}

/// What cargo says, line by line.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Said {
    CompilerMessage {
        message: Diagnostic,
    },
    CompilerArtifact {
        profile: Profile,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    message: String,
    spans: Vec<DiagnosticSpan>,
}

#[derive(Deserialize)]
struct DiagnosticSpan {
    file_name: String,
    byte_start: usize,
    is_primary: bool,
    expansion: Option<Box<Expansion>>,
}

/// Where the macro stands that an error is in.
#[derive(Deserialize)]
struct Expansion {
    span: DiagnosticSpan,
}

impl DiagnosticSpan {
    fn written(&self) -> &Self {
        self.expansion.as_ref().map_or(self, |expansion| expansion.span.written())
    }
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl<'a> Tree<'a> {
    /// Copies what is committed, or would be, without what did not compile the last time. What is the same already is not written again, or all would be compiled again.
    pub fn copied(ws: &'a Workspace, changes: &'a [Change], known: &Known) -> Result<Self> {
        let folder = ws.sh.create_dir(ws.target.join("mutants/tree"))?;
        let listed = cmd!(ws.sh, "git ls-files --cached --others --exclude-standard").read()?;
        let files: Vec<&str> = listed.lines().filter(|file| ws.root.join(file).is_file()).collect();
        let woven: HashSet<&str> = changes.iter().map(|change| change.file.as_str()).collect();
        for file in files.iter().filter(|file| !woven.contains(*file) && **file != LIBRARY) {
            update(ws, &ws.root.join(file), &folder.join(file))?;
        }
        for file in cmd!(ws.sh, "find {folder} -type f -printf %P\\n").read()?.lines() {
            if !files.contains(&file) && file != SWITCH_FILE {
                ws.sh.remove_path(folder.join(file))?;
            }
        }
        let left_out = |change: &Change| known.get(&change.name) == Some(&Outcome::LeftOut);
        let without = (0..).zip(changes).filter(|(_, change)| left_out(change));
        let without = without.map(|(number, _)| number).collect();
        let tree = Self { ws, changes, folder, without, woven: BTreeMap::new() };
        tree.say(SWITCH_FILE, &SWITCH.replace("COUNT", &changes.len().to_string()))?;
        tree.say(LIBRARY, &(ws.sh.read_file(ws.root.join(LIBRARY))? + "\nmod mutation;\n"))?;
        Ok(tree)
    }

    fn say(&self, file: &str, text: &str) -> Result<()> {
        update_with(self.ws, text.as_bytes(), &self.folder.join(file))
    }

    /// Leaves out what does not compile, until the rest does, and gives the programs of all tests, or that of the library's own.
    pub fn compiled(&mut self, lib: bool) -> Result<Vec<PathBuf>> {
        let tests = if lib { "--lib" } else { "--tests" };
        for round in 0..ROUNDS {
            self.write()?;
            let (mut errors, mut programs) = self.cargo(&["check", "--lib"])?;
            if errors.is_empty() {
                (errors, programs) = self.cargo(&["test", "--no-run", tests])?;
            }
            println!("round {round}: {} errors, {} programs", errors.len(), programs.len());
            if errors.is_empty() {
                return Ok(programs);
            }
            self.leave_out(&errors)?;
        }
        bail!("what is left does not compile");
    }

    /// Where tests are started.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&mut self) -> Result<()> {
        let mut by_file: BTreeMap<&str, Vec<(usize, &Change)>> = BTreeMap::new();
        for (number, change) in self.changes.iter().enumerate() {
            let of_file = by_file.entry(&change.file).or_default();
            if !self.without.contains(&number) {
                of_file.push((number, change));
            }
        }
        for (file, changes) in by_file {
            let source = self.ws.sh.read_file(self.ws.root.join(file))?;
            let (woven, without) = weave(&source, &changes).with_context(|| file.to_owned())?;
            self.without.extend(without);
            self.say(file, &woven.text)?;
            self.woven.insert(file.to_owned(), (source, woven));
        }
        Ok(())
    }

    /// Where the compiler found errors, and the programs of tests.
    fn cargo(&self, arguments: &[&str]) -> Result<(Vec<Fault>, Vec<PathBuf>)> {
        let sh = &self.ws.sh;
        let _tree = sh.push_dir(&self.folder);
        let run = sh.cmd("cargo").args(arguments);
        let run = run.args(["--package", "windlass", "--message-format", "json"]);
        let run = run.env("CARGO_TARGET_DIR", self.ws.target.join("mutants/build"));
        let said = run.env("RUSTFLAGS", "--cap-lints=allow").ignore_status().quiet().read()?;
        let (mut errors, mut programs) = (Vec::new(), Vec::new());
        for line in said.lines() {
            match serde_json::from_str(line)? {
                Said::CompilerMessage { message } if message.level == "error" => {
                    let first = message.spans.iter().find(|span| span.is_primary);
                    match first {
                        Some(span) => {
                            let span = span.written();
                            let (file, at) = (span.file_name.clone(), span.byte_start);
                            errors.push(Fault { file, at });
                        }
                        None if message.message.starts_with("aborting") => {}
                        None => bail!("{}", message.message),
                    }
                }
                Said::CompilerArtifact { profile: Profile { test: true }, executable } => {
                    programs.extend(executable);
                }
                _ => {}
            }
        }
        Ok((errors, programs))
    }

    /// What an error is about: a change, or what is around one, or any of its function.
    fn leave_out(&mut self, errors: &[Fault]) -> Result<()> {
        let before = self.without.len();
        for Fault { file, at } in errors {
            // Where nothing was woven it is a consequence.
            let Some((source, woven)) = self.woven.get(file) else { continue };
            let here = woven.places.iter().filter(|place| place.range.contains(at));
            let own = here.clone().find(|place| place.own);
            let size = here.clone().map(|place| place.range.len()).min();
            if let Some(place) = own {
                self.without.insert(place.change);
            } else if let Some(size) = size {
                let inner = here.filter(|place| place.range.len() == size);
                self.without.extend(inner.map(|place| place.change));
            } else {
                let (lines, was) = (Lines::of(source), woven.original(*at));
                for (number, change) in self.changes.iter().enumerate() {
                    let function = change.function.as_ref().filter(|_| change.file == *file);
                    let range = function.map(|function| lines.range(function.span)).transpose()?;
                    if range.is_some_and(|range| range.contains(&was)) {
                        self.without.insert(number);
                    }
                }
            }
        }
        if self.without.len() == before {
            bail!("{} errors that no change explains", errors.len());
        }
        Ok(())
    }
}
