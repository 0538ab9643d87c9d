//! What the user decided for the whole client.

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{get_row, put_row};
use crate::engine::base::singletons::SETTINGS;
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::SettingsRow;

/// To whom anything is sent. An address is the identity key itself, so nobody can change the key behind one; what the policies
/// differ in is whom they answer, and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum TrustPolicy {
    /// Somebody who wrote first waits until `accept_contact`, or until something is written to them. Until then their messages are
    /// kept within narrow bounds, and no receipt tells them that anybody is there. The default.
    FirstUse = 0,
    /// As first use, and nothing is sent to a contact whose safety number was not compared: `ContactNotVerified`.
    VerifiedOnly = 1,
    /// Everybody who writes is answered at once. Who was never written to is bounded as strangers are, but makes room for the next one. For a
    /// public bot.
    AcceptAll = 2,
}

impl TrustPolicy {
    /// For the store.
    pub(crate) fn number(self) -> u32 {
        self as u32
    }

    /// A number that no policy has is of a later version: the default is the safe one.
    pub(crate) fn of_number(number: u32) -> Self {
        let all = [Self::VerifiedOnly, Self::AcceptAll];
        let found = all.into_iter().find(|policy| policy.number() == number);
        found.unwrap_or(Self::FirstUse)
    }
}

pub(crate) fn row(store: &dyn Rows) -> Result<SettingsRow, EngineError> {
    Ok(get_row(store, Table::Device, SETTINGS)?.unwrap_or_default())
}

pub(crate) fn save(store: &mut dyn RowsMut, row: &SettingsRow) -> Result<(), EngineError> {
    put_row(store, Table::Device, SETTINGS, row)
}
