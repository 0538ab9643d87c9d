//! A search through everything.

use super::Client;
use crate::api::conversation::named;
use crate::api::{Message, Result, SearchPage, WindlassError};
use crate::engine::history::view::Search;
use crate::engine::history::{message, searching};
use crate::limits::MAX_SEARCHED_AT_ONCE;

exported! {
impl Client {
    /// The messages of all conversations whose text contains `text`, as `Conversation.search` finds them: one conversation after the other, in
    /// each the latest first. Everything is sealed, so every message has to be opened: some microseconds each, and 10,000 in one call at most; `next` goes on
    /// from there, as often as it is there.
    #[uniffi::method(default(limit = 50, before = None))]
    pub fn search(&self, text: String, limit: u32, before: Option<Message>) -> Result<SearchPage> {
        let (own, now) = (self.device.public(), self.store.0.now());
        let before = before.map(|before| named(&before.author, &before.id)).transpose()?;
        self.read(|rows| {
            let begin = match &before {
                Some(name) => {
                    let found = message::find(rows, name)?;
                    Some(found.ok_or(WindlassError::UnknownMessage)?)
                }
                None => None,
            };
            let search = Search {
                text: &text,
                limit: limit.max(1) as usize,
                before: begin.as_ref(),
                look: MAX_SEARCHED_AT_ONCE,
            };
            let found = searching::everywhere(rows, &search, now)?;
            let message = |shown| Message::from_shown(shown, &own);
            Ok(SearchPage {
                messages: found.messages.into_iter().map(message).collect(),
                looked_at: u32::try_from(found.looked_at).unwrap_or(u32::MAX),
                next: found.next.map(message),
            })
        })
    }
}
}
