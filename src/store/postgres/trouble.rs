//! What can be wrong with a database, and which of it is put right by running a step again.

use std::io;

use crate::crypto::RandomnessUnavailable;
use crate::store::StoreError;

/// Why a statement did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another transaction was in the way. The same one may succeed when it runs again.
    Again,
    /// It needs a transaction from its beginning.
    Whole,
    /// The connection is gone; what was not committed is gone with it.
    Lost(String),
    /// What keeps the slots is not to be had now, which may pass.
    Waits(StoreError),
    /// It will not succeed.
    Failed(StoreError),
}

impl Trouble {
    /// What a closure is told, which may keep it for its answer. The engine knows better than to take that answer for good.
    pub(super) fn told(&self) -> StoreError {
        match self {
            Self::Again | Self::Whole => StoreError::StepsCollide,
            Self::Lost(why) => StoreError::DatabaseLost { why: why.clone() },
            Self::Waits(error) | Self::Failed(error) => error.clone(),
        }
    }

    /// An answer that no server of this protocol gives.
    pub(super) fn nonsense() -> Self {
        Self::Failed(StoreError::DatabaseFailed {
            code: "08P01".to_owned(),
            why: "the server answered what it was not asked".to_owned(),
        })
    }
}

/// The server is not known to be the one that was meant.
pub(super) fn untrusted(why: impl Into<String>) -> Trouble {
    let why = why.into();
    Trouble::Failed(StoreError::DatabaseUntrusted { why })
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<RandomnessUnavailable> for Trouble {
    fn from(error: RandomnessUnavailable) -> Self {
        Self::Failed(error.into())
    }
}

/// What is right again with another run is so wherever it was found: the slots may have a connection of their own.
impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DatabaseLost { why } => Self::Lost(why),
            StoreError::StepsCollide => Self::Again,
            error @ (StoreError::VaultLost { .. } | StoreError::VaultSealed) => Self::Waits(error),
            other => Self::Failed(other),
        }
    }
}

/// An error of the server, by its code (the appendix "Error Codes" of its manual). `why` is its sentence, which names no values.
pub(super) fn of_server(code: &str, why: String) -> Trouble {
    let class = code.get(..2).unwrap_or_default();
    let failed = match (code, class) {
        ("40001" | "40P01", _) => return Trouble::Again,
        // A connection that failed, one that an administrator ended, a server that starts or ends.
        (_, "08") | ("57P01" | "57P02" | "57P03" | "53300", _) => return Trouble::Lost(why),
        ("53100", _) => StoreError::DiskFull,
        ("42501", _) | (_, "28") => StoreError::DatabaseRights { why },
        // Serializable steps, and writing, on a replica.
        ("25006", _) => StoreError::DatabaseReadOnly,
        ("0A000", _) if why.contains("hot standby") => StoreError::DatabaseReadOnly,
        _ => StoreError::DatabaseFailed {
            code: code.to_owned(),
            why,
        },
    };
    Trouble::Failed(failed)
}

/// Text of somebody else's that is shown to people draws nothing on their screen.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_told_apart_by_its_code() {
        let why = || "why".to_owned();
        let failed = |code: &str| StoreError::DatabaseFailed {
            code: code.to_owned(),
            why: why(),
        };
        let rights = || StoreError::DatabaseRights { why: why() };
        for again in ["40001", "40P01"] {
            assert_eq!(of_server(again, why()), Trouble::Again);
        }
        for lost in ["08000", "08006", "57P01", "57P02", "57P03", "53300"] {
            assert_eq!(of_server(lost, why()), Trouble::Lost(why()));
        }
        for (code, error) in [
            ("53100", StoreError::DiskFull),
            ("42501", rights()),
            ("28P01", rights()),
            ("28000", rights()),
            ("25006", StoreError::DatabaseReadOnly),
            ("0A000", failed("0A000")),
            ("57P04", failed("57P04")),
            ("3D000", failed("3D000")),
            ("", failed("")),
            ("é", failed("é")),
        ] {
            assert_eq!(of_server(code, why()), Trouble::Failed(error), "{code}");
        }
        let standby = "cannot use serializable mode in a hot standby";
        let read_only = Trouble::Failed(StoreError::DatabaseReadOnly);
        assert_eq!(of_server("0A000", standby.to_owned()), read_only);
    }

    #[test]
    fn what_may_pass_is_no_failure_wherever_it_was_found() {
        let lost = StoreError::DatabaseLost { why: "gone".into() };
        let vault = StoreError::VaultLost { why: "gone".into() };
        for (error, trouble) in [
            (lost, Trouble::Lost("gone".into())),
            (StoreError::StepsCollide, Trouble::Again),
            (vault.clone(), Trouble::Waits(vault)),
            (
                StoreError::VaultSealed,
                Trouble::Waits(StoreError::VaultSealed),
            ),
            (StoreError::WrongKey, Trouble::Failed(StoreError::WrongKey)),
        ] {
            assert_eq!(Trouble::from(error.clone()), trouble);
            assert_eq!(trouble.told(), error);
        }
        assert_eq!(Trouble::Whole.told(), StoreError::StepsCollide);
    }

    #[test]
    fn what_a_server_says_draws_nothing_and_is_not_shown_for_ever() {
        assert_eq!(shown("d\u{1b}[31mé\n".as_bytes()), "d\u{FFFD}[31mé\u{FFFD}");
        assert_eq!(shown(&[b'a', 0xFF]), "a\u{FFFD}");
        assert_eq!(shown(&[b'a'; 400]).len(), 300);
    }
}
