//! Links to groups, as an application sees them.

use std::sync::Arc;
use std::time::Duration;

use super::by_id::exchange;
use super::{Party, acquainted};
use crate::api::{Conversation, Event, WindlassError};

const DAY: Duration = Duration::from_hours(24);

fn crew(alice: &Party) -> Arc<Conversation> {
    let group = Arc::clone(&alice.client).create_group("crew".into(), Vec::new());
    group.unwrap()
}

/// What waits for somebody reaches them; what they are told.
fn hand_over(from: &Party, to: &Party) -> Vec<Event> {
    let waiting = from.client.outbox(0).unwrap();
    let ids = waiting.iter().map(|one| one.id).collect();
    let address = to.client.address();
    let theirs = waiting.into_iter().filter(|one| one.to == address);
    let told = theirs.flat_map(|one| to.client.receive(one.bytes).unwrap());
    let told = told.collect();
    from.client.mark_sent(ids).unwrap();
    told
}

#[test]
fn whoever_follows_a_link_takes_part_also_after_both_were_opened_anew() {
    let (alice, bob) = acquainted();
    let group = crew(&alice);
    let link = group.create_invitation_link(1, DAY).unwrap();
    assert!(link.code.len() < 483 && link.uri.len() > 2_000);
    assert_eq!(
        group.invitation_links().unwrap(),
        std::slice::from_ref(&link)
    );
    // Nothing of it is printed that lets anybody in.
    let shown = format!("{link:?}");
    assert!(shown.contains(&link.id) && !shown.contains("WINDLASS"));
    let page = format!("https://example.org/join#{}", link.uri);
    let asked = bob.client.join_by_link(&page).unwrap();
    assert_eq!(asked.address, alice.client.address());
    // Both machines stop before anything was carried.
    let (alice, bob) = (alice.after_a_crash(), bob.after_a_crash());
    let pending = bob.client.pending_joins().unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].asked, alice.client.address());
    let told = hand_over(&bob, &alice);
    let changed = |event: &Event| matches!(event, Event::GroupChanged { group: of } if *of == group.address());
    assert!(told.iter().any(changed), "{told:?}");
    let (alice, bob) = (alice.after_a_crash(), bob.after_a_crash());
    let told = hand_over(&alice, &bob);
    assert!(told.iter().any(changed), "{told:?}");
    let invites = |event: &Event| matches!(event, Event::GroupInvitation { .. });
    assert!(!told.iter().any(invites), "{told:?}");
    exchange(&alice, &bob);
    let theirs = Arc::clone(&bob.client).conversation(group.address());
    let theirs = theirs.unwrap();
    assert!(theirs.is_joined().unwrap());
    assert_eq!(theirs.members().unwrap().len(), 2);
    assert!(bob.client.pending_joins().unwrap().is_empty());
    let ours = Arc::clone(&alice.client).conversation(group.address());
    assert!(ours.unwrap().invitation_links().unwrap().is_empty());
}

#[test]
fn a_link_that_is_revoked_or_cancelled_leads_nowhere_and_is_no_invitation() {
    let (alice, bob) = acquainted();
    let group = crew(&alice);
    let [revoked, other] = [1, 64].map(|uses| group.create_invitation_link(uses, DAY).unwrap());
    group.revoke_invitation_link(&revoked.id).unwrap();
    group.revoke_invitation_link(&revoked.id).unwrap();
    group.revoke_invitation_link("not even a number").unwrap();
    assert_eq!(
        group.invitation_links().unwrap(),
        std::slice::from_ref(&other)
    );
    bob.client.join_by_link(&revoked.code).unwrap();
    let told = hand_over(&bob, &alice);
    let changed = |event: &Event| matches!(event, Event::GroupChanged { .. });
    assert!(!told.iter().any(changed));
    assert!(alice.client.outbox(0).unwrap().is_empty());
    bob.client.cancel_join(&alice.client.address()).unwrap();
    assert!(bob.client.pending_joins().unwrap().is_empty());
    // Who thought better of it is asked, should they be let in all the same.
    bob.client.join_by_link(&other.code).unwrap();
    bob.client.cancel_join(&alice.client.address()).unwrap();
    hand_over(&bob, &alice);
    let told = hand_over(&alice, &bob);
    let invites = |event: &Event| matches!(event, Event::GroupInvitation { .. });
    assert!(told.iter().any(invites), "{told:?}");
    // Neither is one the other.
    let person = alice.client.bundle().unwrap().to_uri();
    let refused = bob.client.join_by_link(&person);
    assert!(matches!(refused, Err(WindlassError::UriUnknownKind(_))));
    let refused = crate::api::Bundle::from_uri(other.uri.clone());
    assert!(matches!(refused, Err(WindlassError::UriUnknownKind(_))));
    let refused = alice.client.join_by_link(&other.uri);
    assert!(matches!(refused, Err(WindlassError::OwnBundle)));
    for (uses, time) in [(0, DAY), (65, DAY), (1, 15 * DAY), (1, Duration::ZERO)] {
        let refused = group.create_invitation_link(uses, time);
        assert!(matches!(refused, Err(WindlassError::InvalidContent(_))));
    }
}
