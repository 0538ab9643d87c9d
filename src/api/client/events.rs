//! Events that are told again until they were handled.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::{Client, Stop};
use crate::api::clock::time;
use crate::api::{Event, Result};
use crate::engine::sync::feed;
use crate::engine::sync::feed::cursor::Cursor;
use crate::engine::sync::outcome::Outcome;

/// An event that is kept until `events_handled`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct KeptEvent {
    /// Where the feed goes on behind it: for `events_after` and `events_handled`. Of one length, and later ones are greater.
    pub cursor: String,
    /// When `receive` told it.
    pub told_at: SystemTime,
    /// What happened; a message is as it is now.
    pub event: Event,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Whether events that come from now on are kept until `events_handled`, each in the transaction that it tells of; kept in the
    /// store, not in a backup. Off, what was kept is forgotten.
    ///
    /// Kept is what somebody did: `Message` (unless it waits for `handled`: see `keep_unhandled`), `Edited`, `Deleted`,
    /// `ConversationDeleted`, `ChatSettingsChanged`, `Reacted`, `Pinned`, `Read`, `DisappearingChanged`, `GroupInvitation`, `GroupChanged`, `GroupIncomplete`, `Refused`, `Delivered`, `ContactRequest`, `DevicesChanged`,
    /// `IdentityChanged`, `RollbackNoticed`, and an `Undecryptable` for which something was changed. Not kept is how the work goes on
    /// (`SessionEstablished`, `SessionHealed`, `Healing`, `Resent`, `Synchronising`: `Session.status` says it), and what changes
    /// nothing (`Duplicate`, `Blocked`).
    pub fn keep_events(&self, keep: bool) -> Result<()> {
        if self.read(|rows| Ok(feed::is_kept(rows)?))? == keep {
            return Ok(());
        }
        self.write(|step| Ok(feed::set_kept(step, keep)?))
    }

    /// The events up to this cursor were handled: they are not told again. `UnknownCursor` as `events_after`.
    pub fn events_handled(&self, up_to: String) -> Result<()> {
        let cursor: Cursor = up_to.parse()?;
        let written = self.write(|step| {
            if feed::handled_up_to(step.rows, &cursor)? {
                Ok(())
            } else {
                // Nothing to pay a sync for.
                Err(Stop::Unchanged(Vec::new()))
            }
        });
        match written {
            Ok(()) | Err(Stop::Unchanged(_)) => Ok(()),
            Err(Stop::Error(error)) => Err(error),
        }
    }
}

exported! {
impl Client {
    /// The events that are kept, in their order: those behind a cursor, or the oldest; at most `limit`. The same ones again until
    /// `events_handled`, whenever the process dies. What was deleted meanwhile is left out; what was dropped is told as `Missed`.
    ///
    /// `UnknownCursor` if the cursor is not of this store as it is now: the store was restored from a backup or an older copy, or
    /// nothing was kept in between.
    #[uniffi::method(default(cursor = None, limit = 100))]
    pub fn events_after(&self, cursor: Option<String>, limit: u32) -> Result<Vec<KeptEvent>> {
        let cursor: Option<Cursor> = cursor.map(|cursor| cursor.parse()).transpose()?;
        // An older copy is noted before anything is told from it.
        self.maintain_if_due()?;
        let own = self.device.public();
        let told = self.read(|rows| Ok(feed::after(rows, &own, cursor.as_ref(), limit as usize)?))?;
        if told.iter().any(|told| matches!(told.outcome, Outcome::RollbackNoticed)) {
            // By this, and not by `receive` once more.
            self.rollback_to_tell.store(false, Ordering::Relaxed);
        }
        Ok(told
            .into_iter()
            .map(|told| KeptEvent {
                cursor: told.cursor.to_string(),
                told_at: time(told.at),
                event: Event::from_outcome(told.outcome, &own),
            })
            .collect())
    }
}
}
