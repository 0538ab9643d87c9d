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
