//! `Cursor`: where somebody has come in the feed.

use core::fmt;
use core::str::FromStr;

use crate::engine::base::error::EngineError;

/// A place in the feed, behind one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(super) life: [u8; 8],
    pub(super) number: u64,
}

impl fmt::Display for Cursor {
    /// Of one length: within one life later cursors are greater strings too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:016x}{:016x}",
            u64::from_be_bytes(self.life),
            self.number
        )
    }
}

impl FromStr for Cursor {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let part = |range| {
            let digits: Option<&str> = text.get(range);
            let digits = digits.filter(|_| text.len() == 32)?;
            let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = all_digits.then(|| u64::from_str_radix(digits, 16).ok());
            number.flatten()
        };
        let parts = part(0..16).zip(part(16..32));
        let (life, number) = parts.ok_or(EngineError::UnknownCursor)?;
        Ok(Self {
            life: life.to_be_bytes(),
            number,
        })
    }
}
