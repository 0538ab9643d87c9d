//! Who hears that something waits for the transport.

use std::sync::{Arc, PoisonError};

use super::Client;

/// Told when something was put into the outbox. An object of the caller's, called in the thread that wrote, once that is durable. It returns at
/// once, calls nothing of the client, and raises nothing.
#[cfg_attr(feature = "uniffi", uniffi::export(rust, foreign))]
pub trait OutboxListener: Send + Sync {
    /// Something waits.
    fn on_outbox(&self);
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Who is told from now on when something was put into the outbox, by whatever call; nobody any more without a listener.
    pub fn set_outbox_listener(&self, listener: Option<Arc<dyn OutboxListener>>) {
        let current = self.outbox_listener.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = listener;
    }
}

impl Client {
    pub(super) fn tell_of_outbox(&self) {
        let listener = self.outbox_listener.lock();
        // Not within the lock: it may set another one.
        let listener = listener.unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener.on_outbox();
        }
    }
}
