//! Windlass beside its peers, into `docs/benchmarks.md`. The crate's own benchmarks are `cargo bench`'s.

use anyhow::Result;
use xshell::cmd;

use crate::python;
use crate::workspace::Workspace;

/// The peers from PyPI.
const REQUIREMENTS: &str = "benchmarks/python/requirements.txt";

/// Without arguments the peers, else what `cargo bench` is asked for.
pub fn run(ws: &Workspace, rest: &[String]) -> Result<()> {
    if !rest.is_empty() {
        return Ok(ws.cargo("bench --package windlass").args(rest).run()?);
    }
    let sh = &ws.sh;
    let folder = sh.create_dir(ws.target.join("benchmarks"))?;
    let (rust, python) = (folder.join("rust.json"), folder.join("python.json"));
    let program = || ws.cargo("run --quiet --release --manifest-path benchmarks/Cargo.toml --");
    // Built before anything is measured, which a compiler on the other core would disturb.
    let wheel = python::wheel(ws)?;
    let interpreter =
        python::environment(ws, "bench", &["-r".as_ref(), REQUIREMENTS.as_ref(), &wheel])?;
    program().arg("measure").arg(&rust).run()?;
    cmd!(sh, "{interpreter} benchmarks/python/durable.py {python} {folder}").run()?;
    program().args(["report", "docs"]).args([&rust, &python]).run()?;
    println!("docs/benchmarks.md");
    Ok(())
}
