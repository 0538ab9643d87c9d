//! What travels for the agreement, inside of what a message key seals.

use std::borrow::Cow;

use crate::crypto::{KEM_CIPHERTEXT_LEN, KEM_PUBLIC_LEN, KemPublic};

const NOTHING: u8 = 0;
const KEY: u8 = 1;
const CIPHERTEXT: u8 = 2;

/// What goes with one message of the session, each for the epoch that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Most carry nothing.
    Nothing,
    /// A public key, which nobody has looked at.
    Key(u32, Box<[u8; KEM_PUBLIC_LEN]>),
    /// The answer to one.
    Ciphertext(u32, Box<[u8; KEM_CIPHERTEXT_LEN]>),
}

impl From<KemPublic> for Box<[u8; KEM_PUBLIC_LEN]> {
    fn from(key: KemPublic) -> Self {
        Self::new(*key.as_bytes())
    }
}

impl Message {
    /// One byte, and for the other two the epoch and the bytes (RFC windlass §7.5).
    #[must_use]
    pub fn encode(&self) -> Cow<'static, [u8]> {
        let with = |kind: u8, epoch: u32, bytes: &[u8]| {
            Cow::Owned([&[kind], epoch.to_be_bytes().as_slice(), bytes].concat())
        };
        match self {
            Self::Nothing => Cow::Borrowed(&[NOTHING]),
            Self::Key(epoch, key) => with(KEY, *epoch, key.as_slice()),
            Self::Ciphertext(epoch, bytes) => with(CIPHERTEXT, *epoch, bytes.as_slice()),
        }
    }

    /// Reads one from the beginning of a plaintext, and gives what is behind it.
    #[must_use]
    pub fn split(plaintext: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = plaintext.split_first()?;
        if *kind == NOTHING {
            return Some((Self::Nothing, rest));
        }
        let (epoch, rest) = rest.split_first_chunk()?;
        let epoch = u32::from_be_bytes(*epoch);
        match *kind {
            KEY => {
                let (key, rest) = rest.split_first_chunk()?;
                Some((Self::Key(epoch, Box::new(*key)), rest))
            }
            CIPHERTEXT => {
                let (bytes, rest) = rest.split_first_chunk()?;
                Some((Self::Ciphertext(epoch, Box::new(*bytes)), rest))
            }
            _ => None,
        }
    }
}
