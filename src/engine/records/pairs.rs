//! What this device and another gave each other beside contents: healing keys, by which either proves which state of it this is (RFC
//! windlass §8.4.10), and private one-time prekeys (RFC windlass §7.6.7). A row for each other device.

use std::{array, mem};

use crate::crypto::{DhPublic, Secret};
use crate::engine::base::due;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::healing_root::{self, DAY, day};
use crate::engine::records::pair_rows::{key_row, row, row_or_new, save};
use crate::engine::records::private_prekeys;
use crate::limits::{HEALING_KEY_DAYS, MAX_SESSIONS_PER_DEVICE, RESEND_RETENTION_SECONDS};
use crate::session::{HEALING_MAC_LEN, HealingKey, HealingRoot, Proved, Session};
use crate::store::{Rows, RowsMut};
use crate::wire::store::{HealingKeyRow, PairRow};
use crate::wire::v2::Pair;
use crate::x3dh::{Party, SessionId};

/// Healing keys of one day that are kept: the device's own, and one of whoever took its name.
const KEYS_OF_A_DAY: usize = 2;

/// What a request for healing proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proven {
    /// From which time on the sender lost what came.
    pub(crate) since: u64,
    /// What they wrote themselves in sessions in which the key came that proves it, before these were known to be theirs, from the beginning of the
    /// proven day on: nobody else can have written there.
    pub(crate) first_words: FirstWords,
}

/// The first words of the sessions in which a key came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstWords {
    /// Zeros where there is none.
    pub(crate) sessions: [SessionId; MAX_SESSIONS_PER_DEVICE],
    /// From when on they count.
    pub(crate) since: u64,
}

/// As whom the sender of a message is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Since when the other end of the session is known to be that device.
    pub(crate) known_since: u64,
    /// What it proved to have lost; nothing if it proved nothing.
    pub(crate) proven: Option<Proven>,
    /// Whether this is the first thing that came in a session which was begun here.
    pub(crate) established: bool,
}

/// A device is sent our bundle anew: what it goes by is out of date.
pub(crate) fn send_bundle_anew(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    match row(store, peer)? {
        Some(mut row) if row.acknowledged_bundle_at != 0 => {
            row.acknowledged_bundle_at = 0;
            save(store, peer, &row)
        }
        _ => Ok(()),
    }
}

/// What goes with a content, and when our bundle was issued that the device has.
pub(crate) struct Note {
    pub(crate) pair: Option<Pair>,
    pub(crate) has_bundle_of: u64,
}

/// What goes with a content in a session; `proves` if it is a request for healing. Instead of the key of today, the `first` one.
pub(crate) fn note(
    step: &mut Step<'_>,
    session: &Session,
    content: &[u8],
    proves: bool,
    first: Option<HealingKeyRow>,
) -> Result<Note, EngineError> {
    let (peer, today) = (session.peer(), day(step.now));
    let mut row = row_or_new(step.rows, &peer)?;
    let mut pair = Pair {
        known_day: row.acknowledge_day,
        known_bundle: row.acknowledge_bundle_at,
        healing_key: Vec::new(),
        healing_key_day: 0,
        proof_day: 0,
        proof: Vec::new(),
        one_time_prekeys: Vec::new(),
    };
    let gives = row.acknowledged_day != today;
    if gives || proves {
        let root = healing_root::current(step)?;
        if let Some(root) = root.at(today).filter(|_| gives) {
            let mut key = first.unwrap_or_else(|| key_row(today, &root.key_for(&peer)));
            (pair.healing_key, pair.healing_key_day) = (mem::take(&mut key.key), key.day);
            pair.one_time_prekeys = private_prekeys::given(step, session, &mut row)?;
        }
        if proves {
            prove(step, session, content, (&root, &mut row), &mut pair)?;
        }
    }
    let knows = pair.known_day != 0 || pair.known_bundle != 0;
    let says = knows || !pair.healing_key.is_empty() || !pair.proof.is_empty();
    Ok(Note {
        pair: says.then_some(pair),
        has_bundle_of: row.acknowledged_bundle_at,
    })
}

/// Proves the days of which this device has the keys, and those that it proved before without being answered.
fn prove(
    step: &mut Step<'_>,
    session: &Session,
    content: &[u8],
    (root, row): (&HealingRoot, &mut PairRow),
    pair: &mut Pair,
) -> Result<(), EngineError> {
    let (peer, today) = (session.peer(), day(step.now));
    let oldest = today.saturating_sub(HEALING_KEY_DAYS);
    row.asked
        .retain(|key| key.day >= oldest && key.day < root.day());
    for key in first_keys_to_prove(root, &peer, row) {
        let asked = row.asked.iter().any(|asked| asked.day == key.day);
        if !asked && (oldest..root.day()).contains(&key.day) {
            row.asked.push(key);
        }
    }
    row.asked.sort_by_key(|key| key.day);
    for day in root.day().max(oldest)..=today {
        let Some(root) = root.at(day) else { break };
        row.asked.push(key_row(day, &root.key_for(&peer)));
    }
    save(step.rows, &peer, row)?;
    let asker = Party {
        identity: step.device.public(),
        device_id: step.device.device_id,
    };
    pair.proof_day = row.asked.first().map_or(today, |key| key.day);
    for day in pair.proof_day..=today {
        let key = row.asked.iter().find(|key| key.day == day);
        let mac = key.and_then(|key| HealingKey::from_bytes(&key.key));
        let mac = mac.map(|key| {
            key.prove(&Proved {
                session_id: &session.id(),
                asker: &asker,
                answerer: &peer,
                day,
                content,
            })
        });
        // A day of which there is no key proves nothing.
        let mac = mac.unwrap_or_else(Secret::zero);
        pair.proof.extend_from_slice(mac.as_bytes());
    }
    Ok(())
}

/// The keys of the first words that a request proves: the one that nobody has answered, and the one that was answered while the root lasts.
fn first_keys_to_prove(root: &HealingRoot, peer: &Party, row: &mut PairRow) -> Vec<HealingKeyRow> {
    let masking = root.at(row.held_day);
    if masking.is_none() {
        row.held = None;
    }
    let held = row.held.as_ref().zip(masking).and_then(|(held, root)| {
        let key = HealingKey::from_bytes(&held.key)?;
        Some(key_row(held.day, &root.mask(peer, held.day, &key)))
    });
    row.first.iter().cloned().chain(held).collect()
}

/// A device has answered a request: what was proved by it is not proved again.
pub(crate) fn answered(store: &mut dyn RowsMut, peer: &Party) -> Result<(), EngineError> {
    match row(store, peer)? {
        Some(mut row) if !row.asked.is_empty() => {
            row.asked.clear();
            save(store, peer, &row)
        }
        _ => Ok(()),
    }
}

/// What came beside a content.
pub(crate) struct Beside<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) pair: Option<&'a Pair>,
    /// When the sender's bundle was issued that came with it; 0 if none did.
    pub(crate) bundle_issued_at: u64,
    /// Whether its sender may have forgotten what it was given.
    pub(crate) anew: bool,
}

/// Takes in what came with a content in a session, and notes as whom its other end is known then. What it proved to have lost.
pub(crate) fn receive(
    step: &mut Step<'_>,
    session: &mut Session,
    beside: &Beside<'_>,
) -> Result<Option<Proven>, EngineError> {
    let Beside {
        content,
        pair,
        bundle_issued_at,
        anew,
    } = *beside;
    let (peer, today) = (session.peer(), day(step.now));
    let mut row = row_or_new(step.rows, &peer)?;
    let before = row.clone();
    if anew {
        (row.acknowledged_day, row.acknowledged_bundle_at) = (0, 0);
    }
    let mut proven = None;
    if let Some(pair) = pair {
        if !anew && pair.known_day != 0 && pair.known_day <= today {
            row.acknowledged_day = pair.known_day;
        }
        if !anew && pair.known_bundle != 0 {
            row.acknowledged_bundle_at = pair.known_bundle;
        }
        private_prekeys::take(&mut row, pair);
        let given_since = take_key(&mut row, pair, session, step.now);
        let found = verify(step, session, &row, pair, content);
        proven = found.map(|(_, what)| what);
        for since in given_since.into_iter().chain(found.map(|(since, _)| since)) {
            session.know_from(due::known_longer(session.known_since(), since, step.now));
        }
    }
    row.acknowledge_day = pair.map_or(0, |pair| pair.healing_key_day);
    row.acknowledge_bundle_at = bundle_issued_at;
    if row != before {
        save(step.rows, &peer, &row)?;
    }
    Ok(proven)
}

/// Keeps a healing key that came. If it was here before, since when its giver is known: nobody else has it.
fn take_key(row: &mut PairRow, pair: &Pair, session: &Session, now: u64) -> Option<u64> {
    let today = day(now);
    let since = session.known_since();
    let day = pair.healing_key_day;
    let oldest = today.saturating_sub(HEALING_KEY_DAYS);
    row.keys.retain(|known| known.day >= oldest);
    let key = HealingKey::from_bytes(&pair.healing_key)?;
    if !(oldest..=today.saturating_add(1)).contains(&day) {
        return None;
    }
    let mut of_day = row.keys.iter_mut().filter(|known| known.day == day);
    let same = |known: &&mut HealingKeyRow| {
        HealingKey::from_bytes(&known.key).is_some_and(|known| known == key)
    };
    let session_id = session.id();
    if let Some(known) = of_day.find(same) {
        known.since = due::known_longer(known.since, since, now);
        let mut ids = known.session_ids.chunks_exact(session_id.len());
        if ids.len() < MAX_SESSIONS_PER_DEVICE && !ids.any(|id| id == session_id) {
            known.session_ids.extend_from_slice(&session_id);
        }
        return Some(known.since);
    }
    if row.keys.iter().filter(|known| known.day == day).count() < KEYS_OF_A_DAY {
        row.keys.push(HealingKeyRow {
            day,
            key: key.as_bytes().to_vec(),
            since,
            session_ids: session_id.to_vec(),
        });
    }
    None
}

/// The days that a request proves, those of which the key is here: since when its sender is known, and what it may ask for. An earlier day may have a key
/// that came in a younger session.
fn verify(
    step: &Step<'_>,
    session: &Session,
    row: &PairRow,
    pair: &Pair,
    content: &[u8],
) -> Option<(u64, Proven)> {
    let answerer = Party {
        identity: step.device.public(),
        device_id: step.device.device_id,
    };
    let mut best: Option<(u64, Proven)> = None;
    let macs = pair.proof.chunks_exact(HEALING_MAC_LEN);
    for (day, mac) in (pair.proof_day..).zip(macs.take(HEALING_KEY_DAYS as usize + 1)) {
        let proved = Proved {
            session_id: &session.id(),
            asker: &session.peer(),
            answerer: &answerer,
            day,
            content,
        };
        let holds = |known: &&HealingKeyRow| {
            let key = HealingKey::from_bytes(&known.key);
            known.day == day && key.is_some_and(|key| key.holds(&proved, mac))
        };
        let Some(known) = row.keys.iter().find(holds) else {
            continue;
        };
        let begin = u64::from(day) * DAY;
        let since = known.since.max(begin);
        if let Some((known_since, proven)) = &mut best {
            *known_since = due::known_longer(*known_since, known.since, step.now);
            proven.since = proven.since.min(since);
            continue;
        }
        let mut ids = known.session_ids.chunks_exact(size_of::<SessionId>());
        let mut next = || ids.next()?.try_into().ok();
        let first_words = FirstWords {
            sessions: array::from_fn(|_| next().unwrap_or_default()),
            since: begin,
        };
        best = Some((known.since, Proven { since, first_words }));
    }
    best
}

/// A bundle names this signed prekey of a device: since when it is known to be that device's, if it was not known before.
pub(crate) fn note_prekey(
    step: &mut Step<'_>,
    peer: &Party,
    prekey: &DhPublic,
    since: u64,
) -> Result<(), EngineError> {
    let mut row = row_or_new(step.rows, peer)?;
    let known = row.signed_prekey == prekey.as_bytes();
    let known_since = row.signed_prekey_since;
    if known && due::known_longer(known_since, since, step.now) == known_since {
        return Ok(());
    }
    row.signed_prekey = prekey.as_bytes().to_vec();
    row.signed_prekey_since = since;
    save(step.rows, peer, &row)
}

/// A signed prekey that is known came from its device itself, which is known for longer.
pub(crate) fn vouch_for_prekey(
    step: &mut Step<'_>,
    peer: &Party,
    prekey: &DhPublic,
    since: u64,
) -> Result<(), EngineError> {
    match prekey_since(step.rows, peer, prekey)? {
        Some(_) => note_prekey(step, peer, prekey, since),
        None => Ok(()),
    }
}

/// A device of ours that the user linked knows a signed prekey for longer, it says. It is believed as far back as something may still
/// be sent again that was written then: a clock that was wrong there opens no more than that.
pub(crate) fn hear_of_prekey(
    step: &mut Step<'_>,
    peer: &Party,
    prekey: &DhPublic,
    since: u64,
) -> Result<(), EngineError> {
    let earliest = step.now.saturating_sub(RESEND_RETENTION_SECONDS * 1000);
    vouch_for_prekey(step, peer, prekey, since.clamp(earliest, step.now))
}

/// Since when a signed prekey is known to be a device's; nothing if it is not known.
pub(crate) fn prekey_since(
    store: &dyn Rows,
    peer: &Party,
    prekey: &DhPublic,
) -> Result<Option<u64>, EngineError> {
    let row = row(store, peer)?.filter(|row| row.signed_prekey == prekey.as_bytes());
    Ok(row.map(|row| row.signed_prekey_since))
}
