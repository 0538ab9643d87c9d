//! What two devices give each other beside what is written: private prekeys, and by which keys they know each other again.

use super::*;
use crate::bundle::CODE_SECRET_LEN;
use crate::crypto::DhSecret;
use crate::engine::base::rows::all_rows;
use crate::engine::records::pairs::{self, Beside, Note};
use crate::engine::records::private_prekeys;
use crate::limits::PRIVATE_ONE_TIME_PREKEYS;
use crate::wire::store::PairRow;
use crate::wire::v2::{Pair, PrivatePrekey};
use crate::x3dh;

const PRIVATE: u32 = 1 << 31;
const TODAY: u32 = 20_000;

fn prekey(id: u32) -> PrivatePrekey {
    prekey_with(id, 32, CODE_SECRET_LEN)
}

/// The same with a key and a secret of these lengths.
fn prekey_with(id: u32, key: usize, secret: usize) -> PrivatePrekey {
    let public = DhSecret::generate(&mut rng()).public();
    PrivatePrekey {
        id,
        key: public.as_bytes()[..key].to_vec(),
        secret: vec![7; secret],
    }
}

fn with_pair(set: impl FnOnce(&mut Pair)) -> Pair {
    let mut pair = Pair::default();
    set(&mut pair);
    pair
}

/// Something comes from a device beside a content, in the session that is written in.
fn comes(step: &mut Step<'_>, from: &x3dh::Party, pair: &Pair, anew: bool) {
    let mut session = sessions::active(step.rows, from).unwrap().unwrap();
    let beside = Beside {
        content: &[],
        pair: Some(pair),
        bundle_issued_at: 0,
        anew,
    };
    pairs::receive(step, &mut session, &beside).unwrap();
}

/// What goes beside the next content to a device.
fn goes(step: &mut Step<'_>, to: &x3dh::Party) -> Result<Note, EngineError> {
    let session = sessions::active(step.rows, to)?.unwrap();
    pairs::note(step, &session, &[], false, None)
}

#[test]
fn of_private_prekeys_that_came_only_those_are_used_that_can_be_and_each_once() {
    let [alice, bob] = acquainted();
    let peer = bob.end();
    let pair = with_pair(|pair| {
        pair.one_time_prekeys = vec![
            prekey(PRIVATE - 1),
            prekey(PRIVATE + 1),
            prekey_with(PRIVATE + 3, 31, CODE_SECRET_LEN),
            prekey_with(PRIVATE + 4, 32, 5),
            prekey_with(PRIVATE + 2, 32, 0),
        ];
    });
    let used = |step: &mut Step<'_>| {
        comes(step, &peer, &pair, false);
        let mut used = Vec::new();
        loop {
            let has_secret = private_prekeys::next_has_secret(step.rows, &peer)?;
            let Some((prekey, secret)) = private_prekeys::use_one(step.rows, &peer)? else {
                return Ok(used);
            };
            assert_eq!(secret.is_some(), has_secret);
            used.push((prekey.id, has_secret));
        }
    };
    let first = alice.at(0, used).unwrap();
    assert_eq!(first, [(PRIVATE + 1, true), (PRIVATE + 2, false)]);
    assert_eq!(alice.at(0, used).unwrap(), []);
}

#[test]
fn a_device_is_given_the_same_private_prekeys_until_it_uses_them() {
    let [alice, bob] = acquainted();
    let peer = bob.end();
    let give = || {
        let note = alice.at(1, |step| goes(step, &peer)).unwrap();
        note.pair.unwrap().one_time_prekeys.clone()
    };
    for _ in 0..8 {
        let given = give();
        assert_eq!(given.len(), PRIVATE_ONE_TIME_PREKEYS);
        assert!(give() == given);
        for prekey in &given {
            assert!(private_prekeys::is_private(prekey.id) && prekey.key.len() == 32);
            let used = alice.at(1, |step| {
                let kept = private_prekeys::secret(step.rows, &peer, prekey.id)?;
                private_prekeys::erase_given(step.rows, &peer, prekey.id)?;
                Ok(kept.is_some())
            });
            assert!(used.unwrap());
        }
        assert!(give().iter().all(|one| !given.contains(one)));
    }
}

#[test]
fn a_key_that_a_device_has_is_not_given_again_before_the_next_day() {
    let [alice, bob] = acquainted();
    let peer = bob.end();
    // Whether today's key goes with what is written, and which day of theirs is said to be known.
    let after = |pair: &Pair, anew: bool| {
        let note = alice.at(0, |step| {
            let known = with_pair(|pair| pair.known_day = TODAY);
            comes(step, &peer, &known, false);
            comes(step, &peer, pair, anew);
            goes(step, &peer)
        });
        let pair = note.unwrap().pair;
        pair.map(|pair| (!pair.healing_key.is_empty(), pair.known_day))
    };
    let says = |known_day| with_pair(|pair| pair.known_day = known_day);
    assert_eq!(after(&says(0), false), None);
    assert_eq!(after(&says(TODAY + 1), false), None);
    // Who asks may have forgotten it.
    assert_eq!(after(&says(TODAY), true), Some((true, 0)));
    let gives = with_pair(|pair| {
        (pair.known_day, pair.healing_key_day) = (TODAY, TODAY);
        pair.healing_key = vec![7; 32];
    });
    assert_eq!(after(&gives, false), Some((false, TODAY)));
}

#[test]
fn a_key_that_comes_in_several_sessions_is_known_of_each_of_them() {
    let [alice, bob] = acquainted();
    let peer = bob.end();
    let pair = with_pair(|pair| {
        pair.healing_key_day = TODAY + 1;
        pair.healing_key = vec![7; 32];
    });
    let known = alice.at(1, |step| {
        let all = sessions::with(step.rows, &peer)?;
        assert!(all.len() > 1);
        for mut session in all
            .into_iter()
            .take(2)
            .chain(sessions::active(step.rows, &peer)?)
        {
            let beside = Beside {
                content: &[],
                pair: Some(&pair),
                bundle_issued_at: 0,
                anew: false,
            };
            pairs::receive(step, &mut session, &beside)?;
        }
        let rows: Vec<PairRow> = all_rows(step.rows, Table::Pairs)?;
        Ok(rows
            .into_iter()
            .flat_map(|row| row.keys.clone())
            .collect::<Vec<_>>())
    });
    let known = known.unwrap();
    let key = known.iter().find(|key| key.key == [7; 32]).unwrap();
    assert_eq!(key.session_ids.len(), 2 * size_of::<SessionId>());
}
