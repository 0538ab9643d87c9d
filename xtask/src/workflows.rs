//! The forge's workflows: each may do no more than it needs, runs nobody's code but what is pinned, and names commands that exist.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::Arguments;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn workflows() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(root().join(".github/workflows")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The text of each job, its name first.
fn jobs(text: &str) -> Vec<(String, String)> {
    let mut jobs: Vec<(String, String)> = Vec::new();
    let (_, lines) = text.split_once("\njobs:\n").unwrap();
    for line in lines.lines() {
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#']));
        match (name.and_then(|name| name.strip_suffix(':')), jobs.last_mut()) {
            (Some(name), _) => jobs.push((name.to_owned(), String::new())),
            (None, Some((_, job))) => *job += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    jobs
}

/// What is wrong with a workflow.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.contains("\npermissions: {}\n") {
        faults.push("jobs have rights that they do not name".to_owned());
    }
    if text.contains("pull_request_target") || text.contains("workflow_run") {
        faults.push("strangers' code would run with our rights".to_owned());
    }
    for line in text.lines().map(|line| line.trim_start().trim_start_matches("- ")) {
        if let Some(used) = line.strip_prefix("uses: ") {
            let (action, version) = used.split_once(" # v").unwrap_or((used, ""));
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !pinned || version.is_empty() {
                faults.push(format!("not pinned by commit, with its version beside it: {used}"));
            }
        }
        // What others write is an argument, never part of a program.
        let key = line.split_once(": ").map_or("", |(key, _)| key);
        let named = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if line.contains("${{") && (key.is_empty() || key == "run" || !named) {
            faults.push(format!("an expression inside of a program: {line}"));
        }
    }
    for (name, job) in jobs(text) {
        for needed in ["\n    permissions:\n", "\n    timeout-minutes: "] {
            if !format!("\n{job}").contains(needed) {
                faults.push(format!("{name} has no {}", needed.trim()));
            }
        }
        if job.contains("-latest") {
            faults.push(format!("{name} runs on another system some day"));
        }
        if job.contains(": write") && !job.contains("\n    environment: release\n") {
            faults.push(format!("{name} writes, and nobody has to agree"));
        }
        if job.matches("actions/checkout@").count()
            != job.matches("persist-credentials: false").count()
        {
            faults.push(format!("{name} leaves credentials beside the sources"));
        }
    }
    faults
}

#[test]
fn workflows_have_least_rights_and_pinned_actions() {
    let workflows = workflows();
    assert!(workflows.len() >= 3);
    for (path, text) in workflows {
        assert_eq!(faults(&text), [""; 0], "{path:?}");
    }
}

#[test]
fn a_workflow_with_more_rights_or_an_action_by_its_tag_is_refused() {
    let good = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    for (from, to) in [
        ("permissions: {}", "permissions: write-all"),
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6"),
        ("          persist-credentials: false\n", ""),
        ("    timeout-minutes: 20\n", ""),
        ("    environment: release\n", ""),
        ("ubuntu-24.04", "ubuntu-latest"),
        ("run: rustup default 1.95.0", "run: echo ${{ github.head_ref }}"),
        ("mkdir release", "mkdir ${{ github.head_ref }}"),
    ] {
        assert!(!faults(&good.replace(from, to)).is_empty(), "{from}");
    }
}

#[test]
fn workflows_call_commands_that_there_are() {
    let mut count = 0;
    for (path, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("run:")) {
            for command in line.split("&&").filter_map(|part| part.split_once("cargo xtask ")) {
                let arguments = command.1.split_whitespace().map(|word| word.trim_matches('"'));
                let parsed = Arguments::try_parse_from(std::iter::once("xtask").chain(arguments));
                assert!(parsed.is_ok(), "{path:?}: {line}");
                count += 1;
            }
        }
    }
    assert!(count >= 7, "{count}");
}

#[test]
fn each_fuzz_target_has_its_hour() {
    let text = fs::read_to_string(root().join(".github/workflows/scheduled.yml")).unwrap();
    let (_, rest) = text.split_once("target: [").unwrap();
    let fuzzed: Vec<_> = rest.split_once(']').unwrap().0.split(", ").collect();
    let entries = fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut targets: Vec<_> = entries.map(|entry| name(entry.unwrap().path())).collect();
    targets.sort();
    assert_eq!(fuzzed, targets);
}
