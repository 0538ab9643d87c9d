//! Text as people compare it (RFC windlass §4.4): one function for searches, commands, numbers and digits, so that what looks the same is the same
//! everywhere.

mod command;
mod emoji;
mod fold;
mod name;
mod number;
mod search;

pub use command::{TypedCommand, read_command};
pub use emoji::emoji;
pub use fold::{fold, plain, visible};
pub use name::{is_description, is_name};
pub use number::{digits, number};
pub use search::Sought;
