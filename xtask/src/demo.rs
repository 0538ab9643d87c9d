//! `cargo xtask demo`: needs nothing but Rust and Python, and downloads nothing but crates.

use anyhow::Result;
use xshell::cmd;

use crate::workspace::{Workspace, fresh_folder};
use crate::{interpreters, native, python};

/// Puts the package together as the wheel has it, and runs the example.
pub fn run(ws: &Workspace, arguments: &[String]) -> Result<()> {
    let (sh, python) = (&ws.sh, interpreters::interpreter(ws)?);
    println!("The first time takes minutes.");
    // In one build of the development profile: no dependency is compiled twice.
    let build = ws.cargo("build --quiet --package windlass --lib --bin uniffi-bindgen");
    build.args(["--features", "uniffi-cli"]).run()?;
    let library = ws.target.join("debug").join(native::library_name());
    let folder = fresh_folder(sh, ws.target.join("demo"))?;
    let native = native::generate(ws, &library, "python", folder.join("windlass_chat/_native"))?;
    sh.copy_file(&library, &native)?;
    sh.write_file(native.join("__init__.py"), "from .windlass import *\n")?;
    python::copy(ws, &ws.bindings("python").join("src"), &folder)?;
    let demo = cmd!(sh, "{python} examples/python/demo.py {arguments...}");
    Ok(demo.env("PYTHONPATH", &folder).run()?)
}
