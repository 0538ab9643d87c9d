//! The developer's commands of Windlass: one name each, the same on a laptop and in continuous integration.

mod bench;
mod cache;
mod cli;
mod codes;
mod debian;
mod demo;
mod deny;
mod docs;
mod fuzz;
mod kotlin;
mod model;
mod native;
mod package;
mod python;
mod report;
mod rootfs;
mod rust;
mod shell;
mod swift;
mod talk;
mod workspace;

use std::process::ExitCode;

use cli::{Command, Suite};
use report::Report;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was asked for; `false` says that a step failed and was reported.
fn run() -> anyhow::Result<bool> {
    let workspace = Workspace::locate()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match cli::parse(&arguments)? {
        Command::Help => {
            print!("{}", cli::help(&workspace));
            Ok(true)
        }
        Command::Test(suites) => Ok(test(&workspace, &suites)),
        Command::Demo(rest) => demo::run(&workspace, &rest).map(|()| true),
        Command::Package => Ok(package::run(&workspace)),
        Command::Docs => Ok(docs::run(&workspace)),
        Command::Bench(rest) => bench::run(&workspace, &rest).map(|()| true),
        Command::Fuzz(rest) => fuzz::run(&workspace, &rest).map(|()| true),
    }
}

/// Runs the suites one after the other. A failure does not hide the result of the next one.
fn test(workspace: &Workspace, suites: &[Suite]) -> bool {
    let mut report = Report::new(workspace.ci);
    for suite in suites {
        match suite {
            Suite::Lint => report.step("lint", || rust::lint(workspace)),
            Suite::Deny => report.step("deny", || deny::check(workspace)),
            Suite::Rust => report.step("rust", || rust::test(workspace)),
            Suite::Python => report.step("python", || python::test(workspace)),
            Suite::Kotlin => report.step("kotlin", || kotlin::test(workspace)),
            Suite::Swift => report.step("swift", || swift::test(workspace)),
            Suite::Talk => report.step("talk", || talk::test(workspace)),
            Suite::Model => report.step("model", || model::check(workspace)),
        }
    }
    report.finish()
}
