//! Documents of a program: each goes with whom it is about, all are bounded, and a backup has them.

use super::backups::copied;
use super::*;
use crate::engine::records::states::{self, Owner};
use crate::engine::sync::group_deletion;
use crate::limits::{MAX_STATE_BYTES, MAX_STATE_NAME_LEN, MAX_STATES_BYTES};

fn own() -> Owner {
    Owner::Program("jobs".into())
}

fn in_group(id: &GroupId) -> Owner {
    Owner::conversation(ConversationId::Group(*id).columns())
}

fn with(party: &Party) -> [Owner; 2] {
    let them = party.device.public();
    let conversation = ConversationId::Direct(them).columns();
    [Owner::conversation(conversation), Owner::Person(them)]
}

fn set(party: &Party, owner: &Owner, before: Option<&[u8]>, after: Option<&[u8]>) -> bool {
    let done = party.at(0, |step| {
        states::change(step.rows, owner, "a", before, after)
    });
    match done {
        Err(EngineError::StateChanged) => false,
        done => {
            done.unwrap();
            true
        }
    }
}

fn says(party: &Party, owner: &Owner) -> Option<Vec<u8>> {
    let found: Result<_, EngineError> = party.store.read(|rows| states::find(rows, owner, "a"));
    found.unwrap()
}

#[test]
fn a_document_is_replaced_only_by_who_read_it() {
    let bot = Party::new(1);
    assert!(set(&bot, &own(), None, Some(b"1")));
    assert!(!set(&bot, &own(), None, Some(b"2")));
    assert!(!set(&bot, &own(), Some(b"0"), None));
    assert!(set(&bot, &own(), Some(b"1"), Some(b"2")));
    assert_eq!(says(&bot, &own()).unwrap(), b"2");
    // Areas and owners are apart.
    assert_eq!(says(&bot, &Owner::Program("roles".into())), None);
    assert!(set(&bot, &own(), Some(b"2"), None));
    assert_eq!((says(&bot, &own()), bot.count(Table::States)), (None, 0));
}

#[test]
fn what_is_kept_of_somebody_goes_with_them_and_the_rest_stays() {
    let [bot, alice, bob] = acquainted();
    let crew = group(&bot, &[&alice, &bob], 0);
    let owners: Vec<Owner> = [with(&alice), with(&bob)]
        .into_iter()
        .flatten()
        .chain([in_group(&crew), own()])
        .collect();
    for owner in &owners {
        assert!(set(&bot, owner, None, Some(b"x")));
    }
    let left = || -> Vec<bool> { owners.iter().map(|one| says(&bot, one).is_some()).collect() };
    bot.at(0, |step| group_deletion::delete(step, &crew))
        .unwrap();
    assert_eq!(left(), [true, true, true, true, false, true]);
    bot.at(0, |step| {
        let mut contact = contacts::find(step.rows, &alice.device.public())?.unwrap();
        people::remove(step, &mut contact)
    })
    .unwrap();
    assert_eq!(left(), [false, false, true, true, false, true]);
    assert_eq!(bot.count(Table::States), 3);
}

#[test]
fn a_document_and_all_of_them_are_bounded() {
    let bot = Party::new(1);
    let put = |name: &str, document: &[u8]| {
        bot.at(0, |step| {
            let before = states::find(step.rows, &own(), name)?;
            states::change(step.rows, &own(), name, before.as_deref(), Some(document))
        })
    };
    put("a", &vec![7; MAX_STATE_BYTES]).unwrap();
    let long = "n".repeat(MAX_STATE_NAME_LEN + 1);
    for (name, len) in [("a", MAX_STATE_BYTES + 1), (long.as_str(), 1)] {
        assert_eq!(put(name, &vec![7; len]), Err(EngineError::StateFull));
    }
    // As if there were much more.
    bot.at(0, |step| {
        let key = crate::engine::base::singletons::STATES;
        let bytes = MAX_STATES_BYTES - 100;
        put_row(
            step.rows,
            Table::Device,
            key,
            &crate::wire::store::StatesRow { bytes },
        )
    })
    .unwrap();
    assert_eq!(put("b", b"x"), Err(EngineError::StateFull));
    // What is there may change, and become less.
    put("a", &vec![8; MAX_STATE_BYTES]).unwrap();
    put("a", b"less").unwrap();
    put("b", b"x").unwrap();
}

#[test]
fn a_backup_has_the_documents() {
    let [bot, alice] = acquainted();
    let crew = group(&bot, &[&alice], 0);
    let [conversation, person] = with(&alice);
    let owners = [conversation, person, in_group(&crew), own()];
    for owner in &owners {
        assert!(set(&bot, owner, None, Some(b"x")));
    }
    let copy = copied(&bot);
    for owner in &owners {
        let found: Result<_, EngineError> = copy.read(|rows| states::all(rows, owner));
        assert_eq!(found.unwrap(), [("a".to_owned(), b"x".to_vec())]);
    }
}
