//! The healing key that goes with the first words to somebody (RFC windlass §8.4.10): the same as long as nobody of an identity has answered, however
//! long these are on their way, or whoever lost them could not prove a day before they came. Until then whoever has this store has them all, to be sent
//! again, and nothing came here that the key could bring.

use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::contacts::{self, Contact};
use crate::engine::records::healing_root::{self, day};
use crate::engine::records::pair_rows::{key_row, row, row_or_new, save};
use crate::identity::PublicIdentity;
use crate::limits::HEALING_KEY_DAYS;
use crate::session::Session;
use crate::store::RowsMut;
use crate::wire::store::HealingKeyRow;

/// The key to give in a session, if it is not that of today.
pub(crate) fn to_give(
    step: &mut Step<'_>,
    session: &Session,
) -> Result<Option<HealingKeyRow>, EngineError> {
    let (peer, today) = (session.peer(), day(step.now));
    if !session.is_pending() || peer.identity == step.device.public() {
        return Ok(None);
    }
    let mut row = row_or_new(step.rows, &peer)?;
    let known = today.saturating_sub(HEALING_KEY_DAYS)..=today;
    if let Some(first) = row.first.take_if(|first| known.contains(&first.day)) {
        return Ok(Some(first));
    }
    let contact = contacts::find(step.rows, &peer.identity)?;
    if contact.map_or(Ok(true), |contact| contact.has_answered(step.rows))? {
        return Ok(None);
    }
    let root = healing_root::current(step)?;
    row.first = root
        .at(today)
        .map(|root| key_row(today, &root.key_for(&peer)));
    save(step.rows, &peer, &row)?;
    Ok(row.first)
}

/// Somebody has answered: what comes from now on is proved by the keys of its days.
pub(crate) fn answered(
    store: &mut dyn RowsMut,
    identity: &PublicIdentity,
) -> Result<(), EngineError> {
    let contact = contacts::find(store, identity)?;
    for peer in contact.iter().flat_map(Contact::parties) {
        match row(store, &peer)? {
            Some(mut row) if row.first.is_some() => {
                row.first = None;
                save(store, &peer, &row)?;
            }
            _ => {}
        }
    }
    Ok(())
}
