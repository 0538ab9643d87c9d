//! Processes in four languages talk in a group by files, with a message of every kind; their transcripts are one.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::cmd;

use crate::report::Skip;
use crate::swift::Toolchain;
use crate::workspace::{Workspace, fresh_folder, heading};
use crate::{javascript, kotlin, python};

/// Introductions, the group, joining, three rounds of talk, and two for what is under way.
const ROUNDS: u32 = 8;

/// Who takes part, in the order in which they speak.
enum Participant {
    /// By the environment that its suite made.
    Python(PathBuf),
    /// By the classes that its suite built.
    Kotlin,
    /// By the package that its suite built.
    Swift(Toolchain),
    /// By a package that was built, here or by its suite.
    JavaScript(PathBuf),
}

impl Participant {
    fn name(&self) -> &'static str {
        match self {
            Self::Python(_) => "python",
            Self::Kotlin => "kotlin",
            Self::Swift(_) => "swift",
            Self::JavaScript(_) => "javascript",
        }
    }

    /// Takes its mail, says what it has to say in this round, and leaves its mail.
    fn speak(&self, ws: &Workspace, folder: &Path, round: &str) -> Result<()> {
        let sh = &ws.sh;
        let command = match self {
            Self::Python(python) => cmd!(sh, "{python} tests/languages/talk.py {folder} {round}"),
            Self::Kotlin => return kotlin::talk(ws, folder),
            Self::Swift(swift) => {
                swift.test(ws, "").args(["--skip-build", "--filter", "TalkTests"])
            }
            Self::JavaScript(package) => {
                cmd!(sh, "node tests/languages/talk.js {package} {folder} {round}")
            }
        };
        ws.quietly(&format!("talk-{}", self.name()), command)?;
        Ok(())
    }
}

/// Needs what the suites of Python, Kotlin and Swift built.
pub fn test(ws: &Workspace) -> Result<()> {
    heading("a group of Python, Kotlin, Swift and JavaScript");
    let participants = participants(ws)?;
    let sh = &ws.sh;
    let folder = fresh_folder(sh, ws.target.join("talk"))?;
    sh.create_dir(folder.join("mail"))?;
    let names: Vec<_> = participants.iter().map(Participant::name).collect();
    sh.write_file(folder.join("languages"), names.join("\n") + "\n")?;
    for round in (0..ROUNDS).map(|round| round.to_string()) {
        sh.write_file(folder.join("round"), &round)?;
        for participant in &participants {
            participant.speak(ws, &folder, &round)?;
        }
    }
    let transcript = |name: &&str| Ok(sh.read_file(folder.join(name).with_extension("txt"))?);
    let transcripts: Vec<String> = names.iter().map(transcript).collect::<Result<_>>()?;
    let ours = transcripts.first().map(String::as_str).unwrap_or_default();
    println!("{}", ours.trim_end());
    let lines = ours.lines().count();
    if lines < 12 {
        bail!("only {lines} lines were said");
    }
    if transcripts.iter().any(|other| other != ours) {
        bail!("the transcripts in {} differ", folder.display());
    }
    println!("{lines} lines, the same in {} languages", names.len());
    Ok(())
}

/// Those that are here. With `CI` set only JavaScript may be missing, which is tried where it is asked for, as its suite.
fn participants(ws: &Workspace) -> Result<Vec<Participant>> {
    let python = python::program(ws, "test", "python");
    let mut participants = vec![Participant::Python(python), Participant::Kotlin];
    match Toolchain::find(ws) {
        Ok(swift) => participants.push(Participant::Swift(swift)),
        Err(reason) if reason.is::<Skip>() && !ws.ci => println!("without Swift: {reason:#}"),
        Err(error) => return Err(error),
    }
    match javascript::for_talk(ws) {
        Ok(package) => participants.push(Participant::JavaScript(package)),
        Err(reason) if reason.is::<Skip>() => println!("without JavaScript: {reason:#}"),
        Err(error) => return Err(error),
    }
    Ok(participants)
}
