//! Private one-time prekeys: what two devices give each other, so that the sessions which they begin with each other need no bundle that
//! nobody else has (RFC windlass §7.6.7). They are columns of the rows of `pair_rows.rs`.

use crate::bundle::Prekey;
use crate::crypto::{CryptoRng, DhPublic, DhSecret, Secret};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::records::pair_rows::{row, save};
use crate::limits::PRIVATE_ONE_TIME_PREKEYS;
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{GivenPrekeyRow, PairRow, TakenPrekeyRow};
use crate::wire::v1::{self, Pair};
use crate::x3dh::Party;

/// Ids of private one-time prekeys begin here; those of bundles count up from 1 and never come so far.
const PRIVATE_IDS: u32 = 1 << 31;

/// Ids of used prekeys that are remembered, so that one that is given again is not used again.
const MAX_USED: usize = 4 * PRIVATE_ONE_TIME_PREKEYS;

/// The private one-time prekeys that a device was given and has not used, with new ones for those that it has.
pub(super) fn given(
    step: &mut Step<'_>,
    peer: &Party,
    row: &mut PairRow,
) -> Result<Vec<v1::Prekey>, EngineError> {
    let before = row.given.len();
    while row.given.len() < PRIVATE_ONE_TIME_PREKEYS {
        let secret = DhSecret::generate(step.rng);
        row.given.push(GivenPrekeyRow {
            id: random_id(step.rng),
            secret: secret.to_bytes().as_bytes().to_vec(),
            key: secret.public().as_bytes().to_vec(),
        });
    }
    if row.given.len() != before {
        save(step.rows, peer, row)?;
    }
    let public = |given: &GivenPrekeyRow| v1::Prekey {
        id: given.id,
        key: given.key.clone(),
    };
    Ok(row.given.iter().map(public).collect())
}

/// A number that is not used again, also not by a copy of this store that is put back.
fn random_id(rng: &mut dyn CryptoRng) -> u32 {
    rng.next_u32() | PRIVATE_IDS
}

/// Keeps the private one-time prekeys that came, in place of those before.
pub(super) fn take(row: &mut PairRow, pair: &Pair) {
    if pair.one_time_prekeys.is_empty() {
        return;
    }
    let valid = |prekey: &&v1::Prekey| {
        prekey.id >= PRIVATE_IDS
            && DhPublic::from_bytes(&prekey.key).is_ok()
            && !row.used.contains(&prekey.id)
    };
    let taken = pair.one_time_prekeys.iter().filter(valid);
    let taken = taken.take(PRIVATE_ONE_TIME_PREKEYS + 1);
    let taken = taken.map(|prekey| TakenPrekeyRow {
        id: prekey.id,
        key: prekey.key.clone(),
    });
    row.taken = taken.collect();
}

/// A private one-time prekey of another device, to begin a session with; it is not given out a second time.
pub(crate) fn use_one(
    store: &mut dyn RowsMut,
    peer: &Party,
) -> Result<Option<Prekey>, EngineError> {
    let Some(mut row) = row(store, peer)?.filter(|row| !row.taken.is_empty()) else {
        return Ok(None);
    };
    let taken = row.taken.remove(0);
    row.used.push(taken.id);
    let old = row.used.len().saturating_sub(MAX_USED);
    row.used.drain(..old);
    save(store, peer, &row)?;
    let key = DhPublic::from_bytes(&taken.key).map_err(|_| damaged(Table::Pairs))?;
    Ok(Some(Prekey { id: taken.id, key }))
}

/// Whether a number is that of a private one-time prekey.
pub(crate) fn is_private(id: u32) -> bool {
    id >= PRIVATE_IDS
}

/// The private half of a one-time prekey that another device was given.
pub(crate) fn secret(
    store: &dyn Rows,
    peer: &Party,
    id: u32,
) -> Result<Option<DhSecret>, EngineError> {
    let row = row(store, peer)?.unwrap_or_default();
    let given = row.given.iter().find(|given| given.id == id);
    let secret = given.map(|given| Secret::try_from_slice(&given.secret));
    let secret = secret.map(|secret| secret.ok_or_else(|| damaged(Table::Pairs)));
    Ok(secret
        .transpose()?
        .map(|secret| DhSecret::from_bytes(&secret)))
}

/// A private one-time prekey was used: in the transaction that stores the session it made.
pub(crate) fn erase_given(
    store: &mut dyn RowsMut,
    peer: &Party,
    id: u32,
) -> Result<(), EngineError> {
    let Some(mut row) = row(store, peer)? else {
        return Ok(());
    };
    row.given.retain(|given| given.id != id);
    save(store, peer, &row)
}
