/// Somebody wants the bot in a group. Messages of the group wait until that is decided.
public struct GroupInvitation: Sendable {
    let bot: Bot
    /// Address of the group.
    public let group: String
    public let name: String
    /// Address of the person who invites.
    public let by: String

    /// Takes part.
    public func join() async throws {
        try await bot.change(group) { try $0.join() }
    }

    /// Does not.
    public func decline() async throws {
        try await bot.change(group) { try $0.leave() }
    }
}

/// Reads from the store which invitations wait: so none is lost by a crash.
actor Invitations {
    private let bot: Bot
    /// Groups that the handlers were told of, and whether they left it to us.
    private var told: [String: Bool] = [:]
    private var busy = false
    private var again = false

    init(_ bot: Bot) {
        self.bot = bot
    }

    /// There is a new invitation to this group.
    func came(_ group: String) async throws {
        told[group] = nil
        try await answer()
    }

    /// Tells the handlers, and joins where that was left to us and the person who invites is accepted.
    func answer() async throws {
        again = true
        // A handler accepts somebody: the loop that called it goes on with that.
        if busy { return }
        busy = true
        defer { busy = false }
        while again {
            again = false
            let bot = bot
            for invitation in try await onQueue({ try bot.invited() }) { try await answer(invitation) }
        }
    }

    private func answer(_ invitation: GroupInvitation) async throws {
        let handlers = bot.handlers.use { $0 }
        if told[invitation.group] == nil {
            // A handler that failed may have been about to decline.
            told[invitation.group] = await handlers.callEach(handlers.invitations, invitation)
        }
        let bot = bot
        do {
            if told[invitation.group] == true, try await onQueue({ try bot.mayJoin(invitation) }) { try await invitation.join() }
        } catch let refused as WindlassError where refused.code != "store_closed" {
            await handlers.failed(nil, refused)
        }
    }
}

extension Bot {
    fileprivate func invited() throws -> [GroupInvitation] {
        try client.conversations().compactMap { summary in
            guard let name = summary.groupName else { return nil }
            let group = try client.conversation(address: summary.address)
            let waits = try group.members().contains { $0.address == client.address() && !$0.joined }
            guard waits, let by = try group.invitedBy() else { return nil }
            return GroupInvitation(bot: self, group: summary.address, name: name, by: by)
        }
    }

    /// Not any more, if a handler has declined.
    fileprivate func mayJoin(_ invitation: GroupInvitation) throws -> Bool {
        try invited().contains { $0.group == invitation.group } && listening.follows(invitation.by)
    }
}
