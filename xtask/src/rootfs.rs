//! A root filesystem with a Swift toolchain, for systems that package none.
//!
//! It is built once, kept in the cache folder, and entered through a private mount namespace: no mount outlives the
//! command or is seen by another process, and runs side by side do not meet.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian::{self, Root, Tool};
use crate::workspace::Workspace;
use crate::{cache, shell};

/// Where the repository is seen inside, read-only.
pub const REPOSITORY: &str = "/repository";
/// Where the target folder is seen inside.
pub const TARGET: &str = "/target";

/// What the filesystem is made of. The script is part of the recipe: when either changes, it is built again.
const RECIPE: &str = concat!("recipe 1\n", include_str!("rootfs-build.sh"));
const STAMP: &str = "etc/windlass-recipe";

const BUILD: &str = include_str!("rootfs-build.sh");
const ENTER: &str = include_str!("rootfs-enter.sh");

const TOOLS: [Tool; 2] = [
    Tool {
        program: "debootstrap",
        package: "debootstrap",
    },
    Tool {
        program: "unshare",
        package: "util-linux",
    },
];

/// A filesystem that is ready. While it lives, nobody rebuilds it.
pub struct RootFilesystem {
    folder: PathBuf,
    root: Root,
    _shared: File,
}

impl RootFilesystem {
    /// The cached filesystem, built now where it is missing or made by another recipe; or why there can be none.
    pub fn ready() -> Result<Result<Self, String>> {
        if !cfg!(target_os = "linux") {
            return Ok(Err(
                "there is no swift on the search path, and this is not Linux".to_owned(),
            ));
        }
        let Some(root) = Root::find() else {
            return Ok(Err(
                "there is no swift on the search path, and making a root filesystem for one needs root or sudo \
                 without a password"
                    .to_owned(),
            ));
        };
        let folder = cache::folder()?.join("swift-rootfs");
        let lock = cache::lock_file("swift-rootfs")?;
        loop {
            lock.lock_shared()?;
            if is_current(&folder) {
                return Ok(Ok(Self {
                    folder,
                    root,
                    _shared: lock,
                }));
            }
            lock.unlock()?;
            if let Some(reason) = debian::ensure(&TOOLS)? {
                return Ok(Err(format!(
                    "there is no swift on the search path, and {reason}"
                )));
            }
            lock.lock()?;
            // Another run may have built it while we waited.
            if !is_current(&folder) {
                build(root, &folder)?;
            }
            lock.unlock()?;
        }
    }

    /// A command inside, with the repository and the target folder in view.
    pub fn command(&self, workspace: &Workspace, program: &str) -> Command {
        let mut command = self.root.command("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-euc",
                ENTER,
                "windlass-enter",
            ])
            .args([&self.folder, &workspace.root, &workspace.target])
            .arg(program);
        command
    }
}

fn is_current(folder: &std::path::Path) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|recipe| recipe == RECIPE)
}

/// Builds under another name and renames at the end, so that a filesystem under the real name is always whole.
fn build(root: Root, folder: &std::path::Path) -> Result<()> {
    shell::heading(
        "Swift: building a root filesystem with the toolchain (once; a minute or two, 3 GB)",
    );
    let partial = folder.with_extension("partial");
    let log = folder.with_extension("log");
    remove(root, &partial)?;
    shell::run_quietly(
        root.command("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-euc",
                BUILD,
                "windlass-build",
            ])
            .args([&partial])
            .args([REPOSITORY, TARGET]),
        &log,
    )?;
    // The stamp comes last, by way of a file that we may write also where root owns the filesystem.
    let stamp = folder.with_extension("recipe");
    fs::write(&stamp, RECIPE)?;
    shell::run(root.command("cp").arg(&stamp).arg(partial.join(STAMP)))?;
    fs::remove_file(stamp)?;
    remove(root, folder)?;
    shell::run(
        root.command("mv")
            .args(["--no-target-directory"])
            .args([&partial, &folder.to_path_buf()]),
    )?;
    if !is_current(folder) {
        bail!(
            "the root filesystem in {} does not carry its recipe",
            folder.display()
        );
    }
    println!("in {}", folder.display());
    Ok(())
}

fn remove(root: Root, folder: &std::path::Path) -> Result<()> {
    // Never across a mount, should somebody have mounted something there by hand.
    shell::run(
        root.command("rm")
            .args(["-rf", "--one-file-system", "--"])
            .arg(folder),
    )
}
