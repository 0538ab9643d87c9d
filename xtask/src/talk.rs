//! Three processes in three languages talk in a group by files, with a message of every kind; their three transcripts are one.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use crate::report::Outcome;
use crate::shell;
use crate::workspace::Workspace;
use crate::{kotlin, python, swift};

/// Introductions, the group, joining, three rounds of talk, and two for what is under way.
const ROUNDS: u32 = 8;

/// Needs what the suites of the three languages built.
pub fn test(workspace: &Workspace) -> Result<Outcome> {
    let folder = workspace.target.join("talk");
    shell::fresh_folder(&folder)?;
    fs::create_dir(folder.join("mail"))?;
    shell::heading("a group of Python, Kotlin and Swift");
    let mut swift = match swift::Talker::new()? {
        Ok(swift) => swift,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    for round in 0..ROUNDS {
        fs::write(folder.join("round"), round.to_string())?;
        let script = workspace.root.join("tests/languages/talk.py");
        let mut python: Command = python::installed(workspace)?;
        shell::run_quietly(
            python.arg(script).arg(&folder).arg(round.to_string()),
            &workspace.target.join("logs/talk-python.log"),
        )?;
        kotlin::talk(workspace, &folder)?;
        swift.talk(workspace)?;
    }
    let transcripts = ["python", "kotlin", "swift"]
        .map(|name| fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap_or_default());
    println!("{}", transcripts[0].trim_end());
    let lines = transcripts[0].lines().count();
    if lines < 12 {
        bail!("only {lines} lines were said");
    }
    if transcripts[1] != transcripts[0] || transcripts[2] != transcripts[0] {
        bail!("the transcripts in {} differ", folder.display());
    }
    println!("{lines} lines, the same in three languages");
    Ok(Outcome::Passed)
}
