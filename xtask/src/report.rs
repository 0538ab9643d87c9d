//! What happened, in one table at the end.

use std::time::Instant;

use anyhow::{Error, Result};

use crate::workspace::{Workspace, heading};

/// A name, and what runs under it.
pub type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// The error of a step that cannot run, which is not a failure by itself.
#[derive(Debug, thiserror::Error)]
pub enum Skip {
    /// Cannot run here: with `CI` set, a failure.
    #[error("{0}")]
    Here(String),
    /// Cannot run here, and need not: its last result stands in the documentation.
    #[error("{0}")]
    Excused(String),
}

/// Runs the steps one after the other; a failure does not hide the result of the next one. `true` when nothing failed.
pub fn run(ws: &Workspace, steps: &[Step]) -> bool {
    let mut rows = Vec::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, step) in steps {
        let start = Instant::now();
        let ended = step(ws);
        let (word, count) = match ended.as_ref().map_err(Error::downcast_ref::<Skip>) {
            Ok(()) => ("passed", &mut passed),
            Err(Some(Skip::Excused(_))) => ("skipped", &mut skipped),
            Err(Some(Skip::Here(_))) if !ws.ci => ("skipped", &mut skipped),
            Err(_) => ("FAILED", &mut failed),
        };
        *count += 1;
        let remark = ended.map_or_else(|error| format!("{error:#}"), |()| String::new());
        if !remark.is_empty() {
            println!("{word} {name}: {remark}");
        }
        let seconds = start.elapsed().as_secs_f64();
        let row = format!(
            "{name:<10} {word:<8} {seconds:>7.1}  {}",
            remark.lines().next().unwrap_or_default()
        );
        rows.push(row.trim_end().to_owned());
    }
    heading("summary");
    println!("{:<10} {:<8} {:>7}\n{}", "suite", "result", "seconds", rows.join("\n"));
    println!("suites: {passed} passed, {failed} failed, {skipped} skipped");
    failed == 0
}
