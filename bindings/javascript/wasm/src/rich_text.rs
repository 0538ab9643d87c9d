//! Texts whose parts mean something, what is forwarded, and what is at the top of a conversation.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use windlass::{Forward, LinkPreview, RichText, TextRun, TextSpan, TextStyle, WindlassError};

use crate::client::Client;
use crate::failure::{Answer, answer};
use crate::given::{field, said, some_bytes, text};
use crate::values::ToJs;

/// What the package has looked at before.
fn list(given: &JsValue, name: &str) -> Vec<JsValue> {
    Array::from(&field(given, name)).to_vec()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn number(given: &JsValue, name: &str) -> u32 {
    field(given, name).as_f64().unwrap_or_default() as u32
}

/// A style that there is not is bold: the package hands over none.
fn style(given: &JsValue) -> TextStyle {
    match text(given, "type").as_str() {
        "mention" => TextStyle::Mention {
            address: text(given, "address"),
        },
        "italic" => TextStyle::Italic,
        "strike" => TextStyle::Strike,
        "monospace" => TextStyle::Monospace,
        "spoiler" => TextStyle::Spoiler,
        "quote" => TextStyle::Quote,
        _ => TextStyle::Bold,
    }
}

pub(crate) fn rich(given: &JsValue) -> RichText {
    let span = |span: &JsValue| TextSpan {
        start: number(span, "start"),
        length: number(span, "length"),
        style: style(&field(span, "style")),
    };
    let (forward, preview) = (field(given, "forward"), field(given, "preview"));
    let suggestions = list(given, "suggestions").into_iter();
    RichText {
        text: text(given, "text"),
        spans: list(given, "spans").iter().map(span).collect(),
        forward: forward.is_object().then(|| Forward {
            author: field(&forward, "author").as_string(),
        }),
        suggestions: suggestions.filter_map(|one| one.as_string()).collect(),
        preview: preview.is_object().then(|| LinkPreview {
            url: text(&preview, "url"),
            title: text(&preview, "title"),
            about: text(&preview, "about"),
            image: some_bytes(&preview, "image"),
        }),
    }
}

/// A text of pieces.
#[wasm_bindgen(js_name = joinRuns)]
#[must_use]
pub fn join_runs(runs: &Array) -> JsValue {
    let run = |run: JsValue| TextRun {
        text: text(&run, "text"),
        styles: list(&run, "styles").iter().map(style).collect(),
    };
    windlass::join_runs(runs.iter().map(run).collect()).to_js()
}

/// The pieces of a text.
#[wasm_bindgen(js_name = textRuns)]
#[must_use]
pub fn text_runs(given: &JsValue) -> JsValue {
    windlass::text_runs(rich(given)).to_js()
}

#[wasm_bindgen]
impl Client {
    /// Writes a text whose parts mean something.
    #[wasm_bindgen(js_name = sendRich)]
    pub fn send_rich(&self, address: String, given: &JsValue, reply_to: Option<String>) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.send_rich(rich(given), reply_to)))
    }

    /// Replaces the text of a message of ours.
    #[wasm_bindgen(js_name = editRich)]
    pub fn edit_rich(&self, address: String, author: &str, id: &str, given: &JsValue) -> Answer {
        answer(self.chat(address).and_then(|chat| {
            if author != self.client.address() {
                return Err(WindlassError::NotTheAuthor);
            }
            chat.edit_rich(id, rich(given))
        }))
    }

    /// Sends a file that was encrypted, and a text with it.
    #[wasm_bindgen(js_name = sendCaptioned)]
    pub fn send_captioned(&self, address: String, file: &JsValue, caption: &JsValue) -> Answer {
        let file = said(&self.files, file).map(|(_, file)| file);
        answer(file.and_then(|file| {
            let file = file.ok_or(WindlassError::BodyNotSendable)?;
            let chat = self.chat(address)?;
            chat.send_captioned(&file.attachment, file.location, rich(caption))
        }))
    }

    /// Writes here what stands in a message of any conversation.
    pub fn forward(&self, address: String, author: &str, id: &str, name_author: bool) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.forward(author, id, name_author)))
    }

    /// Puts a message at the top of the conversation, for everybody.
    #[wasm_bindgen(js_name = pinMessage)]
    pub fn pin_message(&self, address: String, author: &str, id: &str) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.pin_message(author, id)))
    }

    /// Takes it from there.
    #[wasm_bindgen(js_name = unpinMessage)]
    pub fn unpin_message(&self, address: String, author: &str, id: &str) -> Answer {
        let chat = self.chat(address);
        answer(chat.and_then(|chat| chat.unpin_message(author, id)))
    }

    /// What is at the top.
    pub fn pinned(&self, address: String) -> Answer {
        answer(self.chat(address).and_then(|chat| chat.pinned()))
    }
}
