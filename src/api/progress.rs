//! `ProgressListener`.

/// Told how far a long work has come. An object of the caller's, called in the caller's thread.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait ProgressListener: Send + Sync {
    /// `done` of `total` records are through. An error stops the work and leaves nothing of it.
    fn advance(&self, done: u64, total: u64) -> Result<(), ProgressError>;
}

/// What a progress callback answers to stop the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Error))]
pub enum ProgressError {
    /// Stop.
    #[error("stopped")]
    Stopped,
}

/// A listener as the work takes it: told of done and total; an answer of `false` stops the work.
pub(super) fn tell(
    listener: Option<&dyn ProgressListener>,
) -> impl FnMut(u64, u64) -> bool + use<'_> {
    move |done, total| listener.is_none_or(|listener| listener.advance(done, total).is_ok())
}

/// A callback that failed in its own language stops the work. What it said stays there.
#[cfg(feature = "uniffi")]
impl From<uniffi::UnexpectedUniFFICallbackError> for ProgressError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Stopped
    }
}
