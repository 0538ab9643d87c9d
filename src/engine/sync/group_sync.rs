//! Comparing the logs of a group, and handing on what somebody lacks (RFC windlass §9.6.12).

use crate::chat::{Body, GroupEvent, GroupEventNames, GroupId, GroupSync, GroupView};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::delivery::{envelopes, post};
use crate::engine::records::group_views::{self, GroupViews};
use crate::engine::records::groups::{self, Group, GroupDelivery};
use crate::engine::records::{contacts, outbox, trust};
use crate::engine::sync::group_deletion;
use crate::engine::sync::group_events::{self, EVENTS_IN_MESSAGE};
use crate::engine::sync::outcome::Outcome;
use crate::identity::PublicIdentity;
use crate::x3dh::Party;

/// Events that are offered without being asked for: the few by which somebody is behind. More are asked for.
const MAX_OFFERED: usize = 64;

/// Notes the view that somebody's message came with, as far as they belong to the group, or did. And tells the user when ours is known to be
/// incomplete, or is complete again.
pub(crate) fn hear(
    step: &mut Step<'_>,
    id: &GroupId,
    from: &PublicIdentity,
    view: Option<&GroupView>,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let mut views = group_views::load(step.rows, id)?;
    let Some(list) = groups::member_list(step.rows, id)? else {
        // Of a group that was deleted here: they may not have heard that the user left.
        if let Some(left) = views.remind(from, step.now) {
            let sync = GroupSync {
                events: vec![left],
                ..GroupSync::default()
            };
            views.save(step.rows, |_| false)?;
            hand_on(step, id, from, Recipients::ALL, sync, None)?;
        }
        return Ok(());
    };
    let heard = list.knows(step.rows, from)?;
    if let Some(view) = view.filter(|_| heard) {
        if list.view().is_some_and(|own| own.digest == view.digest) {
            views.agrees(from);
        } else if !views.has_noted(from, view) {
            let group = groups::known(step.rows, id)?;
            views.note(from, view, &group.log, step.now);
        }
    }
    outcomes.extend(tell(id, &mut views, list.is_joined(), step.now));
    views.save(step.rows, |key| list.has_key(key))
}

/// What the user is told of the view, if that is news.
fn tell(id: &GroupId, views: &mut GroupViews, joined: bool, now: u64) -> Option<Outcome> {
    let incomplete = views.tell(joined, now)?;
    Some(Outcome::GroupIncomplete {
        group: *id,
        resolved: !incomplete,
    })
}

/// Does what is due in a group: drops what waits for nothing, asks for what is missing, offers what others lack. And tells the user if the
/// view is known to be incomplete by now, for nobody may write.
pub(crate) fn maintain(
    step: &mut Step<'_>,
    id: &GroupId,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let mut views = group_views::load(step.rows, id)?;
    let Some(mut group) = groups::find(step.rows, id)? else {
        return match views.is_deletion_over(step.now) {
            true => group_views::erase(step.rows, id),
            false => Ok(()),
        };
    };
    if views.is_invitation_over(step.now) {
        return group_deletion::forget(step, id);
    }
    let over = views.give_up(step.now);
    if !over.is_empty() {
        group.log.drop_waiting(&over);
        group.save(step.rows)?;
    }
    views.follow(&group.log, None, step.now);
    let mut to = views.to_ask(step.now);
    if group.is_joined() && views.is_round_due(step.now) {
        views.note_round(step.now);
        let members = group.log.membership().members();
        for member in members.iter().map(|member| member.identity) {
            if !to.contains(&member) {
                to.push(member);
            }
        }
    }
    if views.is_comparison_due(step.now) {
        to.extend(compare(step, &group, &mut views).filter(|whom| !to.contains(whom)));
    }
    for whom in to {
        let offered = offer(&group, &views, &whom);
        views.note_asked(&whom, step.now);
        // Whoever left has nothing to ask any more.
        let asks = group.is_joined();
        if asks || !offered.is_empty() {
            send(step, &group, &whom, Recipients::ALL, &offered, asks)?;
        }
    }
    outcomes.extend(tell(id, &mut views, group.is_joined(), step.now));
    save(step, &group, views)
}

/// Whom to ask whether they have what is here, although they did not show that they have not.
fn compare(step: &Step<'_>, group: &Group, views: &mut GroupViews) -> Option<PublicIdentity> {
    if !group.is_joined() {
        views.end_comparison();
        return None;
    }
    views.compare(&group.log, &step.device.public(), step.now)
}

fn save(step: &mut Step<'_>, group: &Group, views: GroupViews) -> Result<(), EngineError> {
    let membership = group.log.membership();
    views.save(step.rows, |key| {
        PublicIdentity::from_stored(key).is_some_and(|who| membership.member(&who).is_some())
    })
}

/// What somebody lacks, by what they said they have.
fn offer<'a>(group: &'a Group, views: &GroupViews, whom: &PublicIdentity) -> Vec<&'a GroupEvent> {
    let Some(view) = views.heads_of(whom).filter(|view| !view.heads.is_empty()) else {
        return Vec::new();
    };
    let beyond = group.log.beyond(&view.heads, whom);
    if beyond.len() <= MAX_OFFERED {
        beyond
    } else {
        Vec::new()
    }
}

/// Somebody asks, or hands on.
pub(crate) fn receive(
    step: &mut Step<'_>,
    from: &Party,
    id: &GroupId,
    sync: &GroupSync,
    view: Option<&GroupView>,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let (own, peer) = (step.device.public(), from.identity);
    let Some(list) = groups::member_list(step.rows, id)? else {
        return Ok(());
    };
    if peer != own && !list.knows(step.rows, &peer)? {
        return Ok(());
    }
    if !sync.events.is_empty() {
        let delivery = GroupDelivery {
            from: &peer,
            events: &sync.events,
            bundles: &sync.bundles,
            told_at: step.now,
        };
        let mut news = groups::receive_events(step, id, &delivery)?;
        outcomes.extend(Outcome::of_group_news(*id, peer, &mut news));
        group_events::relay(step, id, news.relay)?;
    }
    hear(step, id, &peer, view, outcomes)?;
    match &sync.have {
        Some(have) => answer(step, from, id, have),
        None => Ok(()),
    }
}

/// Hands on what somebody does not have, and asks for what they have and is not here.
fn answer(
    step: &mut Step<'_>,
    from: &Party,
    id: &GroupId,
    have: &GroupEventNames,
) -> Result<(), EngineError> {
    let (own, peer) = (step.device.public(), from.identity);
    let group = groups::known(step.rows, id)?;
    let mut views = group_views::load(step.rows, id)?;
    if views.count_answer(&peer, step.now) {
        // Whoever is out gets what they were told of as long as they were not, and that they are out.
        let all = peer == own || group.log.membership().member(&peer).is_some();
        let lacking = group
            .log
            .lacking(|hash| have.contains(hash), (!all).then_some(&peer));
        let ahead = have.has_beside(group.log.events().map(GroupEvent::hash));
        let asks = ahead && group.is_joined() && views.may_ask_back(&peer, step.now);
        if asks {
            views.note_asked(&peer, step.now);
        }
        let one = Recipients::one(from.device_id);
        send(step, &group, &peer, one, &lacking, asks)?;
    }
    save(step, &group, views)
}

/// Sends events, as many as fit, and asks for others. They are in no history: what is lost is asked for again.
fn send(
    step: &mut Step<'_>,
    group: &Group,
    whom: &PublicIdentity,
    to: Recipients,
    events: &[&GroupEvent],
    asks: bool,
) -> Result<(), EngineError> {
    let id = *group.log.id();
    let count = post::fitting(events, EVENTS_IN_MESSAGE, |event| event.encoded().len());
    let events = events.get(..count).unwrap_or_default();
    let sync = GroupSync {
        have: asks.then(|| {
            let hashes = group.log.events().map(GroupEvent::hash);
            GroupEventNames::of(hashes, step.rng)
        }),
        events: events
            .iter()
            .map(|event| event.encoded().to_vec())
            .collect(),
        bundles: group_events::bundles_about(step.rows, events.iter().copied())?,
    };
    let view = Some(group.log.view().clone());
    hand_on(step, &id, whom, to, sync, view)
}

fn hand_on(
    step: &mut Step<'_>,
    id: &GroupId,
    whom: &PublicIdentity,
    to: Recipients,
    sync: GroupSync,
    view: Option<GroupView>,
) -> Result<(), EngineError> {
    let mut content = post::control(step, Body::GroupSync(sync), Some(*id));
    content.view = view;
    let encoded = content.to_bytes();
    let envelope = if *whom == step.device.public() {
        envelopes::to_siblings(step, to, &encoded)?
    } else {
        let Some(mut contact) = contacts::find(step.rows, whom)? else {
            return Ok(());
        };
        // A stranger whom the user has not taken part with is not written to; a member is, whatever the user thinks of them.
        if !(contact.is_known() && trust::may_reach(step.rows, &contact)?) {
            return Ok(());
        }
        match envelopes::to_contact(step, &mut contact, to, &encoded) {
            Err(error) if error.lacks_usable_bundle() => return Ok(()),
            envelope => envelope?,
        }
    };
    if let Some(envelope) = envelope {
        outbox::push(step.rows, *whom, envelope, None)?;
    }
    Ok(())
}
