//! Writing texts whose parts mean something, captions, and what is another's.

use super::conversation::named;
use super::{Attachment, Conversation, Result, RichText, Sent, WindlassError};
use crate::chat;
use crate::engine::history::view;

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Conversation {
    /// Replaces the text of the message of ours that has this id, or what its attachment is accompanied by. Whose words they are stays as it was.
    pub fn edit_rich(&self, message_id: &str, text: RichText) -> Result<Sent> {
        let text = chat::Text {
            forward: None,
            ..text.into_chat()?
        };
        self.edit_named(&self.ours(message_id)?, text)
    }

    /// Sends an attachment as `send_attachment` does, and a text with it.
    pub fn send_captioned(
        &self,
        attachment: &Attachment,
        location: String,
        caption: RichText,
    ) -> Result<Sent> {
        let body = attachment.captioned(location, caption.into_chat()?);
        self.client.write_chat(&self.id, body, None)
    }
}

exported! {
impl Conversation {
    /// Writes a text with mentions, looks, suggestions, a preview, perhaps in answer to a message.
    #[uniffi::method(default(reply_to = None))]
    pub fn send_rich(&self, text: RichText, reply_to: Option<String>) -> Result<Sent> {
        let body = chat::Body::Text(text.into_chat()?);
        self.client.write_chat(&self.id, body, reply_to)
    }

    /// Writes here what stands in the text or attachment of this author and id, of any conversation, and says that it is forwarded. Whose it is
    /// is told with `name_author` alone; what is forwarded again keeps what was told of it. Mentions are left out, for they name people of
    /// another conversation, and suggestions; a preview goes along. It proves to nobody who wrote it.
    #[uniffi::method(default(name_author = false))]
    pub fn forward(&self, author: &str, message_id: &str, name_author: bool) -> Result<Sent> {
        let name = named(author, message_id)?;
        let now = self.client.store.0.now();
        let found = self.client.read(|rows| Ok(view::shown(rows, &name)?))?;
        let found = found.filter(|shown| shown.stored.is_shown(now) && !shown.stored.is_deleted());
        let found = found.ok_or(WindlassError::UnknownMessage)?;
        let said = found.text().cloned().ok_or(WindlassError::BodyNotSendable)?;
        let looks = |span: &chat::Span| !matches!(span.kind, chat::SpanKind::Mention(_));
        let author = name_author.then(|| name.author.to_bytes());
        let text = chat::Text {
            spans: said.spans.into_iter().filter(looks).collect(),
            forward: Some(found.forward().unwrap_or(chat::Forward { author })),
            suggestions: Vec::new(),
            preview: said.preview,
            text: said.text,
        };
        let body = match found.stored.content.body {
            chat::Body::Attachment(attachment) => chat::Body::Attachment(chat::Attachment {
                caption: text,
                ..attachment
            }),
            _ => chat::Body::Text(text),
        };
        self.client.write_chat(&self.id, body, None)
    }
}
}
