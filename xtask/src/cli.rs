//! What may be typed after `cargo xtask`.

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{bench, fuzz};

/// One command with what follows it.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Show the commands.
    Help,
    /// Run these suites, in this order.
    Test(Vec<Suite>),
    /// Two bots talk; the rest goes to the demo.
    Demo(Vec<String>),
    /// Build what users install.
    Package,
    /// Build the documentation, warnings denied.
    Docs,
    /// Run the benchmarks; the rest goes to them.
    Bench(Vec<String>),
    /// Run the fuzz targets; the rest goes to the fuzzer.
    Fuzz(Vec<String>),
}

/// A part of `cargo xtask test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Formatting and clippy.
    Lint,
    /// Licences, sources and bans of the dependencies.
    Deny,
    /// `cargo test`.
    Rust,
    /// Wheel, sdist, pytest, mypy.
    Python,
    /// Maven, JUnit.
    Kotlin,
    /// `swift test`.
    Swift,
    /// The three languages in one group.
    Talk,
    /// The symbolic models of the protocol.
    Model,
}

impl Suite {
    const ALL: [Self; 8] = [
        Self::Lint,
        Self::Deny,
        Self::Rust,
        Self::Python,
        Self::Kotlin,
        Self::Swift,
        Self::Talk,
        Self::Model,
    ];

    /// The suites behind one flag of `cargo xtask test`.
    fn of_flag(flag: &str) -> Option<&'static [Self]> {
        Some(match flag {
            "--lint" => &[Self::Lint, Self::Deny],
            "--rust" => &[Self::Lint, Self::Deny, Self::Rust],
            "--python" => &[Self::Python],
            "--talk" => &[Self::Talk],
            "--kotlin" => &[Self::Kotlin],
            "--swift" => &[Self::Swift],
            "--model" => &[Self::Model],
            _ => return None,
        })
    }
}

/// Reads the arguments after `cargo xtask`.
pub fn parse(arguments: &[String]) -> Result<Command> {
    let Some((name, rest)) = arguments.split_first() else {
        return Ok(Command::Help);
    };
    let command = match name.as_str() {
        "help" | "--help" | "-h" => return Ok(Command::Help),
        "test" => return parse_test(rest),
        "demo" => Command::Demo(rest.to_vec()),
        "bench" => Command::Bench(rest.to_vec()),
        "fuzz" => Command::Fuzz(rest.to_vec()),
        "package" => Command::Package,
        "docs" => Command::Docs,
        other => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    };
    if matches!(command, Command::Package | Command::Docs)
        && let Some(extra) = rest.first()
    {
        bail!("`cargo xtask {name}` takes no argument, and got `{extra}`");
    }
    Ok(command)
}

fn parse_test(flags: &[String]) -> Result<Command> {
    let mut wanted = Vec::new();
    for flag in flags {
        match Suite::of_flag(flag) {
            Some(suites) => wanted.extend_from_slice(suites),
            None => bail!(
                "`cargo xtask test` knows --rust, --python, --kotlin, --swift, --talk, --model and --lint, not `{flag}`"
            ),
        }
    }
    // One order, whatever order the flags came in: quick checks first, and each suite once.
    let suites = Suite::ALL
        .into_iter()
        .filter(|suite| wanted.is_empty() || wanted.contains(suite))
        .collect();
    Ok(Command::Test(suites))
}

/// The help text. A command that has nothing to run in this tree is not offered.
pub fn help(workspace: &Workspace) -> String {
    let mut text = String::from(
        "\
Usage: cargo xtask <command>

  demo      two bots, one killed in the middle of their conversation (needs Rust and Python)
  test      every check in every language, or only those named:
              --rust    formatting, clippy, dependency checks, cargo test
              --python  wheel and sdist in clean environments, pytest, mypy --strict
              --kotlin  Maven build, JUnit on a real JVM
              --swift   swift test, in a root filesystem of its own where there is no Swift
              --talk    the three languages in one group, with what their suites built
              --model   the symbolic models of the protocol, by Verifpal where it can be had
              --lint    formatting, clippy, dependency checks
  package   wheel, sdist, jar and Swift library into target/packages
  docs      the reference of the Rust crate, warnings denied
",
    );
    if bench::available(workspace) {
        text.push_str("  bench     the benchmarks; further arguments go to cargo bench\n");
    }
    if fuzz::available(workspace) {
        text.push_str(
            "  fuzz      every fuzz target for a minute, or `fuzz <target> [arguments]`\n",
        );
    }
    text.push_str(
        "
Toolchains are kept in $WINDLASS_CACHE, else $XDG_CACHE_HOME/windlass, else ~/.cache/windlass.
With CI set, a suite that would be skipped counts as failed, except the symbolic models (decision 0011).
",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Command> {
        let owned: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        parse(&owned)
    }

    #[test]
    fn test_without_flags_means_everything() {
        assert_eq!(
            parsed(&["test"]).unwrap(),
            Command::Test(Suite::ALL.to_vec())
        );
    }

    #[test]
    fn flags_name_suites_in_one_order_and_once() {
        assert_eq!(
            parsed(&["test", "--swift", "--rust", "--lint"]).unwrap(),
            Command::Test(vec![Suite::Lint, Suite::Deny, Suite::Rust, Suite::Swift])
        );
    }

    #[test]
    fn what_is_unknown_is_refused() {
        assert!(parsed(&["test", "--ruby"]).is_err());
        assert!(parsed(&["deploy"]).is_err());
        assert!(parsed(&["docs", "--open"]).is_err());
    }
}
