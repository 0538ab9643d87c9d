//! What is noted of a group beside its log: whose view differs, who made it known, and who belongs to it or did.

use super::*;
use crate::chat::DeletedGroup;
use crate::engine::history::summary;
use crate::engine::records::group_views::{self, GroupViews};
use crate::engine::records::{former_members, invitations};
use crate::limits::{GROUP_PATIENCE_SECONDS, MAX_GROUP_SYNCS_PER_DAY};
use crate::wire::store::{GroupViewRow, MemberViewRow};

fn group_id() -> GroupId {
    GroupId::from_bytes(&[7; 32]).unwrap()
}

/// Looks at the views of a group, and writes what has changed.
fn views<T>(party: &Party, day: u64, act: impl Fn(&mut GroupViews, u64) -> T) -> T {
    let done = party.at(day, |step| {
        let mut views = group_views::load(step.rows, &group_id())?;
        let done = act(&mut views, step.now);
        views.save(step.rows, |_| true)?;
        Ok(done)
    });
    done.unwrap()
}

#[test]
fn a_group_has_a_row_as_long_as_there_is_something_to_note() {
    let party = Party::new(1);
    views(&party, 0, |_, _| ());
    assert_eq!(party.count(Table::GroupViews), 0);
    // When all members were asked last counts for the next time.
    views(&party, 0, |views, now| views.note_round(now));
    views(&party, 0, |_, _| ());
    assert_eq!(party.count(Table::GroupViews), 1);
    let put = |member: MemberViewRow| {
        let stays = party.at(0, |step| {
            let row = GroupViewRow {
                group_id: group_id().as_bytes().to_vec(),
                members: vec![MemberViewRow {
                    identity_key: somebody(2).to_bytes().to_vec(),
                    ..member.clone()
                }],
                ..GroupViewRow::default()
            };
            put_row(
                step.rows,
                Table::GroupViews,
                Key::new(group_id().as_bytes()),
                &row,
            )?;
            group_views::load(step.rows, &group_id())?.save(step.rows, |_| true)?;
            Ok(step.rows.count(Table::GroupViews)? != 0)
        });
        stays.unwrap()
    };
    assert!(!put(MemberViewRow::default()));
    assert!(put(MemberViewRow {
        doubtful: true,
        ..MemberViewRow::default()
    }));
    assert!(put(MemberViewRow {
        answered_today: 1,
        ..MemberViewRow::default()
    }));
}

#[test]
fn a_member_is_answered_so_often_a_day() {
    let (party, who) = (Party::new(1), somebody(2));
    let answers = |day| views(&party, day, |views, now| views.count_answer(&who, now));
    for _ in 0..MAX_GROUP_SYNCS_PER_DAY {
        assert!(answers(0));
    }
    assert!(!answers(0));
    assert!(answers(1));
}

#[test]
fn whoever_was_asked_is_asked_back_after_a_while() {
    let (party, who) = (Party::new(1), somebody(2));
    views(&party, 0, |views, now| {
        assert!(views.may_ask_back(&who, now));
        views.note_asked(&who, now);
        let later = now + GROUP_PATIENCE_SECONDS * 1000;
        assert!(!views.may_ask_back(&who, later - 1));
        assert!(views.may_ask_back(&who, later));
    });
}

#[test]
fn a_deletion_that_is_told_twice_is_news_once() {
    let party = Party::new(1);
    let told = DeletedGroup {
        group: group_id(),
        invitations: vec![[3; 32]],
        left: vec![1],
        deleted_at: START,
    };
    let news = || views(&party, 0, |views, now| views.merge_deletion(&told, now));
    assert_eq!([news(), news()], [true, false]);
}

#[test]
fn a_group_is_made_known_by_one_until_it_is_joined() {
    let party = Party::new(1);
    let known = |by: u8| {
        let found = party.at(0, |step| {
            invitations::invitations_by(step.rows, &somebody(by))
        });
        found.unwrap()
    };
    views(&party, 0, |views, now| {
        views.note_invitation(&somebody(2), true, false, now);
    });
    assert_eq!((known(2), known(3)), (vec![group_id()], Vec::new()));
    views(&party, 0, |views, now| {
        views.note_invitation(&somebody(2), false, true, now);
    });
    assert_eq!(known(2), []);
}

#[test]
fn a_group_says_its_name_who_belonged_to_it_at_a_time_and_who_does_no_more() {
    let [alice, bob, carol] = acquainted();
    let id = group(&alice, &[&bob, &carol], 0);
    let members = |time: u64, now: u64| {
        let found = alice.at_time(now, |step| {
            let list = groups::member_list(step.rows, &id)?.unwrap();
            Ok(list.members_at(time, now))
        });
        let mut found = found.unwrap();
        found.sort();
        found
    };
    let all = [&alice, &bob, &carol].map(|one| one.device.public().to_bytes().to_vec());
    let mut all = all.to_vec();
    all.sort();
    assert_eq!(members(START + DAY, START + DAY), all);
    assert_eq!(members(START - 1, START + DAY), Vec::<Vec<u8>>::new());

    let name = |conversation: &ConversationId| {
        let name = alice.at(0, |step| summary::group_name(step.rows, conversation));
        name.unwrap()
    };
    let direct = ConversationId::Direct(bob.device.public());
    assert_eq!(name(&ConversationId::Group(id)).as_deref(), Some("crew"));
    assert_eq!(name(&direct), None);

    let former = || {
        alice
            .at(1, |step| former_members::of(step.rows, &id))
            .unwrap()
    };
    assert!(former().is_empty());
    let removed = GroupAction::MembersRemoved(vec![bob.device.public()]);
    alice
        .at(1, |step| group_events::act(step, &id, &removed))
        .unwrap();
    assert!(former() == [bob.device.public()]);
}

#[test]
fn a_message_to_a_group_waits_for_no_member_who_cannot_be_written_to() {
    let [alice, bob, carol] = acquainted();
    let id = group(&alice, &[&bob, &carol], 0);
    empty_outbox(&alice);
    // A year later nobody of them can be written to anew, and with Carol there is no session, as after a backup.
    let gone = alice.at(0, |step| sessions::erase_all(step.rows, &carol.end()));
    gone.unwrap();
    write(&alice, 400, &ConversationId::Group(id), text("ahoy"));
    let to = carol.end();
    let waits = alice.at(400, |step| unacknowledged::of_device(step.rows, &to, 1));
    assert_eq!(waits.unwrap().len(), 1);
    let sent = empty_outbox(&alice);
    assert!(sent.iter().all(|one| one.recipient == bob.device.public()));
}
