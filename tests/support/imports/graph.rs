//! A graph of files, and its circles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

/// Each file with the files that it imports, and what it names of each.
#[derive(Default)]
pub struct Imports(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Imports {
    pub fn add(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            let edges = self.0.entry(from.to_owned()).or_default();
            let names = edges.entry(to.to_owned()).or_default();
            names.insert(name.to_owned());
        }
    }

    /// Each import once: the importing file, the imported one, and what is named of it.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, &BTreeSet<String>)> {
        self.0.iter().flat_map(|(from, to)| {
            to.iter()
                .map(move |(to, names)| (from.as_str(), to.as_str(), names))
        })
    }

    fn imported_by(&self, file: &str) -> impl Iterator<Item = &str> {
        self.0
            .get(file)
            .into_iter()
            .flatten()
            .map(|(to, _)| to.as_str())
    }

    /// The files that `from` reaches, each with the one before it on a shortest way.
    fn reached<'a>(&'a self, from: &'a str) -> BTreeMap<&'a str, &'a str> {
        let mut before = BTreeMap::new();
        let mut open = VecDeque::from([from]);
        while let Some(file) = open.pop_front() {
            for next in self.imported_by(file) {
                before.entry(next).or_insert_with(|| {
                    open.push_back(next);
                    file
                });
            }
        }
        before
    }

    /// A shortest circle through a file that is in one: the file first, then what each imports.
    fn circle_through<'a>(&'a self, file: &'a str) -> Option<Vec<&'a str>> {
        let before = self.reached(file);
        let mut circle = vec![*before.get(file)?];
        while circle.last() != Some(&file) {
            circle.push(before[circle.last().unwrap()]);
        }
        circle.reverse();
        Some(circle)
    }

    /// One text for each set of files that import each other: a shortest circle, file by file, and who else is in it.
    pub fn circles(&self) -> Vec<String> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut found = Vec::new();
        for file in self.0.keys().map(String::as_str) {
            let reached = self.reached(file);
            if seen.contains(file) || !reached.contains_key(file) {
                continue;
            }
            let back = |other: &&&str| self.reached(other).contains_key(file);
            let together: BTreeSet<_> = reached.keys().filter(back).copied().collect();
            seen.extend(together.iter().copied());
            let circles = together.iter().filter_map(|file| self.circle_through(file));
            let shortest = circles.min_by_key(Vec::len).unwrap();
            found.push(self.describe(&shortest, &together));
        }
        found
    }

    fn describe(&self, circle: &[&str], together: &BTreeSet<&str>) -> String {
        let mut text = String::new();
        for (at, file) in circle.iter().enumerate() {
            let next = circle[(at + 1) % circle.len()];
            let names = Vec::from_iter(self.0[*file][next].iter().map(String::as_str)).join(", ");
            writeln!(text, "  {file} imports {next} ({names})").unwrap();
        }
        let others = together.iter().filter(|file| !circle.contains(file));
        let others = Vec::from_iter(others.copied()).join(", ");
        if !others.is_empty() {
            writeln!(text, "  and in circles with them: {others}").unwrap();
        }
        text
    }
}
