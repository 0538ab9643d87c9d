//! That the user is there for a contact.

use super::{Conversation, Result, WindlassError};
use crate::engine::sync::transient;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Tells a contact that the user is there, or is not any more; they hear of it by `Event.Presence`. Nobody is told without this call: make it
    /// for whom the user wants to be seen by, when the app comes to the front, every twenty seconds while it is there, and with `false` when it goes. It is
    /// in no history and is not sent again; one envelope at most waits, and nobody is told who has not answered yet. Each call is a
    /// transaction. `UnknownContact` if it is a group.
    pub fn set_available(&self, available: bool) -> Result<()> {
        self.client.write(|step| {
            transient::tell_presence(step, &self.id, available)?;
            Ok::<_, WindlassError>(())
        })
    }
}
