//! `MessageOrigin` (RFC windlass §9.1.7).

/// Who wrote a message, as the author's program says. Programs that answer each other by themselves would never end; so what one answered by
/// itself says so, and another does not answer that by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum MessageOrigin {
    /// A person, or a program that does not say that it is one.
    #[default]
    Person = 0,
    /// A program, without having been asked.
    Bot = 1,
    /// A program that answers by itself.
    BotAnswer = 2,
}

impl MessageOrigin {
    /// A number of a later version is of a program too; what keeps quiet is right in any case.
    pub(crate) fn of_number(number: u64) -> Self {
        match number {
            0 => Self::Person,
            1 => Self::Bot,
            _ => Self::BotAnswer,
        }
    }
}
