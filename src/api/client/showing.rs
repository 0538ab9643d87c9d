//! What this device wrote, for who shows it (decision 0105).

use std::sync::Arc;

use super::Client;
use super::changes::MOST_CHANGES;
use crate::api::{ChangeListener, Event, Result};
use crate::engine::sync::feed;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Who is told from now on when this device wrote, changed or deleted something that is shown, by whatever call; nobody any more without a
    /// listener, and what was not taken is forgotten.
    pub fn set_change_listener(&self, listener: Option<Arc<dyn ChangeListener>>) {
        self.changes.set_listener(listener);
    }
}

exported! {
impl Client {
    /// What this device wrote, changed or deleted since there is a listener (`set_change_listener`), as the events that another device of ours would be
    /// told: `Message`, `Edited`, `Deleted`, `Reacted`, `Pinned`, `Read` by our own address, `DisappearingChanged`, `GroupChanged`,
    /// `ConversationDeleted`, `ChatSettingsChanged`, `ScheduledChanged`, `ProfileChanged`. What the user read on another device is told here too.
    ///
    /// Each once, in their order, at most `limit`; a message is as it is now, and what is gone already is left out. Of more than 1,000 that nobody took
    /// `Missed` is told. Take until there is none.
    #[uniffi::method(default(limit = 100))]
    pub fn take_changes(&self, limit: u32) -> Result<Vec<Event>> {
        let own = self.device.public();
        let limit = (limit as usize).clamp(1, MOST_CHANGES);
        let mut told = Vec::new();
        // As long as something is left there is something to tell: who takes knows the end by that.
        while told.is_empty() {
            let (missed, taken) = self.changes.take(limit);
            if missed == 0 && taken.is_empty() {
                break;
            }
            let count = taken.len() as u64;
            let outcomes = self.read(|rows| {
                let now = taken.iter().map(|change| feed::change(rows, &own, change));
                Ok(now.collect::<core::result::Result<Vec<_>, _>>()?)
            });
            // They are not there any more, and nobody was told.
            let outcomes = outcomes.inspect_err(|_| self.changes.miss(missed + count))?;
            if missed != 0 {
                told.push(Event::Missed { events: missed });
            }
            let outcomes = outcomes.into_iter().flatten();
            told.extend(outcomes.map(|outcome| Event::from_outcome(outcome, &own)));
        }
        Ok(told)
    }
}
}
