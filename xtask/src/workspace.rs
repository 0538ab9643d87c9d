//! Where things are, how strict this run is, and running programs with output that stays readable.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xshell::{Cmd, Shell, cmd};

/// Lines of a failed quiet program that are shown; the rest is in its log.
const TAIL: usize = 60;

/// The repository and this run.
pub struct Workspace {
    /// Starts programs in the repository's root.
    pub sh: Shell,
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target folder; everything that is built goes under it.
    pub target: PathBuf,
    /// Continuous integration: a skipped suite counts as failed, and lock files are binding.
    pub ci: bool,
    /// Whether anything may run as root.
    pub install: bool,
}

impl Workspace {
    /// Finds the repository from where Cargo found this crate.
    pub fn locate(install: bool) -> Result<Self> {
        let crate_folder =
            std::env::var_os("CARGO_MANIFEST_DIR").context("`cargo xtask` starts it")?;
        let root = Path::new(&crate_folder).join("..").canonicalize()?;
        let target = root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or("target".into()));
        let ci = std::env::var("CI").is_ok_and(|value| !matches!(&*value, "" | "0" | "false"));
        let sh = Shell::new()?;
        sh.change_dir(&root);
        // Debian puts servers where a user's path does not lead.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let servers = ["/usr/sbin", "/sbin"].map(PathBuf::from);
        sh.set_var("PATH", std::env::join_paths(std::env::split_paths(&path).chain(servers))?);
        // What is installed is what Python imports, not what lies in the current folder.
        sh.set_var("PYTHONSAFEPATH", "1");
        sh.set_var("PYTHONPATH", "");
        // Where a tool compiles, the dependencies that are compiled already are used again.
        sh.set_var("CARGO_TARGET_DIR", &target);
        let install = install || ci;
        Ok(Self { sh, root, target, ci, install })
    }

    /// A folder below `bindings/`.
    pub fn bindings(&self, language: &str) -> PathBuf {
        self.root.join("bindings").join(language)
    }

    /// Cargo with these arguments, and `Cargo.lock` binding where it has to be.
    pub fn cargo(&self, arguments: &str) -> Cmd<'_> {
        let locked = self.ci.then_some("--locked");
        self.sh.cmd("cargo").args(locked).args(arguments.split(' '))
    }

    /// Whether a program is what its name says: asked with `asked`, it gives one of `answer` (between `|`).
    pub fn answers(&self, program: impl AsRef<Path>, asked: &str, answer: &str) -> bool {
        let mut command = Command::from(self.sh.cmd(program).arg(asked));
        let Ok(said) = command.stdin(Stdio::null()).output() else {
            return false;
        };
        let said = [said.stdout, said.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        answer.split('|').any(|answer| said.contains(answer))
    }

    /// Whether cargo knows a command that is not its own. Not all of these answer without it.
    pub fn has_cargo(&self, command: &str) -> Result<bool> {
        let said =
            cmd!(self.sh, "cargo {command} --version").quiet().ignore_status().ignore_stderr();
        Ok(said.read()?.starts_with(&format!("cargo-{command} ")))
    }

    /// Runs a program whose output matters only when it fails; all of it goes to `target/logs/NAME.log`, which is returned.
    pub fn quietly(&self, name: &str, command: Cmd<'_>) -> Result<String> {
        let path = self.target.join("logs").join(name).with_extension("log");
        self.sh.create_dir(self.target.join("logs"))?;
        let log = File::create(&path)?;
        let line = command.to_string();
        println!("$ {} > {}", line.lines().next().unwrap_or_default(), path.display());
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(log.try_clone()?);
        let status = command.stderr(log).status().context(name.to_owned())?;
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        if !status.success() {
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
                println!("{line}");
            }
            bail!("{name} failed ({status}); all of it is in {}", path.display());
        }
        Ok(text)
    }
}

/// Announces a step.
pub fn heading(text: &str) {
    println!("\n== {text}");
}

/// An empty folder, whatever was there before.
pub fn fresh_folder(sh: &Shell, folder: PathBuf) -> Result<PathBuf> {
    sh.remove_path(&folder)?;
    Ok(sh.create_dir(folder)?)
}

/// The files of a folder with this extension, sorted by name; at least one.
pub fn files(sh: &Shell, folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = sh.read_dir(folder)?;
    files.retain(|file| file.extension() == Some(OsStr::new(extension)));
    files.sort();
    if files.is_empty() {
        bail!("there is no .{extension} in {}", folder.display());
    }
    Ok(files)
}

/// Copies a file only when its content changed, so that a build tool that goes by times does not start over.
pub fn update(ws: &Workspace, file: &Path, target: &Path) -> Result<()> {
    update_with(ws, &ws.sh.read_binary_file(file)?, target)
}

/// The same with what is not in a file.
pub fn update_with(ws: &Workspace, fresh: &[u8], target: &Path) -> Result<()> {
    if ws.sh.read_binary_file(target).is_ok_and(|old| old == fresh) {
        return Ok(());
    }
    Ok(ws.sh.write_file(target, fresh)?)
}
