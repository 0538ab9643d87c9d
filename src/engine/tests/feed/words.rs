//! Outcomes in words, to compare them.

use super::*;

/// What an outcome says, in words.
pub(super) fn said(outcome: &Outcome) -> String {
    let name = |message: &MessageRef| message.id.to_string();
    match outcome {
        Outcome::Message(shown) => format!("message {:?}", shown.words()),
        Outcome::Edited(shown) => format!("edited {:?}", shown.words()),
        Outcome::InConversation(conversation, news) => {
            let news = match news {
                ConversationNews::Deleted(message) => format!("deleted {}", name(message)),
                ConversationNews::ConversationDeleted => "conversation deleted".into(),
                ConversationNews::SettingsChanged => "settings".into(),
                ConversationNews::ScheduledChanged => "scheduled".into(),
                ConversationNews::Reacted {
                    to, emoji, removed, ..
                } => format!("reacted {} {emoji} {removed}", name(to)),
                ConversationNews::Pinned { to, removed, .. } => {
                    format!("pinned {} {removed}", name(to))
                }
                ConversationNews::Read { by } => format!("read {}", by.address()),
                ConversationNews::Typing { by, active } => {
                    format!("typing {} {active}", by.address())
                }
                ConversationNews::TimerChanged { by, after } => {
                    format!("timer {} {after}", by.address())
                }
                ConversationNews::Refused { from, reason } => {
                    format!("refused {} {reason:?}", from.address())
                }
            };
            format!("{} {news}", conversation.address())
        }
        Outcome::GroupInvitation { group, by, name } => {
            format!("invitation {group} {} {name}", by.address())
        }
        Outcome::GroupIncomplete { group, resolved } => format!("incomplete {group} {resolved}"),
        Outcome::GroupChanged { group } => format!("group {group}"),
        Outcome::Peer(peer, news) => {
            let news = match news {
                PeerNews::Delivered(ids) => format!("delivered {}", ids.len()),
                PeerNews::ContactRequest => "request".into(),
                PeerNews::DevicesChanged(change) => format!("{change:?}"),
                PeerNews::IdentityChanged { new, was_verified } => {
                    format!("identity {} {was_verified}", new.address())
                }
                _ => "works on".into(),
            };
            format!("{} {news}", peer.address())
        }
        Outcome::Duplicate { .. } => "duplicate".into(),
        Outcome::Undecryptable { cause, from } => {
            format!(
                "undecryptable {cause:?} {:?}",
                from.map(|from| from.address())
            )
        }
        Outcome::RollbackNoticed => "rollback".into(),
        Outcome::Missed { events } => format!("missed {events}"),
    }
}
