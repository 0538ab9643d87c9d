//! Groups that the user deletes or does not want, and what is left of them.

use super::group_views::{act, all, at_hour, events, hand, invited, is_member, pass, say};
use super::unread::devices_and_friend;
use super::*;
use crate::chat::DeletedGroup;
use crate::engine::records::invitations;
use crate::engine::records::settings::TrustPolicy;
use crate::engine::sync::group_deletion;
use crate::limits::{GROUP_INVITATION_SECONDS, MAX_GROUP_INVITATIONS_BY_ONE};

fn groups_here(party: &Party) -> (usize, usize) {
    let listed = party.at(0, |step| conversations::all(step.rows)).unwrap();
    let of_groups = listed
        .iter()
        .filter(|one| matches!(one.id, ConversationId::Group(_)));
    (party.count(Table::Groups), of_groups.count())
}

#[test]
fn a_group_that_is_deleted_comes_back_with_a_new_invitation_alone() {
    let [carol, alice, bob] = acquainted();
    let everybody = [&carol, &alice, &bob];
    let id = group(&carol, &[&alice, &bob], 0);
    say(&carol, 0, &id, "ahoy");
    pass(&everybody, 0, all);
    alice
        .at(0, |step| group_deletion::delete(step, &id))
        .unwrap();
    assert_eq!(groups_here(&alice), (0, 0));
    // Her leaving is lost on the way, and the others go on writing.
    empty_outbox(&alice);
    say(&bob, 1, &id, "where is she");
    pass(&everybody, 1, all);
    assert_eq!(groups_here(&alice), (0, 0));
    // They are told of it then.
    assert!(!is_member(&bob, &id, &alice));
    // The whole log again, as it was and with more, brings nothing back.
    let log = carol
        .at(1, |step| groups::known(step.rows, &id))
        .unwrap()
        .log;
    let whole = || log.encoded().map(<[u8]>::to_vec).collect();
    let body = Body::GroupEvents {
        events: whole(),
        bundles: Vec::new(),
    };
    hand(&carol, &alice, 1, &id, body, None);
    hand(&carol, &alice, 1, &id, events(whole()), None);
    act(&carol, 2, &id, GroupAction::Renamed("ours".into()));
    pass(&everybody, 2, all);
    assert_eq!(groups_here(&alice), (0, 0));
    assert!(!is_member(&carol, &id, &alice));
    act(&carol, 3, &id, invited(&[&alice]));
    let told = pass(&everybody, 3, all);
    let invites = |outcome: &Outcome| matches!(outcome, Outcome::GroupInvitation { .. });
    assert!(
        told.iter()
            .any(|(place, outcome)| *place == 1 && invites(outcome))
    );
    act(&alice, 3, &id, GroupAction::Joined);
    pass(&everybody, 3, all);
    assert!(is_member(&bob, &id, &alice));
}

#[test]
fn invitations_that_are_not_answered_are_few_and_go() {
    let [mallory, alice] = acquainted();
    let invite = |hour: u64, name: &str| {
        let id = mallory
            .at_time(at_hour(hour), |step| group_events::create(step, name))
            .unwrap();
        act(&mallory, hour, &id, invited(&[&alice]));
        id
    };
    for number in 0..2 * MAX_GROUP_INVITATIONS_BY_ONE {
        invite(0, &format!("spam {number}"));
    }
    pass(&[&mallory, &alice], 0, all);
    assert_eq!(alice.count(Table::Groups), MAX_GROUP_INVITATIONS_BY_ONE);
    let days = GROUP_INVITATION_SECONDS / 86_400;
    run_due_at(&alice, at_hour(days * 24)).unwrap();
    assert_eq!(groups_here(&alice), (0, 0));
    // They do not come back, and in the end nothing is known of them.
    run_due_at(&mallory, at_hour(days * 24)).unwrap();
    pass(&[&mallory, &alice], days * 24, all);
    run_due_at(&alice, at_hour(3 * days * 24)).unwrap();
    run_due_at(&alice, at_hour(6 * days * 24)).unwrap();
    assert_eq!(
        (groups_here(&alice), alice.count(Table::GroupViews)),
        ((0, 0), 0)
    );
    // Those of somebody whom the user does not want to hear of go at once; one that the user joined stays.
    let joined = invite(0, "ours");
    invite(0, "spam");
    pass(&[&mallory, &alice], 0, all);
    act(&alice, 0, &joined, GroupAction::Joined);
    let who = mallory.device.public();
    alice
        .at(0, |step| group_deletion::forget_invitations(step, &who))
        .unwrap();
    assert_eq!(alice.count(Table::Groups), 1);
}

#[test]
fn a_public_bot_that_declines_is_heard_by_whoever_invited_it() {
    let [bot, alice] = [1, 2].map(Party::new);
    let policy = bot.at(0, |step| {
        trust::set_policy(step.rows, TrustPolicy::AcceptAll)
    });
    policy.unwrap();
    alice.add(0, &bot.bundle(0, false));
    let id = alice.at(0, |step| group_events::create(step, "g")).unwrap();
    act(&alice, 0, &id, invited(&[&bot]));
    deliver(&[&bot, &alice], 0);
    assert!(is_member(&alice, &id, &bot));
    act(&bot, 0, &id, GroupAction::Left);
    deliver(&[&bot, &alice], 0);
    assert!(!is_member(&alice, &id, &bot));
}

/// Two devices that the user linked, and a friend who has a group with the user.
fn devices_in_a_group() -> ([Party; 3], GroupId) {
    let [first, second, friend] = devices_and_friend();
    let id = friend.at(0, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    for (party, action) in [(&friend, invited(&[&first])), (&first, GroupAction::Joined)] {
        act(party, 0, &id, action);
        deliver(&[&first, &second, &friend], 0);
    }
    write(&friend, 0, &ConversationId::Group(id), text("ahoy"));
    deliver(&[&first, &second, &friend], 0);
    ([first, second, friend], id)
}

fn delete(party: &Party, id: &GroupId) {
    let deleted = party.at(0, |step| group_deletion::delete(step, id));
    deleted.unwrap();
}

#[test]
fn a_group_that_is_deleted_on_one_device_is_so_on_those_that_are_linked() {
    let ([first, second, friend], id) = devices_in_a_group();
    let all = [&first, &second, &friend];
    assert_eq!(
        (groups_here(&first), groups_here(&second)),
        ((1, 1), (1, 1))
    );
    delete(&first, &id);
    let told = carry(&first, &second, 0);
    let deleted = |one: &&Outcome| {
        let here = ConversationId::Group(id);
        matches!(one, Outcome::InConversation(of, ConversationNews::ConversationDeleted) if *of == here)
    };
    assert_eq!(told.iter().filter(deleted).count(), 1);
    deliver(&all, 0);
    // Whatever they tell each other later, and whoever goes on writing.
    for day in 1..4 {
        for party in [&first, &second] {
            let own = party.device.public();
            let asked = party.at(day, |step| healing::ask(step, &own, None));
            asked.unwrap();
        }
        let said = friend.at(day, |step| {
            write::write(step, &ConversationId::Group(id), text("anybody"), None)
        });
        let _ = said;
        deliver(&all, day);
        for party in [&first, &second] {
            assert_eq!(groups_here(party), (0, 0));
        }
    }
    // Nor does what was said come back with an invitation; the group does.
    let invited = friend.at(4, |step| group_events::act(step, &id, &invited(&[&first])));
    invited.unwrap();
    deliver(&all, 4);
    for party in [&first, &second] {
        assert_eq!(party.count(Table::Groups), 1);
        assert!(
            texts(party, 4, &ConversationId::Group(id))
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn a_device_that_nobody_linked_deletes_no_group_and_hears_of_none() {
    let ([first, second, friend], id) = devices_in_a_group();
    let unlinked = first.at(0, |step| {
        let mut row = own_devices::find(step.rows, second.device.device_id)?.unwrap();
        row.linked_at = 0;
        own_devices::save(step.rows, &row)
    });
    unlinked.unwrap();
    let own = second.device.public();
    let deleted = DeletedGroup {
        group: id,
        invitations: Vec::new(),
        left: Vec::new(),
        deleted_at: START,
    };
    let sent = second.at(0, |step| {
        updates::share_deleted_group(step, deleted.clone())
    });
    sent.unwrap();
    carry(&second, &first, 0);
    assert_eq!(groups_here(&first), (1, 1));
    delete(&first, &id);
    for waiting in empty_outbox(&first) {
        if waiting.recipient == own {
            taken(&second, 0, &waiting.envelope);
        }
    }
    let remembered = second.at(0, |step| invitations::is_deleted(step.rows, &id));
    assert!(!remembered.unwrap());
    let _ = friend;
}

#[test]
fn what_a_device_makes_up_about_a_deleted_group_is_bounded_and_its_own() {
    let ([first, second, friend], id) = devices_in_a_group();
    // Of a time to come, and with somebody else's event in place of the user's leaving.
    let theirs = friend.at(0, |step| {
        let log = groups::known(step.rows, &id)?.log;
        Ok(log.events().next().map(|event| event.encoded().to_vec()))
    });
    let other = GroupId::from_bytes(&[9; 32]).unwrap();
    for group in [id, other] {
        let known = first.at(0, |step| {
            let found = groups::find(step.rows, &group)?;
            let own = step.device.public();
            Ok(found.map(|found| invitations::of(&found.log, &own).collect::<Vec<_>>()))
        });
        let deleted = DeletedGroup {
            group,
            invitations: known.unwrap().unwrap_or_default(),
            left: theirs.as_ref().unwrap().clone().unwrap(),
            deleted_at: u64::MAX,
        };
        let told = second.at(0, |step| {
            updates::share_deleted_group(step, deleted.clone())
        });
        told.unwrap();
        carry(&second, &first, 0);
        let kept = first.at(0, |step| invitations::deletions(step.rows, step.now));
        let kept = kept.unwrap();
        let kept = kept.iter().find(|one| one.group == group).unwrap();
        assert!(kept.left.is_empty() && kept.deleted_at <= START);
    }
    assert_eq!(groups_here(&first), (0, 0));
    run_due(&first, 31).unwrap();
    let kept = first.at(31, |step| invitations::deletions(step.rows, step.now));
    assert!(kept.unwrap().is_empty());
}

#[test]
fn a_sibling_that_was_invited_anew_keeps_the_group() {
    let ([first, second, friend], id) = devices_in_a_group();
    delete(&first, &id);
    let mut late = empty_outbox(&first);
    late.reverse();
    let own = first.device.public();
    // The friend hears of the leaving, and invites once more, before the second device hears of anything.
    for waiting in late.iter().filter(|one| one.recipient != own) {
        taken(&friend, 0, &waiting.envelope);
    }
    let invited = friend.at(0, |step| group_events::act(step, &id, &invited(&[&first])));
    invited.unwrap();
    let anew = empty_outbox(&friend);
    for waiting in &anew {
        taken(&second, 0, &waiting.envelope);
    }
    for waiting in late.iter().filter(|one| one.recipient == own) {
        taken(&second, 0, &waiting.envelope);
    }
    assert_eq!(second.count(Table::Groups), 1);
    for waiting in &anew {
        taken(&first, 0, &waiting.envelope);
    }
    assert_eq!(first.count(Table::Groups), 1);
}

#[test]
fn the_memory_of_deleted_groups_is_in_a_backup() {
    let ([first, _second, _friend], id) = devices_in_a_group();
    delete(&first, &id);
    let there = |rows: &dyn Rows| invitations::deletions(rows, START);
    let before: Vec<DeletedGroup> = first.store.read(there).unwrap();
    assert_eq!(before.len(), 1);
    assert!(!before[0].left.is_empty() && !before[0].invitations.is_empty());
    let copy = super::backups::copied(&first);
    assert_eq!(copy.read(|rows| there(rows)).unwrap(), before);
}
