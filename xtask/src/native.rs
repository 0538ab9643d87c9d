//! The native library and the generated code that the bindings share.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};

use crate::shell;
use crate::workspace::Workspace;

/// A language the generator writes.
#[derive(Clone, Copy)]
pub enum Language {
    /// One file in a package folder.
    Kotlin,
    /// A Swift file, a C header and a module map.
    Swift,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
        }
    }
}

/// Builds the shared library as users get it.
///
/// The flags are those maturin uses, so that the wheel and the other languages share one compilation. Naming the
/// crate type also lets the linker optimise across crates, which Cargo gives up when an `rlib` is built beside.
pub fn shared_library(workspace: &Workspace) -> Result<PathBuf> {
    build(
        workspace,
        "cdylib",
        &format!(
            "{}windlass{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        ),
    )
}

/// Builds the static library, for Swift packages.
pub fn static_library(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, "staticlib", "libwindlass.a")
}

fn build(workspace: &Workspace, crate_type: &str, file: &str) -> Result<PathBuf> {
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args([
                "rustc",
                "--quiet",
                "--package",
                "windlass",
                "--lib",
                "--release",
                "--crate-type",
                crate_type,
            ])
            .args(workspace.locked()),
    )?;
    let library = workspace.target.join("release").join(file);
    if !library.is_file() {
        bail!("cargo built no {}", library.display());
    }
    Ok(library)
}

/// Builds the bindings generator. It takes long the first time, and most of it on one core.
fn build_generator(root: &Path, locked: Option<&str>) -> Result<()> {
    shell::run(
        shell::cargo()
            .current_dir(root)
            .args([
                "build",
                "--quiet",
                "--package",
                "windlass",
                "--features",
                "uniffi-cli",
                "--bin",
                "uniffi-bindgen",
            ])
            .args(locked),
    )
}

/// The generator's build, under way beside another one.
pub struct Generator(JoinHandle<Result<()>>);

impl Generator {
    /// Starts the build. Cargo locks each profile's folder by itself, so this one (dev) and the library's (release)
    /// run side by side.
    pub fn start(workspace: &Workspace) -> Self {
        let (root, locked) = (workspace.root.clone(), workspace.locked());
        Self(thread::spawn(move || build_generator(&root, locked)))
    }

    /// Waits for it.
    pub fn wait(self) -> Result<()> {
        self.0
            .join()
            .map_err(|_| anyhow::anyhow!("the thread that built the generator died"))?
    }
}

/// Writes a language's generated code into an empty folder.
pub fn generate(
    workspace: &Workspace,
    library: &Path,
    language: Language,
    folder: &Path,
) -> Result<()> {
    shell::fresh_folder(folder)?;
    // The generator finds `uniffi.toml` through Cargo, so it has to start inside the workspace.
    shell::run(
        shell::cargo()
            .current_dir(&workspace.root)
            .args([
                "run",
                "--quiet",
                "--package",
                "windlass",
                "--features",
                "uniffi-cli",
                "--bin",
                "uniffi-bindgen",
            ])
            .args(workspace.locked())
            .args([
                "--",
                "generate",
                "--no-format",
                "--language",
                language.name(),
                "--out-dir",
            ])
            .args([folder, library]),
    )
}

/// JNA's name for this machine, under which it looks for a library among a jar's resources.
pub fn jna_platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "x86" => "x86",
        other => other,
    };
    format!("{system}-{machine}")
}

/// Copies a file only when its content changed, so that a build tool that goes by times does not start over.
pub fn update(file: &Path, target: &Path) -> Result<()> {
    let fresh = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    if fs::read(target).is_ok_and(|old| old == fresh) {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(target, fresh).with_context(|| format!("could not write {}", target.display()))
}
