//! What the operating system refused: of which file, and in which step.

use core::fmt;
use std::io;
use std::path::Path;

const LOCKED: &str = "locked";

/// A step that failed on a file of ours or of the user's. Its sentence names both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    path: String,
    step: &'static str,
    kind: io::ErrorKind,
    why: String,
}

impl FileFault {
    /// `step` says what could not be done: "opened", "read", "made".
    #[must_use]
    pub fn new(path: &Path, step: &'static str, error: &io::Error) -> Self {
        Self {
            path: shown(path),
            step,
            kind: error.kind(),
            why: error.to_string(),
        }
    }

    /// A lock that cannot be had, and not for somebody else who has it. Never of the kind "unsupported", which redb would take for a machine
    /// on which there is no second process.
    pub(super) fn no_lock(path: &Path, error: &io::Error) -> Self {
        Self {
            kind: io::ErrorKind::Other,
            ..Self::new(path, LOCKED, error)
        }
    }

    pub(super) fn is_no_lock(&self) -> bool {
        self.step == LOCKED
    }

    /// The kind of failure; whether to try again follows from it.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// True when the same call fails again until somebody has done something about the file.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        use io::ErrorKind as Kind;
        matches!(
            self.kind,
            Kind::PermissionDenied
                | Kind::ReadOnlyFilesystem
                | Kind::IsADirectory
                | Kind::NotADirectory
                | Kind::NotSeekable
                | Kind::InvalidInput
                | Kind::InvalidFilename
                | Kind::InvalidData
                | Kind::FileTooLarge
                | Kind::TooManyLinks
                | Kind::CrossesDevices
                | Kind::Unsupported
        )
    }

    /// As an error that goes through redb and keeps what it says.
    pub(super) fn carried(self) -> io::Error {
        io::Error::new(self.kind, self)
    }

    /// What [`Self::carried`] carried.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, step, why, ..
        } = self;
        write!(f, "{path} could not be {step}: {why}")
    }
}

impl core::error::Error for FileFault {}

/// A path to show to people: a name is somebody else's text, and draws nothing on their screen.
pub(super) fn shown(path: &Path) -> String {
    let path = path.to_string_lossy();
    path.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}
