//! Toolchains that outlive a clone of the repository.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder that keeps toolchains between runs and between clones.
pub fn folder() -> Result<PathBuf> {
    let folder = if let Some(chosen) = variable("WINDLASS_CACHE") {
        chosen
    } else if let Some(cache) = variable("XDG_CACHE_HOME") {
        cache.join("windlass")
    } else {
        variable("HOME")
            .context(
                "neither WINDLASS_CACHE, XDG_CACHE_HOME nor HOME says where toolchains are kept",
            )?
            .join(".cache/windlass")
    };
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    Ok(folder)
}

/// A lock beside a cached thing. Who builds it holds it alone, who uses it shares it; it ends with the process.
pub fn lock_file(name: &str) -> Result<File> {
    let path = folder()?.join(format!("{name}.lock"));
    File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("could not open {}", path.display()))
}

fn variable(name: &str) -> Option<PathBuf> {
    // A relative folder would move with the current one.
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
