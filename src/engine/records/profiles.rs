//! What people say of themselves: the user, and each contact (RFC windlass §9.8).

use crate::chat::{Picture, Profile};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{damaged, get_row, put_row};
use crate::engine::base::singletons::PROFILE_ROUND;
use crate::identity::PublicIdentity;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{ProfileRoundRow, ProfileRow};

const TABLE: Table = Table::Profiles;

/// What somebody says of themselves; nothing if that is not known.
pub(crate) fn of(store: &dyn Rows, who: &PublicIdentity) -> Result<Option<Profile>, EngineError> {
    let row: Option<ProfileRow> = get_row(store, TABLE, Key::new(&who.to_bytes()))?;
    let read = |row: ProfileRow| {
        Ok(Profile {
            name: row.name,
            about: row.about,
            picture: Picture::from_bytes(row.picture).map_err(|_| damaged(TABLE))?,
            changed_at: row.changed_at,
        })
    };
    row.map(read).transpose()
}

pub(crate) fn save(
    store: &mut dyn RowsMut,
    who: &PublicIdentity,
    profile: &Profile,
) -> Result<(), EngineError> {
    let row = ProfileRow {
        identity_key: who.to_bytes().to_vec(),
        name: profile.name.clone(),
        about: profile.about.clone(),
        picture: profile.picture.as_bytes().to_vec(),
        changed_at: profile.changed_at,
    };
    restore(store, &row)
}

/// Takes in what somebody says of themselves, unless what is here is newer. True if they say something else now.
pub(crate) fn merge(
    store: &mut dyn RowsMut,
    who: &PublicIdentity,
    told: &Profile,
    now: u64,
) -> Result<bool, EngineError> {
    let known = of(store, who)?.unwrap_or_default();
    // Two devices may have set it in one millisecond.
    let same_date = told.changed_at == known.changed_at && told.says() > known.says();
    if !same_date && !due::takes_place(told.changed_at, known.changed_at, now) {
        return Ok(false);
    }
    save(store, who, told)?;
    Ok(told.says() != known.says())
}

/// Nothing is known of somebody any more.
pub(crate) fn erase(store: &mut dyn RowsMut, who: &PublicIdentity) -> Result<(), EngineError> {
    store.delete(TABLE, Key::new(&who.to_bytes()))?;
    Ok(())
}

/// Puts a row of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &ProfileRow) -> Result<(), EngineError> {
    put_row(store, TABLE, Key::new(&row.identity_key), row)
}

/// How far contacts were told of the user's profile.
pub(crate) fn round(store: &dyn Rows) -> Result<ProfileRoundRow, EngineError> {
    Ok(get_row(store, Table::Device, PROFILE_ROUND)?.unwrap_or_default())
}

pub(crate) fn save_round(
    store: &mut dyn RowsMut,
    row: &ProfileRoundRow,
) -> Result<(), EngineError> {
    put_row(store, Table::Device, PROFILE_ROUND, row)
}
