//! Messages of others that the user has not seen, as far as the user's devices know (RFC windlass §9.4.4).
//!
//! Each is marked where it stands in its conversation, and the conversation's row counts the marks: so what is deleted, or read elsewhere,
//! is taken off the count once. Those that mention the user are marked and counted as that too, by what they say now.

use crate::chat::{FloorKey, NamedMessage};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::history::message::Stored;
use crate::engine::history::place::{Mark, Place};
use crate::engine::history::view::Shown;
use crate::engine::history::{message, place, view};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::floors;
use crate::identity::PublicIdentity;
use crate::limits::{MAX_FLOOR_NAMES, MAX_LAMPORT_JUMP, MAX_READ_NAMES};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::ConversationRow;

/// What the user has read of a conversation: everything of others up to a clock, and some messages beyond it.
pub(crate) struct Read {
    pub(crate) lamport: u64,
    /// Ascending.
    pub(crate) messages: Vec<NamedMessage>,
}

/// How many are unread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) messages: u64,
    /// Those of them that mention the user.
    pub(crate) mentions: u64,
}

impl Count {
    fn of(row: &ConversationRow) -> Self {
        Self {
            messages: row.unread,
            mentions: row.unread_mentions,
        }
    }

    fn add(&mut self, mark: Mark) {
        self.messages += u64::from(mark != Mark::Read);
        self.mentions += u64::from(mark == Mark::Mention);
    }

    fn take(&mut self, mark: Mark) {
        let was = |is: bool| u64::from(is);
        self.messages = self.messages.saturating_sub(was(mark != Mark::Read));
        self.mentions = self.mentions.saturating_sub(was(mark == Mark::Mention));
    }

    fn keep(self, row: &mut ConversationRow) {
        (row.unread, row.unread_mentions) = (self.messages, self.mentions);
    }
}

/// Marks a message, and counts it. The conversation's row is the caller's to save.
fn set(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    row: &mut ConversationRow,
    place: &Place,
    mark: Mark,
) -> Result<bool, EngineError> {
    let Some(before) = place::set_mark(store, id, place, mark)? else {
        return Ok(false);
    };
    let mut count = Count::of(row);
    count.take(before);
    count.add(mark);
    count.keep(row);
    Ok(true)
}

/// How a message counts that is unread.
fn mark_of(shown: &Shown, own: &PublicIdentity) -> Mark {
    if shown.mentions(own) {
        Mark::Mention
    } else {
        Mark::Unread
    }
}

fn name(key: &FloorKey, place: &Place) -> NamedMessage {
    let (author, id) = (place.message.author.to_bytes(), place.message.id);
    key.message(place.lamport, &author, &id)
}

/// The messages that a conversation's row counts, the latest first.
fn marked(
    store: &dyn Rows,
    id: &ConversationId,
    row: &ConversationRow,
) -> Result<Vec<Place>, EngineError> {
    let (mut found, mut end) = (Vec::new(), None);
    let count = usize::try_from(row.unread).unwrap_or(usize::MAX);
    // They are nearly always the latest.
    while found.len() < count {
        let places = place::before(store, id, end.as_ref(), PART)?;
        found.extend(places.iter().filter(|place| place.is_unread()));
        end = places.last().copied();
        if places.len() < PART {
            break;
        }
    }
    Ok(found)
}

/// How many places are looked at at once.
const PART: usize = 64;

/// Takes the marks away that `is_read` says.
fn read(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    row: &mut ConversationRow,
    is_read: impl Fn(&Place) -> bool,
) -> Result<(), EngineError> {
    if row.unread == 0 {
        return Ok(());
    }
    let mut left = Count::default();
    for place in marked(store, id, row)? {
        if is_read(&place) {
            place::set_mark(store, id, &place, Mark::Read)?;
        } else {
            left.add(place.mark);
        }
    }
    left.keep(row);
    Ok(())
}

/// The user has read what is here. The conversation's row is the caller's to save.
pub(crate) fn read_here(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    row: &mut ConversationRow,
) -> Result<(), EngineError> {
    row.read_lamport = row.read_lamport.max(row.lamport);
    read(store, id, row, |_| true)
}

/// The user has read up to a message. The conversation's row is the caller's to save.
pub(crate) fn read_up_to(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    row: &mut ConversationRow,
    last: &Place,
) -> Result<(), EngineError> {
    let end = last.rank();
    read(store, id, row, |place| place.rank() <= end)
}

/// The clock that says of what others wrote up to a message that it was read, and of nothing that is unread; 0 if there is none.
pub(crate) fn read_clock(
    store: &dyn Rows,
    id: &ConversationId,
    row: &ConversationRow,
    own: &PublicIdentity,
    last: &Place,
) -> Result<u64, EngineError> {
    // What is unread behind the message may have its clock.
    let unread = marked(store, id, row)?;
    let lowest = unread.iter().map(|place| place.lamport).min();
    let counts = |place: &&Place| {
        place.message.author != *own && lowest.is_none_or(|lowest| place.lamport < lowest)
    };
    let (mut places, mut end) = (vec![*last], *last);
    loop {
        if let Some(place) = places.iter().find(counts) {
            return Ok(place.lamport);
        }
        places = place::before(store, id, Some(&end), PART)?;
        match places.last() {
            Some(earliest) => end = *earliest,
            None => return Ok(0),
        }
    }
}

/// A message came that is shown by itself, or was written here. The conversation's row is the caller's to save.
pub(crate) fn count(
    store: &mut dyn RowsMut,
    row: &mut ConversationRow,
    own: &PublicIdentity,
    shown: &Shown,
) -> Result<(), EngineError> {
    let stored = &shown.stored;
    if stored.author == *own {
        // What another device of ours wrote says nothing of what was read there: it says that itself.
        return if stored.copied {
            Ok(())
        } else {
            read_here(store, &stored.conversation, row)
        };
    }
    let place = stored.place();
    if !is_read_elsewhere(store, row, &place)? {
        let mark = mark_of(shown, own);
        set(store, &stored.conversation, row, &place, mark)?;
    }
    Ok(())
}

/// A message says something else from now on. What was read is not unread for that.
pub(crate) fn edited(
    store: &mut dyn RowsMut,
    own: &PublicIdentity,
    shown: &Shown,
) -> Result<(), EngineError> {
    let (id, place) = (shown.stored.conversation, shown.stored.place());
    if place::mark_at(store, &id, &place)? == Mark::Read {
        return Ok(());
    }
    let mut row = conversations::row(store, &id)?;
    if set(store, &id, &mut row, &place, mark_of(shown, own))? {
        conversations::save(store, &id, &row)?;
    }
    Ok(())
}

/// Whether a device of ours has said that a message was read there before it came here.
fn is_read_elsewhere(
    store: &dyn Rows,
    row: &ConversationRow,
    place: &Place,
) -> Result<bool, EngineError> {
    if place.lamport <= row.read_elsewhere_lamport || row.read_elsewhere.is_empty() {
        return Ok(place.lamport <= row.read_elsewhere_lamport);
    }
    let this = name(&floors::key(store)?, place);
    Ok(elsewhere(row)?.binary_search(&this).is_ok())
}

fn elsewhere(row: &ConversationRow) -> Result<Vec<NamedMessage>, EngineError> {
    let (names, rest) = row.read_elsewhere.as_chunks();
    let whole = rest.is_empty().then(|| names.to_vec());
    whole.ok_or_else(|| damaged(Table::Conversations))
}

/// The user has read, on another device, what that one had. What this device has beside it stays unread. The conversation's row is the
/// caller's to save.
pub(crate) fn read_elsewhere(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    row: &mut ConversationRow,
    mark: &Read,
) -> Result<(), EngineError> {
    // The messages it is about may come later.
    let horizon = row.lamport.saturating_add(MAX_LAMPORT_JUMP);
    let lamport = mark.lamport.min(horizon);
    row.read_elsewhere_lamport = row.read_elsewhere_lamport.max(lamport);
    let low = row.read_elsewhere_lamport.saturating_add(1).to_be_bytes();
    let mut names = elsewhere(row)?;
    names.extend(&mark.messages);
    names.retain(|name| name.as_slice() >= low.as_slice());
    names.sort_unstable();
    names.dedup();
    names.drain(..names.len().saturating_sub(MAX_FLOOR_NAMES));
    row.read_elsewhere = names.concat();
    if row.unread == 0 {
        return Ok(());
    }
    let (below, key) = (row.read_elsewhere_lamport, floors::key(store)?);
    read(store, id, row, |place| {
        place.lamport <= below || names.binary_search(&name(&key, place)).is_ok()
    })
}

/// What the user has read of a conversation here, for our other devices: the latest by their names, so that whatever came to another
/// device alone stays unread there.
pub(crate) fn mark(
    store: &dyn Rows,
    id: &ConversationId,
    own: &PublicIdentity,
) -> Result<Read, EngineError> {
    let row = conversations::row(store, id)?;
    let key = floors::key(store)?;
    let (mut mark, mut end, mut unread) = (
        Read {
            lamport: 0,
            messages: Vec::new(),
        },
        None,
        0,
    );
    'all: loop {
        let places = place::before(store, id, end.as_ref(), PART)?;
        for place in places.iter().filter(|place| place.message.author != *own) {
            if place.is_unread() {
                unread += 1;
            } else if mark.messages.len() < MAX_READ_NAMES {
                mark.messages.push(name(&key, place));
            } else if unread >= row.unread {
                mark.lamport = place.lamport;
                break 'all;
            } else {
                // Something older is unread.
                break 'all;
            }
        }
        end = places.last().copied();
        if places.len() < PART {
            break;
        }
    }
    mark.messages.sort_unstable();
    Ok(mark)
}

/// The clock of the latest message of another that is here; 0 if there is none.
pub(crate) fn latest_of_others(
    store: &dyn Rows,
    id: &ConversationId,
    own: &PublicIdentity,
) -> Result<u64, EngineError> {
    let mut end = None;
    loop {
        let places = place::before(store, id, end.as_ref(), PART)?;
        if let Some(place) = places.iter().find(|place| place.message.author != *own) {
            return Ok(place.lamport);
        }
        end = places.last().copied();
        if places.len() < PART {
            return Ok(0);
        }
    }
}

/// A message is deleted: it is not unread any more.
pub(crate) fn forget(store: &mut dyn RowsMut, stored: &Stored) -> Result<(), EngineError> {
    let id = &stored.conversation;
    if let Some(before) = place::set_mark(store, id, &stored.place(), Mark::Read)? {
        let mut row = conversations::row(store, id)?;
        let mut count = Count::of(&row);
        count.take(before);
        count.keep(&mut row);
        conversations::save(store, id, &row)?;
    }
    Ok(())
}

/// How many messages of a conversation are unread at this time: those whose time has come are not, although nobody may have deleted them
/// yet.
pub(crate) fn at(store: &dyn Rows, id: &ConversationId, now: u64) -> Result<Count, EngineError> {
    of_row(store, id, &conversations::row(store, id)?, now)
}

/// The same, where the conversation's row is known.
pub(crate) fn of_row(
    store: &dyn Rows,
    id: &ConversationId,
    row: &ConversationRow,
    now: u64,
) -> Result<Count, EngineError> {
    if row.unread == 0 || (row.timers.is_empty() && row.disappear_after == 0) {
        return Ok(Count::of(row));
    }
    let mut unread = Count::default();
    for place in marked(store, id, row)? {
        let stored = message::find(store, &place.message)?;
        if stored.is_some_and(|stored| stored.is_shown(now)) {
            unread.add(place.mark);
        }
    }
    Ok(unread)
}

/// The marks of a conversation that was put back from a backup: the latest messages of others are unread, as many as were.
pub(crate) fn restore(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    own: &PublicIdentity,
    now: u64,
) -> Result<(), EngineError> {
    let mut row = conversations::row(store, id)?;
    let wanted = core::mem::take(&mut row.unread);
    row.unread_mentions = 0;
    let mut end = None;
    while row.unread < wanted {
        let places = place::before(store, id, end.as_ref(), PART)?;
        for place in places.iter().filter(|place| place.message.author != *own) {
            let stored = message::find(store, &place.message)?;
            let counts = |stored: &Stored| stored.is_shown(now) && !stored.is_deleted();
            let Some(stored) = stored.filter(|one| row.unread < wanted && counts(one)) else {
                continue;
            };
            let mark = mark_of(&view::show(store, &row, stored)?, own);
            set(store, id, &mut row, place, mark)?;
        }
        end = places.last().copied();
        if places.len() < PART {
            break;
        }
    }
    conversations::save(store, id, &row)
}
