//! Groups in which nobody writes: what one member was told, and others were not, comes to all the same.

use super::group_views::{act, all, at_hour, invited, is_member, pass};
use super::*;
use crate::engine::records::group_views;
use crate::limits::{GROUP_COMPARISON_SECONDS, MAX_GROUP_COMPARISONS};

const STEP_HOURS: u64 = GROUP_COMPARISON_SECONDS / 3_600;

/// Everybody does what is due for some days, and nobody writes; how many envelopes there were.
fn rest(parties: &[&Party], from: u64, until: u64) -> usize {
    let mut sent = 0;
    for hour in from..until {
        for party in parties {
            run_due_at(party, at_hour(hour)).unwrap();
            sent += party.count(Table::Outbox);
        }
        pass(parties, hour, all);
    }
    sent
}

#[test]
fn a_phone_that_died_after_telling_some_told_all_though_nobody_writes() {
    let [admin, bob, carol, mallory] = acquainted();
    let id = group(&admin, &[&bob, &carol, &mallory], 0);
    let out = GroupAction::MembersRemoved(vec![mallory.device.public()]);
    act(&admin, 1, &id, out);
    pass(&[&admin, &bob], 1, all);
    assert!(!is_member(&bob, &id, &mallory) && is_member(&carol, &id, &mallory));
    rest(&[&bob, &carol], 1, 2 * STEP_HOURS + 4);
    assert!(!is_member(&carol, &id, &mallory));
}

#[test]
fn nobody_keeps_from_some_that_they_joined_or_left_though_nobody_writes() {
    let [carol, alice, bob, mallory] = acquainted();
    let id = carol
        .at(0, |step| group_events::create(step, "crew"))
        .unwrap();
    act(&carol, 0, &id, invited(&[&alice, &bob, &mallory]));
    pass(&[&carol, &alice, &bob, &mallory], 0, all);
    for one in [&alice, &bob] {
        act(one, 0, &id, GroupAction::Joined);
        pass(&[&carol, &alice, &bob, &mallory], 0, all);
    }
    // To Carol alone, in both cases.
    let others = [&carol, &alice, &bob];
    for (hour, action) in [(1, GroupAction::Joined), (100, GroupAction::Left)] {
        act(&mallory, hour, &id, action.clone());
        pass(&[&carol, &mallory], hour, all);
        rest(&others, hour, hour + 4 * STEP_HOURS);
        for one in others {
            let view = |party: &Party| {
                let group = party.at(0, |step| groups::known(step.rows, &id)).unwrap();
                group.log.view().clone()
            };
            assert_eq!(view(one), view(&carol), "{action:?}");
        }
    }
    assert!(others.iter().all(|one| !is_member(one, &id, &mallory)));
}

#[test]
fn a_group_that_agrees_comes_to_rest() {
    let [alice, bob, carol, dave] = acquainted();
    let everybody = [&alice, &bob, &carol, &dave];
    let id = group(&alice, &[&bob, &carol, &dave], 0);
    act(&alice, 1, &id, GroupAction::Renamed("ours".into()));
    pass(&everybody, 1, all);
    let sent = rest(&everybody, 1, 10 * STEP_HOURS);
    // A request and an answer for each two of them, or two where both asked at once.
    assert!((1..=24).contains(&sent), "{sent}");
    assert_eq!(rest(&everybody, 10 * STEP_HOURS, 60 * STEP_HOURS), 0);
    for party in everybody {
        let now = at_hour(60 * STEP_HOURS);
        let due = party.at_time(now, |step| upkeep::plan(step.rows, now));
        assert!(due.unwrap().is_empty());
    }
}

#[test]
fn who_does_not_answer_is_asked_a_few_times() {
    let [alice, bob, carol] = acquainted();
    let id = group(&alice, &[&bob, &carol], 0);
    act(&alice, 1, &id, GroupAction::Renamed("ours".into()));
    pass(&[&alice, &bob], 1, all);
    let mut asked = 0;
    for hour in 1..30 * STEP_HOURS {
        for party in [&alice, &bob] {
            run_due_at(party, at_hour(hour)).unwrap();
        }
        let to_carol = |party: &Party| {
            let waiting = empty_outbox(party).into_iter();
            waiting
                .filter(|one| one.recipient == carol.device.public())
                .count()
        };
        asked += to_carol(&bob);
        empty_outbox(&alice);
    }
    assert_eq!(asked, MAX_GROUP_COMPARISONS as usize);
}

#[test]
fn words_show_what_is_here_so_that_nobody_asks() {
    let [alice, bob, carol] = acquainted();
    let everybody = [&alice, &bob, &carol];
    let id = group(&alice, &[&bob, &carol], 0);
    act(&alice, 1, &id, GroupAction::Renamed("ours".into()));
    pass(&everybody, 1, all);
    for party in everybody {
        super::group_views::say(party, 2, &id, "ahoy");
        pass(&everybody, 2, all);
    }
    assert_eq!(rest(&everybody, 3, 3 + 6 * STEP_HOURS), 0);
}

#[test]
fn whoever_goes_back_asks_in_every_group_although_nobody_writes() {
    let [admin, bob, carol, mallory] = acquainted();
    let id = group(&admin, &[&bob, &carol, &mallory], 0);
    // Carol had heard of it, and her store was put back to before that; the admin's telephone is lost since.
    let out = GroupAction::MembersRemoved(vec![mallory.device.public()]);
    act(&admin, 1, &id, out);
    pass(&[&admin, &bob], 1, all);
    carol.at(1, upkeep::note_rollback).unwrap();
    for party in [&bob, &carol] {
        run_due_at(party, at_hour(24)).unwrap();
    }
    pass(&[&bob, &carol], 24, all);
    assert!(!is_member(&carol, &id, &mallory));
    let copy = super::backups::copied(&bob);
    let is_due = |rows: &dyn Rows| {
        let views = group_views::load(rows, &id).unwrap();
        Ok::<_, EngineError>(views.is_comparison_due(START))
    };
    assert!(copy.read(|rows| is_due(rows)).unwrap());
}
