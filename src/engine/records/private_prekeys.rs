//! Private one-time prekeys: what two devices give each other, so that the sessions which they begin with each other need no bundle that
//! nobody else has (RFC windlass §7.6.7). They are columns of the rows of `pair_rows.rs`.

use crate::bundle::{CODE_SECRET_LEN, Prekey};
use crate::crypto::{CryptoRng, DhPublic, DhSecret, Secret};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::records::pair_rows::{row, save};
use crate::engine::records::prekeys::{OneTimeSecrets, one_time_of};
use crate::limits::PRIVATE_ONE_TIME_PREKEYS;
use crate::session::{PostQuantum, Session};
use crate::store::{Rows, RowsMut, Table};
use crate::wire::store::{GivenPrekeyRow, PairRow, TakenPrekeyRow};
use crate::wire::v2::{self, Pair};
use crate::x3dh::Party;

/// Ids of private one-time prekeys begin here; those of bundles count up from 1 and never come so far.
const PRIVATE_IDS: u32 = 1 << 31;

/// Ids of used prekeys that are remembered, so that one that is given again is not used again.
const MAX_USED: usize = 4 * PRIVATE_ONE_TIME_PREKEYS;

/// The private one-time prekeys that a device was given and has not used, with new ones for those that it has. Their secrets go only where
/// nobody reads them who breaks X25519 later.
pub(super) fn given(
    step: &mut Step<'_>,
    session: &Session,
    row: &mut PairRow,
) -> Result<Vec<v2::PrivatePrekey>, EngineError> {
    let peer = &session.peer();
    let is_safe = session.post_quantum() != PostQuantum::None;
    let before = row.given.len();
    while row.given.len() < PRIVATE_ONE_TIME_PREKEYS {
        let secret = DhSecret::generate(step.rng);
        row.given.push(GivenPrekeyRow {
            id: random_id(step.rng),
            secret: secret.to_bytes().as_bytes().to_vec(),
            key: secret.public().as_bytes().to_vec(),
            code_secret: Secret::<CODE_SECRET_LEN>::random(step.rng)
                .as_bytes()
                .to_vec(),
        });
    }
    if row.given.len() != before {
        save(step.rows, peer, row)?;
    }
    let public = |given: &GivenPrekeyRow| v2::PrivatePrekey {
        id: given.id,
        key: given.key.clone(),
        secret: match is_safe {
            true => given.code_secret.clone(),
            false => Vec::new(),
        },
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
    let valid = |prekey: &&v2::PrivatePrekey| {
        prekey.id >= PRIVATE_IDS
            && DhPublic::from_bytes(&prekey.key).is_ok()
            && matches!(prekey.secret.len(), 0 | CODE_SECRET_LEN)
            && !row.used.contains(&prekey.id)
    };
    let taken = pair.one_time_prekeys.iter().filter(valid);
    let taken = taken.take(PRIVATE_ONE_TIME_PREKEYS + 1);
    let taken = taken.map(|prekey| TakenPrekeyRow {
        id: prekey.id,
        key: prekey.key.clone(),
        secret: prekey.secret.clone(),
    });
    row.taken = taken.collect();
}

/// A private one-time prekey of another device, to begin a session with, and what came with it; it is not given out a second time.
pub(crate) fn use_one(
    store: &mut dyn RowsMut,
    peer: &Party,
) -> Result<Option<(Prekey, Option<Secret<CODE_SECRET_LEN>>)>, EngineError> {
    let Some(mut row) = row(store, peer)?.filter(|row| !row.taken.is_empty()) else {
        return Ok(None);
    };
    let taken = row.taken.remove(0);
    row.used.push(taken.id);
    let old = row.used.len().saturating_sub(MAX_USED);
    row.used.drain(..old);
    save(store, peer, &row)?;
    let key = DhPublic::from_bytes(&taken.key).map_err(|_| damaged(Table::Pairs))?;
    let secret = Secret::try_from_slice(&taken.secret);
    Ok(Some((Prekey { id: taken.id, key }, secret)))
}

/// Whether the one that is used next came with a secret.
pub(crate) fn next_has_secret(store: &dyn Rows, peer: &Party) -> Result<bool, EngineError> {
    let row = row(store, peer)?.unwrap_or_default();
    let next = row.taken.first();
    Ok(next.is_some_and(|taken| !taken.secret.is_empty()))
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
) -> Result<Option<OneTimeSecrets>, EngineError> {
    let row = row(store, peer)?.unwrap_or_default();
    let given = row.given.iter().find(|given| given.id == id);
    given
        .map(|given| one_time_of(&given.secret, &given.code_secret, Table::Pairs))
        .transpose()
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
