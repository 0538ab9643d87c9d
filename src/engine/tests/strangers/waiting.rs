//! Who waits, who was removed, and who is answered at all.

use super::*;

#[test]
fn who_waited_for_more_than_a_week_is_accepted_and_what_they_wrote_comes() {
    let [alice, friend] = [1, 2].map(Party::new);
    let both = [&alice, &friend];
    friend.add(0, &alice.bundle(0, false));
    let direct = ConversationId::Direct(alice.device.public());
    write(&friend, 0, &direct, text("it is me"));
    assert_eq!(requests(&carry(&friend, &alice, 0)), 1);
    for day in 1..9 {
        keep_up(&alice, day);
        if day < 6 {
            keep_up(&friend, day);
        }
        deliver(&both, day);
    }
    // What they wrote is gone meanwhile, and they are not.
    let who = friend.device.public();
    let theirs = ConversationId::Direct(who);
    assert_eq!(totals(&alice).stored_bytes, 0);
    assert!(texts(&alice, 9, &theirs).is_ok_and(|texts| texts.is_empty()));
    decide(&alice, 9, &who, people::accept).unwrap();
    deliver(&both, 9);
    let came = texts(&alice, 9, &theirs).unwrap();
    assert_eq!(came.len(), 1, "{came:?}");
    // And they know.
    let party = alice_device(&alice);
    let waits = friend.at(9, |step| {
        unacknowledged::of_device(step.rows, &party, usize::MAX)
    });
    assert!(waits.unwrap().is_empty());
}

fn alice_device(alice: &Party) -> crate::x3dh::Party {
    alice.end()
}

#[test]
fn who_was_forgotten_waits_again_when_they_write_again() {
    let [alice, friend] = [1, 2].map(Party::new);
    friend.add(0, &alice.bundle(0, false));
    let direct = ConversationId::Direct(alice.device.public());
    write(&friend, 0, &direct, text("it is me"));
    assert_eq!(requests(&carry(&friend, &alice, 0)), 1);
    // So many others came that nothing is left of them, not even their session.
    let who = friend.device.public();
    decide(&alice, 5, &who, |step, contact| {
        people::erase(step.rows, contact)
    })
    .unwrap();
    let (mut asked, mut shown) = (0, 0);
    for day in 5..40 {
        keep_up(&alice, day);
        keep_up(&friend, day);
        // Their program takes the newest bundle that Alice publishes.
        friend.add(day, &alice.bundle(day, false));
        if day % 3 == 0 {
            write(&friend, day, &direct, text("are you there?"));
        }
        let outcomes = carry(&friend, &alice, day);
        asked += requests(&outcomes);
        shown += outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Message(_)))
            .count();
    }
    assert!(asked >= 1 && shown >= 8, "{asked} {shown}");
    decide(&alice, 40, &who, people::accept).unwrap();
}

#[test]
fn who_was_removed_does_not_ask_again_by_what_their_program_sends() {
    let [alice, eve] = [1, 2].map(Party::new);
    eve.add(0, &alice.bundle(0, false));
    let (who, direct) = (
        eve.device.public(),
        ConversationId::Direct(alice.device.public()),
    );
    write(&eve, 0, &direct, text("buy this"));
    assert_eq!(requests(&carry(&eve, &alice, 0)), 1);
    decide(&alice, 0, &who, people::remove).unwrap();
    for day in 0..29 {
        keep_up(&eve, day);
        keep_up(&alice, day);
        if day == 3 {
            write(&eve, day, &direct, text("buy this now"));
        }
        let outcomes = carry(&eve, &alice, day);
        assert!(!opens(&outcomes) && requests(&outcomes) == 0);
        assert_eq!(alice.count(Table::Contacts), 0);
    }
    // A first message is refused as what it is, and its one-time prekey stays.
    let one = Somebody::new(1);
    let invitation = alice.bundle(0, true);
    let prekeys = alice.count(Table::OneTimePrekeys);
    let note = |blocked| alice.at(1, |step| removed::note(step, &one.pair.public(), blocked));
    note(false).unwrap();
    let outcomes = take(&alice, 1, &one.first_words(&invitation, text("me"))).unwrap();
    assert!(has_cause(&outcomes, Cause::Removed));
    assert_eq!(alice.count(Table::OneTimePrekeys), prekeys);
    assert_eq!(alice.count(Table::Handshakes), 1);
    // A month later they may ask, or with an invitation that was made since.
    let again = alice.bundle(2, true);
    let outcomes = take(&alice, 2, &one.first_words(&again, text("me"))).unwrap();
    assert_eq!(requests(&outcomes), 1);
    let who = one.pair.public();
    decide(&alice, 2, &who, people::remove).unwrap();
    let later = one.first_words(&alice.bundle(33, false), text("me"));
    assert_eq!(requests(&take(&alice, 33, &later).unwrap()), 1);
    // Whoever was blocked stays so, whatever was removed.
    decide(&alice, 33, &who, |step, contact| {
        people::block(step.rows, contact)
    })
    .unwrap();
    decide(&alice, 33, &who, people::remove).unwrap();
    let last = one.first_words(&alice.bundle(400, true), text("me"));
    let outcomes = take(&alice, 400, &last).unwrap();
    assert!(has_cause(&outcomes, Cause::Removed));
    // Until the user adds them.
    keep_up(&alice, 400);
    assert_eq!(alice.count(Table::Removed), 1);
    alice.add(0, &one.bundle);
    assert_eq!(alice.count(Table::Removed), 0);
}

#[test]
fn nothing_at_all_goes_to_an_unverified_one_under_verified_only() {
    let (eve, carol) = (Party::new(10), Party::new(11));
    let (mallory, alice, id) = invited(&[&eve]);
    carol.add(0, &alice.bundle(0, false));
    write(
        &mallory,
        0,
        &ConversationId::Direct(alice.device.public()),
        text("ahoy"),
    );
    deliver(&[&mallory, &alice], 0);
    set_policy(&alice, TrustPolicy::VerifiedOnly);
    decide(&alice, 0, &mallory.device.public(), |step, contact| {
        contact.row.verified = true;
        contact.save(step.rows)
    })
    .unwrap();
    act(&alice, &id, &GroupAction::Joined);
    act(&alice, &id, &GroupAction::Left);
    // A first message, a gap, a request: whatever would be answered.
    carol.send(0, &alice).unwrap();
    carry(&carol, &alice, 0);
    let mut spoilt = carol.send(0, &alice).unwrap();
    *spoilt.last_mut().unwrap() ^= 1;
    take(&alice, 0, &spoilt).unwrap();
    decide(&alice, 0, &carol.device.public(), people::accept).unwrap();
    for day in 0..3 {
        keep_up(&alice, day);
    }
    let told = empty_outbox(&alice);
    assert!(!told.is_empty());
    assert!(
        told.iter()
            .all(|one| one.recipient == mallory.device.public())
    );
}
