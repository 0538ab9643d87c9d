//! Who hears that something waits for the transport.

/// Told when something was put into the outbox. An object of the caller's, called in the thread that wrote, once that is durable. It returns at
/// once, calls nothing of the client, and raises nothing.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait OutboxListener: Send + Sync {
    /// Something waits.
    fn on_outbox(&self);
}
