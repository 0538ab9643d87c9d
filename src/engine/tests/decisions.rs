//! What the user decides holds, whatever the other side can be sent just now.

use super::*;
use crate::engine::sync::reading;

fn unread(party: &Party, conversation: &ConversationId) -> u64 {
    let unread = party.at(0, |step| conversations::unread(step.rows, conversation));
    unread.unwrap()
}

#[test]
fn a_contact_whose_bundle_is_over_can_be_unblocked() {
    let [alice, bob] = [1, 2].map(Party::new);
    bob.add(0, &alice.bundle(0, false));
    take(&alice, 0, &bob.send(0, &alice).unwrap()).unwrap();
    let who = bob.device.public();
    let contact = |step: &mut Step<'_>| Ok(contacts::find(step.rows, &who)?.unwrap());
    alice
        .at(0, |step| {
            let mut contact = contact(step)?;
            people::block(step.rows, &mut contact)?;
            // As after a backup, which has no sessions.
            for party in contact.parties() {
                sessions::erase_all(step.rows, &party)?;
            }
            Ok(())
        })
        .unwrap();
    let accepted = alice.at(40, |step| {
        let mut contact = contact(step)?;
        people::accept(step, &mut contact)
    });
    accepted.unwrap();
    let contact = alice.at(40, contact).unwrap();
    assert!(contact.is_accepted() && !contact.row.blocked);
}

#[test]
fn a_user_reads_a_group_without_being_a_member() {
    let [alice, bob, carol] = [1, 2, 3].map(Party::new);
    let all = [&alice, &bob, &carol];
    introduce(&all, 0);
    let id = group(&alice, &[&bob], 0);
    let conversation = ConversationId::Group(id);
    let act = |action: GroupAction| {
        let done = alice.at(0, |step| group_events::act(step, &id, &action));
        done.unwrap();
        deliver(&all, 0);
    };
    // Bob is removed with something unread; Carol is only invited.
    write(&alice, 0, &conversation, text("farewell"));
    deliver(&all, 0);
    act(GroupAction::MembersRemoved(vec![bob.device.public()]));
    act(GroupAction::MembersAdded(vec![carol.device.public()]));
    write(&alice, 0, &conversation, text("welcome"));
    deliver(&all, 0);
    for reader in [&bob, &carol] {
        assert_ne!(unread(reader, &conversation), 0);
        let read = reader.at(0, |step| reading::read_all(step, &conversation, true));
        assert!(read.unwrap());
        assert_eq!(unread(reader, &conversation), 0);
        // Nobody is told.
        assert!(empty_outbox(reader).is_empty());
    }
}
