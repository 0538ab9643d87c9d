//! `cargo xtask demo`: needs nothing but Rust and Python.

use anyhow::{Result, bail};

use crate::python::{self, Build, Environment};
use crate::shell;
use crate::workspace::Workspace;

/// Builds the wheel, installs it into an environment of its own and runs the example.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let script = workspace.root.join("examples/python/demo.py");
    if !script.is_file() {
        bail!("there is no {}", script.display());
    }
    let wheel = python::wheel(workspace, Build::Development)?;
    let environment = Environment::kept(workspace, "demo")?;
    environment.install(workspace, ["--force-reinstall".as_ref(), wheel.as_os_str()])?;
    shell::heading("two bots talk");
    shell::run(environment.python(workspace).arg(script).args(arguments))
}
