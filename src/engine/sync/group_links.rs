//! Links to groups: who makes one lets in whoever asks by it (RFC windlass §9.6.19).

use crate::bundle::GroupInvitation;
use crate::chat::{
    ContentError, GroupAction, GroupEventError, GroupId, GroupLinkToken, GroupPermission,
};
use crate::crypto::Secret;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::base::step::Step;
use crate::engine::records::introductions::{self, Origin};
use crate::engine::records::{contacts, group_links, groups, own_bundle, trust};
use crate::engine::sync::group_events;
use crate::engine::sync::outcome::Outcome;
use crate::identity::PublicIdentity;
use crate::limits::MAX_GROUP_MEMBERS;
use crate::store::Table;
use crate::wire::store::GroupLinkRow;

/// Makes a link for so many people, of use for so many milliseconds.
pub(crate) fn create(
    step: &mut Step<'_>,
    group: &GroupId,
    uses: u32,
    lifetime: u64,
) -> Result<GroupLinkRow, EngineError> {
    let list = groups::listed(step.rows, group)?;
    if !list.is_joined() {
        return Err(EngineError::NotAMember);
    }
    if !list.may(&step.device.public(), GroupPermission::AddMembers) {
        return Err(GroupEventError::NotAnAdmin.into());
    }
    let people = 1..=MAX_GROUP_MEMBERS;
    let fits = usize::try_from(uses).is_ok_and(|uses| people.contains(&uses));
    if !fits || !(1..=group_links::LONGEST).contains(&lifetime) {
        return Err(ContentError::GroupLink.into());
    }
    let link = GroupLinkRow {
        id: Secret::<8>::random(step.rng).as_bytes().to_vec(),
        token: GroupLinkToken::random(step.rng).as_bytes().to_vec(),
        group_id: group.as_bytes().to_vec(),
        created_at: step.now,
        expires_at: step.now.saturating_add(lifetime),
        uses_left: uses,
    };
    group_links::add(step.rows, link.clone(), step.now)?;
    Ok(link)
}

/// What a link says now: its bundle is the one that is given out at the time.
pub(crate) fn invitation(
    step: &mut Step<'_>,
    link: &GroupLinkRow,
) -> Result<GroupInvitation, EngineError> {
    let malformed = |_| damaged(Table::Device);
    let token = GroupLinkToken::from_bytes(&link.token).map_err(malformed)?;
    let group = GroupId::from_bytes(&link.group_id).map_err(malformed)?;
    Ok(GroupInvitation {
        group: token.tag_of(&group),
        token: Secret::new(*token.as_bytes()),
        bundle: own_bundle::reusable(step)?,
    })
}

/// The group that somebody is let into who asks by a token; nothing if they are not, for whatever reason. Nobody is told which it is.
pub(crate) fn lets_in(
    step: &Step<'_>,
    who: &PublicIdentity,
    token: &GroupLinkToken,
) -> Result<Option<GroupId>, EngineError> {
    let Some(id) = group_links::group_of(step.rows, token, step.now)? else {
        return Ok(None);
    };
    let (own, list) = (step.device.public(), groups::member_list(step.rows, &id)?);
    let may = |list: &groups::MemberList| {
        list.is_joined() && list.may(&own, GroupPermission::AddMembers) && !list.has(who)
    };
    if !list.is_some_and(|list| may(&list)) {
        return Ok(None);
    }
    let contact = contacts::find_or_new(step.rows, step.device, who, step.now)?;
    if contact.row.blocked || !trust::may_reach(step.rows, &contact)? {
        return Ok(None);
    }
    // Whether the log takes it is tried on one that is not kept.
    let mut log = groups::known(step.rows, &id)?.log;
    let adds = GroupAction::MembersAdded(vec![*who]);
    let takes = !log.was_put_out(who) && log.write(&step.device.identity, &adds).is_ok();
    Ok(takes.then_some(id))
}

/// Somebody asks to be let in. The other members see who added them, and they are introduced by the group as any other member is.
pub(crate) fn let_in(
    step: &mut Step<'_>,
    who: &PublicIdentity,
    token: &GroupLinkToken,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let Some(group) = lets_in(step, who, token)? else {
        return Ok(());
    };
    let contact = contacts::find(step.rows, who)?;
    let Some(mut contact) = contact.filter(|contact| contact.bundle.is_some()) else {
        return Ok(());
    };
    introductions::introduce(step.rows, &mut contact, Origin::Group(&group))?;
    let adds = GroupAction::MembersAdded(vec![*who]);
    outcomes.extend(group_events::perform(step, &group, &adds)?);
    group_links::use_one(step.rows, token)?;
    outcomes.push(Outcome::GroupChanged { group });
    Ok(())
}
