//! `cargo xtask fuzz`: libFuzzer over every decoder and the receive path.

use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use xshell::cmd;

use crate::workspace::{Workspace, files};

/// Runs the named target with the arguments after it, or each target for a minute.
pub fn run(ws: &Workspace, target: Option<String>, arguments: &[String]) -> Result<()> {
    if !ws.has_cargo("fuzz")? {
        bail!("`cargo install --locked cargo-fuzz` is missing; it needs a nightly compiler");
    }
    if let Some(target) = target {
        return fuzz(ws, &target, arguments);
    }
    for target in files(&ws.sh, &ws.root.join("fuzz/fuzz_targets"), "rs")? {
        let name = target.file_stem().unwrap_or_default().to_string_lossy();
        fuzz(ws, &name, &["-max_total_time=60".to_owned()])?;
    }
    Ok(())
}

fn fuzz(ws: &Workspace, target: &str, arguments: &[String]) -> Result<()> {
    let sh = &ws.sh;
    // What is found goes into the first folder; the seeds beside it are kept as they are.
    let corpus = sh.create_dir(ws.root.join("fuzz/corpus").join(target))?;
    let seeds = sh.create_dir(ws.root.join("fuzz/seeds").join(target))?;
    for (number, bytes) in of_vectors(ws, target)?.into_iter().enumerate() {
        sh.write_file(corpus.join(format!("vector-{number}")), bytes)?;
    }
    let run = cmd!(sh, "cargo +nightly fuzz run {target} {corpus} {seeds} -- {arguments...}");
    // It keeps what it builds in a folder of its own.
    Ok(run.env_remove("CARGO_TARGET_DIR").run()?)
}

/// What the test vectors of the target's kind are about, accepted and refused: seeds that are of today's version.
fn of_vectors(ws: &Workspace, target: &str) -> Result<Vec<Vec<u8>>> {
    let path = ws.root.join(format!("tests/vectors/{target}.json"));
    if !ws.sh.path_exists(&path) {
        return Ok(Vec::new());
    }
    let file: Vectors = serde_json::from_str(&ws.sh.read_file(path)?)?;
    let bytes = |case: Case| match case.input {
        Input { uri: Some(text), .. } => Ok(text.into_bytes()),
        Input { encoded, .. } => HEXLOWER.decode(encoded.unwrap_or_default().as_bytes()),
    };
    Ok(file.cases.into_iter().map(bytes).collect::<Result<_, _>>()?)
}

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    input: Input,
}

#[derive(Deserialize)]
struct Input {
    encoded: Option<String>,
    uri: Option<String>,
}
