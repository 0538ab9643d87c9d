//! The developer's commands of Windlass: one name each, the same on a laptop and in continuous integration.

mod android;
mod audit;
mod bench;
mod clean;
mod codes;
mod coverage;
mod demo;
mod fuzz;
mod interpreters;
mod javascript;
mod kotlin;
mod lint;
mod model;
mod mutants;
mod native;
mod outside;
mod package;
mod python;
mod report;
mod reproduce;
mod reproducible;
mod rootfs;
mod sbom;
mod site;
mod swift;
mod talk;
mod targets;
mod tools;
#[cfg(test)]
mod workflows;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use package::Packages;
use report::Step;
use workspace::Workspace;

const NOTES: &str = "\
Toolchains are kept in $WINDLASS_CACHE, else $XDG_CACHE_HOME/windlass, else ~/.cache/windlass.
With CI set, a suite that would be skipped counts as failed, except the symbolic models (decision 0011).";

/// The developer's commands of Windlass.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", after_help = NOTES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Allow what needs root: Debian packages, and a root filesystem for Swift (implied by CI)
    #[arg(long, global = true)]
    install: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Two bots, both killed in the middle of their conversation (needs Rust and Python)
    Demo {
        /// What goes to the demo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Every check in every language, or only those named
    Test(Suites),
    /// Wheel, sdist, jar and Swift library into target/packages, or only those named
    Package(Packages),
    /// The same again from a clone in another folder: the bytes have to be the same
    Reproduce(Packages),
    /// What is in target/packages, used by a stranger's program in another folder
    Try,
    /// SHA256SUMS of all that is in target/packages
    Checksums,
    /// The site: guides, protocol, security, decisions, the reference of each language; and the reference of the Rust crate
    Docs,
    /// Known vulnerabilities of the dependencies (fetches their list)
    Advisories,
    /// Whether a branch or an address depends on a secret, by valgrind over optimised code
    Timing,
    /// Mutation testing of the layers that keep secrets, or of the files that are named (needs cargo-mutants)
    Mutants {
        /// Files: `src/x3dh/**`
        files: Vec<String>,
        /// Those that the last run did not come to
        #[arg(long, conflicts_with = "again")]
        go_on: bool,
        /// Those that nothing noticed the last time
        #[arg(long)]
        again: bool,
        /// By the library's own tests alone
        #[arg(long)]
        lib: bool,
        /// Seconds of tests, quick ones first, after which a change has survived
        #[arg(long, default_value_t = 60)]
        most: u64,
    },
    /// How much of each layer the library's own tests reach (needs cargo-llvm-cov)
    Coverage,
    /// The unit tests of the pure layers, or those that are named, interpreted by Miri (needs a nightly compiler)
    Miri {
        /// How the names of the tests begin
        tests: Vec<String>,
    },
    /// Windlass beside its peers, into docs/benchmarks.md (needs Rust and Python); with arguments, cargo bench
    Bench {
        /// What goes to cargo bench: `--bench store`
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
    /// The core as WebAssembly, and the package in Node; only when it is named, for it needs Node 20 and a target of the compiler
    #[arg(long)]
    javascript: bool,
    /// The four languages in one group, with what the suites of three built; JavaScript where Node 20 is
    #[arg(long)]
    talk: bool,
    /// The symbolic models of the protocol, by Verifpal where it can be had
    #[arg(long)]
    model: bool,
}

impl Suites {
    /// In one order, whatever order the flags came in: quick checks first.
    fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<(bool, Step)> = vec![
            (self.lint || self.rust, ("lint", lint::lint)),
            (self.lint || self.rust, ("deny", lint::deny)),
            (self.rust, ("rust", lint::rust)),
            (self.python, ("python", python::test)),
            (self.kotlin, ("kotlin", kotlin::test)),
            (self.swift, ("swift", swift::test)),
            (self.talk, ("talk", talk::test)),
            (self.model, ("model", model::check)),
        ];
        let named = self.javascript || steps.iter().any(|(wanted, _)| *wanted);
        if named {
            steps.retain(|(wanted, _)| *wanted);
        }
        if self.javascript {
            steps.push((true, ("javascript", javascript::test)));
        }
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was asked for; `false` says that a step failed and was reported.
fn run(arguments: Arguments) -> Result<bool> {
    let ws = Workspace::locate(arguments.install)?;
    match arguments.command {
        Command::Test(suites) => return Ok(report::run(&ws, &suites.steps())),
        Command::Package(packages) => return package::run(&ws, &packages),
        Command::Reproduce(packages) => reproduce::run(&ws, &packages)?,
        Command::Try => return Ok(outside::run(&ws)),
        Command::Checksums => println!("{}", reproduce::checksums(&ws, &ws.target)?),
        Command::Demo { rest } => demo::run(&ws, &rest)?,
        Command::Docs => site::build(&ws)?,
        Command::Advisories => lint::advisories(&ws)?,
        Command::Timing => audit::timing(&ws)?,
        Command::Mutants { files, go_on, again, lib, most } => {
            let which = mutants::Which::of(go_on, again);
            mutants::run(&ws, &files, which, lib, Duration::from_secs(most))?;
        }
        Command::Coverage => coverage::run(&ws)?,
        Command::Miri { tests } => audit::miri(&ws, &tests)?,
        Command::Bench { rest } => bench::run(&ws, &rest)?,
        Command::Fuzz { target, rest } => fuzz::run(&ws, target, &rest)?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suites(flags: &[&str]) -> Vec<&'static str> {
        let arguments = Arguments::try_parse_from(["xtask", "test"].iter().chain(flags));
        let Command::Test(suites) = arguments.unwrap().command else {
            panic!("`test` is another command");
        };
        suites.steps().iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn flags_name_suites_in_one_order_and_once_and_none_means_all() {
        let named = suites(&["--swift", "--rust", "--lint"]);
        assert_eq!(named, ["lint", "deny", "rust", "swift"]);
        assert_eq!(suites(&["--install"]).len(), 8);
        // What a clean machine may not have is run where it is asked for.
        assert_eq!(suites(&["--javascript", "--lint"]), ["lint", "deny", "javascript"]);
    }
}
