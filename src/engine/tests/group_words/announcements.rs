//! Groups in which admins alone write (RFC windlass §9.6.18).

use super::*;
use crate::chat::GroupPermission::Write;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::sync::transient;

fn kept(admins_only: bool) -> GroupAction {
    GroupAction::Permitted {
        what: Write,
        admins_only,
    }
}

#[test]
fn a_member_writes_nothing_where_admins_alone_write_also_if_it_crosses() {
    let [carol, alice, mallory] = acquainted();
    let all = [&carol, &alice, &mallory];
    let id = group(&carol, &[&alice, &mallory], 0);
    let conversation = ConversationId::Group(id);
    write(&mallory, 0, &conversation, text("before"));
    deliver(&all, 0);
    act(&carol, 1, &id, kept(true));
    // Mallory's own program has not heard of it: what it sends is refused by whoever has.
    write(&mallory, 1, &conversation, text("crossed"));
    let told = empty_outbox(&carol);
    let (late, now): (Vec<_>, Vec<_>) = told
        .into_iter()
        .partition(|one| one.recipient == mallory.device.public());
    for one in now {
        taken(&alice, 1, &one.envelope);
    }
    deliver(&all, 1);
    for one in late {
        taken(&mallory, 1, &one.envelope);
    }
    let said = ["before".to_owned()];
    assert_eq!(seen(&alice, 1, &conversation), said);
    assert_eq!(seen(&carol, 1, &conversation), said);
    // One who knows says so to nobody, whatever it is, and says that it was before.
    let target = MessageId::from_bytes(&[9; 16]).unwrap();
    let edit = Body::Edit {
        target,
        text: "another".into(),
    };
    for body in [text("later"), Body::Opaque(vec![1]), edit.clone()] {
        let forged = content(3, Some(id), body);
        let outcomes = take(&alice, 1, &forge(&mallory, &alice, 1, &forged)).unwrap();
        assert_eq!(refusals(&outcomes), [Refusal::NotAnAdmin]);
    }
    for body in [text("not allowed"), edit] {
        let mine = mallory.at(1, |step| {
            write::write(step, &conversation, body.clone(), None)
        });
        let refused = EngineError::Group(GroupEventError::NotAnAdmin);
        assert_eq!(mine.map(|_| ()), Err(refused.clone()));
        let typed = mallory.at(1, |step| transient::tell_typing(step, &conversation, true));
        assert_eq!(typed.map(|_| ()), Err(refused));
    }
    // Admins write, and a member gives a sign and takes back what they said.
    write(&carol, 1, &conversation, text("hear"));
    deliver(&all, 1);
    assert_eq!(
        seen(&mallory, 1, &conversation).last(),
        Some(&"hear".into())
    );
    act(&carol, 2, &id, kept(false));
    deliver(&all, 2);
    write(&mallory, 2, &conversation, text("thanks"));
    deliver(&all, 2);
    assert!(seen(&alice, 2, &conversation).contains(&"thanks".into()));
}

#[test]
fn a_member_reacts_and_takes_back_what_they_wrote_where_admins_alone_write() {
    let [carol, alice, bob] = acquainted();
    let all = [&carol, &alice, &bob];
    let id = group(&carol, &[&alice, &bob], 0);
    let conversation = ConversationId::Group(id);
    let (mine, _) = bob
        .at(0, |step| {
            write::write(step, &conversation, text("mine"), None)
        })
        .unwrap();
    deliver(&all, 0);
    act(&carol, 1, &id, kept(true));
    deliver(&all, 1);
    let author = bob.device.public();
    let reaction = Body::Reaction {
        author: author.to_bytes(),
        target: mine,
        emoji: "👍".into(),
        removed: false,
    };
    write(&alice, 1, &conversation, reaction);
    write(&bob, 1, &conversation, Body::Deletion { target: mine });
    deliver(&all, 1);
    assert!(seen(&carol, 1, &conversation).is_empty());
    let name = MessageRef { author, id: mine };
    let gone = carol.at(1, |step| {
        crate::engine::history::message::contains(step.rows, &name)
    });
    assert_eq!(gone, Ok(true));
}
