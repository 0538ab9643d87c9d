//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository, its build folder, and how strict this run is.
pub struct Workspace {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target folder; everything that is built goes under it.
    pub target: PathBuf,
    /// Continuous integration: a skipped suite counts as failed, and lock files are binding.
    pub ci: bool,
}

impl Workspace {
    /// Finds the repository from where Cargo found this crate.
    pub fn locate() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .map(Path::to_path_buf)
            .context("xtask has to lie inside the repository")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        let ci =
            std::env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        Ok(Self { root, target, ci })
    }

    /// A folder below `bindings/`.
    pub fn bindings(&self, language: &str) -> PathBuf {
        self.root.join("bindings").join(language)
    }

    /// Where `cargo xtask package` puts what users install.
    pub fn packages(&self) -> PathBuf {
        self.target.join("packages")
    }

    /// The flag that makes `Cargo.lock` binding, where it has to be.
    pub fn locked(&self) -> Option<&'static str> {
        self.ci.then_some("--locked")
    }
}
