//! What happened, in one table at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::shell;

/// How a suite ended, when it did not fail.
pub enum Outcome {
    /// Everything ran and was well.
    Passed,
    /// Could not run here, for this reason.
    Skipped(String),
    /// Could not run here, and need not: its last result stands in the documentation.
    Excused(String),
}

enum Verdict {
    Passed,
    Skipped,
    Failed,
}

struct Row {
    suite: &'static str,
    verdict: Verdict,
    took: Duration,
    remark: String,
}

/// Collects the suites of one run.
pub struct Report {
    strict: bool,
    rows: Vec<Row>,
}

impl Report {
    /// `strict`: a skipped suite counts as failed.
    pub fn new(strict: bool) -> Self {
        Self {
            strict,
            rows: Vec::new(),
        }
    }

    /// Runs one suite and remembers how it ended.
    pub fn step(&mut self, suite: &'static str, run: impl FnOnce() -> Result<Outcome>) {
        let start = Instant::now();
        let (verdict, remark) = match run() {
            Ok(Outcome::Passed) => (Verdict::Passed, String::new()),
            Ok(Outcome::Skipped(reason)) => {
                println!("skipped {suite}: {reason}");
                let verdict = if self.strict {
                    Verdict::Failed
                } else {
                    Verdict::Skipped
                };
                (verdict, format!("skipped: {reason}"))
            }
            Ok(Outcome::Excused(reason)) => {
                println!("skipped {suite}: {reason}");
                (Verdict::Skipped, format!("skipped: {reason}"))
            }
            Err(error) => {
                println!("FAILED {suite}: {error:#}");
                (Verdict::Failed, format!("{error:#}"))
            }
        };
        self.rows.push(Row {
            suite,
            verdict,
            took: start.elapsed(),
            remark,
        });
    }

    /// Prints the table; `true` when nothing failed.
    pub fn finish(&self) -> bool {
        shell::heading("summary");
        println!("{:<10} {:<8} {:>7}", "suite", "result", "seconds");
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for row in &self.rows {
            let word = match row.verdict {
                Verdict::Passed => {
                    passed += 1;
                    "passed"
                }
                Verdict::Skipped => {
                    skipped += 1;
                    "skipped"
                }
                Verdict::Failed => {
                    failed += 1;
                    "FAILED"
                }
            };
            let remark = row.remark.lines().next().unwrap_or_default();
            let line = format!(
                "{:<10} {word:<8} {:>7.1}  {remark}",
                row.suite,
                row.took.as_secs_f64()
            );
            println!("{}", line.trim_end());
        }
        println!("suites: {passed} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}
