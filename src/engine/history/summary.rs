//! What a list of conversations shows of each, with nothing left to look up for each.

use crate::chat::ChatSetting;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::history::unread::Count;
use crate::engine::history::view::{self, Shown};
use crate::engine::history::{message, place, unread};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{chat_settings, groups, listed};
use crate::limits::MAX_LISTED_AT_ONCE;
use crate::store::{Rows, Table};
use crate::wire::store::ConversationRow;

/// A conversation in the list.
pub(crate) struct Summary {
    pub(crate) id: ConversationId,
    pub(crate) place: u64,
    pub(crate) group_name: Option<String>,
    pub(crate) last_activity: u64,
    pub(crate) unread: Count,
    pub(crate) last_message: Option<Shown>,
    pub(crate) settings: Vec<ChatSetting>,
}

/// Places of a conversation that are looked at for its latest message: of what is behind so much that is not shown by itself, nobody sees the latest.
const LOOK: usize = 64;

/// The latest conversations, or those behind a place; at most `limit`.
pub(crate) fn page(
    store: &dyn Rows,
    after: Option<u64>,
    limit: usize,
    now: u64,
) -> Result<Vec<Summary>, EngineError> {
    let listed = listed::page(store, after, limit.min(MAX_LISTED_AT_ONCE))?;
    let summaries = listed.into_iter().map(|(place, listed)| {
        let id = ConversationId::from_columns(&listed.peer_identity_key, &listed.group_id)
            .ok_or_else(|| damaged(Table::Listed))?;
        let row = conversations::row(store, &id)?;
        Ok(Summary {
            id,
            place,
            group_name: group_name(store, &id)?,
            last_activity: row.last_activity,
            unread: unread::of_row(store, &id, &row, now)?,
            last_message: last_message(store, &id, &row, now)?,
            settings: chat_settings::of(store, &id)?,
        })
    });
    summaries.collect()
}

/// The name of a group; nothing for a conversation of two.
pub(crate) fn group_name(
    store: &dyn Rows,
    id: &ConversationId,
) -> Result<Option<String>, EngineError> {
    let ConversationId::Group(group) = id else {
        return Ok(None);
    };
    let list = groups::member_list(store, group)?;
    Ok(list.map(|list| list.name().to_owned()))
}

/// The latest message that is shown by itself.
fn last_message(
    store: &dyn Rows,
    id: &ConversationId,
    row: &ConversationRow,
    now: u64,
) -> Result<Option<Shown>, EngineError> {
    let mut end = None;
    // Nearly always it is the first one.
    for look in [1, LOOK] {
        let places = place::before(store, id, end.as_ref(), look)?;
        for place in &places {
            let stored = message::find(store, &place.message)?;
            if let Some(stored) = stored.filter(|stored| stored.is_shown(now)) {
                return view::show(store, row, stored).map(Some);
            }
        }
        end = places.last().copied();
        if end.is_none() {
            break;
        }
    }
    Ok(None)
}
