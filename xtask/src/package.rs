//! `cargo xtask package`: what users install, in one folder.

use anyhow::Result;

use crate::native::{self, Generator};
use crate::python::Build;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;
use crate::{kotlin, python, shell, swift};

/// Builds every package; `false` when one failed.
pub fn run(workspace: &Workspace) -> bool {
    let mut report = Report::new(workspace.ci);
    report.step("python", || python_packages(workspace));
    report.step("kotlin", || kotlin_package(workspace));
    report.step("swift", || swift_package(workspace));
    let good = report.finish();
    println!("packages are in {}", workspace.packages().display());
    good
}

fn python_packages(workspace: &Workspace) -> Result<Outcome> {
    let folder = workspace.packages().join("python");
    shell::fresh_folder(&folder)?;
    shell::copy_into(&python::wheel(workspace, Build::Release)?, &folder)?;
    shell::copy_into(&python::sdist(workspace)?, &folder)?;
    Ok(Outcome::Passed)
}

fn kotlin_package(workspace: &Workspace) -> Result<Outcome> {
    let folder = workspace.packages().join("kotlin");
    shell::fresh_folder(&folder)?;
    match kotlin::jar(workspace)? {
        Ok(jar) => {
            shell::copy_into(&jar, &folder)?;
            // What a repository of artifacts needs beside the jar.
            shell::copy_into(&workspace.bindings("kotlin").join("pom.xml"), &folder)?;
            Ok(Outcome::Passed)
        }
        Err(reason) => Ok(Outcome::Skipped(reason)),
    }
}

/// The Swift sources with the generated ones in place, and both kinds of library for this platform.
fn swift_package(workspace: &Workspace) -> Result<Outcome> {
    let package = workspace.bindings("swift");
    if !package.join("Package.swift").is_file() {
        return Ok(Outcome::Skipped(
            "there is no bindings/swift/Package.swift".to_owned(),
        ));
    }
    let folder = workspace.packages().join("swift");
    shell::fresh_folder(&folder)?;
    shell::heading("Swift: native libraries and generated code");
    let generator = Generator::start(workspace);
    let shared = native::shared_library(workspace)?;
    generator.wait()?;
    swift::place_generated(workspace, &shared)?;
    shell::copy_into(&package.join("Package.swift"), &folder)?;
    shell::copy_tree(&package.join("Sources"), &folder.join("Sources"))?;
    shell::copy_into(&shared, &folder.join("lib"))?;
    shell::copy_into(&native::static_library(workspace)?, &folder.join("lib"))?;
    Ok(Outcome::Passed)
}
