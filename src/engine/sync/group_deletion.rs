//! Groups that the user deletes, or never joined (RFC windlass §9.6.10, §9.6.15).

use crate::chat::{DeletedGroup, EventHash, GroupAction, GroupEvent, GroupId};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::{deletion, gone, held};
use crate::engine::records::conversations::{self, ConversationId};
use crate::engine::records::{group_views, groups, invitations};
use crate::engine::sync::outcome::{ConversationNews, Outcome};
use crate::engine::sync::{feed, group_events, updates};
use crate::identity::PublicIdentity;

/// Deletes a group with its messages. Who belongs to it leaves it.
pub(crate) fn delete(step: &mut Step<'_>, id: &GroupId) -> Result<(), EngineError> {
    let group = groups::known(step.rows, id)?;
    if group
        .log
        .membership()
        .member(&step.device.public())
        .is_some()
    {
        group_events::act(step, id, &GroupAction::Left)?;
    }
    // What was said in it does not come back with an invitation.
    let conversation = ConversationId::Group(*id);
    let floor = gone::delete_conversation(step.rows, &conversation, step.now)?;
    forget(step, id)?;
    feed::note_in(step, &conversation, ConversationNews::ConversationDeleted);
    updates::share_floor(step, floor)?;
    match group_views::load(step.rows, id)?.deletion() {
        Some(deleted) => updates::share_deleted_group(step, deleted),
        None => Ok(()),
    }
}

/// Another device of ours deleted groups.
pub(crate) fn receive(
    step: &mut Step<'_>,
    deleted: &[DeletedGroup],
) -> Result<Vec<Outcome>, EngineError> {
    let mut outcomes = Vec::new();
    for told in deleted {
        if receive_one(step, told)? {
            let conversation = ConversationId::Group(told.group);
            let news = ConversationNews::ConversationDeleted;
            outcomes.push(Outcome::InConversation(conversation, news));
        }
    }
    Ok(outcomes)
}

/// One of them; whether that is news.
fn receive_one(step: &mut Step<'_>, told: &DeletedGroup) -> Result<bool, EngineError> {
    let own = step.device.public();
    let mut told = told.clone();
    if !is_left_by(&told, &own) {
        told.left.clear();
    }
    let mut views = group_views::load(step.rows, &told.group)?;
    let found = groups::find(step.rows, &told.group)?;
    let mut members = Vec::new();
    if let Some(group) = &found {
        let known = |hash: &EventHash| told.invitations.contains(hash);
        // Somebody invited the user anew: there the group comes back too, with the same event.
        if invitations::of(&group.log, &own).any(|hash| !known(&hash)) {
            return Ok(false);
        }
        let all = group.log.membership().members();
        members.extend(all.iter().map(|member| member.identity));
        views.delete(&group.log, &own, told.deleted_at.min(step.now));
    }
    views.merge_deletion(&told, step.now);
    if views.is_deletion_over(step.now) {
        return Ok(false);
    }
    views.save(step.rows, |_| false)?;
    if found.is_none() {
        return Ok(false);
    }
    let conversation = ConversationId::Group(told.group);
    // Its floor may have come before, and have told it.
    let news = conversations::is_here(step.rows, &conversation)?;
    groups::take_back(step, &told.group, members.into_iter())?;
    groups::erase(step.rows, &told.group)?;
    deletion::erase_conversation(step.rows, &conversation)?;
    Ok(news)
}

/// Whether what goes to members who do not know of it is the user's leaving.
fn is_left_by(told: &DeletedGroup, own: &PublicIdentity) -> bool {
    GroupEvent::decode(&told.left).is_ok_and(|event| {
        *event.action() == GroupAction::Left
            && event.author() == own
            && *event.group() == told.group
    })
}

/// Deletes a group here, and tells nobody.
pub(crate) fn forget(step: &mut Step<'_>, id: &GroupId) -> Result<(), EngineError> {
    let group = groups::known(step.rows, id)?;
    let mut views = group_views::load(step.rows, id)?;
    views.delete(&group.log, &step.device.public(), step.now);
    views.save(step.rows, |_| false)?;
    groups::erase(step.rows, id)?;
    held::forget(step.rows, id)?;
    deletion::erase_conversation(step.rows, &ConversationId::Group(*id))
}

/// The user does not want to hear of somebody: nor of the groups that they are invited to by them.
pub(crate) fn forget_invitations(
    step: &mut Step<'_>,
    by: &PublicIdentity,
) -> Result<(), EngineError> {
    for id in invitations::invitations_by(step.rows, by)? {
        forget(step, &id)?;
    }
    Ok(())
}
