//! What admins keep for themselves, or leave to everybody (RFC windlass §9.6.18).

use super::hostile::forge;
use super::*;
use GroupPermission::{AddMembers, ChangeDetails, Write};

fn permitted(what: GroupPermission, admins_only: bool) -> GroupAction {
    GroupAction::Permitted { what, admins_only }
}

fn renamed(name: &str) -> GroupAction {
    GroupAction::Renamed(name.into())
}

/// What everybody may do that a permission is asked for, and which one it is.
fn of_members(newcomer: &IdentityKeyPair) -> [(GroupAction, GroupPermission); 3] {
    let about = GroupAction::Described("two\nlines".into());
    [
        (
            GroupAction::MembersAdded(vec![newcomer.public()]),
            AddMembers,
        ),
        (renamed("ours"), ChangeDetails),
        (about, ChangeDetails),
    ]
}

#[test]
fn members_do_what_admins_left_to_everybody_and_nothing_else() {
    let people = people(4);
    let group = group(&people[..3]);
    for (action, needed) in of_members(&people[3]) {
        let mut log = group.clone();
        let not_yet = log.write(&people[1], &action);
        assert_eq!(not_yet, Err(GroupEventError::NotAnAdmin));
        let opens = permitted(needed, false);
        let by_member = log.write(&people[1], &opens);
        assert_eq!(by_member, Err(GroupEventError::NotAnAdmin));
        log.write(&people[0], &opens).unwrap();
        log.write(&people[1], &action).unwrap();
        assert_ne!(log.membership(), group.membership());
        let others = [
            GroupAction::MembersRemoved(vec![people[2].public()]),
            GroupAction::AdminsAdded(vec![people[1].public()]),
            permitted(Write, true),
        ];
        for other in others {
            let refused = log.write(&people[1], &other);
            assert_eq!(refused, Err(GroupEventError::NotAnAdmin));
        }
        log.write(&people[0], &permitted(needed, true)).unwrap();
        let refused = log.write(&people[1], &action);
        assert_eq!(refused, Err(GroupEventError::NotAnAdmin));
    }
}

#[test]
fn what_a_member_writes_beside_the_event_that_takes_a_permission_away_changes_nothing() {
    let people = people(5);
    for (action, needed) in of_members(&people[3]) {
        let mut log = group(&people[..3]);
        log.write(&people[0], &permitted(needed, false)).unwrap();
        log.write(&people[0], &renamed("in between")).unwrap();
        let parents: Vec<_> = log.events().map(GroupEvent::hash).collect();
        log.write(&people[0], &permitted(needed, true)).unwrap();
        let after = log.membership().clone();
        let mut taken = 0;
        for parent in &parents {
            let mut forged = log.clone();
            taken +=
                usize::from(forge(&mut forged, &people[1], &[*parent], action.clone()).is_ok());
            assert_eq!(*forged.membership(), after);
        }
        // As if they had not known, on top of all that opened it.
        assert_eq!(taken, 2);
        // Nor when the admin hears of both, or they come the other way round.
        let beside = forge(&mut log, &people[1], &parents[3..4], action).unwrap();
        assert_eq!(beside.0, Taken::New);
        log.write(
            &people[0],
            &GroupAction::MembersAdded(vec![people[4].public()]),
        )
        .unwrap();
        assert_eq!(log.membership().name, after.name);
        assert!(log.membership().member(&people[3].public()).is_none());
        let events: Vec<_> = log.events().cloned().collect();
        let mut backwards = GroupLog::new(*log.id());
        for event in events.iter().rev() {
            backwards.take(event.clone()).unwrap();
        }
        assert_eq!(backwards.membership(), log.membership());
    }
}

#[test]
fn what_an_admin_writes_beside_it_stays() {
    let people = people(3);
    let mut log = group(&people);
    let second = GroupAction::AdminsAdded(vec![people[1].public()]);
    log.write(&people[0], &second).unwrap();
    log.write(&people[0], &permitted(ChangeDetails, false))
        .unwrap();
    let mut theirs = log.clone();
    log.write(&people[0], &permitted(ChangeDetails, true))
        .unwrap();
    let beside = theirs.write(&people[1], &renamed("beside")).unwrap();
    log.take(beside).unwrap();
    assert_eq!(log.membership().name, "beside");
    // From what is stored, too.
    let stored = GroupLog::from_stored(*log.id(), log.encoded()).unwrap();
    assert_eq!(stored.membership(), log.membership());
}

#[test]
fn a_permission_that_its_giver_could_not_give_lets_nobody_do_anything() {
    let people = people(3);
    let mut log = group(&people);
    let second = vec![people[1].public()];
    log.write(&people[0], &GroupAction::AdminsAdded(second.clone()))
        .unwrap();
    let mut theirs = log.clone();
    log.write(&people[0], &GroupAction::AdminsRemoved(second))
        .unwrap();
    for (by, action) in [
        (1, permitted(ChangeDetails, false)),
        (2, renamed("by what was given")),
    ] {
        let event = theirs.write(&people[by], &action).unwrap();
        assert_eq!(log.take(event), Ok(Taken::New));
    }
    let membership = log.membership();
    assert_eq!(membership.name, "harbour");
    assert_eq!(membership.permissions, GroupPermissions::default());
}

#[test]
fn who_leaves_takes_nothing_back_that_a_permission_let_them_do() {
    let people = people(4);
    let mut log = group(&people[..3]);
    for what in [ChangeDetails, AddMembers] {
        log.write(&people[0], &permitted(what, false)).unwrap();
    }
    log.write(&people[1], &GroupAction::Joined).unwrap();
    for (action, _) in of_members(&people[3]) {
        log.write(&people[1], &action).unwrap();
    }
    log.write(&people[1], &GroupAction::Left).unwrap();
    let membership = log.membership();
    assert!(membership.member(&people[1].public()).is_none());
    assert!(membership.member(&people[3].public()).is_some());
    assert_eq!(
        (membership.name.as_str(), membership.description.as_str()),
        ("ours", "two\nlines")
    );
}
