//! What the user set for a conversation, on whichever device: the last decision about each setting counts (RFC windlass §8.3.12).

use crate::chat::{ChatSetting, ChatSettingKind, ChatSettings, Decision};
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::{all_rows, damaged, get_row, put_row};
use crate::engine::records::conversations::ConversationId;
use crate::limits::MAX_LAMPORT_JUMP;
use crate::store::{Key, Rows, RowsMut, Table};
use crate::wire::store::{ChatSettingRow, ChatSettingsRow};

const TABLE: Table = Table::ChatSettings;

fn row(store: &dyn Rows, id: &ConversationId) -> Result<Option<ChatSettingsRow>, EngineError> {
    get_row(store, TABLE, Key::new(&id.key()))
}

fn setting_of(row: &ChatSettingRow) -> Result<ChatSetting, EngineError> {
    let kind = ChatSettingKind::of_number(row.kind);
    Ok(ChatSetting {
        kind: kind.ok_or_else(|| damaged(TABLE))?,
        number: row.number,
        text: row.text.clone(),
        decided: Decision {
            clock: row.clock,
            device_id: row.device_id,
        },
    })
}

fn row_of(setting: &ChatSetting) -> ChatSettingRow {
    ChatSettingRow {
        kind: setting.kind.number(),
        number: setting.number,
        text: setting.text.clone(),
        clock: setting.decided.clock,
        device_id: setting.decided.device_id,
    }
}

fn settings_of(row: &ChatSettingsRow) -> Result<Vec<ChatSetting>, EngineError> {
    row.settings.iter().map(setting_of).collect()
}

/// What is set for a conversation, by kind.
pub(crate) fn of(store: &dyn Rows, id: &ConversationId) -> Result<Vec<ChatSetting>, EngineError> {
    let row = row(store, id)?;
    row.map_or(Ok(Vec::new()), |row| settings_of(&row))
}

/// Whether anything is kept for a conversation.
pub(crate) fn is_here(store: &dyn Rows, id: &ConversationId) -> Result<bool, EngineError> {
    Ok(store.get(TABLE, Key::new(&id.key()))?.is_some())
}

/// Whether the user marked a conversation as unread.
pub(crate) fn is_marked_unread(store: &dyn Rows, id: &ConversationId) -> Result<bool, EngineError> {
    let settings = of(store, id)?;
    Ok(known(&settings, ChatSettingKind::MarkedUnread).is_some_and(|one| one.number != 0))
}

fn save(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    settings: &[ChatSetting],
) -> Result<(), EngineError> {
    let (peer_identity_key, group_id) = id.columns();
    let row = ChatSettingsRow {
        peer_identity_key,
        group_id,
        settings: settings.iter().map(row_of).collect(),
    };
    put_row(store, TABLE, Key::new(&id.key()), &row)
}

/// The clock of the next decision about a conversation.
fn next_clock(settings: &[ChatSetting]) -> u64 {
    let clocks = settings.iter().map(|one| one.decided.clock);
    clocks.max().unwrap_or_default().saturating_add(1)
}

fn known(settings: &[ChatSetting], kind: ChatSettingKind) -> Option<&ChatSetting> {
    settings.iter().find(|one| one.kind == kind)
}

/// What it is set to; what was never set is as if it were set to nothing.
fn value_of(setting: Option<&ChatSetting>) -> (u64, &str) {
    setting.map_or((0, ""), |one| (one.number, one.text.as_str()))
}

fn put(settings: &mut Vec<ChatSetting>, setting: ChatSetting) {
    match settings.binary_search_by_key(&setting.kind, |one| one.kind) {
        Ok(at) => {
            if let Some(known) = settings.get_mut(at) {
                *known = setting;
            }
        }
        Err(at) => settings.insert(at, setting),
    }
}

/// The user sets something. What our other devices are told; nothing if it was so already.
pub(crate) fn set(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    device_id: u32,
    (kind, number, text): (ChatSettingKind, u64, &str),
) -> Result<Option<ChatSettings>, EngineError> {
    let mut settings = of(store, id)?;
    let setting = ChatSetting {
        kind,
        number,
        text: text.to_owned(),
        decided: Decision {
            clock: next_clock(&settings),
            device_id,
        },
    }
    .bounded();
    if value_of(known(&settings, kind)) == value_of(Some(&setting)) {
        return Ok(None);
    }
    put(&mut settings, setting.clone());
    save(store, id, &settings)?;
    let (conversation, group) = id.wire();
    Ok(Some(ChatSettings {
        conversation,
        group,
        settings: vec![setting],
    }))
}

/// Takes in what another device of ours says. True if anything is otherwise now.
pub(crate) fn merge(
    store: &mut dyn RowsMut,
    id: &ConversationId,
    told: &[ChatSetting],
) -> Result<bool, EngineError> {
    let mut settings = of(store, id)?;
    // As of decisions about people: who says more would have the last word for ever.
    let horizon = next_clock(&settings).saturating_add(MAX_LAMPORT_JUMP);
    let (mut learnt, mut changed) = (false, false);
    for setting in told.iter().filter(|one| one.decided.clock <= horizon) {
        let rank = |one: &ChatSetting| (one.decided, one.number, one.text.clone());
        let known = known(&settings, setting.kind);
        if known.is_some_and(|known| rank(known) >= rank(setting)) {
            continue;
        }
        learnt = true;
        changed |= value_of(known) != value_of(Some(setting));
        put(&mut settings, setting.clone());
    }
    if learnt {
        save(store, id, &settings)?;
    }
    Ok(changed)
}

/// Everything that is set, by conversation: the rows of the store come in no order.
pub(crate) fn all(store: &dyn Rows) -> Result<Vec<ChatSettings>, EngineError> {
    let mut all = Vec::new();
    for row in all_rows::<ChatSettingsRow>(store, TABLE)? {
        let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
        let (conversation, group) = id.ok_or_else(|| damaged(TABLE))?.wire();
        all.push(ChatSettings {
            conversation,
            group,
            settings: settings_of(&row)?,
        });
    }
    all.sort_unstable_by_key(|one| (one.group, one.conversation));
    Ok(all)
}

/// Nothing is set for a conversation any more: its contact or its group is gone.
pub(crate) fn erase(store: &mut dyn RowsMut, id: &ConversationId) -> Result<(), EngineError> {
    store.delete(TABLE, Key::new(&id.key()))?;
    Ok(())
}

/// Puts a row of a backup back.
pub(crate) fn restore(store: &mut dyn RowsMut, row: &ChatSettingsRow) -> Result<(), EngineError> {
    let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
    let id = id.ok_or_else(|| damaged(TABLE))?;
    save(store, &id, &settings_of(row)?)
}
