//! For a program that runs as several processes on one store in a database: which of them does what.

use super::Client;
use crate::api::Result;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Takes pieces of work, such as a conversation whose messages are handled in their order; whether this process has each now, in the
    /// order of the names. What another process has it does not get. Names are the program's own, of any length; others do not
    /// learn them. A name that is had already is had still, so within a process this keeps nobody apart.
    ///
    /// What was taken is given back by `release_work`, when the client's store is closed, and when the process ends, however it does: within half
    /// a minute of its end where its whole machine is gone. One process has 256 at most, and is told that it does not have what is more.
    /// If the server ends, or another one takes over, somebody else may have got what this process had: that each message is answered once
    /// is seen to by `handled` and `commit`, and by nothing here. Of a store in a file there is one process, which gets everything.
    pub fn claim_work(&self, names: Vec<String>) -> Result<Vec<bool>> {
        let names: Vec<_> = names.iter().map(String::as_bytes).collect();
        Ok(self.store.0.claim(&names)?)
    }

    /// Gives pieces of work back to whoever wants them. What this process does not have is left as it is.
    pub fn release_work(&self, names: Vec<String>) -> Result<()> {
        let names: Vec<_> = names.iter().map(String::as_bytes).collect();
        Ok(self.store.0.release(&names)?)
    }
}
