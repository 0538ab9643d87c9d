//! Text that a person reads: what parts of it mean and how they look, whose words they are, which answers it suggests (RFC windlass §9.9).

use super::bounds::{ContentError, fits};
use super::link_preview::LinkPreview;
use super::names::IdentityKey;
use crate::limits::{MAX_SUGGESTION_LEN, MAX_SUGGESTIONS, MAX_TEXT_LEN, MAX_TEXT_SPANS};
use crate::text::is_name;
use crate::wire::v2;

/// What a part of a text means, or how it looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// It stands for somebody.
    Mention(IdentityKey),
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

impl SpanKind {
    /// Every kind that is no mention.
    const LOOKS: [Self; 6] = [
        Self::Bold,
        Self::Italic,
        Self::Strike,
        Self::Monospace,
        Self::Spoiler,
        Self::Quote,
    ];

    /// As the schema counts them.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Mention(_) => 1,
            Self::Bold => 2,
            Self::Italic => 3,
            Self::Strike => 4,
            Self::Monospace => 5,
            Self::Spoiler => 6,
            Self::Quote => 7,
        }
    }

    fn of_wire(span: &v2::TextSpan) -> Option<Self> {
        if span.kind == 1 {
            return span.identity.as_slice().try_into().ok().map(Self::Mention);
        }
        let mut looks = Self::LOOKS.into_iter();
        looks.find(|look| look.number() == span.kind)
    }
}

/// A part of a text, in Unicode scalar values: what every language can count, and where no character is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many stand before it.
    pub start: u32,
    /// How many it has.
    pub length: u32,
    /// What it is.
    pub kind: SpanKind,
}

impl Span {
    /// Where it ends; nothing if that is no number.
    #[must_use]
    pub const fn end(&self) -> Option<u32> {
        self.start.checked_add(self.length)
    }

    /// Whether it may stand in a text of so many scalar values beside these.
    fn may_join(&self, scalars: usize, others: &[Self]) -> bool {
        let end = self.end().filter(|end| *end as usize <= scalars);
        let (Some(end), 1..) = (end, self.length) else {
            return false;
        };
        let over = |other: &Self| {
            other.kind.number() == self.kind.number()
                && other.start < end
                && other.end().is_some_and(|other| self.start < other)
        };
        !others.iter().any(over)
    }
}

/// That the words are another's, as who sends them says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Whose; nothing if that is not said.
    pub author: Option<IdentityKey>,
}

/// Text that a person reads.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The text itself.
    pub text: String,
    /// What parts of it mean, and how they look.
    pub spans: Vec<Span>,
    /// There if the words are another's.
    pub forward: Option<Forward>,
    /// Answers that the reader can give at a touch.
    pub suggestions: Vec<String>,
    /// What is behind a web address that stands in it.
    pub preview: Option<LinkPreview>,
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Text {
    /// Whether it mentions somebody.
    #[must_use]
    pub fn mentions(&self, who: &IdentityKey) -> bool {
        let is_it = |span: &Span| matches!(&span.kind, SpanKind::Mention(one) if one == who);
        self.spans.iter().any(is_it)
    }

    /// Whether it may be sent. What came is without what may not stand in it.
    pub fn check(&self) -> Result<(), ContentError> {
        fits("text", self.text.len(), MAX_TEXT_LEN)?;
        if with_effect(&self.text, self.spans.iter().copied()).len() != self.spans.len() {
            return Err(ContentError::Span);
        }
        let suggested = self.suggestions.iter().all(|one| may_be_suggested(one));
        let all = suggested && self.suggestions.len() <= MAX_SUGGESTIONS;
        all.then_some(()).ok_or(ContentError::Suggestion)?;
        let preview = self.preview.as_ref();
        preview.map_or(Ok(()), |preview| preview.check(&self.text))
    }

    /// Passes over what may not stand in a text: the words are there all the same (RFC windlass §9.9.3).
    pub(super) fn from_wire(text: v2::Text) -> Self {
        let sent = text.spans.iter().take(MAX_TEXT_SPANS);
        let spans = sent.filter_map(|span| {
            Some(Span {
                start: u32::try_from(span.start).ok()?,
                length: u32::try_from(span.length).ok()?,
                kind: SpanKind::of_wire(span)?,
            })
        });
        let mut suggestions = text.suggestions;
        suggestions.truncate(MAX_SUGGESTIONS);
        suggestions.retain(|one| may_be_suggested(one));
        Self {
            spans: with_effect(&text.text, spans),
            forward: text.forward.map(|forward| Forward {
                author: forward.author.as_slice().try_into().ok(),
            }),
            suggestions,
            preview: (text.preview).and_then(|preview| LinkPreview::from_wire(preview, &text.text)),
            text: text.text,
        }
    }

    pub(super) fn to_wire(&self) -> v2::Text {
        let span = |span: &Span| v2::TextSpan {
            kind: span.kind.number(),
            start: span.start.into(),
            length: span.length.into(),
            identity: match span.kind {
                SpanKind::Mention(identity) => identity.to_vec(),
                _ => Vec::new(),
            },
        };
        v2::Text {
            text: self.text.clone(),
            spans: self.spans.iter().map(span).collect(),
            forward: self.forward.map(|forward| v2::Forward {
                author: forward.author.map_or_else(Vec::new, Into::into),
            }),
            suggestions: self.suggestions.clone(),
            preview: self.preview.as_ref().map(LinkPreview::to_wire),
        }
    }
}

/// Of spans those that may stand in a text: at most so many, and of two of one kind that overlap the first.
fn with_effect(text: &str, spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans = spans.take(MAX_TEXT_SPANS).peekable();
    let mut kept = Vec::new();
    if spans.peek().is_none() {
        return kept;
    }
    let scalars = text.chars().count();
    for span in spans {
        if span.may_join(scalars, &kept) {
            kept.push(span);
        }
    }
    kept
}

fn may_be_suggested(text: &str) -> bool {
    text.len() <= MAX_SUGGESTION_LEN && is_name(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn span(start: u32, length: u32, kind: SpanKind) -> Span {
        Span {
            start,
            length,
            kind,
        }
    }

    fn text(words: &str, spans: &[Span]) -> Text {
        Text {
            spans: spans.to_vec(),
            ..words.into()
        }
    }

    #[test]
    fn a_span_counts_characters_and_not_bytes_of_any_encoding() {
        // Four characters; 11 bytes of UTF-8, five units of UTF-16.
        let words = "a⚓ö🏴";
        for kind in SpanKind::LOOKS {
            assert!(text(words, &[span(0, 4, kind)]).check().is_ok());
            assert!(text(words, &[span(3, 1, kind)]).check().is_ok());
            for outside in [span(0, 5, kind), span(4, 1, kind), span(0, 0, kind)] {
                let refused = text(words, &[outside]).check();
                assert_eq!(refused, Err(ContentError::Span));
            }
            let far = span(u32::MAX, u32::MAX, kind);
            assert_eq!(text(words, &[far]).check(), Err(ContentError::Span));
        }
    }

    #[test]
    fn what_may_not_be_sent_is_passed_over_where_it_comes_and_the_words_stay() {
        let (mention, other) = (SpanKind::Mention([1; 32]), SpanKind::Mention([2; 32]));
        let good = [
            span(0, 3, mention),
            span(0, 4, SpanKind::Bold),
            span(1, 3, SpanKind::Italic),
            span(3, 1, mention),
        ];
        let bad = [
            span(2, 2, other),
            span(3, 1, SpanKind::Bold),
            span(9, 1, SpanKind::Quote),
        ];
        assert!(text("ahoy", &good).check().is_ok());
        let mixed = [&good[..], &bad].concat();
        assert_eq!(text("ahoy", &mixed).check(), Err(ContentError::Span));
        let came = Text::from_wire(text("ahoy", &mixed).to_wire());
        assert!(came == text("ahoy", &good));
        let mut later = text("ahoy", &good).to_wire();
        later.spans.push(v2::TextSpan {
            kind: 8,
            length: 1,
            ..Default::default()
        });
        later.spans.push(v2::TextSpan {
            kind: 1,
            length: 1,
            identity: vec![1; 31],
            start: u64::MAX,
        });
        assert!(Text::from_wire(later) == came);
    }

    #[test]
    fn no_text_has_more_spans_or_suggestions_than_may_be() {
        let many: Vec<_> = (0..=MAX_TEXT_SPANS as u32)
            .map(|start| span(start, 1, SpanKind::Bold))
            .collect();
        let words = "x".repeat(many.len());
        assert!(text(&words, &many[1..]).check().is_ok());
        assert_eq!(text(&words, &many).check(), Err(ContentError::Span));
        let came = Text::from_wire(text(&words, &many).to_wire());
        assert!(came == text(&words, &many[..MAX_TEXT_SPANS]));
        let suggesting = |suggestions: &[&str]| Text {
            suggestions: suggestions.iter().copied().map(Into::into).collect(),
            .."well?".into()
        };
        let long = "x".repeat(MAX_SUGGESTION_LEN);
        assert!(suggesting(&["yes", &long]).check().is_ok());
        for wrong in ["", "a\nb", &format!("{long}x")] {
            let text = suggesting(&["yes", wrong]);
            assert_eq!(text.check(), Err(ContentError::Suggestion));
            assert!(Text::from_wire(text.to_wire()) == suggesting(&["yes"]));
        }
        let text = suggesting(&["yes"; MAX_SUGGESTIONS + 1]);
        assert_eq!(text.check(), Err(ContentError::Suggestion));
        let came = Text::from_wire(text.to_wire());
        assert!(came == suggesting(&["yes"; MAX_SUGGESTIONS]));
    }
}
