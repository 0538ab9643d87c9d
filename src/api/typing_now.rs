//! That the user is writing.

use super::{Conversation, Result, WindlassError};
use crate::engine::sync::transient;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Tells the others that the user is writing, or is not any more; they hear of it by `Event.Typing`. Call it when it begins, every ten
    /// seconds while it goes on, and when it ends without a message. It is in no history and is not sent again; one envelope at most waits for each of the
    /// others, and nobody is told who has not answered yet. Each call is a transaction.
    pub fn set_typing(&self, active: bool) -> Result<()> {
        self.client.write(|step| {
            transient::tell_typing(step, &self.id, active)?;
            Ok::<_, WindlassError>(())
        })
    }
}
