//! The developer's commands of Windlass: one name each, the same on a laptop and in continuous integration.

mod codes;
mod demo;
mod fuzz;
mod kotlin;
mod lint;
mod model;
mod native;
mod package;
mod python;
mod report;
mod rootfs;
mod swift;
mod talk;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser};

use report::Step;
use workspace::{Workspace, step};

/// The developer's commands of Windlass.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = false
)]
#[command(after_help = "\
Toolchains are kept in $WINDLASS_CACHE, else $XDG_CACHE_HOME/windlass, else ~/.cache/windlass.
With CI set, a suite that would be skipped counts as failed, except the symbolic models (decision 0011).")]
enum Command {
    /// Two bots, both killed in the middle of their conversation (needs Rust and Python)
    Demo {
        /// What goes to the demo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Every check in every language, or only those named
    Test(Suites),
    /// Wheel, sdist, jar and Swift library into target/packages
    Package(Install),
    /// The reference of the Rust crate, warnings denied
    Docs,
    /// The benchmarks
    Bench {
        /// What goes to cargo bench
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Every fuzz target for a minute, or one for as long as its arguments say
    Fuzz {
        /// The only target
        target: Option<String>,
        /// What goes to libFuzzer
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

#[derive(Args)]
struct Suites {
    /// Formatting, clippy, rustdoc, the core alone and for WebAssembly, dependency checks
    #[arg(long)]
    lint: bool,
    /// What --lint says, and cargo test
    #[arg(long)]
    rust: bool,
    /// Wheel and sdist in clean environments, pytest, mypy --strict
    #[arg(long)]
    python: bool,
    /// Maven build, JUnit on a real JVM
    #[arg(long)]
    kotlin: bool,
    /// swift test, in a root filesystem of its own where there is no Swift
    #[arg(long)]
    swift: bool,
    /// The three languages in one group, with what their suites built
    #[arg(long)]
    talk: bool,
    /// The symbolic models of the protocol, by Verifpal where it can be had
    #[arg(long)]
    model: bool,
    #[command(flatten)]
    install: Install,
}

#[derive(Args)]
struct Install {
    /// Allow what needs root: installing Debian packages, making and entering a root filesystem for Swift (implied by CI)
    #[arg(long)]
    install: bool,
}

impl Suites {
    /// In one order, whatever order the flags came in: quick checks first.
    fn steps(&self) -> Vec<Step> {
        let steps: [(bool, Step); 8] = [
            (self.lint || self.rust, ("lint", lint::lint)),
            (self.lint || self.rust, ("deny", lint::deny)),
            (self.rust, ("rust", rust)),
            (self.python, ("python", python::test)),
            (self.kotlin, ("kotlin", kotlin::test)),
            (self.swift, ("swift", swift::test)),
            (self.talk, ("talk", talk::test)),
            (self.model, ("model", model::check)),
        ];
        let all = steps.iter().all(|(wanted, _)| !wanted);
        steps
            .into_iter()
            .filter(|(wanted, _)| all || *wanted)
            .map(|(_, step)| step)
            .collect()
    }
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was asked for; `false` says that a step failed and was reported.
fn run(command: Command) -> Result<bool> {
    let allowed = matches!(
        &command,
        Command::Test(Suites {
            install: Install { install: true },
            ..
        }) | Command::Package(Install { install: true })
    );
    let ws = Workspace::locate(allowed)?;
    match command {
        Command::Test(suites) => return Ok(report::run(&ws, &suites.steps())),
        Command::Package(_) => return Ok(package::run(&ws)),
        Command::Demo { rest } => demo::run(&ws, &rest)?,
        Command::Docs => lint::docs(&ws)?,
        Command::Bench { rest } => step(
            "cargo bench",
            ws.cargo("bench --package windlass").args(rest),
        )?,
        Command::Fuzz { target, rest } => fuzz::run(&ws, target, &rest)?,
    }
    Ok(true)
}

/// Unit tests, tests of the whole, and the examples in the documentation.
fn rust(ws: &Workspace) -> Result<()> {
    // Without the generator's feature: it would end up in the library under test.
    let test = ws.cargo("test --workspace");
    step("cargo test", test.env("CARGO_TERM_COLOR", "never"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn suites(flags: &[&str]) -> Vec<&'static str> {
        let arguments = ["xtask", "test"].iter().chain(flags);
        match Command::try_parse_from(arguments).unwrap() {
            Command::Test(suites) => suites.steps().iter().map(|(name, _)| *name).collect(),
            _ => panic!("`test` is another command"),
        }
    }

    #[test]
    fn test_without_flags_means_everything() {
        Command::command().debug_assert();
        assert_eq!(suites(&[]).len(), 8);
        assert_eq!(suites(&["--install"]).len(), 8);
    }

    #[test]
    fn flags_name_suites_in_one_order_and_once() {
        assert_eq!(
            suites(&["--swift", "--rust", "--lint"]),
            ["lint", "deny", "rust", "swift"]
        );
    }
}
