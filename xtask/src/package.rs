//! `cargo xtask package`: what users install, in one folder; each of it the same bytes wherever it is built.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::report::{self, Step};
use crate::workspace::{Workspace, fresh_folder};
use crate::{android, javascript, kotlin, native, python, reproducible, swift, targets};

/// Which packages; without a name those of the first three.
#[derive(Args, Clone)]
pub struct Packages {
    /// Wheel for this platform, and sdist
    #[arg(long)]
    python: bool,
    /// Jar, with the libraries in target/natives beside that of this platform
    #[arg(long)]
    kotlin: bool,
    /// Archive for Android, of the jar and a library for each ABI (needs the Android NDK)
    #[arg(long)]
    android: bool,
    /// Swift sources, and the library of this platform
    #[arg(long)]
    swift: bool,
    /// The npm package
    #[arg(long)]
    javascript: bool,
    /// The crate, built from what would be published
    #[arg(long = "crate")]
    rust: bool,
    /// Wheels for x86-64 and aarch64, glibc and musl, and the sdist; libraries into target/natives. WINDLASS_LINUX names those to build
    /// alone, as the compiler calls them, between commas
    #[arg(long)]
    wheels: bool,
    /// Wheel for this platform; its library into target/natives
    #[arg(long)]
    natives: bool,
    /// The Swift package with an XCFramework (on a Mac)
    #[arg(long)]
    framework: bool,
}

impl Packages {
    fn steps(&self) -> Vec<Step> {
        let steps: [(bool, Step); 9] = [
            (self.wheels, ("wheels", wheels)),
            (self.natives, ("natives", natives)),
            (self.python, ("python", python)),
            (self.kotlin, ("kotlin", kotlin)),
            (self.android, ("android", android)),
            (self.swift, ("swift", swift)),
            (self.framework, ("framework", framework)),
            (self.javascript, ("javascript", javascript)),
            (self.rust, ("crate", rust)),
        ];
        let named = steps.iter().any(|(wanted, _)| *wanted);
        let usual = |name| ["python", "kotlin", "swift"].contains(&name);
        let wanted = steps.into_iter().filter(|(wanted, step)| *wanted || !named && usual(step.0));
        wanted.map(|(_, step)| step).collect()
    }

    /// The same flags, for another run.
    pub fn flags(&self) -> Vec<String> {
        self.steps().into_iter().map(|(name, _)| format!("--{name}")).collect()
    }
}

/// Builds them; `false` when one failed.
pub fn run(ws: &Workspace, packages: &Packages) -> Result<bool> {
    reproducible::settle(ws)?;
    let good = report::run(ws, &packages.steps());
    println!("packages are in {}", ws.target.join("packages").display());
    Ok(good)
}

/// The emptied folder of a language, with these files, in which no folder of this machine is named.
fn folder(ws: &Workspace, language: &str, files: &[PathBuf]) -> Result<PathBuf> {
    let folder = fresh_folder(&ws.sh, ws.target.join("packages").join(language))?;
    files.iter().try_for_each(|file| ws.sh.copy_file(file, &folder))?;
    reproducible::check(ws, files)?;
    Ok(folder)
}

fn python(ws: &Workspace) -> Result<()> {
    folder(ws, "python", &[python::published_here(ws)?, python::sdist(ws)?])?;
    Ok(())
}

/// For each Linux that is promised. What the wheel has inside, the jar takes too.
fn wheels(ws: &Workspace) -> Result<()> {
    let wanted = targets::wanted(&std::env::var("WINDLASS_LINUX").unwrap_or_default())?;
    let folder = folder(ws, "python", &[python::sdist(ws)?])?;
    for linux in wanted {
        targets::ensure(ws, linux.target)?;
        let wheel = python::published(ws, linux.target, linux.compatibility)?;
        reproducible::check(ws, std::slice::from_ref(&wheel))?;
        ws.sh.copy_file(&wheel, &folder)?;
        if let Some(jna) = linux.jna {
            targets::keep_from(ws, &wheel, jna)?;
        }
    }
    Ok(())
}

fn natives(ws: &Workspace) -> Result<()> {
    let wheel = python::published_here(ws)?;
    folder(ws, "python", std::slice::from_ref(&wheel))?;
    targets::keep_from(ws, &wheel, &kotlin::platform())
}

/// What `npm install` takes.
fn javascript(ws: &Workspace) -> Result<()> {
    folder(ws, "javascript", &[javascript::tarball(ws)?])?;
    Ok(())
}

/// With what a repository of artifacts needs beside the jars.
fn kotlin(ws: &Workspace) -> Result<()> {
    let mut files = kotlin::jars(ws)?;
    files.push(ws.bindings("kotlin").join("pom.xml"));
    folder(ws, "kotlin", &files)?;
    Ok(())
}

/// With what a repository of artifacts needs beside it. Its classes are those of the jar.
fn android(ws: &Workspace) -> Result<()> {
    let jar = format!("packages/kotlin/windlass-{}.jar", native::version(ws)?);
    let jar = ws.target.join(jar);
    if !ws.sh.path_exists(&jar) {
        kotlin(ws)?;
    }
    folder(ws, "android", &android::archive(ws, &jar)?)?;
    Ok(())
}

/// The Swift sources with the generated ones in place, and both kinds of library for this platform.
fn swift(ws: &Workspace) -> Result<()> {
    let shared = native::shared_library(ws)?;
    swift::place_generated(ws, &shared)?;
    folder(ws, "swift/lib", &[shared, native::static_library(ws)?])?;
    sources(ws)
}

/// The Swift sources with the generated ones in place, and static libraries for Apple's systems.
fn framework(ws: &Workspace) -> Result<()> {
    swift::place_generated(ws, &native::shared_library(ws)?)?;
    fresh_folder(&ws.sh, ws.target.join("packages/swift"))?;
    sources(ws)?;
    targets::framework(ws, &ws.target.join("packages/swift/windlassFFI.xcframework"))
}

fn sources(ws: &Workspace) -> Result<()> {
    let (package, folder) = (ws.bindings("swift"), ws.target.join("packages/swift"));
    ws.sh.copy_file(package.join("Package.swift"), &folder)?;
    python::copy(ws, &package.join("Sources"), &folder.join("Sources"))
}

/// Cargo builds it from the packed sources before it is content.
fn rust(ws: &Workspace) -> Result<()> {
    ws.cargo("package --quiet --package windlass --allow-dirty").run()?;
    let packed = ws.target.join(format!("package/windlass-{}.crate", native::version(ws)?));
    folder(ws, "crate", &[packed])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_or_the_usual_three() {
        let none = Packages {
            python: false,
            kotlin: false,
            android: false,
            swift: false,
            javascript: false,
            rust: false,
            wheels: false,
            natives: false,
            framework: false,
        };
        assert_eq!(none.flags(), ["--python", "--kotlin", "--swift"]);
        let named = Packages { rust: true, javascript: true, ..none };
        assert_eq!(named.flags(), ["--javascript", "--crate"]);
    }
}
