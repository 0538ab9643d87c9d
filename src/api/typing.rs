//! What people type, as bots and interfaces read it: in any case, form and script.

use crate::text;

/// A command that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct TypedCommand {
    /// Its name, as `fold_text` has it.
    pub name: String,
    /// The words behind it as they were typed; quotation marks of any kind kept several together.
    pub words: Vec<String>,
}

/// The text by which two texts are compared: a search, a command, a choice. Cases, compatibility forms and the ways to compose a character are
/// one, what nobody sees is left out, digits are ASCII.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn fold_text(text: &str) -> String {
    text::fold(text)
}

/// A text as a command: a prefix, a name, words, however a telephone wrote them. Nothing if it begins with something else.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn read_command(text: &str, prefix: &str) -> Option<TypedCommand> {
    text::read_command(text, prefix).map(|typed| TypedCommand {
        name: typed.name,
        words: typed.words,
    })
}

/// A typed number as programming languages read it, from the digits, the minus and the decimal sign of any language. Nothing if it is none, or
/// may be one of two, as `1,000`.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn read_number(text: &str) -> Option<String> {
    text::number(text)
}

/// An emoji in its one form, in which reactions are told; nothing if the text is not one emoji and nothing else.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn read_emoji(text: &str) -> Option<String> {
    text::emoji(text)
}
