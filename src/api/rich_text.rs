//! Text with what its parts mean: mentions, looks, whose words they are, which answers it suggests.

use std::collections::BTreeSet;

use super::{LinkPreview, Result, WindlassError};
use crate::chat;
use crate::engine::history::view::Shown;
use crate::identity::PublicIdentity;

/// What a part of a text means, or how it looks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum TextStyle {
    /// It stands for somebody.
    Mention {
        /// Their address.
        address: String,
    },
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Struck through.
    Strike,
    /// Of letters that are equally wide.
    Monospace,
    /// Hidden until the reader touches it.
    Spoiler,
    /// Quoted.
    Quote,
}

/// A part of a text. It counts in Unicode scalar values, which are the same in all languages: neither bytes, nor the units of strings in Kotlin,
/// Swift and JavaScript. `join_runs` and `text_runs` count for you.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TextSpan {
    /// How many Unicode scalar values stand before it.
    pub start: u32,
    /// How many it has; at least one.
    pub length: u32,
    /// What it is.
    pub style: TextStyle,
}

/// That words are another's. It proves nothing: whoever sends them says so, and nobody signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Forward {
    /// Address of whose they are, as the sender says; nothing if they do not say.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub author: Option<String>,
}

/// A text, and what its parts mean.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct RichText {
    /// UTF-8, at most 262,144 bytes.
    pub text: String,
    /// At most 256, each within the text; of one kind none over another.
    #[cfg_attr(feature = "uniffi", uniffi(default = []))]
    pub spans: Vec<TextSpan>,
    /// There if the words are another's.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub forward: Option<Forward>,
    /// Answers that the reader can give at a touch: at most 8, each one line of 1 to 128 bytes. What is touched is sent as a text.
    #[cfg_attr(feature = "uniffi", uniffi(default = []))]
    pub suggestions: Vec<String>,
    /// What is behind a web address that stands in it.
    #[cfg_attr(feature = "uniffi", uniffi(default = None))]
    pub preview: Option<LinkPreview>,
}

/// A piece of a text that is the same throughout.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TextRun {
    /// Its words.
    pub text: String,
    /// What it means and how it looks.
    #[cfg_attr(feature = "uniffi", uniffi(default = []))]
    pub styles: Vec<TextStyle>,
}

impl core::fmt::Debug for RichText {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("RichText")
            .field("spans", &self.spans.len())
            .field("forward", &self.forward.is_some())
            .field("suggestions", &self.suggestions.len())
            .field("preview", &self.preview.is_some())
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for TextRun {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("TextRun")
            .field("styles", &self.styles)
            .finish_non_exhaustive()
    }
}

/// A text of pieces, one behind the other: so nobody has to count where a mention begins.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn join_runs(runs: Vec<TextRun>) -> RichText {
    let (mut text, mut spans, mut start) = (String::new(), Vec::<TextSpan>::new(), 0);
    for run in runs {
        let length = u32::try_from(run.text.chars().count()).unwrap_or(u32::MAX);
        let styles: BTreeSet<_> = run.styles.into_iter().filter(|_| length != 0).collect();
        for style in styles {
            // Pieces that look alike are one.
            let before = (spans.iter_mut()).find(|span| {
                span.style == style && span.start.checked_add(span.length) == Some(start)
            });
            match before {
                Some(span) => span.length = span.length.saturating_add(length),
                None => spans.push(TextSpan {
                    start,
                    length,
                    style,
                }),
            }
        }
        text.push_str(&run.text);
        start = start.saturating_add(length);
    }
    RichText {
        text,
        spans,
        forward: None,
        suggestions: Vec::new(),
        preview: None,
    }
}

/// The pieces of a text, each with everything that it means and how it looks: what an application shows one after the other.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn text_runs(text: RichText) -> Vec<TextRun> {
    let ends = |span: &TextSpan| [span.start, span.start.saturating_add(span.length)];
    let mut cuts: BTreeSet<u32> = text.spans.iter().flat_map(ends).collect();
    cuts.remove(&0);
    let (mut runs, mut rest, mut start) = (Vec::new(), text.text.as_str(), 0);
    for cut in cuts.into_iter().chain([u32::MAX]) {
        let count = (cut - start) as usize;
        let (words, behind) = match rest.char_indices().nth(count) {
            Some((at, _)) => rest.split_at(at),
            None => (rest, ""),
        };
        if words.is_empty() {
            break;
        }
        let covers = |span: &&TextSpan| {
            span.start <= start && start < span.start.saturating_add(span.length)
        };
        let styles = text.spans.iter().filter(covers);
        runs.push(TextRun {
            text: words.to_owned(),
            styles: styles.map(|span| span.style.clone()).collect(),
        });
        (rest, start) = (behind, cut);
    }
    runs
}

impl RichText {
    /// What a message says beside words alone, as it is now.
    pub(super) fn of_shown(shown: &Shown) -> Option<Self> {
        let is_caption = matches!(shown.stored.content.body, chat::Body::Attachment(_));
        Self::beside(shown.text()?, shown.forward(), is_caption)
    }

    /// The same of a message that was only looked at.
    pub(super) fn of_body(body: &chat::Body) -> Option<Self> {
        let text = body.text()?;
        let is_caption = matches!(body, chat::Body::Attachment(_));
        Self::beside(text, text.forward, is_caption)
    }

    fn beside(text: &chat::Text, forward: Option<chat::Forward>, is_caption: bool) -> Option<Self> {
        let rich = Self::from_chat(text, forward);
        let says_more = !rich.spans.is_empty()
            || rich.forward.is_some()
            || !rich.suggestions.is_empty()
            || rich.preview.is_some();
        (says_more || (is_caption && !rich.text.is_empty())).then_some(rich)
    }

    pub(super) fn from_chat(text: &chat::Text, forward: Option<chat::Forward>) -> Self {
        let address = |key: chat::IdentityKey| {
            let identity = PublicIdentity::from_bytes(&key).ok();
            identity.map(|identity| identity.address())
        };
        // Who is nobody is not mentioned.
        let spans = text.spans.iter().filter_map(|span| {
            let style = match span.kind {
                chat::SpanKind::Mention(key) => TextStyle::Mention {
                    address: address(key)?,
                },
                chat::SpanKind::Bold => TextStyle::Bold,
                chat::SpanKind::Italic => TextStyle::Italic,
                chat::SpanKind::Strike => TextStyle::Strike,
                chat::SpanKind::Monospace => TextStyle::Monospace,
                chat::SpanKind::Spoiler => TextStyle::Spoiler,
                chat::SpanKind::Quote => TextStyle::Quote,
            };
            Some(TextSpan {
                start: span.start,
                length: span.length,
                style,
            })
        });
        Self {
            text: text.text.clone(),
            spans: spans.collect(),
            forward: forward.map(|forward| Forward {
                author: forward.author.and_then(address),
            }),
            suggestions: text.suggestions.clone(),
            preview: text.preview.as_ref().map(LinkPreview::shown),
        }
    }

    pub(super) fn into_chat(self) -> Result<chat::Text> {
        let key = |address: String| {
            Ok::<_, WindlassError>(PublicIdentity::from_address(&address)?.to_bytes())
        };
        let spans = self.spans.into_iter().map(|span| {
            Ok(chat::Span {
                start: span.start,
                length: span.length,
                kind: match span.style {
                    TextStyle::Mention { address } => chat::SpanKind::Mention(key(address)?),
                    TextStyle::Bold => chat::SpanKind::Bold,
                    TextStyle::Italic => chat::SpanKind::Italic,
                    TextStyle::Strike => chat::SpanKind::Strike,
                    TextStyle::Monospace => chat::SpanKind::Monospace,
                    TextStyle::Spoiler => chat::SpanKind::Spoiler,
                    TextStyle::Quote => chat::SpanKind::Quote,
                },
            })
        });
        let forward = self.forward.map(|forward| {
            Ok::<_, WindlassError>(chat::Forward {
                author: forward.author.map(key).transpose()?,
            })
        });
        Ok(chat::Text {
            text: self.text,
            spans: spans.collect::<Result<_>>()?,
            forward: forward.transpose()?,
            suggestions: self.suggestions,
            preview: self.preview.map(LinkPreview::given).transpose()?,
        })
    }
}
