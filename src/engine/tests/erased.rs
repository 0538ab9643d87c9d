//! What is deleted stays so, whoever has it still.

use super::hostile::{content, forge};
use super::*;
use crate::chat::Copy;
use crate::engine::sync::outcome::RefusalReason;

/// A message of the author's, as somebody gives it back who kept it.
fn given_back(author: &Party, by: &Party, kept: &[u8]) -> Body {
    Body::Copy(Copy {
        author: author.device.public().to_bytes(),
        conversation: by.device.public().to_bytes(),
        content: kept.to_vec().into(),
    })
}

/// What is stored of a message, by whom it was written.
fn kept(by: &Party, author: &Party, id: MessageId) -> Vec<u8> {
    let message = MessageRef {
        author: author.device.public(),
        id,
    };
    let encoded = by.at(0, |step| message::encoded(step.rows, &message));
    encoded.unwrap().unwrap().1.to_vec()
}

fn refused(outcomes: &[Outcome], why: RefusalReason) -> bool {
    let is = |news: &ConversationNews| matches!(news, ConversationNews::Refused { reason, .. } if *reason == why);
    outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::InConversation(_, news) if is(news)))
}

/// Takes a copy in from somebody who made it up, without acknowledging it.
fn hand(by: &Party, to: &Party, day: u64, body: Body) -> Vec<Outcome> {
    let forged = forge(by, to, day, &content(0, None, body), None);
    take(to, day, &forged).unwrap()
}

#[test]
fn own_words_are_taken_back_only_as_answers_that_were_asked_for_and_as_many_as_promised() {
    let [alice, mallory] = [1, 2].map(Party::new);
    let all = [&alice, &mallory];
    introduce(&all, 0);
    let to_mallory = ConversationId::Direct(mallory.device.public());
    let ids = ["one", "two", "three"].map(|words| write(&alice, 0, &to_mallory, text(words)));
    deliver(&all, 0);
    let kept = ids.map(|id| kept(&mallory, &alice, id));
    // Alice's store is put back from before she wrote.
    let erase = alice.at(0, |step| {
        for id in ids {
            let author = step.device.public();
            let message = MessageRef { author, id };
            deletion::erase(step.rows, &message)?;
        }
        Ok(())
    });
    erase.unwrap();
    let give = |at: usize| hand(&mallory, &alice, 0, given_back(&alice, &mallory, &kept[at]));
    let there = || texts(&alice, 0, &to_mallory).unwrap().len();

    // Nobody asked, and a promise that nobody asked for is none.
    assert!(refused(&give(0), RefusalReason::NotAsked));
    let promise = |messages| Body::HealingAnswer {
        messages,
        bundle: Vec::new(),
    };
    hand(&mallory, &alice, 0, promise(10));
    assert!(refused(&give(0), RefusalReason::NotAsked));
    assert_eq!(there(), 0);

    let asked = alice.at(0, |step| healing::ask(step, &mallory.device.public(), None));
    assert_eq!(asked.unwrap(), Some(1));
    // Asked, and not answered yet.
    assert!(refused(&give(0), RefusalReason::NotAsked));
    hand(&mallory, &alice, 0, promise(2));
    // What is here counts for nothing.
    for at in [0, 0, 1] {
        assert!(!refused(&give(at), RefusalReason::NotAsked));
    }
    assert!(refused(&give(2), RefusalReason::NotAsked));
    // The one answer of its one device has come.
    hand(&mallory, &alice, 0, promise(10));
    assert!(refused(&give(2), RefusalReason::NotAsked));
    assert_eq!(there(), 2);
}
