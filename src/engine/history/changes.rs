//! What this device writes, as it is told to who shows it.

use crate::engine::base::step::Step;
use crate::engine::history::message::Incoming;
use crate::engine::history::record::Recorded;
use crate::wire::store::FeedInConversation;
use crate::wire::store::feed_row::Event;

/// Notes what came of a message that was written here.
pub(crate) fn note(step: &mut Step<'_>, written: &Incoming<'_>, recorded: &Recorded) {
    let change = match recorded {
        Recorded::Shown(shown) => Event::Message(shown.stored.name().to_row()),
        Recorded::Edited(shown) => Event::Edited(shown.stored.name().to_row()),
        Recorded::Deleted(message) => Event::Deleted(FeedInConversation {
            message: Some(message.to_row()),
            ..written.conversation.feed_row()
        }),
        Recorded::Reacted { .. } => Event::Reacted(written.name().to_row()),
        Recorded::Pinned { .. } => Event::Pinned(written.name().to_row()),
        Recorded::TimerChanged(after) => Event::TimerChanged(FeedInConversation {
            by_identity_key: written.author.to_bytes().to_vec(),
            value: *after,
            ..written.conversation.feed_row()
        }),
        // A change of a group is noted where it is made.
        Recorded::Nothing => return,
    };
    step.changes.push(change);
}
