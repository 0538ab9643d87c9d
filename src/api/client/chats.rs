//! Conversations and groups.

use std::sync::Arc;

use super::Client;
use crate::api::clock::time;
use crate::api::group::identities;
use crate::api::{
    ChatSettings, Conversation, ConversationSummary, ListedConversation, Message, Result,
    WindlassError,
};
use crate::chat::GroupAction;
use crate::engine::history::{summary, unread};
use crate::engine::records::chat_settings;
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::sync::{deletions, group_events};

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// The conversations, the latest activity first.
    pub fn conversations(&self) -> Result<Vec<ConversationSummary>> {
        let now = self.store.0.now();
        self.read(|reader| {
            conversations::all(reader)?
                .into_iter()
                .map(|summary| {
                    Ok(ConversationSummary {
                        address: summary.id.address(),
                        group_name: summary::group_name(reader, &summary.id)?,
                        last_activity: time(summary.row.last_activity),
                        unread: unread::of_row(reader, &summary.id, &summary.row, now)?.messages,
                    })
                })
                .collect()
        })
    }

    /// The conversation with an address, or of a group.
    pub fn conversation(self: Arc<Self>, address: String) -> Result<Arc<Conversation>> {
        let id = ConversationId::from_address(&address)?;
        Ok(Arc::new(Conversation { client: self, id }))
    }

    /// Deletes the conversation with an address, or of a group, for the user alone: here, and on our other devices. It does not come
    /// back, and after the next shred nothing of it can be read. The contact or the group stays, and who writes begins a new one. One
    /// that is not here is no error.
    pub fn delete_conversation(&self, address: String) -> Result<()> {
        let id = ConversationId::from_address(&address)?;
        self.write(|step| Ok(deletions::delete_conversation(step, &id)?))
    }

    /// Messages of others that are unread, in all conversations. One that the user marked as unread, and in which nothing is, counts as one.
    pub fn unread(&self) -> Result<u64> {
        let now = self.store.0.now();
        self.read(|reader| {
            let mut all = 0_u64;
            for conversations::Summary { id, row } in conversations::all(reader)? {
                let unread = unread::of_row(reader, &id, &row, now)?.messages;
                let marked = unread == 0 && chat_settings::is_marked_unread(reader, &id)?;
                all = all.saturating_add(unread).saturating_add(marked.into());
            }
            Ok(all)
        })
    }

    /// Messages of others that are unread and mention the user, in all conversations.
    pub fn unread_mentions(&self) -> Result<u64> {
        let now = self.store.0.now();
        self.read(|reader| {
            let mut all = 0_u64;
            for conversations::Summary { id, row } in conversations::all(reader)? {
                let unread = unread::of_row(reader, &id, &row, now)?;
                all = all.saturating_add(unread.mentions);
            }
            Ok(all)
        })
    }

    /// Makes a group of us and these contacts, who are invited to it; we are its admin. Its name has 1 to 256 bytes.
    pub fn create_group(
        self: Arc<Self>,
        name: String,
        members: Vec<String>,
    ) -> Result<Arc<Conversation>> {
        let members = identities(&members)?;
        let invite = GroupAction::MembersAdded(members);
        let id = self.write(|step| {
            let group = group_events::create(step, &name)?;
            if invite != GroupAction::MembersAdded(Vec::new()) {
                group_events::act(step, &group, &invite)?;
            }
            Ok::<_, WindlassError>(ConversationId::Group(group))
        })?;
        Ok(Arc::new(Conversation { client: self, id }))
    }
}

exported! {
impl Client {
    /// A page of the list of chats: the conversations in which something happened last, or those behind the `position` of one that was
    /// listed; at most `limit`, and 1,000. What it costs does not grow with the number of conversations. One in which something happens meanwhile
    /// comes first, and is in no later page.
    #[uniffi::method(default(limit = 50, after = None))]
    pub fn conversation_page(
        &self,
        limit: u32,
        after: Option<u64>,
    ) -> Result<Vec<ListedConversation>> {
        let (now, own) = (self.store.0.now(), self.device.public());
        self.read(|reader| {
            let page = summary::page(reader, after, limit as usize, now)?;
            let listed = page.into_iter().map(|listed| ListedConversation {
                address: listed.id.address(),
                group_name: listed.group_name,
                last_activity: time(listed.last_activity),
                unread: listed.unread.messages,
                unread_mentions: listed.unread.mentions,
                settings: ChatSettings::of(&listed.settings),
                last_message: (listed.last_message).map(|shown| Message::from_shown(shown, &own)),
                position: listed.place,
            });
            Ok(listed.collect())
        })
    }
}
}
