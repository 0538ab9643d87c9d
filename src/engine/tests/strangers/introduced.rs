//! Who is met in a group, or whom a contact goes on as.

use super::*;

#[test]
fn declining_an_invitation_introduces_nobody_and_is_handed_on_by_who_invited() {
    let eves: Vec<Party> = (10..14).map(Party::new).collect();
    let eves: Vec<&Party> = eves.iter().collect();
    let (mallory, alice, id) = invited(&eves);
    act(&alice, &id, &GroupAction::Left);
    assert_eq!(alice.count(Table::Contacts), 1);
    let told: Vec<_> = empty_outbox(&alice);
    assert!(!told.is_empty());
    for waiting in &told {
        assert_eq!(waiting.recipient, mallory.device.public());
        take(&mallory, 0, &waiting.envelope).unwrap();
    }
    let all: Vec<&Party> = eves.iter().copied().chain([&mallory, &alice]).collect();
    deliver(&all, 0);
    for eve in &eves {
        let membership = eve.at(0, |step| groups::listed(step.rows, &id));
        assert!(!membership.unwrap().has(&alice.device.public()));
    }
    // One of them writes to Alice alone: a stranger like any other.
    let eve = eves[0];
    eve.add(0, &alice.bundle(0, false));
    let (mut asked, mut shown) = (0, 0);
    for _ in 0..20 {
        write(
            eve,
            0,
            &ConversationId::Direct(alice.device.public()),
            bytes(20_000),
        );
        let outcomes = carry(eve, &alice, 0);
        asked += requests(&outcomes);
        shown += u64::from(opens(&outcomes));
    }
    assert_eq!((asked, totals(&alice).count), (1, 1));
    assert!(shown >= 1 && shown * 20_000 <= MAX_STRANGER_BYTES);
    assert!(empty_outbox(&alice).is_empty());
}

#[test]
fn who_is_met_in_a_group_is_answered_there_and_waits_with_what_is_for_the_user_alone() {
    let eve = Party::new(10);
    let (mallory, alice, id) = invited(&[&eve]);
    let all = [&eve, &mallory, &alice];
    for member in [&alice, &eve] {
        act(member, &id, &GroupAction::Joined);
        deliver(&all, 0);
    }
    let (eves, alices) = (eve.device.public(), alice.device.public());
    let met = contact(&alice, &eves).unwrap();
    assert!(met.is_introduced() && !met.is_accepted() && totals(&alice) == StrangersRow::default());
    // In the group: shown and acknowledged.
    let said = write(&eve, 0, &ConversationId::Group(id), text("all hands"));
    assert!(opens(&carry(&eve, &alice, 0)));
    let receipts = |from: &Party, to: &Party| {
        let outcomes = carry(from, to, 0);
        let ids = |outcome: &Outcome| match outcome {
            Outcome::Peer(_, PeerNews::Delivered(ids)) => ids.clone(),
            _ => Vec::new(),
        };
        outcomes.iter().flat_map(ids).collect::<Vec<_>>()
    };
    assert_eq!(receipts(&alice, &eve), [said]);
    // To her alone: it waits, is asked for once, and is bounded; strangers have their places.
    let direct = ConversationId::Direct(alices);
    let first = write(&eve, 0, &direct, text("psst"));
    let outcomes = carry(&eve, &alice, 0);
    assert!(opens(&outcomes) && requests(&outcomes) == 1);
    for _ in 0..20 {
        write(&eve, 0, &direct, bytes(20_000));
        assert_eq!(requests(&carry(&eve, &alice, 0)), 0);
    }
    let all_totals = totals(&alice);
    assert!(all_totals.invited_bytes <= MAX_STRANGER_BYTES && all_totals.count == 0);
    assert_eq!(receipts(&alice, &eve), []);
    // The group is not held up by that.
    write(&eve, 0, &ConversationId::Group(id), bytes(100_000));
    assert!(opens(&carry(&eve, &alice, 0)));
    // Accepted, what waited is acknowledged.
    decide(&alice, 0, &eves, people::accept).unwrap();
    assert!(receipts(&alice, &eve).contains(&first));
    assert!(totals(&alice) == StrangersRow::default());
}

#[test]
fn an_introduction_ends_with_the_group_it_came_from() {
    let (eve, carol) = (Party::new(10), Party::new(11));
    let (mallory, alice, id) = invited(&[&eve, &carol]);
    let all = [&eve, &carol, &mallory, &alice];
    for member in [&alice, &eve, &carol] {
        act(member, &id, &GroupAction::Joined);
        deliver(&all, 0);
    }
    let introduced = |who: &Party| {
        let contact = contact(&alice, &who.device.public());
        contact.is_some_and(|contact| contact.is_introduced())
    };
    assert!(introduced(&eve) && introduced(&carol));
    let gone = vec![carol.device.public()];
    act(&mallory, &id, &GroupAction::MembersRemoved(gone));
    deliver(&all, 0);
    assert!(introduced(&eve) && !introduced(&carol));
    act(&alice, &id, &GroupAction::Left);
    deliver(&all, 0);
    assert!(!introduced(&eve));
    // Mallory was accepted before.
    assert!(
        contact(&alice, &mallory.device.public())
            .unwrap()
            .is_accepted()
    );
    assert_eq!((totals(&alice).lapsed, alice.count(Table::Waiting)), (2, 2));
    keep_up(&alice, 8);
    assert_eq!(
        (alice.count(Table::Contacts), totals(&alice).lapsed),
        (1, 0)
    );
}

#[test]
fn former_members_are_bounded_however_often_a_group_changes() {
    let alice = Party::new(1);
    let id = alice.at(0, |step| group_events::create(step, "crew"));
    let id = id.unwrap();
    for number in 0..u32::try_from(MAX_LAPSED).unwrap() + 100 {
        let one = Somebody::new(number);
        alice
            .at(0, |step| {
                let (mut contact, _) = contacts::merge_forwarded_bundle(step, &one.bundle)?;
                introductions::introduce(step.rows, &mut contact, Origin::Group(&id))?;
                groups::take_back(step, &id, [one.pair.public()].into_iter())
            })
            .unwrap();
    }
    let most = usize::try_from(MAX_LAPSED).unwrap();
    assert_eq!(alice.count(Table::Contacts), most);
    assert_eq!(alice.count(Table::Waiting), most);
}

#[test]
fn a_contact_goes_on_as_one_identity_at_a_time() {
    let [mallory, alice] = [1, 2].map(Party::new);
    introduce(&[&mallory, &alice], 0);
    let mallorys = mallory.device.public();
    for number in 0..600 {
        let one = Somebody::new(number);
        alice
            .at(0, |step| {
                people::follow_identity(step, &mallorys, &one.bundle).map(|_| ())
            })
            .unwrap();
        assert!(contact(&alice, &one.pair.public()).unwrap().is_introduced());
    }
    assert_eq!(alice.count(Table::Contacts), 2);
    // What such a one writes waits.
    let last = Somebody::new(599);
    let words = last.first_words(&alice.bundle(0, false), text("it is me"));
    assert_eq!(requests(&take(&alice, 0, &words).unwrap()), 1);
    assert!(empty_outbox(&alice).is_empty());
    // And nobody vouches for them when the former is blocked.
    decide(&alice, 0, &mallorys, |step, contact| {
        people::block(step.rows, contact)
    })
    .unwrap();
    let last = contact(&alice, &last.pair.public()).unwrap();
    assert!(last.is_stranger() && Wait::of(&last) == Some(Wait::Invited));
}
