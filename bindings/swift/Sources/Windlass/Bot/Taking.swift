import Foundation

/// After so long the client has given up waiting for an answer to go with a receipt.
private let receipts = Duration.milliseconds(1_200)

/// What a bot does with what the transport brings.
extension Bot {
    func takeIn(_ now: Running) async throws {
        let (transport, handlers) = (transport, handlers.use { $0 })
        let events = Events(self, keeps: handlers.keepsEvents) { event in
            switch event {
            case .groupInvitation, .groupChanged: true
            default: handlers.listens(to: event)
            }
        }
        let old = try await events.endOfOld()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await transport.takenTogether { together in events.put(try await self.takeIn(together, now)) }
                events.end()
            }
            // Apart: a handler that is slow holds up no mail.
            group.addTask {
                try await events.tell(
                    old, event: { try await self.heard(now, $0) }, again: { try await self.heardAgain($0) },
                    leftOut: {
                        try await now.invited.answer()
                        await self.recheckTrust()
                    })
            }
            for try await _ in group {}
        }
    }

    /// A disk that is full is waited for; the transport keeps what comes.
    private func takeIn(_ together: [Incoming], _ now: Running) async throws -> [Received] {
        let (client, envelopes) = (client, together.map(\.envelope))
        // What is refused is no envelope of ours; it need not come again.
        let received = try await withRoom(now) { try client.receiveMany(envelopes: envelopes) }
        now.handling.look()
        now.post.look()
        // What is not answered by then gets its receipt without an answer: see `Client.setBot`.
        Task { [post = now.post] in
            try? await Task.sleep(for: receipts)
            post.look()
        }
        for incoming in together { await incoming.acknowledge() }
        received.flatMap(\.events).forEach(note)
        return received
    }

    /// When too much waits for its handlers nothing is taken in, and nothing acknowledged: it waits at the transport.
    private func withRoom<T: Sendable>(_ now: Running, _ call: @escaping @Sendable () throws -> T) async throws -> T {
        var told = false
        while true {
            do {
                return try await insisting(unless: "backlog_full", call)
            } catch WindlassError.BacklogFull {
                if !told { log("too much waits to be handled: nothing is taken in before there is room") }
                told = true
                now.handling.look()
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Logs what the bot's operator may want to know.
    private func note(_ event: Event) {
        switch event {
        case let .undecryptable(cause, _): log("cannot read an envelope: \(cause)")
        case .missed(let count): log("\(count) events were dropped before they were handled")
        default: break
        }
    }

    private func heard(_ now: Running, _ event: Event) async throws {
        try await tellHandlers(event)
        switch event {
        case .groupInvitation(let group, _, _):
            try await now.invited.came(group)
        case .groupChanged:
            // Of a group that we are not in any more nothing waits.
            await recheckTrust()
        default: break
        }
    }

    /// A process told this, and died. What else it calls for is done at each start.
    private func heardAgain(_ event: Event) async throws {
        note(event)
        if case .contactRequest = event, asksAboutStrangers { return }
        try await tellHandlers(event)
    }

    private func tellHandlers(_ event: Event) async throws {
        let handlers = handlers.use { $0 }
        await handlers.callEach(handlers.events, event)
        switch event {
        case .contactRequest(let address):
            await handlers.callEach(handlers.requests, address)
        case let .reacted(conversation, author, messageId, by, emoji, removed):
            guard by != client.address(), try await hears(by), try await onQueue({ try self.listening.listens(to: by, in: conversation) }) == true else { return }
            let reaction = BotReaction(
                emoji: emoji, removed: removed, by: by, conversation: conversation, messageId: messageId, author: author)
            await handlers.callEach(handlers.reactions, reaction)
        default: break
        }
        // Whoever was called has perhaps not heard it to its end.
        try Task.checkCancellation()
    }
}
