import Foundation

private let round = Duration.seconds(600)
private let renewalsPerRound = 20
/// How many events wait for their handlers.
private let eventLimit = 1_000

/// What is done with events, in their order.
private enum EventStep: Sendable {
    case tell(Event)
    /// A process told it, and died.
    case tellAgain(KeptEvent)
    /// All events before this were told.
    case handled(String)
}

/// A program that answers.
///
/// ```swift
/// let bot = Bot(client: try .open(path: "echo.wl", key: key), transport: HttpTransport(url: url))
/// bot.onMessage { message in message.reply(message.text) }
/// print(try bot.invite())
/// try await bot.run()
/// ```
public final class Bot: Sendable {
    let client: Client
    let trust: TrustPolicy
    let prefix: String
    let retries: UInt32
    let handlerTimeout: Duration
    let handlers: Locked<Handlers>
    let log: @Sendable (String) -> Void
    private let transport: any Transport
    private let grace: Duration
    private let running = Locked<Running?>(nil)

    private struct Running: Sendable {
        let post: Post
        let handling: Handling
        let invited: Invitations
        let ended: AsyncThrowingStream<Never, any Error>
        let end: AsyncThrowingStream<Never, any Error>.Continuation
    }

    /// - Parameters:
    ///   - trust: Whom it listens to. Messages of others wait until they are accepted or verified.
    ///   - prefix: What commands begin with.
    ///   - retries: After so many starts of the process during which it died with a message, error handlers are told by a ``PoisonMessage``, and
    ///     the message counts as handled.
    ///   - handlerTimeout: After which a handler is cancelled, for its conversation waits for it.
    ///   - grace: What handlers get to finish after `stop`.
    ///   - log: Where it says what went wrong, and never what people write.
    public init(
        client: Client, transport: any Transport, trust: TrustPolicy = .acceptAll, prefix: String = "/",
        retries: Int = 3, handlerTimeout: Duration = .seconds(300), grace: Duration = .seconds(10),
        log: @escaping @Sendable (String) -> Void = logToStandardError
    ) {
        (self.client, self.transport, self.trust, self.prefix) = (client, transport, trust, prefix)
        (self.retries, self.handlerTimeout, self.grace) = (UInt32(max(retries, 1)), handlerTimeout, grace)
        (self.log, self.handlers) = (log, Locked(Handlers(log: log)))
    }

    /// How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret.
    public func invite() throws -> String {
        let bundle = try client.bundle()
        return "\(try bundle.qrTerminal())\n\(bundle.toUri())"
    }

    /// Runs until its task is cancelled, `stop` is called, or the transport ends. Cancelled, it leaves at once: what was not handled by then
    /// comes again at the next start.
    public func run() async throws {
        try await prepare()
        let (ended, end) = AsyncThrowingStream.makeStream(of: Never.self)
        let handling = Handling(self) { end.finish(throwing: $0) }
        let post = Post(client, transport, log: log)
        let now = Running(post: post, handling: handling, invited: Invitations(self), ended: ended, end: end)
        let first = running.use { running in
            defer { running = running ?? now }
            return running == nil
        }
        precondition(first, "the bot runs already")
        defer { running.use { $0 = nil } }
        do {
            try await transport.start(address: client.address(), device: client.deviceId())
            try await runAll(now)
            if Task.isCancelled { await handling.cancel() }
            await handling.finish(within: grace)
            try? await within(grace) { try await now.post.carryAll() }
            await transport.close()
        } catch {
            await handling.cancel()
            await transport.close()
            if !Task.isCancelled { throw error }
        }
    }

    /// Until one of its parts ends.
    private func runAll(_ now: Running) async throws {
        let background = handlers.use { $0.background }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for try await _ in now.ended {} }
            group.addTask { try await now.post.run() }
            group.addTask { try await now.handling.run() }
            group.addTask { try await self.takeIn(now) }
            group.addTask { try await self.keepUp(now) }
            for (every, work) in background {
                group.addTask {
                    try await repeatedly(every) { await self.handlers.use { $0 }.callEach([{ (_: Int) in try await work() }], 0) }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Takes in nothing more, lets handlers finish and the outbox go out; then `run` returns.
    public func stop() {
        running.use { $0?.end.finish() }
    }

    /// Handles what waits, and answers how many messages that was. For tests that carry envelopes themselves, for example those of a
    /// `Simulation`.
    public func handleWaiting() async throws -> Int {
        try await prepare()
        try await Invitations(self).answer()
        let failed = Locked<(any Error)?>(nil)
        let handling = Handling(self) { error in failed.use { $0 = error } }
        var found = 0
        while case let new = try await handling.takeUp(), new > 0 {
            found += new
            await handling.idle()
        }
        if let error = failed.use({ $0 }) { throw error }
        return await found - handling.waiting
    }

    private func prepare() async throws {
        let (client, trust) = (client, trust)
        let handlesEvents = handlers.use { !($0.events.isEmpty && $0.reactions.isEmpty) }
        try await onQueue {
            try client.keepUnhandled(keep: true)
            if handlesEvents { try client.keepEvents(keep: true) }
            if try client.trustPolicy() != trust { try client.setTrustPolicy(policy: trust) }
        }
    }

    /// Writes to somebody, or to a group, at once. Somebody whom we do not know is looked for at the transport.
    @discardableResult
    public func send(to: String, text: String) async throws -> Sent {
        defer { lookAtOutbox() }
        do {
            return try await client.send(to: to, text: text)
        } catch let unknown as WindlassError where unknown.isUnacquainted {
            guard try await find(to) else { throw unknown }
            return try await client.send(to: to, text: text)
        }
    }

    /// We want to talk with somebody who wrote first.
    @discardableResult
    public func accept(_ address: String) async throws -> Contact {
        let client = client
        let contact = try await onQueue { try client.acceptContact(address: address) }
        try await running.use { $0 }?.invited.answer()
        await recheckTrust()
        return contact
    }

    /// Nothing of theirs is taken in any more.
    @discardableResult
    public func block(_ address: String) async throws -> Contact {
        let client = client
        let contact = try await onQueue { try client.blockContact(address: address) }
        await recheckTrust()
        return contact
    }

    /// Carries what is in the outbox. To be called after the client was used for something that is sent.
    public func lookAtOutbox() {
        running.use { $0 }?.post.look()
    }

    private func recheckTrust() async {
        lookAtOutbox()
        await running.use { $0 }?.handling.recheckTrust()
    }

    func change(_ conversation: String, _ call: @escaping @Sendable (Conversation) throws -> Void) async throws {
        let client = client
        try await onQueue { try call(client.conversation(address: conversation)) }
        await recheckTrust()
    }

    /// Adds the contact whose bundle the transport has; false if there is none.
    func find(_ address: String) async throws -> Bool {
        let client = client
        // Whatever somebody's transport throws, it has none now.
        guard let found = try? await transport.fetchBundle(address: address) else { return false }
        do {
            return try await onQueue {
                let bundle = try Bundle.decode(bytes: found)
                // Anybody may have put it there.
                guard bundle.identity().address() == address else { return false }
                _ = try client.addContact(bundle: bundle)
                return true
            }
        } catch let refused as WindlassError where refused.code == "store_closed" {
            throw refused
        } catch {
            return false
        }
    }

    private func takeIn(_ now: Running) async throws {
        let (transport, events) = (transport, Channel<EventStep>(limit: eventLimit))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await self.remember(events)
                try await transport.takenTogether { together in
                    for step in try await self.takeIn(together, now) { await events.put(step) }
                }
                events.end()
            }
            // Apart: a handler that is slow holds up no mail.
            group.addTask {
                while let step = await events.next() {
                    switch step {
                    case .tell(let event): try await self.heard(now, event)
                    case .tellAgain(let kept):
                        // Before it is told: an event with which the process dies twice does not come a third time.
                        try await self.handled(kept.cursor)
                        try await self.heardAgain(kept.event)
                    case .handled(let cursor): try await self.handled(cursor)
                    }
                }
            }
            for try await _ in group {}
        }
    }

    /// A disk that is full is waited for; the transport keeps what comes.
    private func takeIn(_ together: [Incoming], _ now: Running) async throws -> [EventStep] {
        let (client, envelopes) = (client, together.map(\.envelope))
        // What is refused is no envelope of ours; it need not come again.
        let received = try await insisting { try client.receiveMany(envelopes: envelopes) }
        now.handling.look()
        now.post.look()
        for incoming in together { await incoming.acknowledge() }
        let handled = received.compactMap(\.cursor).last.map(EventStep.handled)
        return received.flatMap(\.events).map(EventStep.tell) + [handled].compactMap { $0 }
    }

    /// Before anything new comes: the events whose handlers had not returned when the process ended.
    private func remember(_ events: Channel<EventStep>) async throws {
        var cursor: String?
        while case let page = try await client.eventsAfter(cursor: cursor), let last = page.last {
            cursor = last.cursor
            for kept in page { await events.put(.tellAgain(kept)) }
        }
    }

    private func handled(_ cursor: String) async throws {
        let client = client
        do {
            try await insisting { try client.eventsHandled(upTo: cursor) }
        } catch WindlassError.UnknownCursor {
            // Somebody else may read the events of the client.
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
        case let .undecryptable(cause, _):
            log("cannot read an envelope: \(cause)")
        default: break
        }
    }

    /// A process told this, and died. What else it calls for is done at each start.
    private func heardAgain(_ event: Event) async throws {
        if case .missed(let count) = event { log("\(count) events were dropped before they were handled") }
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
            guard by != client.address(), try await onQueue({ try self.listens(to: by, in: conversation) }) == true else { return }
            let reaction = BotReaction(
                emoji: emoji, removed: removed, by: by, conversation: conversation, messageId: messageId, author: author)
            await handlers.callEach(handlers.reactions, reaction)
        default: break
        }
    }

    /// Every ten minutes what is due, and the bundle where others find it, again when it has changed.
    private func keepUp(_ now: Running) async throws {
        let client = client
        try await askAboutStrangers()
        try await now.invited.answer()
        now.post.look()
        let published = Locked<Data?>(nil)
        try await repeatedly(round) {
            do {
                try await client.maintain()
                let bundle = try await onQueue { try client.bundle().encode() }
                await self.recheckTrust()
                if bundle != published.use({ $0 }), await self.publish(bundle) { published.use { $0 = bundle } }
                try await self.renew()
            } catch let refused as WindlassError where refused.retry {
                // With the next round.
                self.log("cannot keep up: \(kind(of: refused))")
            }
        }
    }

    /// False if the transport, which may be somebody's and throw anything, could not do it; it is asked again with the next round.
    private func publish(_ bundle: Data) async -> Bool {
        do {
            try await transport.publishBundle(address: client.address(), bundle: bundle)
            return true
        } catch {
            if !Task.isCancelled { log("cannot keep up: \(kind(of: error))") }
            return false
        }
    }

    /// Looks for newer bundles of contacts whose own have run out: without one nothing heals.
    private func renew() async throws {
        let client = client
        let stale = try await onQueue { try client.contacts() }.filter { contact in
            !contact.blocked && contact.bundleExpiresAt.map { $0 < Date() } ?? false
        }
        for contact in stale.prefix(renewalsPerRound) { _ = try await find(contact.address) }
    }

    private var asksAboutStrangers: Bool { trust != .acceptAll && !handlers.use { $0.requests.isEmpty } }

    /// A request that was told when the process died is told again.
    private func askAboutStrangers() async throws {
        guard asksAboutStrangers else { return }
        let (client, handlers) = (client, handlers.use { $0 })
        let undecided = try await onQueue { try client.contacts() }.filter { !($0.accepted || $0.blocked || $0.addedByUs) }
        for contact in undecided { await handlers.callEach(handlers.requests, contact.address) }
    }
}

private func repeatedly(_ every: Duration, _ work: @Sendable () async throws -> Void) async throws {
    while true {
        try await work()
        try await Task.sleep(for: every)
    }
}
