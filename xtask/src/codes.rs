//! The codes that a language's tests drew, read by a reader that is not ours.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian;
use crate::shell;
use crate::workspace::Workspace;

/// Where the tests of a language put what they draw: `NAME.png`, and `NAME.txt` with what it says. Empty at first.
pub fn folder(workspace: &Workspace, language: &str) -> Result<PathBuf> {
    let folder = workspace.target.join("codes").join(language);
    shell::fresh_folder(&folder)?;
    Ok(folder)
}

/// Reads them all. `Ok(Some(reason))` says why it cannot be done here.
pub fn check(workspace: &Workspace, language: &str) -> Result<Option<String>> {
    if let Some(reason) = debian::ensure(&debian::QR_TOOLS)? {
        return Ok(Some(reason));
    }
    shell::heading(&format!("codes drawn by {language}, read by zbarimg"));
    let folder = workspace.target.join("codes").join(language);
    let pictures = shell::files_with_extension(&folder, "png");
    for picture in &pictures {
        let mut zbarimg = Command::new("zbarimg");
        zbarimg
            .args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"])
            .arg(picture);
        let seen = shell::output(&mut zbarimg)?;
        let said = fs::read_to_string(picture.with_extension("txt"))?;
        if seen.trim() != said.trim() {
            bail!("zbarimg reads {} as {seen}", picture.display());
        }
    }
    if pictures.is_empty() {
        bail!("no code was drawn in {}", folder.display());
    }
    println!("{} codes, all read", pictures.len());
    Ok(None)
}
