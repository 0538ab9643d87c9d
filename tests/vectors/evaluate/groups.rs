//! Events of a group, and who belongs to it.

use serde_json::{Value, json};
use windlass::chat::{GroupEvent, GroupId, GroupLog, GroupPermission};

use super::{bytes, hex};

/// Takes the events of a group in, in the order given, and says who belongs to it and which were refused.
pub fn group(input: &Value) -> Value {
    let id = GroupId::from_bytes(&bytes(input, "group_id")).unwrap();
    let mut log = GroupLog::new(id);
    let mut refused = Vec::new();
    for (number, event) in input["events"].as_array().unwrap().iter().enumerate() {
        let encoded = data_encoding::HEXLOWER
            .decode(event.as_str().unwrap().as_bytes())
            .unwrap();
        if GroupEvent::decode(&encoded)
            .and_then(|event| log.take(event))
            .is_err()
        {
            refused.push(number);
        }
    }
    let membership = log.membership();
    let members = membership.members();
    let members = members.iter().map(|member| {
        json!({
            "identity": hex(&member.identity.to_bytes()),
            "joined": member.joined,
            "admin": member.admin.is_some(),
        })
    });
    let kept = GroupPermission::ALL.into_iter();
    let kept = kept.filter(|what| membership.permissions.is_for_admins(*what));
    let admins_only: Vec<_> = kept.map(GroupPermission::number).collect();
    json!({
        "address": id.to_string(),
        "name": membership.name,
        "description": membership.description,
        "picture": hex(membership.picture.as_bytes()),
        "admins_only": admins_only,
        "members": members.collect::<Vec<_>>(),
        "refused": refused,
        "view": {
            "digest": hex(&log.view().digest),
            "heads": log.view().heads.iter().map(|head| hex(head)).collect::<Vec<_>>(),
        },
    })
}
