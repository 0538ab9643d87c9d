//! What the devices of one identity tell each other.

use super::*;

/// An update of what was deleted.
pub fn floors(messages: Vec<u8>, name_len: usize) -> v2::content::Body {
    v2::content::Body::DeviceUpdate(v2::DeviceUpdate {
        floors: vec![v2::Floor {
            conversation: vec![9; name_len],
            clock: 12,
            lamport: 5,
            until: 1_800_000_000_000,
            messages,
            timer: Some(v2::FloorTimer {
                lamport: 4,
                message_id: vec![5; 16],
                milliseconds: 60_000,
            }),
            removed: Some(v2::Decision {
                clock: 7,
                device_id: 0x0102_0304,
            }),
        }],
        ..Default::default()
    })
}

/// An update of a group that was deleted.
pub fn deleted_group(id_len: usize, hash_len: usize) -> v2::content::Body {
    v2::content::Body::DeviceUpdate(v2::DeviceUpdate {
        deleted_groups: vec![v2::DeletedGroup {
            group: vec![9; id_len],
            invitations: vec![vec![8; 32], vec![7; hash_len]],
            left: vec![6; 100],
            deleted_at: 1_800_000_000_000,
        }],
        ..Default::default()
    })
}

/// An update of a device that is being linked.
pub fn link(token_len: usize) -> v2::content::Body {
    v2::content::Body::DeviceUpdate(v2::DeviceUpdate {
        links: vec![v2::DeviceLink {
            token: vec![8; token_len],
            expires_at: 1_800_000_000_000,
            device_id: 0x0102_0304,
        }],
        ..Default::default()
    })
}

/// An update of what the user set for a conversation: each setting a kind, a number and a text.
fn chats(id_len: usize, settings: &[(u64, u64, &str)]) -> v2::content::Body {
    let setting = |(kind, number, text): &(u64, u64, &str)| v2::ChatSetting {
        kind: *kind,
        number: *number,
        text: (*text).into(),
        decided: Some(v2::Decision {
            clock: 7,
            device_id: 0x0102_0304,
        }),
    };
    v2::content::Body::DeviceUpdate(v2::DeviceUpdate {
        chats: vec![v2::ChatSettings {
            conversation: vec![9; id_len],
            group: true,
            settings: settings.iter().map(setting).collect(),
        }],
        ..Default::default()
    })
}

/// What the user set for conversations, by names.
pub fn settings() -> Vec<(&'static str, v2::content::Body)> {
    let kinds = [(1, u64::MAX, "x"), (2, 7, "x"), (5, 7, "the crew")];
    vec![
        ("settings of a conversation", chats(32, &kinds)),
        (
            "a setting of a later version",
            chats(32, &[(3, 0, ""), (200, 1, "x")]),
        ),
        ("settings of nobody", chats(31, &[(3, 1, "")])),
        ("a setting twice", chats(32, &[(3, 1, ""), (3, 0, "")])),
        (
            "settings out of order",
            chats(32, &[(4, 1, ""), (3, 1, "")]),
        ),
    ]
}
