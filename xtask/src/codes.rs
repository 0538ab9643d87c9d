//! The codes that a language's tests drew, read by a reader that is not ours.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::tools;
use crate::workspace::{Workspace, files, fresh_folder, heading};

/// Where the tests of a language put what they draw: `NAME.png`, and `NAME.txt` with what it says. Empty at first.
pub fn folder(ws: &Workspace, language: &str) -> Result<PathBuf> {
    fresh_folder(&ws.sh, ws.target.join("codes").join(language))
}

/// Reads them all.
pub fn check(ws: &Workspace, language: &str) -> Result<()> {
    tools::ensure(ws, &[tools::ZBAR])?;
    heading(&format!("codes drawn by {language}, read by zbarimg"));
    let sh = &ws.sh;
    let pictures = files(sh, &ws.target.join("codes").join(language), "png")?;
    for picture in &pictures {
        let zbar = cmd!(sh, "zbarimg --quiet --raw -Sdisable -Sqrcode.enable {picture}");
        // It complains where no desktop waits for what it reads.
        let seen = zbar.quiet().ignore_stderr().read()?;
        if seen.trim() != sh.read_file(picture.with_extension("txt"))?.trim() {
            bail!("zbarimg reads {} as {seen}", picture.display());
        }
    }
    println!("{} codes, all read", pictures.len());
    Ok(())
}
