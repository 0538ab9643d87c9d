//! Three processes in three languages talk in a group by files, with a message of every kind; their three transcripts are one.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::swift::Toolchain;
use crate::workspace::{Workspace, fresh_folder, heading};
use crate::{kotlin, python};

/// Introductions, the group, joining, three rounds of talk, and two for what is under way.
const ROUNDS: u32 = 8;

/// Needs what the suites of the three languages built.
pub fn test(ws: &Workspace) -> Result<()> {
    heading("a group of Python, Kotlin and Swift");
    let (swift, python) = (Toolchain::find(ws)?, python::program(ws, "test", "python"));
    let sh = &ws.sh;
    let folder = fresh_folder(sh, ws.target.join("talk"))?;
    sh.create_dir(folder.join("mail"))?;
    for round in (0..ROUNDS).map(|round| round.to_string()) {
        sh.write_file(folder.join("round"), &round)?;
        ws.quietly("talk-python", cmd!(sh, "{python} tests/languages/talk.py {folder} {round}"))?;
        kotlin::talk(ws, &folder)?;
        let talk = swift.test(ws, "").args(["--skip-build", "--filter", "TalkTests"]);
        ws.quietly("talk-swift", talk)?;
    }
    let [ours, others @ ..] =
        ["python.txt", "kotlin.txt", "swift.txt"].map(|name| sh.read_file(folder.join(name)));
    let ours = ours?;
    println!("{}", ours.trim_end());
    let lines = ours.lines().count();
    if lines < 12 {
        bail!("only {lines} lines were said");
    }
    for other in others {
        if other? != ours {
            bail!("the transcripts in {} differ", folder.display());
        }
    }
    println!("{lines} lines, the same in three languages");
    Ok(())
}
