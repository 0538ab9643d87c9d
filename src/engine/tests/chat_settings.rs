//! What the user sets for a conversation holds on all devices, whatever order they hear of it in.

use super::unread::devices_and_friend;
use super::*;
use crate::chat::{ChatSetting, ChatSettingKind as Kind, Decision};
use crate::engine::records::chat_settings as rows;
use crate::engine::sync::{chat_settings, deletions, group_deletion, reading};
use crate::limits::{MAX_LAMPORT_JUMP, MAX_SET_CHATS};

fn set(party: &Party, id: &ConversationId, kind: Kind, number: u64, text: &str) {
    let done = party.at(1, |step| chat_settings::set(step, id, kind, number, text));
    done.unwrap();
}

fn settings(party: &Party, id: &ConversationId) -> Vec<(Kind, u64, String)> {
    let set = party.at(1, |step| rows::of(step.rows, id)).unwrap();
    let said = |one: ChatSetting| (one.kind, one.number, one.text);
    set.into_iter().map(said).collect()
}

fn ask_siblings(party: &Party, day: u64) {
    let asked = party.at(day, |step| healing::ask(step, &step.device.public(), None));
    assert!(asked.unwrap().is_some());
}

#[test]
fn settings_reach_other_devices_and_nobody_else() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let id = ConversationId::Direct(friend.device.public());
    set(&first, &id, Kind::Archived, 7, "no name");
    set(&first, &id, Kind::Name, 7, "Captain");
    // It goes to our own address alone, and nothing more goes when it is set again.
    let waiting = empty_outbox(&first);
    assert!(
        waiting
            .iter()
            .all(|one| one.recipient == first.device.public())
    );
    let mut news = 0;
    for one in &waiting {
        news += taken(&second, 1, &one.envelope)
            .iter()
            .filter(|one| {
                let news = ConversationNews::SettingsChanged;
                matches!(one, Outcome::InConversation(of, told)
                    if *of == id && core::mem::discriminant(told) == core::mem::discriminant(&news))
            })
            .count();
    }
    assert_eq!(news, 2);
    set(&first, &id, Kind::Archived, 1, "");
    assert!(empty_outbox(&first).is_empty());
    let wanted = vec![
        (Kind::Archived, 1, String::new()),
        (Kind::Name, 0, "Captain".to_owned()),
    ];
    deliver(&all, 1);
    for party in [&first, &second] {
        assert_eq!(settings(party, &id), wanted);
    }
    assert!(settings(&friend, &ConversationId::Direct(first.device.public())).is_empty());
}

#[test]
fn devices_that_were_apart_keep_what_both_set_and_agree_on_the_rest() {
    let [first, second, friend] = devices_and_friend();
    let id = ConversationId::Direct(friend.device.public());
    set(&first, &id, Kind::Pinned, 1, "");
    set(&first, &id, Kind::Name, 0, "Ann");
    set(&second, &id, Kind::Archived, 1, "");
    set(&second, &id, Kind::Name, 0, "Bea");
    let (one, other) = (empty_outbox(&first), empty_outbox(&second));
    // In the other order, and twice.
    for waiting in other.iter().rev().chain(&other) {
        taken(&first, 1, &waiting.envelope);
    }
    for waiting in one.iter().chain(one.iter().rev()) {
        taken(&second, 1, &waiting.envelope);
    }
    assert_eq!(settings(&first, &id), settings(&second, &id));
    let set: Vec<_> = settings(&first, &id).into_iter().map(|one| one.0).collect();
    assert_eq!(set, [Kind::Archived, Kind::Pinned, Kind::Name]);
}

#[test]
fn a_device_that_heard_of_nothing_is_told_when_it_asks() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let id = ConversationId::Direct(friend.device.public());
    set(&first, &id, Kind::MutedUntil, u64::MAX, "");
    empty_outbox(&first);
    assert!(settings(&second, &id).is_empty());
    ask_siblings(&second, 1);
    deliver(&all, 1);
    let told = settings(&second, &id);
    assert_eq!(told, settings(&first, &id));
    assert!(told[0].1 < u64::MAX, "a time that languages have");
}

#[test]
fn reading_takes_the_mark_of_unread_away_on_all_devices() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let id = ConversationId::Direct(friend.device.public());
    set(&first, &id, Kind::MarkedUnread, 1, "");
    deliver(&all, 1);
    let marked = |party: &Party| party.at(1, |step| rows::is_marked_unread(step.rows, &id));
    assert!(marked(&first).unwrap() && marked(&second).unwrap());
    let read = second.at(1, |step| reading::read_all(step, &id, true));
    read.unwrap();
    deliver(&all, 1);
    assert!(!marked(&first).unwrap() && !marked(&second).unwrap());
}

#[test]
fn settings_go_with_the_contact_and_come_back_from_no_device() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let who = friend.device.public();
    let id = ConversationId::Direct(who);
    set(&first, &id, Kind::Name, 0, "Captain");
    deliver(&all, 1);
    let removed = first.at(1, |step| {
        let mut contact = contacts::find(step.rows, &who)?.unwrap();
        people::remove(step, &mut contact)
    });
    removed.unwrap();
    // The second device, which has not heard of it, tells all it knows.
    empty_outbox(&first);
    ask_siblings(&first, 2);
    carry(&first, &second, 2);
    for waiting in empty_outbox(&second) {
        taken(&first, 2, &waiting.envelope);
        assert!(settings(&first, &id).is_empty());
    }
    for day in 3..5 {
        ask_siblings(&second, day);
        deliver(&all, day);
        assert!(settings(&first, &id).is_empty() && settings(&second, &id).is_empty());
    }
    let refused = first.at(5, |step| chat_settings::set(step, &id, Kind::Pinned, 1, ""));
    assert!(matches!(refused, Err(EngineError::UnknownContact)));
}

#[test]
fn settings_of_a_group_go_with_it() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let group = first
        .at(1, |step| group_events::create(step, "crew"))
        .unwrap();
    let id = ConversationId::Group(group);
    set(&first, &id, Kind::Archived, 1, "");
    deliver(&all, 1);
    assert_eq!(settings(&second, &id).len(), 1);
    first
        .at(1, |step| group_deletion::delete(step, &group))
        .unwrap();
    deliver(&all, 1);
    ask_siblings(&first, 2);
    deliver(&all, 2);
    assert!(settings(&first, &id).is_empty() && settings(&second, &id).is_empty());
}

#[test]
fn no_device_has_the_last_word_for_ever_nor_fills_the_store() {
    let [first, second, friend] = devices_and_friend();
    let id = ConversationId::Direct(friend.device.public());
    let told = |clock, number| ChatSetting {
        kind: Kind::Pinned,
        number,
        text: String::new(),
        decided: Decision {
            clock,
            device_id: second.device.device_id,
        },
    };
    let merge = |id: &ConversationId, told: ChatSetting| {
        first.at(1, |step| {
            rows::merge(step.rows, id, std::slice::from_ref(&told))
        })
    };
    assert!(!merge(&id, told(MAX_LAMPORT_JUMP + 2, 1)).unwrap());
    assert!(merge(&id, told(MAX_LAMPORT_JUMP + 1, 1)).unwrap());
    // The user's next word counts all the same.
    set(&first, &id, Kind::Pinned, 0, "");
    assert_eq!(settings(&first, &id), [(Kind::Pinned, 0, String::new())]);
    // Of conversations that nobody knows so many are kept, and no more.
    let chats: Vec<_> = (0..20_u8)
        .map(|n| crate::chat::ChatSettings {
            conversation: Party::new(100 + n).device.public().to_bytes(),
            group: false,
            settings: vec![told(1, 1)],
        })
        .collect();
    let have = first.at(1, |step| {
        step.rows.count(Table::ChatSettings).map_err(Into::into)
    });
    let mut outcomes = Vec::new();
    let receive = first.at(1, |step| {
        chat_settings::receive(step, &chats, &mut outcomes)
    });
    receive.unwrap();
    let now = first.at(1, |step| {
        step.rows.count(Table::ChatSettings).map_err(Into::into)
    });
    let (have, now): (u64, u64) = (have.unwrap(), now.unwrap());
    assert!(now == have + 20 && now < MAX_SET_CHATS);
}

#[test]
fn a_contact_that_is_removed_alone_leaves_the_conversation_on_all_devices() {
    let [first, second, friend] = devices_and_friend();
    let all = [&first, &second, &friend];
    let who = friend.device.public();
    let (ours, theirs) = (
        ConversationId::Direct(who),
        ConversationId::Direct(first.device.public()),
    );
    write(&friend, 1, &theirs, text("one"));
    deliver(&all, 1);
    let removed = first.at(1, |step| {
        let mut contact = contacts::find(step.rows, &who)?.unwrap();
        people::remove_keeping(step, &mut contact)
    });
    removed.unwrap();
    deliver(&all, 1);
    for party in [&first, &second] {
        let contact = party.at(1, |step| contacts::find(step.rows, &who)).unwrap();
        assert!(contact.is_none());
        assert_eq!(texts(party, 1, &ours).unwrap()[0].1, "one");
    }
    // Deleted later, on either device, nothing is left.
    let gone = second.at(2, |step| deletions::delete_conversation(step, &ours));
    gone.unwrap();
    deliver(&all, 2);
    for party in [&first, &second] {
        assert!(texts(party, 2, &ours).unwrap().is_empty());
    }
}
