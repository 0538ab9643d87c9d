//! Numbers that are given out once.

/// A sequence of numbers, of which no two steps that ended well ever have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Sequence {
    /// Envelopes in the outbox.
    Outbox = 1,
    /// Messages that the application has not handled.
    Unhandled = 2,
    /// Signed prekeys.
    SignedPrekeys = 3,
    /// One-time prekeys.
    OneTimePrekeys = 4,
    /// Events of the feed.
    Feed = 5,
}

impl Sequence {
    /// Every sequence.
    pub const ALL: [Self; 5] = [
        Self::Outbox,
        Self::Unhandled,
        Self::SignedPrekeys,
        Self::OneTimePrekeys,
        Self::Feed,
    ];

    /// A bit for it, in a set of sequences.
    pub(super) const fn bit(self) -> u8 {
        1 << self.number()
    }

    /// What it is stored by.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name for an engine that keeps its sequences by name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Unhandled => "unhandled",
            Self::SignedPrekeys => "signed prekeys",
            Self::OneTimePrekeys => "one-time prekeys",
            Self::Feed => "feed",
        }
    }
}
