//! What members of a group, those who were it, and strangers may not do to each other.

use super::*;
use crate::chat::{APPLIED, Content, GroupEvent, GroupLog, HealingRequest};
use crate::engine::sync::outcome::RefusalReason as Refusal;
use crate::limits::{MAX_GROUP_EVENTS, MAX_GROUP_MEMBERS};

/// Sends somebody a content as one likes it.
fn say(from: &Party, to: &Party, day: u64, group: &GroupId, body: Body) {
    from.at(day, |step| {
        let content = Content {
            id: MessageId::random(step.rng),
            lamport: 50,
            sent_at: step.now,
            reply_to: None,
            group: Some(*group),
            view: None,
            follows: Vec::new(),
            origin: crate::chat::MessageOrigin::Person,
            body: body.clone(),
        };
        let mut contact = contacts::find(step.rows, &to.device.public())?.unwrap();
        let encoded = content.to_bytes();
        let all = Recipients::ALL;
        let envelope = envelopes::to_contact(step, &mut contact, all, &encoded)?;
        outbox::push(step.rows, to.device.public(), envelope.unwrap(), None).map(|_| ())
    })
    .unwrap();
}

/// Sends somebody events of a group; what became of them.
fn tell(from: &Party, to: &Party, day: u64, group: &GroupId, events: Vec<Vec<u8>>) -> Vec<Outcome> {
    let bundles = Vec::new();
    say(from, to, day, group, Body::GroupEvents { events, bundles });
    carry(from, to, day)
}

fn renamed(author: &Party, group: &GroupId, parent: u32, name: &str) -> Vec<u8> {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&parent.to_be_bytes());
    let action = GroupAction::Renamed(name.into());
    let event = GroupEvent::sign(&author.device.identity, group, &[hash], &action);
    event.unwrap().encoded().to_vec()
}

fn act(party: &Party, day: u64, group: &GroupId, action: GroupAction) {
    party
        .at(day, |step| group_events::act(step, group, &action))
        .unwrap();
}

fn log(party: &Party, group: &GroupId) -> GroupLog {
    let found = party.at(0, |step| groups::known(step.rows, group));
    found.unwrap().log
}

/// How many messages of a group somebody is shown that `author` wrote, those about the group among them.
fn shown_by(party: &Party, day: u64, group: &GroupId, author: &Party) -> usize {
    let conversation = ConversationId::Group(*group);
    let page = party.at(day, |step| {
        view::page(step.rows, &conversation, 1_000, None, step.now)
    });
    let page = page.unwrap().into_iter();
    page.filter(|shown| shown.stored.author == author.device.public())
        .count()
}

fn is_refused(outcomes: &[Outcome], why: Refusal) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) if *reason == why))
}

#[test]
fn a_stranger_puts_nothing_into_a_group() {
    let [alice, bob, eve] = [1, 2, 9].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let id = group(&alice, &[&bob], 0);
    // Eve has heard of the group's id, and has Alice's invitation.
    eve.add(0, &alice.bundle(0, false));
    let events = (0..200)
        .map(|n| renamed(&eve, &id, n, "elsewhere"))
        .collect();
    let outcomes = tell(&eve, &alice, 0, &id, events);
    assert!(is_refused(&outcomes, Refusal::NotAMember));
    assert_eq!(log(&alice, &id).encoded().count(), log(&bob, &id).len());
    assert_eq!(shown_by(&alice, 0, &id, &eve), 0);
    act(&alice, 0, &id, GroupAction::Renamed("ours".into()));
    deliver(&[&alice, &bob], 0);
    assert_eq!(log(&bob, &id).membership().name, "ours");
}

#[test]
fn a_conversation_shows_of_a_group_what_is_part_of_its_log() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &carol];
    introduce(&all, 0);
    let id = group(&alice, &[&bob, &carol], 0);
    let before = shown_by(&bob, 0, &id, &carol);
    let head = log(&carol, &id).events().last().unwrap().hash();
    let sign = |action| {
        let event = GroupEvent::sign(&carol.device.identity, &id, &[head], &action);
        event.unwrap().encoded().to_vec()
    };
    // What Carol may not, what she did not sign, and what builds on nothing, beside something that is known.
    let known = log(&carol, &id).encoded().next().unwrap().to_vec();
    let mut unsigned = sign(GroupAction::Renamed("mine".into()));
    *unsigned.last_mut().unwrap() ^= 1;
    for (bad, why) in [
        (
            sign(GroupAction::Renamed("mine".into())),
            Some(Refusal::NotAnAdmin),
        ),
        (unsigned, Some(Refusal::InvalidEvent)),
        (renamed(&carol, &id, 1, "mine"), None),
    ] {
        let outcomes = tell(&carol, &bob, 0, &id, vec![known.clone(), bad]);
        assert!(why.is_none_or(|why| is_refused(&outcomes, why)));
        assert_eq!(shown_by(&bob, 0, &id, &carol), before);
    }
    // An honest one that is early is shown once what it builds on has come.
    act(
        &alice,
        0,
        &id,
        GroupAction::AdminsAdded(vec![carol.device.public()]),
    );
    let mut late = None;
    for waiting in empty_outbox(&alice) {
        if waiting.recipient == carol.device.public() {
            take(&carol, 0, &waiting.envelope).unwrap();
        } else {
            late = Some(waiting.envelope);
        }
    }
    act(&carol, 0, &id, GroupAction::Renamed("hers".into()));
    deliver(&[&carol, &bob], 0);
    assert_eq!(shown_by(&bob, 0, &id, &carol), before);
    take(&bob, 0, &late.unwrap()).unwrap();
    assert_eq!(log(&bob, &id).membership().name, "hers");
    run_due(&carol, 1).unwrap();
    deliver(&[&carol, &bob], 1);
    assert_eq!(shown_by(&bob, 1, &id, &carol), before + 1);
}

#[test]
fn whoever_was_put_out_shows_nothing_in_a_group_after_a_week() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &carol];
    introduce(&all, 0);
    let id = group(&alice, &[&bob, &carol], 0);
    let before = shown_by(&bob, 0, &id, &carol);
    let log = log(&carol, &id);
    let own = log
        .events()
        .filter(|event| *event.author() == carol.device.public());
    let own: Vec<_> = own.map(|event| event.encoded().to_vec()).collect();
    act(
        &alice,
        0,
        &id,
        GroupAction::MembersRemoved(vec![carol.device.public()]),
    );
    deliver(&all, 0);
    // Within it, and after it: that she joined.
    let outcomes = tell(&carol, &bob, 6, &id, own.clone());
    assert!(!is_refused(&outcomes, Refusal::NotAMember));
    assert_eq!(shown_by(&bob, 6, &id, &carol), before + 1);
    let outcomes = tell(&carol, &bob, 8, &id, own);
    assert!(is_refused(&outcomes, Refusal::NotAMember));
    let invented = vec![renamed(&carol, &id, 1, "meet elsewhere")];
    assert!(is_refused(
        &tell(&carol, &bob, 8, &id, invented),
        Refusal::NotAMember
    ));
    assert_eq!(shown_by(&bob, 8, &id, &carol), before + 1);
}

#[test]
fn a_late_member_gets_nothing_of_what_was_written_before() {
    let [alice, bob, late] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &late];
    introduce(&all, 0);
    let id = group(&alice, &[&bob], 0);
    let conversation = ConversationId::Group(id);
    let write = |party: &Party, day: u64, text: &str, reply_to: Option<MessageId>| {
        let sent = party.at(day, |step| {
            write::write(step, &conversation, Body::Text(text.into()), reply_to)
        });
        deliver(&all, day);
        sent.unwrap().0
    };
    let secret = write(&alice, 0, "not for them", None);
    act(
        &alice,
        1,
        &id,
        GroupAction::MembersAdded(vec![late.device.public()]),
    );
    deliver(&all, 1);
    act(&late, 1, &id, GroupAction::Joined);
    deliver(&all, 1);
    write(&bob, 1, "agreed", Some(secret));
    write(&alice, 1, "for all", None);
    // Its id came along with the answer. They say that they have it, and ask for what is missing.
    late.at(1, |step| {
        let to = alice.device.public();
        post::send_receipt(step, &to, &[secret])?;
        let request = Body::HealingRequest(HealingRequest::default());
        post::send_control(step, &to, Recipients::ALL, request.clone())
    })
    .unwrap();
    deliver(&all, 1);
    let message = alice.at(1, |step| {
        let message = MessageRef {
            author: alice.device.public(),
            id: secret,
        };
        let shown = view::shown(step.rows, &message)?.unwrap();
        Ok(shown.delivered)
    });
    let has_it: Vec<_> = message.unwrap().iter().map(|one| one.to).collect();
    assert_eq!(has_it, [bob.device.public()]);
    let texts = texts(&late, 1, &conversation).unwrap();
    let texts: Vec<_> = texts.iter().map(|(_, text, _)| text.as_str()).collect();
    assert_eq!(texts, ["agreed", "for all"]);
}

#[test]
fn a_member_gives_what_they_wrote_and_what_who_asks_wrote_and_nobody_elses_words() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &carol];
    introduce(&all, 0);
    let id = group(&alice, &[&bob, &carol], 0);
    let conversation = ConversationId::Group(id);
    for party in all {
        write(party, 0, &conversation, text("ahoy"));
        deliver(&all, 0);
    }
    let request = Body::HealingRequest(HealingRequest::default());
    bob.at(0, |step| {
        let to = alice.device.public();
        post::send_control(step, &to, Recipients::ALL.to_ask(), request.clone())
    })
    .unwrap();
    let mut given = Vec::new();
    for waiting in empty_outbox(&bob) {
        for outcome in take(&alice, 0, &waiting.envelope).unwrap() {
            if let Outcome::Peer(_, PeerNews::Resent { messages }) = outcome {
                given.push(messages);
            }
        }
    }
    // Her text, and the events by which she invited them; his text and his joining; nothing of Carol's.
    assert_eq!(given, [4]);
}

#[test]
fn nobody_reads_in_a_group_who_does_not_belong_to_it() {
    let [alice, bob, eve] = [1, 2, 9].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let id = group(&alice, &[&bob], 0);
    let conversation = ConversationId::Group(id);
    let message = write(&alice, 0, &conversation, text("ahoy"));
    deliver(&[&alice, &bob], 0);
    eve.add(0, &alice.bundle(0, false));
    for reader in [&eve, &bob] {
        let body = Body::ReadReceipt { lamport: 1 << 60 };
        say(reader, &alice, 0, &id, body);
        deliver(&[reader, &alice], 0);
    }
    let shown = alice.at(0, |step| {
        let message = MessageRef {
            author: alice.device.public(),
            id: message,
        };
        view::shown(step.rows, &message)
    });
    assert_eq!(shown.unwrap().unwrap().read_by, [bob.device.public()]);
}

#[test]
fn a_full_log_that_comes_at_once_is_looked_at_once() {
    let [alice, carol] = [1, 3].map(Party::new);
    introduce(&[&alice, &carol], 0);
    deliver(&[&alice, &carol], 0);
    let author = &carol.device.identity;
    let (log, first) = GroupLog::create(author, "crew", [1; 16]).unwrap();
    let id = *log.id();
    let mut events = vec![first];
    while events.len() < MAX_GROUP_EVENTS {
        let action = match events.len() {
            1 => GroupAction::MembersAdded(vec![alice.device.public()]),
            count => GroupAction::Renamed(format!("name {count}")),
        };
        let last = events.last().unwrap().hash();
        events.push(GroupEvent::sign(author, &id, &[last], &action).unwrap());
    }
    let events = events.iter().map(|event| event.encoded().to_vec());
    APPLIED.set(0);
    tell(&carol, &alice, 0, &id, events.collect());
    // For each event those before it, and all of them for what follows; in each of the two runs of the step.
    assert!(APPLIED.get() <= 2 * (MAX_GROUP_EVENTS * (MAX_GROUP_EVENTS + 10) / 2));
    APPLIED.set(0);
    let shared = alice.at(0, |step| {
        groups::member_list(step.rows, &id).map(|list| list.unwrap().members().count())
    });
    assert_eq!((shared.unwrap(), APPLIED.get()), (2, 0));
}

#[test]
fn whoever_was_invited_gets_all_they_were_not_told_of_at_once() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    introduce(&[&alice, &bob, &carol], 0);
    let id = group(&alice, &[&bob], 0);
    act(
        &alice,
        0,
        &id,
        GroupAction::AdminsAdded(vec![bob.device.public()]),
    );
    deliver(&[&alice, &bob], 0);
    // What Alice writes after this she writes without having heard of Carol.
    let mut apart = log(&alice, &id);
    act(
        &bob,
        0,
        &id,
        GroupAction::MembersAdded(vec![carol.device.public()]),
    );
    deliver(&[&bob, &carol], 0);
    act(&carol, 0, &id, GroupAction::Joined);
    deliver(&[&bob, &carol], 0);
    empty_outbox(&bob);

    let pair = &alice.device.identity;
    let mut events: Vec<_> = (0..20)
        .map(|n| {
            apart
                .write(pair, &GroupAction::Renamed(format!("{n}")))
                .unwrap()
        })
        .collect();
    // Among those whom it names is its author, and there are more of them than a message has bundles.
    let mut crowd: Vec<_> = (10..10 + MAX_GROUP_MEMBERS as u8 - 3)
        .map(|seed| {
            let party = Party::new(seed);
            bob.add(0, &party.bundle(0, false));
            party.device.public()
        })
        .collect();
    crowd.sort_by_key(PublicIdentity::to_bytes);
    events.push(
        apart
            .write(pair, &GroupAction::MembersAdded(crowd))
            .unwrap(),
    );
    let events = events.iter().map(|event| event.encoded().to_vec());
    tell(&alice, &bob, 0, &id, events.collect());
    let to_carol = empty_outbox(&bob).into_iter();
    let to_carol: Vec<_> = to_carol
        .filter(|w| w.recipient == carol.device.public())
        .collect();
    assert_eq!(to_carol.len(), 1);
    take(&carol, 0, &to_carol[0].envelope).unwrap();
    assert_eq!(log(&carol, &id).membership().name, "19");
    assert_eq!(log(&carol, &id).len(), log(&bob, &id).len());
}
