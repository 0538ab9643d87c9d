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
use crate::session::{HealingKey, Session};
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

/// Somebody has answered: what comes from now on is proved by the keys of its days. Whoever goes back today, and is answered before they ask, still
/// proves the day of their first words: the key is kept as long as the root of today, by being masked with it, and is erased with it.
pub(crate) fn answered(step: &mut Step<'_>, identity: &PublicIdentity) -> Result<(), EngineError> {
    let contact = contacts::find(step.rows, identity)?;
    for peer in contact.iter().flat_map(Contact::parties) {
        let Some(mut row) = row(step.rows, &peer)? else {
            continue;
        };
        let Some(first) = row.first.take() else {
            continue;
        };
        let (root, today) = (healing_root::current(step)?, day(step.now));
        let key = HealingKey::from_bytes(&first.key);
        if let (Some(root), Some(key)) = (root.at(today), key) {
            row.held = Some(key_row(first.day, &root.mask(&peer, first.day, &key)));
            row.held_day = today;
        }
        save(step.rows, &peer, &row)?;
    }
    Ok(())
}
