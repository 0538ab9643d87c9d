//! The tables and the plot of `docs/benchmarks.md`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::measure::{Result, Work};
use crate::{Measured, plot};

const BEGIN: &str = "<!-- measured -->";
const END: &str = "<!-- measured, end -->";

/// Puts what the files hold in the place of what was measured last, and draws it anew.
pub fn write(docs: &Path, files: &[&str]) {
    let mut all = Measured::default();
    for file in files {
        let part: Measured = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        all.works.extend(part.works);
        all.allocations.extend(part.allocations);
    }
    let page = docs.join("benchmarks.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a place for the tables");
    let (_, after) = rest.split_once(END).expect("an end of that place");
    fs::write(&page, format!("{before}{BEGIN}\n{}{END}{after}", tables(&all))).unwrap();
    fs::write(docs.join("benchmarks.svg"), plot::draw(&all.works)).unwrap();
}

fn tables(all: &Measured) -> String {
    let mut text = format!("\nMeasured on {}.\n", machine());
    for (part, title, first) in [
        ("memory", "In memory", "Work"),
        ("durable", "Durable, a message of 64 B", "Where"),
        ("processor", "The processor's part of it, on a file system in memory", "Message"),
        ("python", "From Python, durable on both sides, 64 B", "Work"),
    ] {
        let works: Vec<_> = all.works.iter().filter(|work| work.part == part).collect();
        if !works.is_empty() {
            let _ = write!(text, "\n### {title}\n\n{}", table(first, &works));
        }
    }
    if !all.allocations.is_empty() {
        text += "\n### Allocations\n\n| | a message, both sides | a set-up with its answer |\n| --- | ---: | ---: |\n";
        for (name, message, begun) in &all.allocations {
            let _ = writeln!(text, "| {name} | {message} | {begun} |");
        }
    }
    text.push('\n');
    text
}

/// A row for each work, a column for each who did any of it.
fn table(first: &str, works: &[&Work]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for result in works.iter().flat_map(|work| &work.results) {
        if !names.contains(&result.name.as_str()) {
            names.push(&result.name);
        }
    }
    let mut text =
        format!("| {first} | {} |\n| --- |{}\n", names.join(" | "), " ---: |".repeat(names.len()));
    for work in works {
        let cell = |name: &&str| {
            let found = work.results.iter().position(|result| result.name == **name);
            found.map_or("-".to_owned(), |at| cell(&work.results[at], at > 0))
        };
        let cells: Vec<_> = names.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", work.name, cells.join(" | "));
    }
    text
}

/// Microseconds, and how many times those of the first column.
fn cell(result: &Result, compared: bool) -> String {
    let digits = usize::from(result.micros < 100.0);
    let micros = format!("{:.digits$} µs", result.micros);
    if compared { format!("{micros} **{:.2}**", result.times) } else { micros }
}

fn machine() -> String {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = file("/proc/cpuinfo");
    let models =
        || cpu.lines().filter_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let model = models().next().unwrap_or("another processor");
    format!(
        "{} cores of {model}, {} {}",
        models().count(),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}
