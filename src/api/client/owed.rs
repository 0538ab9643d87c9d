//! Receipts that no answer took along are sent by themselves.

use super::Client;
use crate::api::{Result, WindlassError};
use crate::engine::history::unhandled;
use crate::engine::sync::receipts;

/// How many messages are looked at in one transaction.
const PAGE: usize = 1_000;

impl Client {
    /// Sends what was held back for long enough.
    pub(super) fn send_receipts_if_due(&self) -> Result<()> {
        if self.held_receipts.are_due(self.store.0.now()) {
            self.send_held_receipts()?;
        }
        Ok(())
    }

    /// Sends what is held back. Each message that waits is looked at once for it, however many there are.
    pub(super) fn send_held_receipts(&self) -> Result<()> {
        let held = &self.held_receipts;
        // First: what comes meanwhile is noted again.
        if !held.take() {
            return Ok(());
        }
        // Where others write, too, a lower number may have come after a higher one, and its receipt been left by who died.
        let after = match self.store.0.is_shared() {
            true => 0,
            false => held.after(),
        };
        let sent = self.send_those_above(after);
        if sent.is_err() {
            held.note(1);
        }
        sent
    }

    fn send_those_above(&self, mut after: u64) -> Result<()> {
        loop {
            let found = self.read(|rows| Ok(unhandled::receipts_due(rows, after, PAGE)?))?;
            let (numbers, Some(last)) = found else {
                return Ok(());
            };
            if !numbers.is_empty() {
                self.write(|step| Ok::<_, WindlassError>(receipts::send_held(step, &numbers)?))?;
            }
            after = last;
            self.held_receipts.sent(last);
        }
    }
}
