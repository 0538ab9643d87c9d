//! The Python package: built, installed into clean environments, tested.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::native::Generator;
use crate::report::Outcome;
use crate::shell;
use crate::workspace::Workspace;

/// Says that the installed package works where nothing but itself is installed.
const SMOKE: &str = "import windlass, pathlib, sys; \
    assert pathlib.Path(windlass.__file__).is_relative_to(sys.prefix), windlass.__file__; \
    print('imported', windlass.__name__, 'from', 'an empty environment')";

/// The whole suite.
pub fn test(workspace: &Workspace) -> Result<Outcome> {
    if let Some(reason) = missing(workspace) {
        return Ok(Outcome::Skipped(reason));
    }
    let wheel = wheel(workspace, Build::Release)?;

    shell::heading("Python: the wheel in an empty environment");
    let empty = Environment::fresh(workspace, "wheel")?;
    empty.install(workspace, [wheel.as_os_str()])?;
    empty.smoke()?;

    shell::heading("Python: the sdist, built by pip and cargo alone");
    let sdist = sdist(workspace)?;
    let empty = Environment::fresh(workspace, "sdist")?;
    empty.install(workspace, [sdist.as_os_str()])?;
    empty.smoke()?;

    let environment = Environment::kept(workspace, "test")?;
    environment.install_requirements(workspace)?;
    environment.install(
        workspace,
        [
            "--force-reinstall".as_ref(),
            "--no-deps".as_ref(),
            wheel.as_os_str(),
        ],
    )?;

    let tools = [
        &debian::QR_TOOLS[..],
        &debian::PICTURE_TOOLS,
        &debian::BROKER_TOOLS,
    ];
    for tools in tools {
        if let Some(reason) = debian::ensure(tools)? {
            // The tests that need them say so too; with CI set they fail.
            println!("{reason}");
        }
    }
    shell::heading("Python: pytest");
    shell::run(
        environment
            .python(workspace)
            .args(["-m", "pytest", "-rs"])
            .arg(workspace.bindings("python").join("tests")),
    )?;

    shell::heading("Python: mypy --strict");
    // The installed package, as a user's mypy sees it, and our own code that uses it.
    let mut mypy = environment.python(workspace);
    mypy.args(["-m", "mypy", "--strict", "--package", "windlass"]);
    shell::run(&mut mypy)?;
    let users: Vec<PathBuf> = [
        workspace.bindings("python").join("tests"),
        workspace.root.join("examples/python"),
        workspace.root.join("tests/languages"),
        workspace.root.join("examples/peer-from-the-spec"),
    ]
    .into_iter()
    .filter(|folder| folder.is_dir())
    .collect();
    shell::run(
        environment
            .python(workspace)
            .args(["-m", "mypy", "--strict"])
            .args(users),
    )?;

    shell::heading("Python: stubtest");
    // The hand-written types against the generated module.
    shell::run(
        environment
            .python(workspace)
            .args(["-m", "mypy.stubtest", "windlass._native", "--concise"])
            .args(["--ignore-missing-stub", "--mypy-config-file"])
            .arg(workspace.root.join("pyproject.toml"))
            .arg("--allowlist")
            .arg(workspace.bindings("python").join("stubtest-allowlist.txt")),
    )?;
    Ok(Outcome::Passed)
}

/// Why the suite cannot run here.
fn missing(workspace: &Workspace) -> Option<String> {
    if !workspace.root.join("pyproject.toml").is_file() {
        return Some("there is no pyproject.toml".to_owned());
    }
    interpreter().err().map(|error| error.to_string())
}

/// The Python with the package that the tests installed.
pub fn installed(workspace: &Workspace) -> Result<Command> {
    Ok(Environment::kept(workspace, "test")?.python(workspace))
}

/// The Python to build and test with.
pub fn interpreter() -> Result<PathBuf> {
    ["python3", "python"]
        .into_iter()
        .find_map(shell::which)
        .context("there is no python3 on the search path")
}

/// How much care the compiler takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As users get it.
    Release,
    /// As the tests of the Rust side and the generator: no dependency is compiled a second time, which is what a
    /// first demo waits for.
    Development,
}

/// Builds the wheel.
pub fn wheel(workspace: &Workspace, kind: Build) -> Result<PathBuf> {
    shell::heading("Python: building the wheel (the first time takes minutes)");
    let mut generator = Some(Generator::start(workspace));
    let tools = Environment::tools(workspace)?;
    let folder = workspace.target.join("python").join(match kind {
        Build::Release => "wheel",
        Build::Development => "development-wheel",
    });
    shell::fresh_folder(&folder)?;
    let mut build = tools.maturin(workspace, "build");
    build.arg("--out").arg(&folder).args(workspace.locked());
    match kind {
        // Beside the generator, which is compiled in the other profile.
        Build::Release => {
            build.arg("--release");
        }
        // After the generator: it has all the same dependencies, and the cores are busy with it.
        Build::Development => generator.take().map_or(Ok(()), Generator::wait)?,
    }
    let built = shell::run_quietly(&mut build, &log(workspace, "wheel"));
    // Its error first: without the generator there is no wheel either.
    generator.take().map_or(Ok(()), Generator::wait)?;
    built?;
    let wheel = only_file(&folder, "whl")?;
    println!("{}", file_name(&wheel));
    Ok(wheel)
}

/// Packs the sources from which pip builds.
pub fn sdist(workspace: &Workspace) -> Result<PathBuf> {
    let tools = Environment::tools(workspace)?;
    let folder = workspace.target.join("python/sdist");
    shell::fresh_folder(&folder)?;
    shell::run_quietly(
        tools.maturin(workspace, "sdist").arg("--out").arg(&folder),
        &log(workspace, "sdist"),
    )?;
    let sdist = only_file(&folder, "gz")?;
    println!("{}", file_name(&sdist));
    Ok(sdist)
}

/// A virtual environment below the target folder, named by the Python in it.
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// One that stays between runs.
    pub fn kept(workspace: &Workspace, purpose: &str) -> Result<Self> {
        let interpreter = interpreter()?;
        let version = shell::output(
            Command::new(&interpreter)
                .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]),
        )?;
        let folder = workspace
            .target
            .join("venv")
            .join(format!("{purpose}-{version}"));
        let environment = Self { folder };
        // A stamp written last: an environment that was cut short is made anew.
        if environment.folder.join(STAMP).is_file() {
            return Ok(environment);
        }
        shell::remove_folder(&environment.folder)?;
        // Debian leaves these two out of its Python.
        if !shell::succeeds(Command::new(&interpreter).args(["-c", "import venv, ensurepip"]))
            && let Some(reason) = debian::install(&["python3-venv"])?
        {
            bail!("Python makes no virtual environment: {reason}");
        }
        shell::run_quietly(
            Command::new(interpreter)
                .args(["-m", "venv"])
                .arg(&environment.folder),
            &log(workspace, "venv"),
        )
        .context("Python makes no virtual environment")?;
        fs::write(environment.folder.join(STAMP), "")?;
        Ok(environment)
    }

    /// One without anything from an earlier run.
    pub fn fresh(workspace: &Workspace, purpose: &str) -> Result<Self> {
        let old = Self::kept(workspace, purpose)?;
        shell::remove_folder(&old.folder)?;
        Self::kept(workspace, purpose)
    }

    /// The one with the build tool, and nothing else.
    fn tools(workspace: &Workspace) -> Result<Self> {
        let environment = Self::kept(workspace, "tools")?;
        let requirements = fs::read_to_string(requirements(workspace))
            .with_context(|| format!("could not read {}", requirements(workspace).display()))?;
        let pin = requirements
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("maturin=="))
            .context("requirements-dev.txt pins no maturin")?;
        environment.install_once(workspace, pin, [pin.as_ref()])?;
        Ok(environment)
    }

    /// Installs what the tests need.
    pub fn install_requirements(&self, workspace: &Workspace) -> Result<()> {
        let file = requirements(workspace);
        let content = fs::read_to_string(&file)
            .with_context(|| format!("could not read {}", file.display()))?;
        self.install_once(workspace, &content, ["-r".as_ref(), file.as_os_str()])
    }

    /// Installs unless the same `key` was installed here before.
    fn install_once<const N: usize>(
        &self,
        workspace: &Workspace,
        key: &str,
        arguments: [&OsStr; N],
    ) -> Result<()> {
        let stamp = self.folder.join(STAMP);
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == key) {
            return Ok(());
        }
        self.install(workspace, arguments)?;
        fs::write(stamp, key)?;
        Ok(())
    }

    /// `pip install` with these arguments.
    pub fn install<const N: usize>(
        &self,
        workspace: &Workspace,
        arguments: [&OsStr; N],
    ) -> Result<()> {
        shell::run_quietly(
            self.python(workspace)
                .args(["-m", "pip", "install", "--disable-pip-version-check"])
                .args(arguments)
                // Where pip builds from source, the dependencies that are compiled already are used again.
                .env("CARGO_TARGET_DIR", &workspace.target),
            &log(workspace, "pip"),
        )
    }

    /// This environment's Python, started in the repository. `PYTHONSAFEPATH` keeps the current folder off the import path, so
    /// that what is installed is what is imported.
    pub fn python(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new(self.program("python"));
        command
            .current_dir(&workspace.root)
            .env("PYTHONSAFEPATH", "1")
            .env_remove("PYTHONPATH");
        command
    }

    /// Imports the package from a folder that has nothing to do with the repository.
    fn smoke(&self) -> Result<()> {
        shell::run(
            Command::new(self.program("python"))
                .args(["-I", "-c", SMOKE])
                .current_dir(std::env::temp_dir()),
        )
    }

    fn maturin(&self, workspace: &Workspace, command: &str) -> Command {
        let mut maturin = Command::new(self.program("maturin"));
        maturin
            .arg(command)
            .current_dir(&workspace.root)
            .env("VIRTUAL_ENV", &self.folder)
            .env("CARGO_TARGET_DIR", &workspace.target)
            .arg("--manifest-path")
            .arg(workspace.root.join("Cargo.toml"));
        maturin
    }

    fn program(&self, name: &str) -> PathBuf {
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        self.folder.join(folder).join(name)
    }
}

/// What is installed in an environment, as its key; empty for one that is only made.
const STAMP: &str = "windlass-stamp";

fn requirements(workspace: &Workspace) -> PathBuf {
    workspace.bindings("python").join("requirements-dev.txt")
}

fn log(workspace: &Workspace, step: &str) -> PathBuf {
    workspace
        .target
        .join("logs")
        .join(format!("python-{step}.log"))
}

fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    match shell::files_with_extension(folder, extension).as_slice() {
        [file] => Ok(file.clone()),
        files => bail!(
            "expected one .{extension} in {}, found {}",
            folder.display(),
            files.len()
        ),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
