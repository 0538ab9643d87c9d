//! Who hears that this device changed something.

/// Told when this device wrote, changed or deleted something that is shown. An object of the caller's, called in the thread that wrote, once that is
/// durable, and with no lock held: it may call the client, whose writes tell it again. It returns soon, and raises nothing; `Client.take_changes` has
/// what there is.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait ChangeListener: Send + Sync {
    /// Something changed.
    fn on_change(&self);
}
