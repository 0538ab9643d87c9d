//! `TrustPolicy`.

/// To whom anything is sent. An address is the identity key itself, so nobody can change the key behind one; what the policies
/// differ in is whom they answer, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TrustPolicy {
    /// Whoever wrote first waits until `accept_contact`, or until something is written to them. Until then their messages are kept
    /// within narrow bounds, and no receipt tells them that anybody is there. The default.
    FirstUse,
    /// As first use, and nothing is sent to a contact whose safety number was not compared: `ContactNotVerified`.
    VerifiedOnly,
    /// Whoever writes is accepted at once; no bounds for strangers apply. For a public bot that keeps no history.
    AcceptAll,
}
