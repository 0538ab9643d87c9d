//! Whether two builds are the same bytes, and what those are.

use std::path::Path;

use anyhow::{Result, bail};
use xshell::cmd;

use crate::interpreters::interpreter;
use crate::package::Packages;
use crate::workspace::Workspace;

/// Writes `SHA256SUMS`, as `sha256sum --check` reads it, and says what is in it.
const SUMS: &str = "
import hashlib, pathlib, sys
folder = pathlib.Path(sys.argv[1])
files = sorted(path for path in folder.rglob('*') if path.is_file() and path.name != 'SHA256SUMS')
lines = [f'{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}' for path in files]
text = ''.join(line + '\\n' for line in lines)
(folder / 'SHA256SUMS').write_text(text)
print(text, end='')
";

/// Of all that is in the packages of a target folder.
pub fn checksums(ws: &Workspace, target: &Path) -> Result<String> {
    let (python, folder) = (interpreter(ws)?, target.join("packages"));
    Ok(cmd!(ws.sh, "{python} -c {SUMS} {folder}").quiet().read()?)
}

/// Clones the last commit to where nothing has the same name, builds there from nothing, and compares.
pub fn run(ws: &Workspace, packages: &Packages) -> Result<()> {
    let sh = &ws.sh;
    let elsewhere = sh.create_temp_dir()?;
    let clone = elsewhere.path().join("somewhere-else");
    // Beside it: what lies in the clone and is not ignored is part of a crate.
    let (root, target) = (&ws.root, elsewhere.path().join("target-of-the-clone"));
    cmd!(sh, "git clone --quiet --no-hardlinks {root} {clone}").run()?;
    let first = checksums(ws, &ws.target)?;
    {
        let _there = sh.push_dir(&clone);
        let built = cmd!(sh, "cargo xtask package").args(packages.flags());
        // Its own settings, and no other environment than ours was.
        let built = built.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("SOURCE_DATE_EPOCH");
        built.env("CARGO_TARGET_DIR", &target).run()?;
    }
    let second = checksums(ws, &target)?;
    let mut differ = second.lines().filter(|line| !first.lines().any(|other| other == *line));
    if let Some(line) = differ.next() {
        bail!("not the same the second time: {line}\nthe first time:\n{first}");
    }
    println!("{second}\nthe same bytes twice");
    Ok(())
}
