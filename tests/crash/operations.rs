//! What Alice does when the machine dies under her, and what has to hold afterwards.

use windlass::{Event, WindlassError};

use crate::support::clients::{carry, invite, take_outbox, text_to, texts, write};
use crate::support::party::Party;

/// The conversation goes on in both directions, and both have the same history, each message once.
pub fn goes_on(alice: &Party, bob: &Party) {
    for (text, from, to) in [("a", alice, bob), ("b", bob, alice), ("c", alice, bob)] {
        write(from, to, &format!("afterwards {text}")).unwrap();
        carry(alice, &[bob]);
        carry(bob, &[alice]);
    }
    let all = texts(alice, bob);
    assert_eq!(all, texts(bob, alice));
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len());
    assert!(all.ends_with(&["a", "b", "c"].map(|text| format!("afterwards {text}"))));
}

/// Two who have talked, with nothing under way.
pub fn introduced() -> (Party, Party) {
    let (alice, bob) = (Party::new(), Party::new());
    invite(&alice, &bob);
    for turn in 0..2 {
        write(&alice, &bob, &format!("alice {turn}")).unwrap();
        carry(&alice, &[&bob]);
        write(&bob, &alice, &format!("bob {turn}")).unwrap();
        carry(&bob, &[&alice]);
    }
    carry(&alice, &[&bob]);
    for one in [&alice, &bob] {
        // What writes that it was taken.
        one.maintain().unwrap();
    }
    (alice, bob)
}

type Outcome = Result<Vec<u8>, WindlassError>;

/// What an operation does to Alice, and what holds behind every crash in it.
pub struct Operation {
    pub name: &'static str,
    /// Before it, both parties are in the state that they are in when this returns; `keep` is handed to the rest.
    pub prepare: fn() -> (Party, Party, Vec<u8>),
    pub run: fn(&Party, &Party, &[u8]) -> Outcome,
    /// Alice after the crash, Bob as he was, what was kept, and what the operation answered if it was over.
    pub check: fn(&Party, &Party, &[u8], Option<&[u8]>),
}

fn quiet() -> (Party, Party, Vec<u8>) {
    let (alice, bob) = introduced();
    (alice, bob, Vec::new())
}

pub const OPERATIONS: &[Operation] = &[
    Operation {
        name: "send",
        prepare: quiet,
        run: |alice, bob, _| write(alice, bob, "new"),
        check: |alice, bob, _, answer| {
            let waiting: Vec<_> = alice.outbox(0).unwrap();
            let written = texts(alice, bob).contains(&"new".to_owned());
            assert_eq!(waiting.len(), usize::from(written));
            if let Some(envelope) = answer {
                assert_eq!(waiting[0].bytes.to_vec(), envelope);
            }
            goes_on(alice, bob);
            assert_eq!(texts(bob, alice).contains(&"new".to_owned()), written);
        },
    },
    Operation {
        name: "send a first message",
        prepare: || {
            let (alice, bob) = (Party::new(), Party::new());
            invite(&alice, &bob);
            (alice, bob, Vec::new())
        },
        run: |alice, bob, _| write(alice, bob, "new"),
        check: |alice, bob, _, answer| {
            let written = texts(alice, bob).contains(&"new".to_owned());
            assert!(written || answer.is_none());
            goes_on(alice, bob);
            assert_eq!(texts(bob, alice).contains(&"new".to_owned()), written);
        },
    },
    Operation {
        name: "send many",
        prepare: quiet,
        run: |alice, bob, _| {
            let message = |number| text_to(&bob.address(), &format!("many {number}"));
            alice.send_many((0..20).map(message).collect())?;
            Ok(Vec::new())
        },
        check: |alice, bob, _, answer| {
            let written = count(alice, bob, "many");
            assert!(written == 20 || (written == 0 && answer.is_none()));
            assert_eq!(alice.outbox(0).unwrap().len(), written);
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "receive",
        prepare: || {
            let (alice, bob) = introduced();
            let envelope = write(&bob, &alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.receive(envelope.into()).map(|_| Vec::new()),
        check: received_once,
    },
    Operation {
        name: "receive a first message",
        prepare: || {
            let (alice, bob) = (Party::new(), Party::new());
            invite(&bob, &alice);
            let envelope = write(&bob, &alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.receive(envelope.into()).map(|_| Vec::new()),
        check: received_once,
    },
    Operation {
        name: "receive ahead of others",
        prepare: || {
            let (alice, bob) = introduced();
            for number in 0..10 {
                write(&bob, &alice, &format!("later {number}")).unwrap();
            }
            let envelope = write(&bob, &alice, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, envelope| alice.receive(envelope.into()).map(|_| Vec::new()),
        check: |alice, bob, envelope, answer| {
            received_once(alice, bob, envelope, answer);
            assert_eq!(count(alice, bob, "later"), 10);
        },
    },
    Operation {
        name: "mark sent",
        prepare: || {
            let (alice, bob) = introduced();
            let envelope = write(&alice, &bob, "new").unwrap();
            (alice, bob, envelope)
        },
        run: |alice, _, _| {
            let waiting = alice.outbox(0)?;
            alice.mark_sent(waiting.iter().map(|envelope| envelope.id).collect())?;
            // What writes it.
            alice.store.shred().map(|_| Vec::new())
        },
        check: |alice, bob, envelope, answer| {
            let waiting = alice.outbox(0).unwrap();
            assert!(
                waiting.is_empty() || (answer.is_none() && waiting[0].bytes.to_vec() == envelope)
            );
            // The transport has it in any case.
            bob.receive(envelope.into()).unwrap();
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "shred",
        prepare: quiet,
        run: |alice, _, _| alice.store.shred().map(|_| Vec::new()),
        check: |alice, bob, _, answer| {
            assert_eq!(texts(alice, bob).len(), 4);
            if answer.is_some() {
                assert_eq!(alice.store.inspect().unwrap().epoch, 2);
            }
            alice.store.shred().unwrap();
            goes_on(alice, bob);
        },
    },
    Operation {
        name: "close",
        prepare: quiet,
        run: |alice, _, _| alice.close().map(|()| Vec::new()),
        check: |alice, bob, _, _| goes_on(alice, bob),
    },
    Operation {
        name: "bundle",
        prepare: quiet,
        run: |alice, _, _| Ok(alice.single_use_bundle()?.encode().into_vec()),
        check: |alice, bob, _, answer| {
            // A bundle that was handed out must work.
            if let Some(bundle) = answer {
                let stranger = Party::new();
                let bundle = windlass::Bundle::decode(bundle.into()).unwrap();
                stranger.add_contact(&bundle).unwrap();
                write(&stranger, alice, "from a stranger").unwrap();
                carry(&stranger, &[alice]);
                assert_eq!(texts(alice, &stranger), ["from a stranger"]);
            }
            take_outbox(alice);
            goes_on(alice, bob);
        },
    },
];

/// How many texts of Alice's begin so.
fn count(alice: &Party, bob: &Party, start: &str) -> usize {
    let texts = texts(alice, bob);
    texts.iter().filter(|text| text.starts_with(start)).count()
}

/// The message is there once, whether the crash came before or after it.
fn received_once(alice: &Party, bob: &Party, envelope: &[u8], answer: Option<&[u8]>) {
    let before = count(alice, bob, "new");
    assert!(before == 1 || answer.is_none());
    // The transport delivers again what was not confirmed to it.
    let events = alice.receive(envelope.into()).unwrap();
    let duplicate = events.iter().any(|event| {
        matches!(
            event,
            Event::Duplicate {
                message_id: Some(_)
            }
        )
    });
    assert_eq!(duplicate, before == 1, "{events:?}");
    assert_eq!(count(alice, bob, "new"), 1);
    goes_on(alice, bob);
}
