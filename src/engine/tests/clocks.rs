//! A clock that was wrong once, by years, ahead or behind: it costs nothing for ever (RFC windlass §8.7).

use super::*;
use crate::chat::HealingRequest;
use crate::engine::base::clock;
use crate::engine::records::vouching;
use crate::limits::{MAX_HEALING_PER_DAY, SIGNED_PREKEY_LIFETIME_SECONDS};
use crate::wire::store::OwnDeviceRow;

const HOUR: u64 = 3_600_000;
const YEARS: u64 = 10 * 365 * DAY;

/// A step as the facade runs it: after a look at the clock.
fn on<T>(party: &Party, now: u64, mut f: impl FnMut(&mut Step<'_>) -> Result<T, EngineError>) -> T {
    let done = party.at_time(now, |step| {
        clock::tick(step.rows, now)?;
        f(step)
    });
    done.unwrap()
}

/// Upkeep as the facade does it.
fn round(party: &Party, now: u64) {
    // On a snapshot, as the facade does, before a step looks at the clock.
    let due = party.at_time(now, |step| upkeep::plan(step.rows, now));
    let due = due.unwrap();
    on(party, now, |step| upkeep::maintain(step, &due));
}

fn say(party: &Party, now: u64, to: &Party) -> Vec<u8> {
    let to = ConversationId::Direct(to.device.public());
    on(party, now, |step| {
        let (_, waiting) = write::write(step, &to, text("ahoy"), None)?;
        Ok(waiting.into_iter().next().unwrap().envelope)
    })
}

fn hear(party: &Party, now: u64, envelope: &[u8]) -> Vec<Outcome> {
    let envelope = Envelope::decode(envelope).unwrap();
    on(party, now, |step| {
        Ok(receive::receive(step, &envelope)?.outcomes)
    })
}

fn set_timer(party: &Party, peer: &Party, after: u64) {
    let peer = ConversationId::Direct(peer.device.public());
    let set = party.at(0, |step| {
        let mut row = conversations::row(step.rows, &peer)?;
        row.disappear_after = after;
        conversations::save(step.rows, &peer, &row)
    });
    set.unwrap();
}

/// How many texts are there: not shown, nor deleted, is gone.
fn there(party: &Party, peer: &Party, now: u64) -> usize {
    let peer = ConversationId::Direct(peer.device.public());
    let page = party.at_time(now, |step| view::page(step.rows, &peer, 100, None, now));
    page.unwrap().len()
}

fn talked() -> [Party; 2] {
    let parties = [1, 2].map(Party::new);
    introduce(&[&parties[0], &parties[1]], 0);
    for (from, to) in [(0, 1), (1, 0)] {
        hear(
            &parties[to],
            START,
            &say(&parties[from], START, &parties[to]),
        );
    }
    for party in &parties {
        empty_outbox(party);
    }
    parties
}

fn prekey_id(party: &Party, now: u64) -> u32 {
    on(party, now, |step| {
        Ok(own_bundle::reusable(step)?.devices()[0].signed_prekey.id)
    })
}

#[test]
fn a_clock_that_was_ahead_for_a_minute_stops_no_upkeep() {
    let [alice, bob] = talked();
    let ahead = START + YEARS;
    round(&alice, ahead);
    say(&alice, ahead, &bob);
    empty_outbox(&alice);
    let who = bob.device.public();
    on(&alice, ahead, |step| {
        doubts::note_missing(step.rows, &who, step.now)
    });
    // The clock is right again. Signed prekeys go on as ever, and what was lost is sent again.
    let now = START + HOUR;
    let first = prekey_id(&alice, now);
    let mut again = 0;
    for day in 1..=30 {
        round(&alice, now + day * DAY);
        again += empty_outbox(&alice).len();
    }
    let week = SIGNED_PREKEY_LIFETIME_SECONDS * 1000;
    let last = prekey_id(&alice, now + 30 * DAY);
    assert!(u64::from(last - first) >= 30 * DAY / week, "{first} {last}");
    assert!(again >= 3, "{again}");
    let missing = alice.at(0, |step| doubts::row(step.rows, &who)).unwrap();
    assert_eq!(missing.unwrap().gap_since, 0);
}

#[test]
fn nothing_is_erased_by_a_clock_that_is_ahead_for_a_minute() {
    let [alice, bob] = talked();
    let eve = Party::new(9);
    set_timer(&alice, &bob, 7 * DAY);
    on(&alice, START, |step| {
        own_bundle::single_use(step).map(|_| ())
    });
    eve.add(0, &alice.bundle(0, false));
    hear(&alice, START, &eve.send(0, &alice).unwrap());
    // One that is late leaves a key behind.
    let late = say(&bob, START, &alice);
    hear(&alice, START, &say(&bob, START, &alice));
    say(&alice, START, &bob);
    round(&alice, START + 8 * DAY - 1);
    let count = |table| alice.count(table);
    let counted = || {
        let tables = [
            Table::OneTimePrekeys,
            Table::SkippedKeys,
            Table::Contacts,
            Table::Timeline,
            Table::Unacknowledged,
        ];
        tables.map(count)
    };
    let before = counted();
    let prekeys = count(Table::SignedPrekeys);
    let unseen = there(&alice, &bob, START + DAY);
    round(&alice, START + YEARS);
    assert_eq!(counted(), before);
    assert!(count(Table::SignedPrekeys) >= prekeys);
    round(&alice, START + 8 * DAY);
    assert_eq!(there(&alice, &bob, START + DAY), unseen);
    assert!(opens(&hear(&alice, START + 8 * DAY, &late)));
    // All goes in its time.
    for day in 8..=100 {
        round(&alice, START + day * DAY);
    }
    assert_eq!(
        [Table::OneTimePrekeys, Table::SkippedKeys].map(count),
        [0, 0]
    );
    assert_eq!(count(Table::Contacts), 1);
}

#[test]
fn what_comes_while_the_clock_is_ahead_is_not_kept_for_years() {
    for was_right_before in [true, false] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        let (ahead, now) = (START + YEARS, START + HOUR);
        if was_right_before {
            on(&alice, START, |_| Ok(()));
        }
        // A session, for there is no bundle that is valid then.
        alice.send(0, &bob).unwrap();
        set_timer(&alice, &bob, DAY);
        say(&alice, ahead, &bob);
        assert_eq!(there(&alice, &bob, now), 2);
        for day in 0..=10 {
            round(&alice, now + day * DAY);
        }
        assert_eq!(there(&alice, &bob, now + 10 * DAY), 1);
        // Nor is its name.
        for day in 10..=50 {
            round(&alice, now + day * DAY);
        }
        assert_eq!(alice.count(Table::Expiries), 0);
        let listed = alice.at(0, |step| conversations::all(step.rows)).unwrap();
        assert!(listed[0].row.last_activity <= now + 10 * DAY);
    }
}

#[test]
fn what_comes_while_the_clock_is_behind_has_all_its_time() {
    let [alice, bob] = talked();
    let eve = Party::new(9);
    set_timer(&alice, &bob, 2 * DAY);
    let behind = START - YEARS;
    // The first look at the clock was when it was right.
    round(&alice, behind);
    say(&alice, behind + HOUR, &bob);
    eve.add(0, &alice.bundle(0, false));
    hear(&alice, behind + HOUR, &eve.send(0, &alice).unwrap());
    let late = say(&bob, START, &alice);
    hear(&alice, behind + HOUR, &say(&bob, START, &alice));
    empty_outbox(&alice);
    let now = START + DAY;
    let counted = || [Table::Contacts, Table::SkippedKeys].map(|table| alice.count(table));
    let before = counted();
    round(&alice, now);
    assert_eq!(counted(), before);
    assert_eq!(there(&alice, &bob, now), 4);
    // It was lost, and is sent again.
    assert!(!empty_outbox(&alice).is_empty());
    assert!(opens(&hear(&alice, now, &late)));
    // It is among what a request brings that names nothing.
    let party = bob.end();
    let answered = on(&alice, now, |step| {
        unacknowledged::forget(step.rows, &party)?;
        healing::answer(step, &party, &HealingRequest::default(), &LOST_ALL)
    });
    assert_eq!(answered.messages, 5);
    // And all goes in its time.
    round(&alice, now + DAY);
    assert_eq!(there(&alice, &bob, now + DAY), 5);
    for day in 2..=9 {
        round(&alice, now + day * DAY);
    }
    assert_eq!(there(&alice, &bob, now + 9 * DAY), 2);
    // Of Eve nothing is left but that she asked, and in the end not that.
    assert_eq!(there(&alice, &eve, now + 9 * DAY), 0);
    for day in 10..=33 {
        round(&alice, now + day * DAY);
    }
    assert_eq!(alice.count(Table::Contacts), 1);
}

#[test]
fn what_was_written_while_the_clock_was_behind_reaches_the_devices_that_it_was_for() {
    for behind in [9 * DAY, YEARS] {
        let [alice, bob] = talked();
        round(&alice, START - behind);
        say(&alice, START - behind + HOUR, &bob);
        empty_outbox(&alice);
        let now = START + DAY;
        round(&alice, now);
        let again = empty_outbox(&alice);
        let mut told = again.iter().map(|sent| hear(&bob, now, &sent.envelope));
        assert!(told.any(|told| opens(&told)));
    }
}

/// What a session is known since is not of earlier because a clock that was put back says less.
#[test]
fn what_was_written_before_the_clock_was_behind_reaches_them_once_it_is_right() {
    for behind in [4 * DAY, YEARS] {
        let [alice, bob] = [1, 2].map(Party::new);
        introduce(&[&alice, &bob], 0);
        say(&alice, START + HOUR, &bob);
        let second = say(&alice, START + HOUR, &bob);
        empty_outbox(&alice);
        // Each of them began a session, and the key that comes in one comes in the other.
        let first = say(&bob, START + HOUR, &alice);
        round(&alice, START - behind);
        assert!(opens(&hear(&alice, START - behind, &first)));
        assert!(opens(&hear(&bob, START + 2 * HOUR, &second)));
        let answer = say(&bob, START + 2 * HOUR, &alice);
        assert!(opens(&hear(&alice, START - behind + HOUR, &answer)));
        empty_outbox(&alice);
        let now = START + DAY;
        round(&alice, now);
        let again = empty_outbox(&alice);
        let told = again.iter().map(|sent| hear(&bob, now, &sent.envelope));
        let came = told.filter(|told| opens(told)).count();
        assert_eq!(came, 1, "{behind}");
    }
}

#[test]
fn a_bundle_of_a_clock_that_was_ahead_gives_way_to_one_of_today() {
    let [alice, bob] = talked();
    let ahead = START + YEARS;
    hear(&bob, START, &say(&alice, ahead, &bob));
    let now = START + HOUR;
    hear(&bob, now, &say(&alice, now, &bob));
    let known = bob.at(0, |step| contacts::find(step.rows, &alice.device.public()));
    let issued_at = known.unwrap().unwrap().bundle.unwrap().issued_at();
    assert!(issued_at <= now / 1000 + 1, "{issued_at}");
}

#[test]
fn what_was_counted_and_allowed_ahead_of_now_is_over() {
    let [alice, bob] = talked();
    let (ahead, now) = (START + YEARS, START + HOUR);
    let who = bob.device.public();
    let token = on(&alice, ahead, linking::begin);
    let accepts = on(&alice, now, |step| {
        let prekey = bob.bundle(0, false).devices()[0].signed_prekey;
        let seven = OwnDeviceRow {
            device_id: 7,
            signed_prekey_id: prekey.id,
            signed_prekey: prekey.key.as_bytes().to_vec(),
            kem_commitment: vec![7; 32],
            ..OwnDeviceRow::default()
        };
        own_devices::save(step.rows, &seven)?;
        let from = crate::x3dh::Party {
            identity: step.device.public(),
            device_id: 7,
        };
        vouching::shown(step, &from, &token, now)
    });
    assert!(!accepts);
    on(&alice, ahead, |step| {
        let mut row = doubts::row_or_new(step.rows, &who)?;
        (row.day_start, row.asked_at) = (ahead, ahead);
        (row.asked_today, row.attempts, row.waiting) = (MAX_HEALING_PER_DAY, 5, true);
        doubts::save(step.rows, &mut row)
    });
    let asked = on(&alice, now, |step| healing::ask(step, &who, None));
    assert!(asked.is_some());
    // Whoever was put out then is out now.
    let group = group(&alice, &[&bob], 0);
    let put_out = GroupAction::MembersRemoved(vec![who]);
    on(&alice, ahead, |step| {
        group_events::act(step, &group, &put_out)
    });
    let conversation = ConversationId::Group(group);
    let heard = alice.at_time(now, |step| {
        groups::accepts_from(step.rows, &conversation, &who, now)
    });
    assert!(!heard.unwrap());
}
