import Foundation

// What is printed, dumped, interpolated or logged says who, when and which; never what people wrote, nor what opens anything. `debugDescription` is
// what an enumeration or an array around it prints, the mirror what `dump` and debuggers show (of an event the fields as they are).

private typealias Shown = KeyValuePairs<String, Any>

private func printed(_ name: String, _ shown: Shown) -> String {
    "\(name)(\(shown.map { "\($0.key): \($0.value)" }.joined(separator: ", ")))"
}

private func mirror<Subject>(_ subject: Subject, _ shown: Shown) -> Mirror {
    var children: [Mirror.Child] = []
    for (name, value) in shown { children.append((label: name, value: value)) }
    return Mirror(subject, children: children)
}

private func counted(_ text: String) -> String { "\(text.unicodeScalars.count) characters" }

extension Message: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown {
        [
            "id": id, "conversation": conversation, "author": author, "outgoing": outgoing, "body": body, "replyTo": replyTo ?? "-", "sentAt": sentAt,
            "deleted": deleted, "edited": edited, "reactions": reactions.count,
        ]
    }

    public var description: String { printed("Message", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension Body: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        switch self {
        case .text(let text): "text(\(counted(text)))"
        case .data(_, let data): "data(\(data.count) bytes)"
        case .opaque(let data): "opaque(\(data.count) bytes)"
        case .identityChange(let address): "identityChange(\(address ?? "-"))"
        case .attachment(let attachment): "attachment(\(attachment))"
        case .disappearingTimer(let after): "disappearingTimer(\(after.map { "\($0)" } ?? "-"))"
        case .group(let change): "group(\(change))"
        case .unknown: "unknown"
        }
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, [:]) }
}

extension Event: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        switch self {
        case let .reacted(conversation, author, messageId, by, _, removed):
            printed(
                "reacted", ["conversation": conversation, "author": author, "messageId": messageId, "by": by, "removed": removed])
        case let .groupInvitation(group, _, by): printed("groupInvitation", ["group": group, "by": by])
        case .rollbackNoticed: "rollbackNoticed"
        default:
            // The name of the case and what comes with it, which prints itself.
            Mirror(reflecting: self).children.first.map { "\($0.label ?? "event")\($0.value)" } ?? "event"
        }
    }

    public var debugDescription: String { description }
}

extension Reaction: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["by": by] }
    public var description: String { printed("Reaction", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension RichText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["text": counted(text), "spans": spans.count, "forward": forward != nil, "preview": preview != nil] }
    public var description: String { printed("RichText", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension LinkPreview: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["image": image?.count ?? 0] }
    public var description: String { printed("LinkPreview", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension TextRun: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["text": counted(text), "styles": styles.count] }
    public var description: String { printed("TextRun", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension AttachmentInfo: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["size": size] }
    public var description: String { printed("AttachmentInfo", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension GroupChange: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["kind": kind, "by": by, "members": members, "permission": permission.map { "\($0)" } ?? "-", "adminsOnly": adminsOnly] }
    public var description: String { printed("GroupChange", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension Profile: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["picture": picture?.count ?? 0] }
    public var description: String { printed("Profile", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension ConversationSummary: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["address": address, "group": groupName != nil, "lastActivity": lastActivity, "unread": unread] }
    public var description: String { printed("ConversationSummary", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension ListedConversation: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["address": address, "group": groupName != nil, "lastActivity": lastActivity, "unread": unread] }
    public var description: String { printed("ListedConversation", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension ChatSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown {
        [
            "mutedUntil": mutedUntil as Any? ?? "-", "archived": archived, "pinned": pinned, "markedUnread": markedUnread,
            "nickname": nickname != nil,
        ]
    }

    public var description: String { printed("ChatSettings", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension TypedCommand: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["words": words.count] }
    public var description: String { printed("TypedCommand", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension CodeProgress: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["have": have, "of": of] }
    public var description: String { printed("CodeProgress", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension LinkCheck: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["address": address] }
    public var description: String { printed("LinkCheck", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension InvitationLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["id": id, "createdAt": createdAt, "expiresAt": expiresAt, "usesLeft": usesLeft] }
    public var description: String { printed("InvitationLink", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension PendingLink: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown { ["checked": check != nil, "endsAt": endsAt] }
    public var description: String { printed("PendingLink", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}

extension PeekedMessage: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var shown: Shown {
        ["id": id, "conversation": conversation, "author": author, "body": body, "sentAt": sentAt, "muted": muted]
    }

    public var description: String { printed("PeekedMessage", shown) }
    public var debugDescription: String { description }
    public var customMirror: Mirror { mirror(self, shown) }
}
