//! Windlass beside its peers. `cargo xtask bench` runs it, and the one in Python after it, and lets it write `docs/benchmarks.md`.

mod counting;
mod durable;
mod floor;
mod measure;
mod memory;
mod ours;
mod peers;
mod plot;
mod report;

use std::path::Path;

use measure::Work;
use serde::{Deserialize, Serialize};

/// All that was measured in one run.
#[derive(Serialize, Deserialize, Default)]
pub struct Measured {
    /// Every piece of work.
    pub works: Vec<Work>,
    /// Who asked for memory how often, in one message and in a set-up.
    pub allocations: Vec<(String, u64, u64)>,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["measure", file] => measure_all(Path::new(file)),
        ["report", docs, ref files @ ..] => report::write(Path::new(docs), files),
        _ => panic!("measure FILE | report FOLDER FILE..."),
    }
}

/// The files on the disk are made beside the result.
fn measure_all(file: &Path) {
    let mut works = memory::all();
    works.extend(durable::all(file.parent().unwrap()));
    let allocations = memory::allocations(counting::count);
    let measured = Measured { works, allocations };
    std::fs::write(file, serde_json::to_string_pretty(&measured).unwrap()).unwrap();
}
