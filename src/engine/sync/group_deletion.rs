//! Groups that the user deletes, or never joined (RFC windlass §9.6.10, §9.6.15).

use crate::chat::{GroupAction, GroupId};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::history::deletion;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{group_views, groups, invitations};
use crate::engine::sync::group_events;
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
    forget(step, id)
}

/// Deletes a group here, and tells nobody.
pub(crate) fn forget(step: &mut Step<'_>, id: &GroupId) -> Result<(), EngineError> {
    let group = groups::known(step.rows, id)?;
    let mut views = group_views::load(step.rows, id)?;
    views.delete(&group.log, &step.device.public(), step.now);
    views.save(step.rows, |_| false)?;
    groups::erase(step.rows, id)?;
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
