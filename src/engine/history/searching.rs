//! A search through all conversations.

use crate::engine::base::error::EngineError;
use crate::engine::history::view::{self, Found, Search};
use crate::engine::records::conversations;
use crate::store::Rows;

/// Messages that contain a text, one conversation after the other, in each the latest first; every message has to be opened for it. The order of the
/// conversations is that of their keys: what comes meanwhile moves none, so that a search that goes on meets each once.
pub(crate) fn everywhere(
    store: &dyn Rows,
    search: &Search<'_>,
    now: u64,
) -> Result<Found, EngineError> {
    let mut ids: Vec<_> = (conversations::all(store)?.into_iter())
        .map(|summary| (summary.id.key(), summary.id))
        .collect();
    ids.sort_by(|(a, _), (b, _)| a.cmp(b));
    let begin = search.before.map(|before| before.conversation.key());
    let mut found = Found {
        messages: Vec::new(),
        looked_at: 0,
        next: None,
    };
    for (key, id) in ids {
        if begin.as_ref().is_some_and(|begin| key < *begin) {
            continue;
        }
        let part = Search {
            text: search.text,
            limit: search.limit.saturating_sub(found.messages.len()),
            before: search.before.filter(|before| before.conversation == id),
            look: search.look.saturating_sub(found.looked_at),
        };
        let part = view::search(store, &id, &part, now)?;
        found.looked_at += part.looked_at;
        found.messages.extend(part.messages);
        if part.next.is_some() {
            found.next = part.next;
            break;
        }
    }
    Ok(found)
}
