//! What contacts, strangers and their clocks cannot do.

use prost::Message as _;

use super::*;
use crate::bundle::{DeviceBundle, build};
use crate::chat::{Content, Copy, Decision, HealingRequest, KnownContact};
use crate::engine::records::settings::TrustPolicy;
use crate::engine::sync::outcome::RefusalReason;
use crate::limits::MAX_STRANGERS_BYTES;
use crate::wire::store::StrangersRow;
use crate::wire::v2::Payload;

const YEAR: u64 = 365 * 86_400;

pub(super) fn content(lamport: u64, group: Option<GroupId>, body: Body) -> Content {
    Content {
        id: MessageId::random(&mut rng()),
        lamport,
        sent_at: 1,
        reply_to: None,
        group,
        view: None,
        follows: Vec::new(),
        origin: crate::chat::MessageOrigin::Person,
        body,
    }
}

/// Any content in a real session, with any bundle.
pub(super) fn forge(
    from: &Party,
    to: &Party,
    day: u64,
    content: &Content,
    bundle: Option<&VerifiedBundle>,
) -> Vec<u8> {
    forge_with(from, to, day, content, bundle, &[])
}

/// The same, with any receipt beside it.
pub(super) fn forge_with(
    from: &Party,
    to: &Party,
    day: u64,
    content: &Content,
    bundle: Option<&VerifiedBundle>,
    receipt: &[u8],
) -> Vec<u8> {
    let party = to.end();
    let forged = from.at(day, |step| {
        let mut contact = contacts::find(step.rows, &party.identity)?.unwrap();
        let remote = contact.bundle.as_ref().unwrap().devices()[0].clone();
        let session = match sessions::active(step.rows, &party)? {
            Some(session) => session,
            None => envelopes::initiate(step, &mut contact, &remote)?,
        };
        let payload = Payload {
            content: content.to_bytes().to_vec(),
            sender_bundle: bundle.map_or_else(Vec::new, |bundle| bundle.encoded().to_vec()),
            pair: None,
            receipt: receipt.to_vec(),
        };
        let (next, part) = session
            .send(
                &step.device.public(),
                &payload.encode_to_vec(),
                step.now,
                step.rng,
            )
            .unwrap();
        sessions::save(step.rows, &next)?;
        Ok(Envelope { parts: vec![part] }.encode())
    });
    forged.unwrap()
}

/// A bundle of somebody's identity that names the devices of these ids.
pub(super) fn bundle_of(party: &Party, ids: &[u32], issued_at: u64) -> VerifiedBundle {
    let device = |id: &u32| DeviceBundle {
        device_id: *id,
        ..party.bundle(0, false).devices()[0].clone()
    };
    let devices: Vec<_> = ids.iter().map(device).collect();
    build(&party.device.identity, &devices, None, issued_at).unwrap()
}

fn strangers(party: &Party) -> StrangersRow {
    let row = party.at(0, |step| {
        get_row(step.rows, Table::Device, Key::new(b"strangers"))
    });
    row.unwrap().unwrap()
}

#[test]
fn nobody_puts_words_into_anothers_mouth_or_deletes_in_their_name() {
    let [alice, bob, mallory] = acquainted();
    let all = [&alice, &bob, &mallory];
    let id = group(&bob, &[&alice, &mallory], 0);
    let conversation = ConversationId::Group(id);
    let said = write(&alice, 0, &conversation, text("evidence"));
    deliver(&all, 0);
    // A spoilt envelope makes Alice ask Mallory, who answers with what she is said to have written.
    let mut spoilt = mallory.send(0, &alice).unwrap();
    *spoilt.last_mut().unwrap() ^= 1;
    take(&alice, 0, &spoilt).unwrap();
    deliver(&all, 0);
    let direct = ConversationId::Direct(mallory.device.public());
    let alices = alice.device.public().to_bytes();
    for (to, group, body) in [
        (conversation, Some(id), Body::Text("I owe Mallory".into())),
        (conversation, Some(id), Body::Deletion { target: said }),
        (direct, None, Body::Text("I owe Mallory".into())),
        (direct, None, Body::DisappearingTimer(DAY)),
    ] {
        let copy = Body::Copy(Copy {
            author: alices,
            conversation: match to {
                ConversationId::Direct(_) => mallory.device.public().to_bytes(),
                ConversationId::Group(group) => *group.as_bytes(),
            },
            content: content(50, group, body).to_bytes(),
        });
        let forged = forge(&mallory, &alice, 0, &content(0, None, copy), None);
        let outcomes = take(&alice, 0, &forged).unwrap();
        assert!(outcomes.iter().any(|outcome| matches!(
            outcome,
            Outcome::InConversation(
                _,
                ConversationNews::Refused {
                    reason: RefusalReason::NotProved,
                    ..
                }
            )
        )));
    }
    run_due(&alice, 1).unwrap();
    deliver(&all, 1);
    for party in [&alice, &bob] {
        let told = texts(party, 1, &conversation).unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].0.to_bytes(), told[0].1.as_str()),
            (alices, "evidence")
        );
    }
}

#[test]
fn a_bundle_from_the_future_holds_up_nothing_but_what_is_written_to_its_devices() {
    let [alice, bob, mallory] = acquainted();
    let all = [&alice, &bob, &mallory];
    let id = group(&bob, &[&alice, &mallory], 0);
    let own = mallory.device.device_id;
    let issued_at = START / 1000 + 10 * YEAR;
    let future = bundle_of(&mallory, &[own, own ^ 1], issued_at);
    let from_next_year = content(9, None, text("from next year"));
    let forged = forge(&mallory, &alice, 0, &from_next_year, Some(&future));
    assert!(opens(&take(&alice, 0, &forged).unwrap()));
    write(&alice, 0, &ConversationId::Group(id), text("all"));
    // What her second device has not acknowledged is due, and cannot be sent.
    for day in [1, 2, 5] {
        run_due(&alice, day).unwrap();
    }
    deliver(&all, 5);
    assert_eq!(texts(&bob, 5, &ConversationId::Group(id)).unwrap().len(), 1);
    // A bundle of today takes its place.
    let today = bundle_of(&mallory, &[own], START / 1000 + 5 * 86_400);
    alice.add(5, &today);
    let devices = alice.at(5, |step| {
        let contact = contacts::find(step.rows, &mallory.device.public())?;
        Ok(contact.unwrap().parties().len())
    });
    assert_eq!(devices.unwrap(), 1);
}

#[test]
fn a_clock_that_was_wrong_once_spoils_no_bundle() {
    let [alice, bob] = [1, 2].map(Party::new);
    bob.bundle(20_000, false);
    for day in [1, 30] {
        for single_use in [false, true] {
            alice.add(day, &bob.bundle(day, single_use));
        }
    }
}

#[test]
fn a_device_with_the_seed_does_not_keep_the_others_from_making_bundles() {
    let [alice, thief, bob] = [1, 1, 2].map(Party::new);
    let id = thief.device.device_id;
    let last = bundle_of(&thief, &[id], u64::MAX - 1_000_000_000);
    let done = alice.at(0, |step| {
        own_devices::merge_bundle(step, &last, Some(id))?;
        own_bundle::reusable(step)?.check_time(step.seconds())?;
        own_devices::remove(step, &[id])?;
        Ok(own_bundle::reusable(step)?.check_time(step.seconds())?)
    });
    done.unwrap();
    alice.add(0, &bob.bundle(0, false));
    alice.send(0, &bob).unwrap();
}

#[test]
fn a_strangers_first_message_keeps_to_the_bounds_too() {
    let alice = Party::new(1);
    let bundle = alice.bundle(0, false);
    for seed in 10..16 {
        let eve = Party::new(seed);
        eve.add(0, &bundle);
        let long = Body::Data {
            media_type: "a/b".into(),
            data: vec![7; 1_000_000],
        };
        let own = eve.bundle(0, false);
        let forged = forge(&eve, &alice, 0, &content(1, None, long), Some(&own));
        assert!(!opens(&take(&alice, 0, &forged).unwrap()));
        // Nor does one that leaves out a thousand.
        for _ in 0..100 {
            eve.send(0, &alice).unwrap();
        }
        let late = eve.send(0, &alice).unwrap();
        assert!(!opens(&take(&alice, 0, &late).unwrap()));
    }
    assert_eq!(
        (alice.count(Table::Contacts), alice.count(Table::Sessions)),
        (0, 0)
    );
    let eve = Party::new(20);
    eve.add(0, &bundle);
    assert!(opens(
        &take(&alice, 0, &eve.send(0, &alice).unwrap()).unwrap()
    ));
    assert!(strangers(&alice).stored_bytes <= MAX_STRANGERS_BYTES);
}

#[test]
fn strangers_who_are_accepted_on_another_device_make_room_for_others() {
    let alice = Party::new(1);
    let eve = Party::new(2);
    eve.add(0, &alice.bundle(0, false));
    take(&alice, 0, &eve.send(0, &alice).unwrap()).unwrap();
    assert_eq!(strangers(&alice).count, 1);
    let known = KnownContact {
        bundle: eve.bundle(0, false).encoded().to_vec(),
        verified: false,
        accepted: true,
        blocked: false,
        standing: Decision {
            clock: 1,
            device_id: 9,
        },
        verification: Decision::default(),
        devices: Vec::new(),
    };
    let told = alice.at(0, |step| people::receive(step, &known, &mut Vec::new()));
    told.unwrap();
    let row = strangers(&alice);
    assert_eq!((row.count, row.stored_bytes), (0, 0));
}

#[test]
fn whoever_is_added_was_no_stranger_and_frees_no_place() {
    let [alice, eve, bob] = [1, 2, 3].map(Party::new);
    eve.add(0, &alice.bundle(0, false));
    take(&alice, 0, &eve.send(0, &alice).unwrap()).unwrap();
    alice.add(0, &bob.bundle(0, false));
    assert_eq!(strangers(&alice).count, 1);
    // She goes after a month, as if nobody had been added.
    alice
        .at(31, |step| {
            waiting::erase_old(step.rows, START + 8 * DAY)?;
            waiting::erase_old(step.rows, step.now)
        })
        .unwrap();
    let row = strangers(&alice);
    assert_eq!(
        (row.count, row.stored_bytes, alice.count(Table::Contacts)),
        (0, 0, 1)
    );
}

#[test]
fn an_answer_that_nobody_asked_for_brings_no_device_back() {
    let [alice, mallory] = acquainted();
    let own = alice.device.device_id;
    let bundle = bundle_of(&alice, &[own, own ^ 1], 1).encoded().to_vec();
    let answer = content(
        0,
        None,
        Body::HealingAnswer {
            messages: 9,
            bundle,
        },
    );
    take(&alice, 0, &forge(&mallory, &alice, 0, &answer, None)).unwrap();
    let siblings = alice.at(0, |step| own_devices::siblings(step.rows));
    assert_eq!(siblings.unwrap().len(), 0);
}

#[test]
fn an_answer_makes_nobody_elses_device_one_of_ours() {
    let [alice, mallory] = acquainted();
    let own = alice.device.device_id;
    let devices_after = |day: u64, of: &Party| {
        let asked = alice.at(day, |step| {
            healing::ask(step, &mallory.device.public(), None)
        });
        assert!(asked.unwrap().is_some());
        let bundle = bundle_of(of, &[own, own ^ 1], START / 1000);
        let bundle = bundle.encoded().to_vec();
        let messages = 0;
        let answer = content(day, None, Body::HealingAnswer { messages, bundle });
        take(&alice, day, &forge(&mallory, &alice, day, &answer, None)).unwrap();
        let siblings = alice.at(day, |step| own_devices::siblings(step.rows));
        siblings.unwrap().len()
    };
    assert_eq!(devices_after(0, &mallory), 0);
    // What does it is a bundle of our own that names it, for the signature is ours.
    assert_eq!(devices_after(5, &alice), 1);
}

#[test]
fn a_device_that_was_left_out_is_not_heard_any_more() {
    let [alice, bob] = acquainted();
    let (own, text) = (bob.device.device_id, |text: &str| {
        content(9, None, Body::Text(text.into()))
    });
    // A device that leaves itself out says nothing by it, and its session does not outlive that.
    let without = bundle_of(&bob, &[own ^ 1], START / 1000 + 100);
    let gone = forge(&bob, &alice, 0, &text("gone"), Some(&without));
    assert!(!opens(&take(&alice, 0, &gone).unwrap()));
    alice.add(0, &without);
    let late = forge(&bob, &alice, 20, &text("it is me"), None);
    assert!(!opens(&take(&alice, 20, &late).unwrap()));
    let party = crate::x3dh::Party {
        identity: bob.device.public(),
        device_id: own,
    };
    let active = alice.at(
        30,
        |step| Ok(sessions::active(step.rows, &party)?.is_some()),
    );
    assert!(!active.unwrap());
    // Nor does an older bundle of its own bring it back.
    let older = bundle_of(&bob, &[own], START / 1000 + 50);
    let erased = bob.at(20, |step| {
        let party = alice.end();
        sessions::erase_all(step.rows, &party)
    });
    erased.unwrap();
    let anew = forge(&bob, &alice, 20, &text("me again"), Some(&older));
    assert!(!opens(&take(&alice, 20, &anew).unwrap()));
}

#[test]
fn a_request_brings_each_message_twice_at_most_if_nothing_is_acknowledged() {
    let [alice, mallory] = acquainted();
    let all = [&alice, &mallory];
    for _ in 0..40 {
        mallory.send(0, &alice).unwrap();
    }
    deliver(&all, 0);
    let asked = mallory.at(0, |step| {
        let request = Body::HealingRequest(HealingRequest::default());
        let to = alice.device.public();
        post::send_control(step, &to, Recipients::ALL.to_ask(), request)
    });
    asked.unwrap();
    carry(&mallory, &alice, 0);
    let mut sent = empty_outbox(&alice).len();
    for day in 1..14 {
        run_due(&alice, day).unwrap();
        sent += empty_outbox(&alice).len();
    }
    // Two hundred would be the patience that what we write by ourselves is sent with.
    assert!((41..=90).contains(&sent), "{sent}");
}

#[test]
fn whoever_is_named_as_somebodys_new_identity_is_introduced_and_not_accepted() {
    let [alice, mallory] = acquainted();
    let eve = Party::new(9);
    let change = Body::IdentityChange(eve.bundle(0, false).encoded().to_vec());
    let forged = forge(&mallory, &alice, 0, &content(9, None, change), None);
    take(&alice, 0, &forged).unwrap();
    let contact = alice.at(0, |step| contacts::find(step.rows, &eve.device.public()));
    let contact = contact.unwrap().unwrap();
    assert!(!contact.is_accepted() && !contact.is_stranger() && !contact.row.verified);
}

#[test]
fn a_public_bot_hears_everybody_else_whatever_one_of_them_sends() {
    let [bot, mallory, carol] = [1, 2, 3].map(Party::new);
    let open = bot.at(0, |step| {
        trust::set_policy(step.rows, TrustPolicy::AcceptAll)
    });
    open.unwrap();
    for guest in [&mallory, &carol] {
        guest.add(0, &bot.bundle(0, false));
    }
    let own = mallory.device.device_id;
    let future = bundle_of(&mallory, &[own, own ^ 1], START / 1000 + YEAR);
    let text = content(1, None, Body::Text("ahoy".into()));
    let bad = forge(&mallory, &bot, 0, &text, Some(&future));
    let batch = [
        carol.send(0, &bot).unwrap(),
        bad,
        carol.send(0, &bot).unwrap(),
    ];
    for envelope in batch {
        assert!(opens(&take(&bot, 0, &envelope).unwrap()));
    }
}
