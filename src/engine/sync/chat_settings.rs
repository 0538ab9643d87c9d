//! What the user sets for a conversation is so on all devices (RFC windlass §8.3.12).

use crate::chat::{ChatSettingKind, ChatSettings, Decision, DeviceUpdate};
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::delivery::recipients::Recipients;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{chat_settings, contacts, decisions, floors, groups, invitations};
use crate::engine::sync::outcome::{ConversationNews, Outcome};
use crate::engine::sync::{feed, updates};
use crate::limits::MAX_SET_CHATS;
use crate::store::Table;

/// The user sets something; our other devices hear of it.
pub(crate) fn set(
    step: &mut Step<'_>,
    id: &ConversationId,
    kind: ChatSettingKind,
    number: u64,
    text: &str,
) -> Result<(), EngineError> {
    if !is_known(step, id)? {
        return Err(match id {
            ConversationId::Direct(_) => EngineError::UnknownContact,
            ConversationId::Group(_) => EngineError::UnknownGroup,
        });
    }
    let device_id = step.device.device_id;
    let told = chat_settings::set(step.rows, id, device_id, (kind, number, text))?;
    let Some(told) = told else {
        return Ok(());
    };
    feed::note_in(step, id, ConversationNews::SettingsChanged);
    let update = DeviceUpdate {
        chats: vec![told],
        ..DeviceUpdate::default()
    };
    updates::share(step, Recipients::ALL, update)
}

/// The user sees a conversation that was marked as unread.
pub(crate) fn seen(step: &mut Step<'_>, id: &ConversationId) -> Result<(), EngineError> {
    if chat_settings::is_marked_unread(step.rows, id)? {
        return set(step, id, ChatSettingKind::MarkedUnread, 0, "");
    }
    Ok(())
}

/// What another device of ours says is set.
pub(crate) fn receive(
    step: &mut Step<'_>,
    told: &[ChatSettings],
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let mut count = None;
    for chat in told {
        let Some(id) = ConversationId::from_wire(&chat.conversation, chat.group) else {
            continue;
        };
        if was_deleted(step, &id)? {
            continue;
        }
        if !is_known(step, &id)? {
            // Its contact or group may come later. There is a bound.
            let count = match &mut count {
                Some(count) => count,
                None => count.insert(step.rows.count(Table::ChatSettings)?),
            };
            let is_new = !chat_settings::is_here(step.rows, &id)?;
            if is_new && *count >= MAX_SET_CHATS {
                continue;
            }
            *count += u64::from(is_new);
        }
        if chat_settings::merge(step.rows, &id, &chat.settings)? {
            outcomes.push(Outcome::InConversation(
                id,
                ConversationNews::SettingsChanged,
            ));
        }
    }
    Ok(())
}

fn is_known(step: &Step<'_>, id: &ConversationId) -> Result<bool, EngineError> {
    Ok(match id {
        ConversationId::Direct(peer) => contacts::find(step.rows, peer)?.is_some(),
        ConversationId::Group(group) => groups::member_list(step.rows, group)?.is_some(),
    })
}

/// Whether the user removed the contact and has decided nothing since, or deleted the group.
fn was_deleted(step: &Step<'_>, id: &ConversationId) -> Result<bool, EngineError> {
    match id {
        ConversationId::Direct(peer) => {
            let removal = floors::removal(step.rows, &peer.to_bytes())?;
            if removal == Decision::default() {
                return Ok(false);
            }
            let contact = contacts::find(step.rows, peer)?;
            Ok(contact.is_none_or(|one| decisions::standing(&one.row) <= removal))
        }
        ConversationId::Group(group) => {
            let is_here = groups::member_list(step.rows, group)?.is_some();
            Ok(!is_here && invitations::is_deleted(step.rows, group)?)
        }
    }
}
