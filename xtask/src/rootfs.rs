//! A root filesystem with a Swift toolchain, for systems that package none.
//!
//! It is built once, kept in the cache folder, and entered through a private mount namespace: no mount outlives the command or is
//! seen by another process, and runs side by side do not meet.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Cmd, cmd};

use crate::report::Skip;
use crate::tools::{self, DEBOOTSTRAP, UNSHARE};
use crate::workspace::{Workspace, heading};

/// The name says what is in it: when the script that builds it changes, so does the name.
const NAME: &str = "swift-on-trixie-2";

/// A filesystem that is ready.
pub struct RootFilesystem {
    folder: PathBuf,
    root: Option<&'static str>,
}

impl RootFilesystem {
    /// The cached filesystem, built now where it is missing.
    pub fn ready(ws: &Workspace) -> Result<Self> {
        if !cfg!(target_os = "linux") {
            bail!(Skip::Here("there is no Swift on the search path, and this is not Linux".into()));
        }
        let folder = tools::cache()?.join(NAME);
        let (what, tools) = match folder.is_dir() {
            true => ("unshare, mount, chroot", &[UNSHARE][..]),
            false => {
                ("debootstrap trixie, apt-get, unshare, mount, chroot", &[UNSHARE, DEBOOTSTRAP][..])
            }
        };
        let root = tools::as_root(ws, &format!("{what} in {}", folder.display()))?;
        tools::ensure(ws, tools)?;
        let filesystem = Self { folder, root };
        if !filesystem.folder.is_dir() {
            heading(
                "Swift: building a root filesystem with the toolchain (once; a minute or two, 3 GB)",
            );
            ws.sh.create_dir(tools::cache()?)?;
            ws.quietly("swift-rootfs", filesystem.script(ws, include_str!("rootfs-build.sh")))?;
        }
        Ok(filesystem)
    }

    /// The beginning of a command inside, which sees the repository (read-only) and the target folder under their own names.
    pub fn command<'a>(&self, ws: &'a Workspace) -> Cmd<'a> {
        self.script(ws, include_str!("rootfs-enter.sh")).arg(&ws.root).arg(&ws.target)
    }

    /// A script in a private mount namespace.
    fn script<'a>(&self, ws: &'a Workspace, script: &str) -> Cmd<'a> {
        let (sh, root, folder): (_, _, &Path) = (&ws.sh, self.root, &self.folder);
        cmd!(
            sh,
            "env {root...} unshare --mount --propagation private sh -euc {script} windlass {folder}"
        )
    }
}
