//! What is asked of the code beyond its tests: `docs/security/evidence.md` has the answers.

use anyhow::{Result, bail};
use xshell::cmd;

use crate::tools::{self, VALGRIND};
use crate::workspace::Workspace;

/// What Miri interprets when nothing is named, as the names of tests begin: layers without files and clocks.
const INTERPRETED: [&str; 7] =
    ["crypto::", "due::", "identity::", "ratchet::", "text::", "wire::", "x3dh::"];

/// And what it leaves out then: loops over all bytes of something, over thousands of keys, or a password's price on purpose; and the layers
/// above, whose tests may be named after these.
const LEFT_OUT: [&str; 24] = [
    "a_file_cannot_ask",
    "a_jump_over",
    "a_text_made_to_be_slow",
    "a_thief_of_both",
    "a_thousand",
    "any_order_of_frames",
    "api::",
    "both_halves",
    "each_pair",
    "edwards_form",
    "engine::",
    "every_changed",
    "every_decimal",
    "folding_once",
    "keys_of_the_sixth",
    "no_low_order",
    "no_second_address",
    "of_eight_keys",
    "one_mistyped_character",
    "padding_comes_off",
    "points_of_small_order",
    "skipped_keys",
    "small_order_and_non",
    "store::",
];

/// Runs `tests/timing.rs` under valgrind, optimised as it is shipped.
pub fn timing(ws: &Workspace) -> Result<()> {
    tools::ensure(ws, &[VALGRIND])?;
    let test = ws.cargo("test --release --test timing -- --ignored --nocapture");
    Ok(test.run()?)
}

/// The unit tests of the pure layers, or those that are named, under an interpreter that knows what is undefined.
pub fn miri(ws: &Workspace, tests: &[String]) -> Result<()> {
    let sh = &ws.sh;
    if !cmd!(sh, "cargo +nightly miri --version").quiet().ignore_status().read()?.contains("miri ")
    {
        bail!("`rustup toolchain install nightly --component miri` is missing");
    }
    let run = sh.cmd("cargo").args(["+nightly", "miri", "test", "--package", "windlass", "--lib"]);
    let run = match tests {
        [] => {
            let left_out = LEFT_OUT.into_iter().flat_map(|name| ["--skip", name]);
            run.arg("--").args(INTERPRETED).args(left_out)
        }
        named => run.arg("--").args(named),
    };
    Ok(run.run()?)
}
