//! Our prekeys: made, rotated, handed out, erased (PQXDH §3.2, §4.7; RFC windlass §5.4).

use crate::bundle::{CODE_SECRET_LEN, Prekey, PrekeySecrets};
use crate::crypto::{DhSecret, KemSecret, Secret};
use crate::engine::base::clock::Clock;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::base::singletons::OWN_BUNDLE;
use crate::engine::base::step::Step;
use crate::limits::{
    BUNDLE_LIFETIME_SECONDS, MAX_ONE_TIME_PREKEYS, SIGNED_PREKEY_LIFETIME_SECONDS,
    SIGNED_PREKEY_RETENTION_SECONDS,
};
use crate::store::{Key, Rows, RowsMut, Sequence, Table, WHOLE_GROUP};
use crate::wire::store::{OneTimePrekeyRow, OwnBundleRow, SignedPrekeyRow};

/// Makes a new signed prekey when the current one is a week old, and erases those that were retired a month ago together with what was
/// remembered of first messages to them. One that was not retired is never erased. True if anything was changed.
pub(crate) fn rotate(step: &mut Step<'_>) -> Result<bool, EngineError> {
    let clock = Clock::read(step.rows, step.now)?;
    let now = step.now;
    let (mut current, mut changed) = (false, false);
    for mut row in signed_prekeys(step.rows)? {
        let key = row.id.to_be_bytes();
        if row.retired_at == 0 {
            if !clock.is_over(row.created_at, SIGNED_PREKEY_LIFETIME_SECONDS * 1000) {
                current = true;
            } else {
                changed = true;
                row.retired_at = now;
                put_row(step.rows, Table::SignedPrekeys, Key::new(&key), &row)?;
            }
        } else if clock.is_ahead(row.retired_at) {
            // First messages to it may be under way.
            changed = true;
            row.retired_at = now;
            put_row(step.rows, Table::SignedPrekeys, Key::new(&key), &row)?;
        } else if clock.may_erase(row.retired_at, SIGNED_PREKEY_RETENTION_SECONDS * 1000) {
            changed = true;
            step.rows.delete(Table::SignedPrekeys, Key::new(&key))?;
            step.rows
                .delete_range(Table::Handshakes, &key, WHOLE_GROUP, usize::MAX)?;
        }
    }
    if !current {
        let id = next_id(step.rows, Sequence::SignedPrekeys)?;
        invalidate_own_bundle(step.rows)?;
        let secrets = PrekeySecrets::generate(step.rng);
        let row = SignedPrekeyRow {
            id,
            secret: secrets.signed_prekey.to_bytes().as_bytes().to_vec(),
            created_at: now,
            retired_at: 0,
            kem_seed: secrets.kem_prekey.to_bytes().as_bytes().to_vec(),
            kem_commitment: secrets.kem_commitment.to_vec(),
        };
        put_row(
            step.rows,
            Table::SignedPrekeys,
            Key::new(&id.to_be_bytes()),
            &row,
        )?;
    }
    Ok(changed || !current)
}

/// The bundle that is given out, empty if there is none.
pub(crate) fn own_bundle(store: &dyn Rows) -> Result<OwnBundleRow, EngineError> {
    Ok(get_row(store, Table::Device, OWN_BUNDLE)?.unwrap_or_default())
}

pub(crate) fn save_own_bundle(
    store: &mut dyn RowsMut,
    row: &OwnBundleRow,
) -> Result<(), EngineError> {
    put_row(store, Table::Device, OWN_BUNDLE, row)
}

/// The next bundle is made anew.
pub(crate) fn invalidate_own_bundle(store: &mut dyn RowsMut) -> Result<(), EngineError> {
    let row = own_bundle(store)?;
    if row.bundle.is_empty() {
        return Ok(());
    }
    let row = OwnBundleRow {
        bundle: Vec::new(),
        ..row
    };
    save_own_bundle(store, &row)
}

/// Erases one-time prekeys that nobody used in time.
pub(crate) fn erase_old(store: &mut dyn RowsMut, now: u64) -> Result<bool, EngineError> {
    const RETENTION: u64 = (BUNDLE_LIFETIME_SECONDS + SIGNED_PREKEY_RETENTION_SECONDS) * 1000;
    let clock = Clock::read(store, now)?;
    let mut changed = false;
    for mut row in all_rows::<OneTimePrekeyRow>(store, Table::OneTimePrekeys)? {
        if clock.may_erase(row.created_at, RETENTION) {
            erase_one_time_prekey(store, row.id)?;
            changed = true;
        } else if clock.is_ahead(row.created_at) {
            row.created_at = now;
            let key = row.id.to_be_bytes();
            put_row(store, Table::OneTimePrekeys, Key::new(&key), &row)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// A one-time prekey, and the secret for whom it is given to.
pub(crate) fn new_one_time_prekey(
    step: &mut Step<'_>,
) -> Result<(Prekey, Secret<CODE_SECRET_LEN>), EngineError> {
    let id = next_id(step.rows, Sequence::OneTimePrekeys)?;
    if let Some(oldest) = id.checked_sub(MAX_ONE_TIME_PREKEYS) {
        erase_one_time_prekey(step.rows, oldest)?;
    }
    let row = OneTimePrekeyRow {
        id,
        secret: DhSecret::generate(step.rng).to_bytes().as_bytes().to_vec(),
        created_at: step.now,
        code_secret: Secret::<CODE_SECRET_LEN>::random(step.rng)
            .as_bytes()
            .to_vec(),
    };
    put_row(
        step.rows,
        Table::OneTimePrekeys,
        Key::new(&id.to_be_bytes()),
        &row,
    )?;
    let prekey = one_time_of(&row.secret, &row.code_secret, Table::OneTimePrekeys)?;
    let key = prekey.key.public();
    Ok((Prekey { id, key }, prekey.code_secret))
}

/// The private halves of a row.
pub(crate) fn secrets_of(row: &SignedPrekeyRow) -> Result<PrekeySecrets, EngineError> {
    let damaged = || damaged(Table::SignedPrekeys);
    let seed = Secret::try_from_slice(&row.kem_seed).ok_or_else(damaged)?;
    let commitment = row.kem_commitment.as_slice().try_into();
    Ok(PrekeySecrets {
        signed_prekey: secret(&row.secret, Table::SignedPrekeys)?,
        kem_prekey: KemSecret::from_bytes(seed),
        kem_commitment: commitment.map_err(|_| damaged())?,
    })
}

/// The private half of a one-time prekey, and the secret that was given with it.
pub(crate) struct OneTimeSecrets {
    pub(crate) key: DhSecret,
    pub(crate) code_secret: Secret<CODE_SECRET_LEN>,
}

/// From the bytes of a row.
pub(super) fn one_time_of(
    key: &[u8],
    code_secret: &[u8],
    table: Table,
) -> Result<OneTimeSecrets, EngineError> {
    let code_secret = Secret::try_from_slice(code_secret);
    Ok(OneTimeSecrets {
        key: secret(key, table)?,
        code_secret: code_secret.ok_or_else(|| damaged(table))?,
    })
}

/// The private halves of a signed prekey and of the ML-KEM prekey that goes with it, as long as they are kept.
pub(crate) fn signed_prekey(
    store: &dyn Rows,
    id: u32,
) -> Result<Option<PrekeySecrets>, EngineError> {
    let row: Option<SignedPrekeyRow> =
        get_row(store, Table::SignedPrekeys, Key::new(&id.to_be_bytes()))?;
    row.as_ref().map(secrets_of).transpose()
}

/// The private half of a one-time prekey, until its first use.
pub(crate) fn one_time_prekey(
    store: &dyn Rows,
    id: u32,
) -> Result<Option<OneTimeSecrets>, EngineError> {
    let row: Option<OneTimePrekeyRow> =
        get_row(store, Table::OneTimePrekeys, Key::new(&id.to_be_bytes()))?;
    row.map(|row| one_time_of(&row.secret, &row.code_secret, Table::OneTimePrekeys))
        .transpose()
}

/// When the one-time prekey of this number was made, if nobody used it.
pub(crate) fn one_time_prekey_made_at(
    store: &dyn Rows,
    id: u32,
) -> Result<Option<u64>, EngineError> {
    let row: Option<OneTimePrekeyRow> =
        get_row(store, Table::OneTimePrekeys, Key::new(&id.to_be_bytes()))?;
    Ok(row.map(|row| row.created_at))
}

/// Whether there was a one-time prekey of this number. An older copy of this store may have forgotten that.
pub(crate) fn was_handed_out(store: &dyn Rows, id: u32) -> Result<bool, EngineError> {
    Ok(u64::from(id) <= store.last_id(Sequence::OneTimePrekeys)?)
}

/// Erases a one-time prekey: in the transaction that stores the session it made, never before.
pub(crate) fn erase_one_time_prekey(store: &mut dyn RowsMut, id: u32) -> Result<(), EngineError> {
    store.delete(Table::OneTimePrekeys, Key::new(&id.to_be_bytes()))?;
    Ok(())
}

pub(crate) fn signed_prekeys(store: &dyn Rows) -> Result<Vec<SignedPrekeyRow>, EngineError> {
    all_rows(store, Table::SignedPrekeys)
}

pub(crate) fn secret(bytes: &[u8], table: Table) -> Result<DhSecret, EngineError> {
    Secret::try_from_slice(bytes)
        .map(|secret| DhSecret::from_bytes(&secret))
        .ok_or_else(|| damaged(table))
}

/// Ids are never used again, so they end one day: after four billion prekeys.
fn next_id(store: &mut dyn RowsMut, sequence: Sequence) -> Result<u32, EngineError> {
    u32::try_from(store.next_id(sequence)?).map_err(|_| damaged(Table::SignedPrekeys))
}
