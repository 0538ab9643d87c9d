//! `cargo xtask package`: what users install, in one folder.

use std::path::PathBuf;

use anyhow::Result;

use crate::report::{self, Step};
use crate::workspace::{Workspace, fresh_folder};
use crate::{javascript, kotlin, native, python, swift};

/// Builds every package, or that of JavaScript; `false` when one failed.
pub fn run(ws: &Workspace, javascript: bool) -> bool {
    let steps: &[Step] = match javascript {
        true => &[("javascript", self::javascript)],
        false => &[("python", python), ("kotlin", kotlin), ("swift", swift)],
    };
    let good = report::run(ws, steps);
    println!("packages are in {}", ws.target.join("packages").display());
    good
}

/// The emptied folder of a language, with these files.
fn folder(ws: &Workspace, language: &str, files: &[PathBuf]) -> Result<PathBuf> {
    let folder = fresh_folder(&ws.sh, ws.target.join("packages").join(language))?;
    files.iter().try_for_each(|file| ws.sh.copy_file(file, &folder))?;
    Ok(folder)
}

fn python(ws: &Workspace) -> Result<()> {
    folder(ws, "python", &[python::wheel(ws)?, python::sdist(ws)?])?;
    Ok(())
}

/// What `npm install` takes.
fn javascript(ws: &Workspace) -> Result<()> {
    folder(ws, "javascript", &[javascript::tarball(ws)?])?;
    Ok(())
}

/// With what a repository of artifacts needs beside the jar.
fn kotlin(ws: &Workspace) -> Result<()> {
    folder(ws, "kotlin", &[kotlin::jar(ws)?, ws.bindings("kotlin").join("pom.xml")])?;
    Ok(())
}

/// The Swift sources with the generated ones in place, and both kinds of library for this platform.
fn swift(ws: &Workspace) -> Result<()> {
    let package = ws.bindings("swift");
    let shared = native::shared_library(ws)?;
    swift::place_generated(ws, &shared)?;
    folder(ws, "swift/lib", &[shared, native::static_library(ws)?])?;
    let folder = ws.target.join("packages/swift");
    ws.sh.copy_file(package.join("Package.swift"), &folder)?;
    python::copy(ws, &package.join("Sources"), &folder.join("Sources"))
}
