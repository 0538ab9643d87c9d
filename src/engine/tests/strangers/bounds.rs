//! Places, bytes and rows, however many come.

use super::*;

#[test]
fn removals_are_remembered_in_bounds_and_for_a_time() {
    let alice = Party::new(1);
    let most = u32::try_from(MAX_REMOVED).unwrap();
    alice
        .at(0, |step| {
            for number in 0..most + 50 {
                let mut seed = [9; 32];
                seed[..4].copy_from_slice(&number.to_be_bytes());
                let pair = IdentityKeyPair::from_seed(&Secret::new(seed));
                removed::note(step, &pair.public(), false)?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(alice.count(Table::Removed), 2 * most as usize);
    keep_up(&alice, 31);
    assert_eq!(alice.count(Table::Removed), 0);
}

/// As after many first messages.
fn fill(alice: &Party, people: u64) {
    let (now, people) = (START, u32::try_from(people).unwrap());
    alice
        .at(0, |step| {
            for number in 0..people {
                let one = Somebody::new(100_000 + number);
                let (mut contact, _) = contacts::merge_bundle(step, &one.bundle)?;
                strangers::enter(step.rows, &mut contact, Wait::Stranger, now)?;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn whom_the_user_invited_comes_in_although_strangers_fill_the_places() {
    let alice = Party::new(1);
    let invitations = [(); 3].map(|()| alice.bundle(0, true));
    let reusable = alice.bundle(0, false);
    fill(&alice, MAX_STRANGERS);
    let outcomes = take(
        &alice,
        0,
        &Somebody::new(1).first_words(&reusable, text("me")),
    )
    .unwrap();
    assert!(has_cause(&outcomes, Cause::StrangerLimit));
    for (number, invitation) in (2..).zip(&invitations) {
        let words = Somebody::new(number).first_words(invitation, text("me"));
        let outcomes = take(&alice, 0, &words).unwrap();
        assert!(opens(&outcomes) && requests(&outcomes) == 1);
    }
    assert_eq!(
        (totals(&alice).count, totals(&alice).invited),
        (MAX_STRANGERS, 3)
    );
    // After a week there are places again, and all who waited wait on until somebody needs them.
    keep_up(&alice, 8);
    let words = Somebody::new(1).first_words(&reusable, text("me"));
    assert_eq!(requests(&take(&alice, 8, &words).unwrap()), 1);
    let all = totals(&alice);
    assert_eq!(all.count + all.aged, MAX_STRANGERS);
    assert_eq!(alice.count(Table::Waiting), MAX_STRANGERS as usize);
    assert_eq!(alice.count(Table::Contacts), MAX_STRANGERS as usize);
    keep_up(&alice, 32);
    assert_eq!(alice.count(Table::Contacts), 1);
}

#[test]
fn a_public_bot_is_not_filled_up_and_hears_everybody() {
    let bot = Party::new(1);
    set_policy(&bot, TrustPolicy::AcceptAll);
    let bundle = bot.bundle(0, false);
    let friend = Party::new(2);
    friend.add(0, &bundle);
    write(
        &friend,
        0,
        &ConversationId::Direct(bot.device.public()),
        text("ahoy"),
    );
    carry(&friend, &bot, 0);
    let friends = ConversationId::Direct(friend.device.public());
    write(&bot, 0, &friends, text("welcome"));
    let hear = |numbers: core::ops::Range<u32>, len| {
        for number in numbers {
            let words = Somebody::new(number).first_words(&bundle, bytes(len));
            assert!(opens(&take(&bot, 0, &words).unwrap()), "{number}");
            let all = totals(&bot);
            assert!(all.count <= MAX_STRANGERS && all.stored_bytes <= MAX_STRANGERS_BYTES);
        }
    };
    // What is left of the bound behind the last that fits is room for the twenty below, each with a post-quantum key.
    hear(0..90, 53_000);
    // They were answered.
    assert!(empty_outbox(&bot).len() > 90);
    let most = (MAX_STRANGERS_BYTES / 53_000) as usize;
    for table in [Table::Contacts, Table::Sessions, Table::Messages] {
        assert!(bot.count(table) <= most + 4, "{table:?}");
    }
    fill(&bot, MAX_STRANGERS - totals(&bot).count);
    hear(100..120, 100);
    assert_eq!(bot.count(Table::Waiting), MAX_STRANGERS as usize);
    assert_eq!(bot.count(Table::Contacts), MAX_STRANGERS as usize + 1);
    // Whom the bot wrote to is a contact, and stays one.
    assert!(
        contact(&bot, &friend.device.public())
            .unwrap()
            .is_accepted()
    );
    assert!(!texts(&bot, 0, &friends).unwrap().is_empty());
}

#[test]
fn what_a_public_bot_has_not_handled_makes_no_room() {
    let bot = Party::new(1);
    set_policy(&bot, TrustPolicy::AcceptAll);
    bot.at(0, |step| unhandled::set_kept(step.rows, true))
        .unwrap();
    let guest = Party::new(2);
    guest.add(0, &bot.bundle(0, false));
    let direct = ConversationId::Direct(bot.device.public());
    let (mut shown, mut refused) = (0, 0);
    let mut say = |day| {
        write(&guest, day, &direct, bytes(28_000));
        let outcomes = carry(&guest, &bot, day);
        shown += usize::from(opens(&outcomes));
        refused += usize::from(has_cause(&outcomes, Cause::StrangerLimit));
        (shown, refused)
    };
    for _ in 0..5 {
        say(0);
    }
    assert_eq!(say(0), (3, 3));
    let waiting = bot.at(0, |step| Ok(unhandled::oldest(step.rows, 100)?.len()));
    assert_eq!(waiting.unwrap(), 3);
    // Handled, there is room for more.
    bot.at(0, |step| {
        for one in unhandled::oldest(step.rows, 100)? {
            unhandled::handled(step.rows, one.number)?;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(say(1), (4, 3));
}
