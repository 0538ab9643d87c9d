//! Small documents that a program keeps, and the one transaction in which they change with what is said and what was handled.

use std::time::SystemTime;

use super::Client;
use super::handling::count_as_handled;
use crate::api::clock::time;
use crate::api::{Bytes, OutgoingMessage, Result, Sent, WindlassError};
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::states::{self, Owner};
use crate::identity::PublicIdentity;

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
pub enum StateOwner {
    /// A conversation; the document is erased with it.
    Conversation {
        /// Address of the person or of the group.
        address: String,
    },
    /// A person; the document is erased with the contact.
    Person {
        /// Their address.
        address: String,
    },
    /// The program itself; the document stays until the program takes it away.
    Program {
        /// Which of the program's lists.
        area: String,
    },
}

/// A document with its name.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct StateDocument {
    /// What tells it from others of its owner.
    pub name: String,
    /// What it says.
    pub document: Bytes,
}

impl core::fmt::Debug for StateDocument {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("StateDocument")
            .finish_non_exhaustive()
    }
}

/// A document that changes.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct StateChange {
    /// What it is about.
    pub owner: StateOwner,
    /// Its name.
    pub name: String,
    /// What it said when it was read; nothing if there was none. If it says something else by now, all is refused: `StateChanged`.
    pub before: Option<Bytes>,
    /// What it says from now on; nothing takes it away.
    pub after: Option<Bytes>,
}

impl core::fmt::Debug for StateChange {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("StateChange")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// A document of the program's; nothing if there is none of this name. At most 16 KiB.
    pub fn state(&self, owner: StateOwner, name: String) -> Result<Option<Bytes>> {
        let owner = Owner::try_from(owner)?;
        let found = self.read(|rows| Ok(states::find(rows, &owner, &name)?))?;
        Ok(found.map(Bytes::from))
    }

    /// All documents of an owner, in no order.
    pub fn states(&self, owner: StateOwner) -> Result<Vec<StateDocument>> {
        let owner = Owner::try_from(owner)?;
        let found = self.read(|rows| Ok(states::all(rows, &owner)?))?;
        let found = found.into_iter().map(|(name, document)| StateDocument {
            name,
            document: document.into(),
        });
        Ok(found.collect())
    }

    /// Everything that comes of one event, in one transaction: that a waiting message was handled, what is said, and what is to be remembered. Either
    /// all of it becomes durable, or nothing. `UnknownMessage` if the message was handled before; `StateChanged` if a document was changed since it
    /// was read; `StateFull` if one has more than 16 KiB, or all together more than 64 MiB.
    pub fn commit(
        &self,
        handled: Option<u64>,
        messages: Vec<OutgoingMessage>,
        changes: Vec<StateChange>,
    ) -> Result<Vec<Sent>> {
        let owners = changes.iter().map(|change| change.owner.clone().try_into());
        let owners: Vec<Owner> = owners.collect::<Result<_>>()?;
        let says: Vec<_> = messages.iter().map(|one| (one, one.is_answer)).collect();
        self.write(|step| {
            if let Some(number) = handled {
                count_as_handled(step, number)?;
            }
            for (change, owner) in changes.iter().zip(&owners) {
                let (before, after) = (change.before.as_deref(), change.after.as_deref());
                states::change(step.rows, owner, &change.name, before, after)?;
            }
            self.send_all(step, &says)
        })
    }

    /// The time by the clock that the client goes by: the machine's, or in tests the simulation's.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        time(self.store.0.now())
    }
}

impl TryFrom<StateOwner> for Owner {
    type Error = WindlassError;

    fn try_from(owner: StateOwner) -> Result<Self> {
        Ok(match owner {
            StateOwner::Conversation { address } => {
                Self::conversation(ConversationId::from_address(&address)?.columns())
            }
            StateOwner::Person { address } => Self::Person(PublicIdentity::from_address(&address)?),
            StateOwner::Program { area } => Self::Program(area),
        })
    }
}
