//! Why what is to be sent is refused, and the checks that bodies share.

use crate::limits::MAX_MEDIA_TYPE_LEN;

/// Why a body is refused before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Longer than `limits` allows.
    #[error("{what} of {got} bytes, at most {max} are allowed; send larger things as attachments")]
    TooLarge {
        /// The part.
        what: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// Not a media type.
    #[error("a media type looks like image/png")]
    MediaType,
    /// A reaction that is no emoji, or more than one.
    #[error("a reaction is one emoji")]
    Reaction,
    /// A part of a text that is outside of it, empty, or over another of its kind.
    #[error(
        "a span lies within its text, has at least one character, and is not over another of its kind; at most 256 of them"
    )]
    Span,
    /// Answers that cannot be suggested.
    #[error("at most 8 answers are suggested, each one line of 1 to 128 bytes")]
    Suggestion,
    /// A preview of what readers do not see, or one that breaks out of where it is shown.
    #[error(
        "a preview is of an http or https address that stands in the text by itself; its title is one line, its picture PNG, JPEG or WebP"
    )]
    Preview,
    /// A time that messages cannot be given.
    #[error("messages disappear after five seconds to ten years; 0 keeps them")]
    Time,
    /// A link to a group that may not be, or one request by a link too many.
    #[error(
        "a link to a group is for 1 to 64 people and at most 14 days; 64 links may be of use at once, and 64 be followed that were not answered"
    )]
    GroupLink,
    /// A name that is none, a list without anything in it.
    #[error("{0} is empty or not allowed")]
    Invalid(&'static str),
}

pub(super) fn fits(what: &'static str, got: usize, max: usize) -> Result<(), ContentError> {
    if got > max {
        return Err(ContentError::TooLarge { what, got, max });
    }
    Ok(())
}

pub(super) fn check_media_type(media_type: &str) -> Result<(), ContentError> {
    let parts: Vec<_> = media_type.split('/').collect();
    let plausible = parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && media_type.len() <= MAX_MEDIA_TYPE_LEN
        && media_type
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plausible {
        Ok(())
    } else {
        Err(ContentError::MediaType)
    }
}
