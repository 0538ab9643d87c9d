//! What the cases of `tests/vectors` are computed with.

#[path = "../../../../tests/support/sessions.rs"]
pub(crate) mod sessions;
