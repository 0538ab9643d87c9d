//! Small documents that a program keeps: of a conversation, of a person, or of its own. What one says is the program's; it goes with the
//! conversation or the person that it is about.

use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, decode, get_row, put_row};
use crate::engine::base::singletons::STATES;
use crate::identity::PublicIdentity;
use crate::limits::{MAX_STATE_BYTES, MAX_STATE_NAME_LEN, MAX_STATES_BYTES};
use crate::store::{Direction, Key, Rows, RowsMut, Table, WHOLE_GROUP};
use crate::wire::store::{StateRow, StatesRow};

const TABLE: Table = Table::States;

/// What a row costs beside what it says: keys, names, its place.
const ROW_BYTES: usize = 128;

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A conversation, with which it is erased: the key of the other side, or the group, as its row has them.
    Conversation {
        /// Empty for a group.
        peer: Vec<u8>,
        /// Empty for two people.
        group: Vec<u8>,
    },
    /// A contact, with whom it is erased.
    Person(PublicIdentity),
    /// The program: one of the lists that it keeps.
    Program(String),
}

impl Owner {
    /// A conversation, as its id says its columns.
    pub(crate) fn conversation((peer, group): (Vec<u8>, Vec<u8>)) -> Self {
        Self::Conversation { peer, group }
    }

    /// The group of its rows. One of the two parts of a conversation is empty.
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Conversation { peer, group } if group.is_empty() => {
                [&[1], peer.as_slice()].concat()
            }
            Self::Conversation { group, .. } => [&[4], group.as_slice()].concat(),
            Self::Person(person) => [[2].as_slice(), &person.to_bytes()].concat(),
            Self::Program(area) => [&[3], area.as_bytes()].concat(),
        }
    }

    fn of_row(row: &StateRow) -> Option<Self> {
        if !row.person_identity_key.is_empty() {
            return PublicIdentity::from_stored(&row.person_identity_key).map(Self::Person);
        }
        if row.peer_identity_key.is_empty() && row.group_id.is_empty() {
            return Some(Self::Program(row.area.clone()));
        }
        let (peer, group) = (row.peer_identity_key.clone(), row.group_id.clone());
        (peer.is_empty() || group.is_empty()).then_some(Self::Conversation { peer, group })
    }

    /// A row of it that says nothing yet.
    fn row(&self, name: &str) -> StateRow {
        let mut row = StateRow {
            name: name.to_owned(),
            ..StateRow::default()
        };
        match self {
            Self::Conversation { peer, group } => {
                row.peer_identity_key.clone_from(peer);
                row.group_id.clone_from(group);
            }
            Self::Person(person) => row.person_identity_key = person.to_bytes().to_vec(),
            Self::Program(area) => row.area.clone_from(area),
        }
        row
    }
}

/// A document; nothing if there is none of this name.
pub(crate) fn find(
    store: &dyn Rows,
    owner: &Owner,
    name: &str,
) -> Result<Option<Vec<u8>>, EngineError> {
    let key = owner.key();
    let found: Option<StateRow> = get_row(store, TABLE, Key::named(&key, &[], name.as_bytes()))?;
    Ok(found.map(|row| row.document))
}

/// All documents of an owner, with their names, in no order.
pub(crate) fn all(store: &dyn Rows, owner: &Owner) -> Result<Vec<(String, Vec<u8>)>, EngineError> {
    let rows = rows_of(store, owner)?.into_iter();
    Ok(rows.map(|row| (row.name, row.document)).collect())
}

fn rows_of(store: &dyn Rows, owner: &Owner) -> Result<Vec<StateRow>, EngineError> {
    let key = owner.key();
    let rows = store.range(TABLE, &key, WHOLE_GROUP, Direction::Forward, usize::MAX)?;
    let rows = rows.iter();
    rows.map(|(_, bytes)| decode(TABLE, bytes)).collect()
}

/// Writes a document in the place of what it was, or takes it away. Refused if it is not that any more: somebody else wrote it meanwhile.
pub(crate) fn change(
    store: &mut dyn RowsMut,
    owner: &Owner,
    name: &str,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> Result<(), EngineError> {
    let now = find(store, owner, name)?;
    if now.as_deref() != before {
        return Err(EngineError::StateChanged);
    }
    let key = owner.key();
    let key = Key::named(&key, &[], name.as_bytes());
    if let Some(document) = after {
        let names = match owner {
            Owner::Program(area) => [name, area],
            _ => [name, ""],
        };
        let fits = names.iter().all(|name| name.len() <= MAX_STATE_NAME_LEN);
        if !fits || document.len() > MAX_STATE_BYTES {
            return Err(EngineError::StateFull);
        }
    }
    let goes = now.map(|now| size(name, &now));
    count(store, goes, after.map(|document| size(name, document)))?;
    let Some(document) = after else {
        store.delete(TABLE, key)?;
        return Ok(());
    };
    let row = StateRow {
        document: document.to_vec(),
        ..owner.row(name)
    };
    put_row(store, TABLE, key, &row)
}

fn size(name: &str, document: &[u8]) -> u64 {
    (ROW_BYTES + name.len() + document.len()) as u64
}

/// One row goes and another comes; refused where there would be too much.
fn count(
    store: &mut dyn RowsMut,
    goes: Option<u64>,
    comes: Option<u64>,
) -> Result<(), EngineError> {
    let mut row: StatesRow = get_row(store, Table::Device, STATES)?.unwrap_or_default();
    let left = row.bytes.saturating_sub(goes.unwrap_or(0));
    row.bytes = left.saturating_add(comes.unwrap_or(0));
    if row.bytes > MAX_STATES_BYTES && comes > goes {
        return Err(EngineError::StateFull);
    }
    put_row(store, Table::Device, STATES, &row)
}

/// The conversation or the person is erased, and with it what the program kept of it.
pub(super) fn erase_of(store: &mut dyn RowsMut, owner: &Owner) -> Result<(), EngineError> {
    let rows = rows_of(store, owner)?;
    if rows.is_empty() {
        return Ok(());
    }
    let all: u64 = rows.iter().map(|row| size(&row.name, &row.document)).sum();
    count(store, Some(all), None)?;
    store.delete_range(TABLE, &owner.key(), WHOLE_GROUP, usize::MAX)?;
    Ok(())
}

/// Puts a document of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &StateRow) -> Result<(), EngineError> {
    let owner = Owner::of_row(row).ok_or_else(|| damaged(TABLE))?;
    let before = find(store, &owner, &row.name)?;
    let after = Some(row.document.as_slice());
    change(store, &owner, &row.name, before.as_deref(), after)
}
