//! Links to groups: who follows one asks whoever made it, and takes part when the group comes (RFC windlass §9.6.20).

use crate::bundle::{BundleError, GroupInvitation, VerifiedBundle};
use crate::chat::{Body, GroupAction, GroupId, GroupLinkToken};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::delivery::post;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::contacts::Contact;
use crate::engine::records::{contacts, group_joins, groups};
use crate::engine::sync::outcome::Outcome;
use crate::engine::sync::{group_events, people, updates};
use crate::identity::PublicIdentity;
use crate::store::Table;
use crate::wire::store::GroupJoinRow;

/// The user follows a link: whoever made it is a contact from now on, and is asked. A group that the user is invited to already they join now.
pub(crate) fn join(
    step: &mut Step<'_>,
    link: &GroupInvitation,
) -> Result<(Contact, Vec<Outcome>), EngineError> {
    let contact = acquaint(step, &link.bundle)?;
    let join = GroupJoinRow {
        token: link.token.as_bytes().to_vec(),
        group_tag: link.group.to_vec(),
        identity_key: contact.identity.to_bytes().to_vec(),
        asked_at: step.now,
        sent_at: 0,
        tries: 0,
    };
    if let Some(group) = group_joins::known_group(step.rows, &join)? {
        let list = groups::listed(step.rows, &group)?;
        if list.has(&step.device.public()) {
            let outcomes = group_events::act(step, &group, &GroupAction::Joined)?;
            return Ok((contact, outcomes));
        }
    }
    people::check_sending(step, &contact.identity)?;
    group_joins::begin(step.rows, join.clone(), step.now)?;
    ask(step, &join, Recipients::ALL)?;
    Ok((contact, Vec::new()))
}

/// Whoever made the link, as with any invitation. A link may be older than the bundle in it lasts, where a newer one is known.
fn acquaint(step: &mut Step<'_>, bundle: &VerifiedBundle) -> Result<Contact, EngineError> {
    match people::add(step, bundle) {
        Ok(contact) => {
            updates::share_contact(step, &contact)?;
            Ok(contact)
        }
        Err(error @ EngineError::Bundle(BundleError::Expired { .. })) => {
            let known = contacts::find(step.rows, bundle.identity())?;
            let seconds = step.seconds();
            let is_valid = |one: &VerifiedBundle| one.check_time(seconds).is_ok();
            known
                .filter(|known| known.is_accepted() && known.bundle.as_ref().is_some_and(is_valid))
                .ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Asks whoever made a link. It gets no receipt: whether the token is good for anything is told by the group alone.
fn ask(step: &mut Step<'_>, join: &GroupJoinRow, to: Recipients) -> Result<(), EngineError> {
    let malformed = |_| damaged(Table::Device);
    let token = GroupLinkToken::from_bytes(&join.token).map_err(malformed)?;
    let whom = PublicIdentity::from_stored(&join.identity_key);
    let whom = whom.ok_or_else(|| damaged(Table::Device))?;
    post::send_control(step, &whom, to, Body::GroupJoinRequest(token))?;
    group_joins::note_sent(step.rows, join, step.now)
}

/// Asks again those who have not let the user in, as far as it is time.
pub(crate) fn ask_again(step: &mut Step<'_>) -> Result<(), EngineError> {
    for join in group_joins::due(step.rows, step.now)? {
        match ask(step, &join, Recipients::ALL.again()) {
            // With the next try there may be a bundle.
            Err(error) if error.lacks_usable_bundle() => {
                group_joins::note_sent(step.rows, &join, step.now)?;
            }
            done => done?,
        }
    }
    Ok(())
}

/// The log of a group may have grown: if the user asked to be let in, and is, they take part without being asked again.
pub(crate) fn take_part(
    step: &mut Step<'_>,
    group: &GroupId,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    if !group_joins::is_asked_for(step.rows, group, step.now)? {
        return Ok(());
    }
    let list = groups::member_list(step.rows, group)?;
    let Some(list) = list.filter(|list| list.has(&step.device.public())) else {
        return Ok(());
    };
    group_joins::end(step.rows, group)?;
    if list.is_joined() {
        return Ok(());
    }
    let invites =
        |one: &Outcome| matches!(one, Outcome::GroupInvitation { group: of, .. } if of == group);
    outcomes.retain(|one| !invites(one));
    outcomes.extend(group_events::perform(step, group, &GroupAction::Joined)?);
    outcomes.push(Outcome::GroupChanged { group: *group });
    Ok(())
}
