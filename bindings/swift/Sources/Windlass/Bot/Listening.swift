import Foundation

/// Whose invitations into groups a bot follows by itself. Others wait for a handler, or until the person is accepted.
public enum JoinGroups: Sendable {
    case none
    /// Of people who are verified, whom the bot added itself, or who are accepted where that is asked (its trust).
    case known
    /// Of everybody to whom the bot listens.
    case all
}

/// What of a group comes to the handlers.
public enum GroupMessages: Sendable {
    /// Commands that there are, mentions of the bot's name or address, and replies to what it said.
    case addressed
    case all
}

/// To whom a bot listens, and to what.
struct Listening: Sendable {
    let client: Client
    let trust: TrustPolicy
    let joins: JoinGroups
    let groups: GroupMessages
    let name: String
    let answersBots: Bool

    /// Whether what an author writes in a conversation is handled; nothing if that is not decided yet.
    func listens(to author: String, in conversation: String) throws -> Bool? {
        let inGroup = conversation != author
        if inGroup {
            let group = try client.conversation(address: conversation)
            // Perhaps we join; or it is over.
            if try !group.isJoined() {
                return try group.members().contains { $0.address == client.address() } ? nil : false
            }
        }
        if trust == .acceptAll { return true }
        guard let contact = try contact(author), !contact.blocked else { return false }
        let verified = contact.verified || trust != .verifiedOnly
        // An admin let them in. Nobody's word waits for a decision here, for everybody's would wait behind it.
        if inGroup { return verified }
        return contact.accepted && verified ? true : nil
    }

    /// Whether the bot joins by itself when they invite it.
    func follows(_ inviter: String) throws -> Bool {
        guard joins != .none, try listens(to: inviter, in: inviter) == true else { return false }
        if joins == .all { return true }
        guard let contact = try contact(inviter) else { return false }
        return contact.verified || contact.addedByUs || trust != .acceptAll && contact.accepted
    }

    private func contact(_ address: String) throws -> Contact? {
        do {
            return try client.contact(address: address)
        } catch WindlassError.UnknownContact {
            return nil
        }
    }

    /// Whether a message is for the bot, which may expect it in any case.
    func concerns(_ message: Message, expected: Bool) throws -> Bool {
        if message.conversation == message.author { return true }
        // Two bots in a group would talk to each other for ever.
        if !answersBots && message.origin != .person { return false }
        if groups == .all || expected || mentions(message) { return true }
        guard let id = message.replyTo else { return false }
        return try client.conversation(address: message.conversation).message(author: client.address(), messageId: id) != nil
    }

    /// Whether a message means the bot: by a mention, by its name or by its address.
    func mentions(_ message: Message) -> Bool { message.mentionsMe || isNamed(in: message.text ?? "") }

    private func isNamed(in text: String) -> Bool {
        let typed = foldText(text: text)
        if typed.contains(client.address()) { return true }
        if name.isEmpty { return false }
        let words = typed.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
        return words.contains { $0 == "@\(foldText(text: name))" }
    }
}
