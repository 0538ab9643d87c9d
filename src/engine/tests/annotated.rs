//! What others say of messages never hides a message nor makes a conversation unreadable.

mod names;

use super::*;
use crate::chat::Content;
use crate::engine::history::message::Incoming;
use crate::engine::sync::outcome::RefusalReason as Refusal;

/// A message as anybody may have made it.
pub(super) fn content(
    conversation: &ConversationId,
    lamport: u64,
    id: MessageId,
    body: Body,
) -> Content {
    Content {
        id,
        lamport,
        sent_at: 1,
        reply_to: None,
        group: match conversation {
            ConversationId::Direct(_) => None,
            ConversationId::Group(group) => Some(*group),
        },
        view: None,
        follows: Vec::new(),
        origin: crate::chat::MessageOrigin::Person,
        body,
    }
}

/// A message id that is like no other.
pub(super) fn id(number: u32) -> MessageId {
    let mut bytes = [1; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(&bytes).unwrap()
}

pub(super) fn reaction(author: &PublicIdentity, target: MessageId) -> Body {
    Body::Reaction {
        author: author.to_bytes(),
        target,
        emoji: "⚓".into(),
        removed: false,
    }
}

/// `author` wrote it, and it came to `party` just now.
pub(super) fn comes(
    party: &Party,
    day: u64,
    author: &Party,
    conversation: &ConversationId,
    content: Content,
) -> Vec<Outcome> {
    let encoded = content.to_bytes();
    let received = party.at(day, |step| {
        let incoming = Incoming {
            author: author.device.public(),
            conversation: *conversation,
            content: content.clone(),
            encoded: &encoded,
            copied_from: None,
        };
        let mut outcomes = Vec::new();
        conversation::receive_message(step, &incoming, &mut outcomes)?;
        Ok(outcomes)
    });
    received.unwrap()
}

fn found(party: &Party, author: &Party, id: &MessageId) -> Option<Shown> {
    let message = by(author, id);
    party
        .at(0, |step| view::shown(step.rows, &message))
        .unwrap()
}

pub(super) fn by(author: &Party, id: &MessageId) -> MessageRef {
    MessageRef {
        author: author.device.public(),
        id: *id,
    }
}

fn expire(party: &Party, day: u64) {
    party
        .at(day, |step| deletion::expire(step.rows, step.now))
        .unwrap();
}

fn refused(outcomes: &[Outcome]) -> Option<Refusal> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::InConversation(_, ConversationNews::Refused { reason, .. }) => Some(*reason),
        _ => None,
    })
}

/// Two who know each other, and their conversation as the first one names it.
pub(super) fn two() -> (Party, Party, ConversationId) {
    let [alice, bob] = [1, 2].map(Party::new);
    introduce(&[&alice, &bob], 0);
    let conversation = ConversationId::Direct(bob.device.public());
    (alice, bob, conversation)
}

/// A group of three.
fn three() -> ([Party; 3], ConversationId) {
    let parties = [1, 2, 3].map(Party::new);
    let [alice, bob, carol] = &parties;
    introduce(&[alice, bob, carol], 0);
    let group = group(alice, &[bob, carol], 0);
    (parties, ConversationId::Group(group))
}

#[test]
fn nothing_is_said_of_reactions_edits_and_deletions() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    let mut lamport = 10;
    let mut came = |number, body| {
        lamport += 1;
        let content = content(&conversation, lamport, id(number), body);
        refused(&comes(&alice, 0, &bob, &conversation, content))
    };
    assert_eq!(came(1, text("one")), None);
    let edit = |number| Body::Edit {
        target: id(number),
        text: "two".into(),
    };
    let deletion = |number| Body::Deletion { target: id(number) };
    assert_eq!(came(2, reaction(&author, id(1))), None);
    assert_eq!(came(3, edit(1)), None);
    let mut number = 10;
    for target in [2, 3] {
        for body in [
            reaction(&author, id(target)),
            edit(target),
            deletion(target),
        ] {
            number += 1;
            assert_eq!(came(number, body), Some(Refusal::InvalidTarget));
        }
    }
    assert_eq!(came(4, deletion(1)), None);
    assert_eq!(came(5, deletion(4)), Some(Refusal::InvalidTarget));
    // Also if what it is about comes later.
    assert_eq!(came(21, reaction(&author, id(20))), None);
    assert_eq!(came(20, reaction(&author, id(19))), None);
    assert!(found(&alice, &bob, &id(21)).unwrap().stored.is_deleted());
    assert!(!found(&alice, &bob, &id(20)).unwrap().stored.is_deleted());
}

#[test]
fn a_deletion_does_not_go_as_deep_as_others_wrote() {
    const DEEP: u32 = 5_000;
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    let deleted = alice.at(0, |step| {
        for number in 0..DEEP {
            let body = match number {
                0 => text("root"),
                _ => reaction(&author, id(number - 1)),
            };
            let content = content(&conversation, u64::from(number), id(number), body);
            annotations::index(step.rows, &conversation, &author, &content)?;
            let encoded = content.to_bytes();
            let incoming = Incoming {
                author,
                conversation,
                content,
                encoded: &encoded,
                copied_from: None,
            };
            message::append(step.rows, &incoming, 0, step.now)?;
        }
        let root = by(&bob, &id(0));
        deletion::delete(step.rows, &root, message::DELETED, step.now)
    });
    assert!(deleted.unwrap());
    assert!(
        found(&alice, &bob, &id(DEEP - 1))
            .unwrap()
            .stored
            .is_deleted()
    );
    assert_eq!(alice.count(Table::Annotations), 0);
}

#[test]
fn a_conversation_can_be_read_whatever_became_of_a_reaction() {
    let (alice, bob, conversation) = two();
    let to_alice = ConversationId::Direct(alice.device.public());
    let kept = write(&alice, 0, &conversation, text("kept"));
    write(&alice, 0, &conversation, Body::DisappearingTimer(DAY));
    deliver(&[&alice, &bob], 0);
    let mark = write(&bob, 0, &to_alice, reaction(&alice.device.public(), kept));
    deliver(&[&alice, &bob], 0);
    for day in [2, 40] {
        for party in [&alice, &bob] {
            expire(party, day);
            // It stays as long as the message does.
            assert_eq!(found(party, &alice, &kept).unwrap().reactions.len(), 1);
        }
    }
    // A row that is lost takes no other with it.
    alice
        .at(40, |step| message::erase(step.rows, &by(&bob, &mark)))
        .unwrap();
    let shown = found(&alice, &alice, &kept).unwrap();
    assert_eq!((shown.words(), shown.reactions.len()), (Some("kept"), 0));
}

#[test]
fn what_is_said_of_a_message_goes_with_it() {
    let (alice, bob, conversation) = two();
    write(&alice, 0, &conversation, Body::DisappearingTimer(2 * DAY));
    let said = write(&alice, 0, &conversation, text("one"));
    deliver(&[&alice, &bob], 0);
    let to_alice = ConversationId::Direct(alice.device.public());
    // Some, for those that go at one time come in no order.
    let marks = [(); 8].map(|()| write(&bob, 1, &to_alice, reaction(&alice.device.public(), said)));
    deliver(&[&alice, &bob], 1);
    for party in [&alice, &bob] {
        expire(party, 2);
        for mark in &marks {
            assert!(found(party, &bob, mark).unwrap().stored.is_deleted());
        }
        assert_eq!(party.count(Table::Annotations), 0);
        // A month later nothing is left, not even a name.
        expire(party, 32);
        assert_eq!(party.count(Table::Messages), 0);
        assert_eq!(party.count(Table::Expiries), 0);
    }
}

#[test]
fn nothing_is_said_of_a_message_of_another_conversation() {
    let ([alice, bob, carol], group) = three();
    let said = write(&alice, 0, &group, text("plan"));
    deliver(&[&alice, &bob, &carol], 0);
    let direct = ConversationId::Direct(bob.device.public());
    let mark = |target| reaction(&alice.device.public(), target);
    let came = content(&direct, 1, id(1), mark(said));
    let outcomes = comes(&alice, 0, &bob, &direct, came);
    assert_eq!(refused(&outcomes), Some(Refusal::InvalidTarget));
    // What came before its message is dropped when that turns out to stand elsewhere.
    let edit = Body::Edit {
        target: id(7),
        text: "forged".into(),
    };
    let deletion = Body::Deletion { target: id(7) };
    for (number, body) in [(2, edit), (3, deletion)] {
        let early = content(&direct, 2, id(number), body);
        assert_eq!(refused(&comes(&alice, 0, &bob, &direct, early)), None);
    }
    let late = content(&group, 50, id(7), text("as it is"));
    assert!(opens(&comes(&alice, 0, &bob, &group, late)));
    assert_eq!(
        found(&alice, &bob, &id(7)).unwrap().words(),
        Some("as it is")
    );
    assert!(found(&alice, &bob, &id(2)).unwrap().stored.is_deleted());
    assert_eq!(alice.count(Table::Annotations), 0);
}

#[test]
fn a_group_can_be_read_after_a_contact_was_removed() {
    let ([alice, bob, carol], group) = three();
    let said = write(&alice, 0, &group, text("plan"));
    deliver(&[&alice, &bob, &carol], 0);
    // One that waits in their conversation, and one in the group.
    let direct = ConversationId::Direct(bob.device.public());
    let early = content(&direct, 1, id(1), reaction(&carol.device.public(), id(2)));
    comes(&alice, 0, &bob, &direct, early);
    write(&bob, 0, &group, reaction(&alice.device.public(), said));
    deliver(&[&alice, &bob, &carol], 0);
    assert_eq!(alice.count(Table::Annotations), 2);
    alice
        .at(0, |step| {
            let mut contact = contacts::find(step.rows, &bob.device.public())?.unwrap();
            people::erase(step.rows, &mut contact)
        })
        .unwrap();
    assert_eq!(alice.count(Table::Annotations), 1);
    assert_eq!(texts(&alice, 0, &group).unwrap().len(), 1);
    assert_eq!(found(&alice, &alice, &said).unwrap().reactions.len(), 1);
}

#[test]
fn what_is_said_of_a_deleted_message_is_not_kept() {
    let (alice, bob, conversation) = two();
    let author = bob.device.public();
    let mut lamport = 10;
    let mut came = |number, body| {
        lamport += 1;
        let content = content(&conversation, lamport, id(number), body);
        comes(&alice, 0, &bob, &conversation, content)
    };
    came(1, text("one"));
    came(2, Body::Deletion { target: id(1) });
    let late = Body::Edit {
        target: id(1),
        text: "a secret".into(),
    };
    assert!(came(3, late).is_empty());
    assert!(came(4, reaction(&author, id(1))).is_empty());
    for number in [3, 4] {
        let stored = found(&alice, &bob, &id(number)).unwrap().stored;
        assert!(stored.is_deleted() && stored.content.body == Body::Unknown);
    }
    // Its name goes after a month, as all do of what is gone.
    assert_eq!(alice.count(Table::Expiries), 2);
    expire(&alice, 30);
    assert_eq!(alice.count(Table::Messages), 2);
}

#[test]
fn an_edit_that_came_under_a_timer_does_not_bring_the_former_text_back() {
    let (alice, bob, conversation) = two();
    let edit = |number| Body::Edit {
        target: id(number),
        text: "two".into(),
    };
    let mut lamport = 10;
    let mut came = |number, body| {
        lamport += 1;
        let content = content(&conversation, lamport, id(number), body);
        comes(&alice, 0, &bob, &conversation, content);
    };
    came(1, text("one"));
    came(2, Body::DisappearingTimer(DAY));
    came(3, edit(1));
    // This one is quicker than what it is about, which stays for longer.
    came(5, edit(4));
    came(6, Body::DisappearingTimer(0));
    came(4, text("one"));
    expire(&alice, 2);
    for number in [1, 4] {
        assert_eq!(
            found(&alice, &bob, &id(number)).unwrap().words(),
            Some("two")
        );
    }
}

#[test]
fn a_deletion_that_is_gone_still_deletes_what_comes_after_it() {
    let (alice, bob, conversation) = two();
    let timer = content(&conversation, 10, id(1), Body::DisappearingTimer(DAY));
    comes(&alice, 0, &bob, &conversation, timer);
    let deletion = content(&conversation, 12, id(3), Body::Deletion { target: id(2) });
    comes(&alice, 0, &bob, &conversation, deletion);
    expire(&alice, 1);
    assert!(found(&alice, &bob, &id(3)).unwrap().stored.is_deleted());
    let late = content(&conversation, 11, id(2), text("deleted"));
    assert!(!opens(&comes(&alice, 2, &bob, &conversation, late)));
    assert!(found(&alice, &bob, &id(2)).unwrap().stored.deleted);
}

#[test]
fn nobody_edits_or_deletes_what_we_wrote_to_them() {
    let (alice, bob, conversation) = two();
    let said = write(&alice, 0, &conversation, text("mine"));
    deliver(&[&alice, &bob], 0);
    let to_alice = ConversationId::Direct(alice.device.public());
    let edit = Body::Edit {
        target: said,
        text: "theirs".into(),
    };
    for body in [edit, Body::Deletion { target: said }] {
        write(&bob, 0, &to_alice, body);
        for waiting in empty_outbox(&bob) {
            let outcomes = take(&alice, 0, &waiting.envelope).unwrap();
            assert_eq!(refused(&outcomes), Some(Refusal::NotTheAuthor));
        }
    }
    assert_eq!(found(&alice, &alice, &said).unwrap().words(), Some("mine"));
}
