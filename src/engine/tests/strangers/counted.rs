//! What is counted of strangers, and by whom somebody is vouched for.

use super::*;
use crate::engine::base::singletons::STRANGERS;
use crate::engine::sync::waiting as waits;
use crate::limits::MAX_INTRODUCERS;

/// Alice, a friend of hers, and somebody whose first words wait.
fn friend_and_stranger() -> [Party; 3] {
    let [alice, bob] = acquainted();
    let eve = Party::new(9);
    eve.add(0, &alice.bundle(0, false));
    let direct = ConversationId::Direct(alice.device.public());
    write(&eve, 0, &direct, text("buy this"));
    assert_eq!(requests(&carry(&eve, &alice, 0)), 1);
    [alice, bob, eve]
}

fn of(party: &Party, whom: &Party) -> contacts::Contact {
    contact(party, &whom.device.public()).unwrap()
}

#[test]
fn a_stranger_begins_a_session_as_long_as_there_is_a_place() {
    let alice = Party::new(1);
    let admits = |count| {
        let admits = alice.at(0, |step| {
            let row = StrangersRow {
                count,
                ..StrangersRow::default()
            };
            put_row(step.rows, Table::Device, STRANGERS, &row)?;
            strangers::admits_session(step.rows, None, false, step.now)
        });
        admits.unwrap()
    };
    assert!(admits(MAX_STRANGERS - 1) && !admits(MAX_STRANGERS));
}

#[test]
fn what_is_erased_of_a_stranger_takes_no_room_and_their_place_stays() {
    let [alice, _bob, eve] = friend_and_stranger();
    assert!(totals(&alice).stored_bytes > 0);
    let uncharged = alice.at(0, |step| {
        let who = eve.device.public();
        let mut contact = contacts::find(step.rows, &who)?.unwrap();
        strangers::uncharge(step.rows, &mut contact)
    });
    uncharged.unwrap();
    let all = totals(&alice);
    assert_eq!((all.count, all.stored_bytes), (1, 0));
    let row = of(&alice, &eve).row;
    assert!(row.stored_bytes == 0 && !row.requested);
}

#[test]
fn bounds_of_strangers_hold_for_nobody_who_is_accepted() {
    let [alice, bob, eve] = friend_and_stranger();
    let admits = |whom: &Party, len| {
        let words = waits::Words {
            len,
            kept: 0,
            direct: true,
            invited: false,
        };
        let contact = of(&alice, whom);
        alice
            .at(0, |step| waits::admits(step, &contact, &words))
            .unwrap()
    };
    assert!(admits(&bob, MAX_STRANGER_BYTES + 1));
    assert!(admits(&eve, 1) && !admits(&eve, MAX_STRANGER_BYTES + 1));
    for (whom, direct) in [(&bob, false), (&eve, false), (&eve, true)] {
        assert!(!waits::is_late_of_a_group(&of(&alice, whom), direct));
    }
}

#[test]
fn a_stranger_is_asked_for_what_is_missing_once_they_are_accepted() {
    let [alice, bob, eve] = friend_and_stranger();
    let waits = |whom: &Party| {
        let who = whom.device.public();
        let waits = alice.at(0, |step| waits::is_asked_when_accepted(step.rows, &who));
        waits.unwrap()
    };
    assert!(waits(&eve) && !waits(&bob));
    // Who answers everybody asks everybody.
    set_policy(&alice, TrustPolicy::AcceptAll);
    assert!(!waits(&eve));
    set_policy(&alice, TrustPolicy::FirstUse);
    decide(&alice, 0, &eve.device.public(), people::accept).unwrap();
    assert!(!waits(&eve));
}

#[test]
fn only_who_is_verified_is_reached_where_the_user_wants_that() {
    let [alice, bob] = acquainted();
    let who = bob.device.public();
    let reached = |policy| {
        set_policy(&alice, policy);
        let reached = alice.at(0, |step| {
            let contact = contacts::find(step.rows, &who)?.unwrap();
            let group = trust::check_group(step.rows, &[who]).is_ok();
            Ok((trust::may_reach(step.rows, &contact)?, group))
        });
        reached.unwrap()
    };
    assert_eq!(reached(TrustPolicy::FirstUse), (true, true));
    assert_eq!(reached(TrustPolicy::VerifiedOnly), (false, false));
    decide(&alice, 0, &who, |step, contact| {
        people::verify(step.rows, contact)
    })
    .unwrap();
    assert_eq!(reached(TrustPolicy::VerifiedOnly), (true, true));
}

#[test]
fn whoever_was_removed_is_refused_and_nobody_else() {
    let alice = Party::new(1);
    let [one, other] = [2, 3].map(|number| Somebody::new(number).pair.public());
    let refuses = |who: &PublicIdentity| {
        let refuses = alice.at(0, |step| removed::refuses(step.rows, who, None, step.now));
        refuses.unwrap()
    };
    assert!(!refuses(&one));
    alice
        .at(0, |step| removed::note(step, &one, false))
        .unwrap();
    assert!(refuses(&one) && !refuses(&other));
}

#[test]
fn somebody_is_introduced_once_by_each_and_by_so_many_contacts() {
    let [alice, bob] = acquainted();
    let who = bob.device.public();
    let introduced = |by: &[u32]| {
        let introduced = alice.at(0, |step| {
            for number in by {
                let by = Somebody::new(*number).pair.public();
                let mut contact = contacts::find(step.rows, &who)?.unwrap();
                introductions::introduce(step.rows, &mut contact, Origin::Contact(&by))?;
            }
            let contact = contacts::find(step.rows, &who)?.unwrap();
            Ok(contact.row.introduced_by_contacts.len())
        });
        introduced.unwrap()
    };
    assert_eq!(introduced(&[1, 1]), 1);
    let takes_back = |number| {
        let by = Somebody::new(number).pair.public();
        let changed = alice.at(0, |step| {
            introductions::take_back(step.rows, &who, Origin::Contact(&by))
        });
        changed.unwrap().is_some()
    };
    assert!(takes_back(1) && !takes_back(2));
    let many: Vec<u32> = (1..20).collect();
    assert_eq!(introduced(&many), MAX_INTRODUCERS);
}

#[test]
fn a_new_identity_is_announced_to_nobody_who_is_blocked_or_waits() {
    let [alice, _bob, eve] = friend_and_stranger();
    let carol = Party::new(5);
    alice.add(0, &carol.bundle(0, false));
    decide(&alice, 0, &carol.device.public(), |step, contact| {
        people::block(step.rows, contact)
    })
    .unwrap();
    assert!(!of(&alice, &eve).is_accepted());
    let new = Party::new(8).bundle(0, false);
    let told = alice.at(0, |step| write::announce_identity(step, &new));
    assert_eq!(told.unwrap(), 1);
}
