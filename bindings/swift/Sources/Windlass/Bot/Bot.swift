import Foundation

/// What a bot that ends waits for what it has cancelled: a handler, then the counting of its message.
private let leaving = patience * 3

/// A program that answers.
///
/// ```swift
/// let bot = Bot(client: try .open(path: "echo.wl", key: key), transport: HttpTransport(url: url))
/// bot.onMessage { message in message.reply(message.text) }
/// print(try bot.invite())
/// try await bot.run()
/// ```
public final class Bot: Registrations, @unchecked Sendable {
    // All of it is constant, or guarded.
    let client: Client
    let listening: Listening
    let rates: Rates
    let retries: UInt32
    let concurrency: Int
    let log: @Sendable (String) -> Void
    let transport: any Transport
    let round: Duration
    private let grace: Duration
    private let access: Access
    private let files: (any Files)?
    let admins: Set<String>
    /// The roles that it gave, and the jobs that wait, once they were read.
    let given = Locked<[String: Role]?>(nil)
    let waitingJobs = Locked(WaitingJobs())
    private let running = Locked<Running?>(nil)

    struct Running: Sendable {
        let post: Post
        let handling: Handling
        let invited: Invitations
        let working: Working
        let ended: AsyncThrowingStream<Never, any Error>
        let end: AsyncThrowingStream<Never, any Error>.Continuation

        init(_ bot: Bot, _ transport: any Transport) {
            let (ended, end) = AsyncThrowingStream.makeStream(of: Never.self)
            (self.ended, self.end, invited, post) = (ended, end, Invitations(bot), Post(bot.client, transport, log: bot.log))
            handling = Handling(bot) { end.finish(throwing: $0) }
            working = Working(bot) { end.finish(throwing: $0) }
        }
    }

    /// Settings that make no sense end the program here, where they are given.
    ///
    /// - Parameters:
    ///   - trust: Whom it listens to. Messages of others wait until they are accepted or verified.
    ///   - prefix: What commands begin with.
    ///   - retries: After so many starts of the process during which it died with a message, error handlers are told by a ``PoisonMessage``, and
    ///     the message counts as handled.
    ///   - handlerTimeout: After which the handling of a message is given up, for its conversation waits for it: error handlers are told by a
    ///     ``HandlerTimeout``. A handler that does not even end when it is cancelled is left behind.
    ///   - eventTimeout: The same for each other callback. Background work may take as long as it likes.
    ///   - grace: What handlers and the outbox get to finish after `stop`.
    ///   - concurrency: How many conversations are handled at the same time.
    ///   - keepUpEvery: Between two rounds of resends, healing and new prekeys.
    ///   - answersPerMinute: How many answers are written in one conversation; over it, it waits until it is even.
    ///   - joinGroups: Whose invitations into groups it follows by itself.
    ///   - groupMessages: What of a group comes to the handlers.
    ///   - name: What a mention in a group is: `@name`.
    ///   - answerBots: Whether what other bots answered is answered, and what they write in groups is heard. Two bots that do so talk for ever.
    ///   - access: Whom it hears: everybody but the blocked, or those whom ``roles`` allow.
    ///   - admins: People who are that whatever ``roles`` say: somebody has to be the first.
    ///   - files: Where its files are: ``BotMessage/replyFile(_:mediaType:quote:)`` and ``BotMessage/save(to:limit:)``.
    ///   - debug: Whether failures are logged with their texts, which may quote messages.
    ///   - log: Where it says what went wrong, and never what people write.
    public init(
        client: Client, transport: any Transport, trust: TrustPolicy = .acceptAll, prefix: String = "/",
        retries: Int = 3, handlerTimeout: Duration = .seconds(300), eventTimeout: Duration = .seconds(60), grace: Duration = .seconds(10),
        concurrency: Int = 100, keepUpEvery: Duration = .seconds(600), answersPerMinute: Int = 60, joinGroups: JoinGroups = .known,
        groupMessages: GroupMessages = .addressed, name: String = "", answerBots: Bool = false, access: Access = .everybody, admins: Set<String> = [],
        files: (any Files)? = nil, debug: Bool = false,
        log: @escaping @Sendable (String) -> Void = logToStandardError
    ) {
        precondition(retries > 0, "a message is begun at least once")
        precondition(answersPerMinute > 0, "a bot answers at least once a minute")
        precondition(!name.contains(where: \.isWhitespace), "the name of a bot is one word")
        precondition(concurrency > 0, "at least one conversation is handled at a time")
        precondition(handlerTimeout > .zero && eventTimeout > .zero && keepUpEvery > .zero, "a time limit is longer than nothing")
        precondition(grace >= .zero, "grace is not negative")
        precondition(!prefix.isEmpty && !prefix.contains(where: \.isWhitespace), "what commands begin with is a character at least, and no space")
        (self.client, self.transport, rates) = (client, transport, Rates(perMinute: answersPerMinute))
        (self.access, self.admins, self.files) = (access, admins, files)
        listening = Listening(
            client: client, trust: trust, joins: joinGroups, groups: groupMessages, name: name, answersBots: answerBots)
        (self.retries, self.concurrency, self.grace, round) = (UInt32(clamping: retries), concurrency, grace, keepUpEvery)
        let callbacks = Callbacks(handlerTimeout: handlerTimeout, eventTimeout: eventTimeout, debug: debug, log: log)
        self.log = log
        super.init(Handlers(callbacks: callbacks), prefix: prefix)
        client.setBot(bot: true)
    }

    /// Who may do what.
    public var roles: Roles { Roles(bot: self) }

    /// What is to be done at a time.
    public var jobs: Jobs { Jobs(bot: self) }

    /// Whether the bot hears somebody at all.
    func hears(_ address: String) async throws -> Bool {
        switch try await roles.of(address, in: nil) {
        case .blocked: false
        case nil: access == .everybody
        default: true
        }
    }

    /// Whether a message of a group is for the bot because of what it says, or was asked: a command, or the answer to a question.
    func expects(_ message: Message) async throws -> Bool {
        let (handlers, client) = (handlers.use { $0 }, client)
        if handlers.isCommand(message, prefix) { return true }
        if handlers.steps.isEmpty || message.conversation == message.author { return false }
        let owner = StateOwner.conversation(address: message.conversation)
        let asked = try await insisting { try client.state(owner: owner, name: questionName(message.author)) }
        return try BotDocument(asked).step(at: client.now()) != nil
    }

    func needFiles() -> any Files {
        guard let files else { preconditionFailure("there is no place for files: Bot(..., files: DirectoryFiles(folder))") }
        return files
    }

    /// The bot's address.
    public var address: String { client.address() }

    /// How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret.
    public func invite() throws -> String {
        let bundle = try client.bundle()
        return "\(try bundle.qrTerminal())\n\(bundle.toUri())"
    }

    /// Runs until its task is cancelled, `stop` is called, or the transport ends. Cancelled, it leaves at once: what was not handled by then
    /// comes again at the next start. It returns though a handler or the transport does not.
    public func run() async throws {
        let now = Running(self, transport)
        let first = running.use { running in
            defer { running = running ?? now }
            return running == nil
        }
        precondition(first, "the bot runs already")
        defer { running.use { $0 = nil } }
        // Apart from this task, which would wait for what does not end.
        let work = Task {
            do {
                try await runAll(now)
                now.end.finish()
            } catch {
                if !Task.isCancelled { now.end.finish(throwing: error) }
            }
        }
        var failure: (any Error)?
        do {
            // Ends too when this task is cancelled.
            for try await _ in now.ended {}
        } catch {
            failure = error
        }
        let atOnce = failure != nil || Task.isCancelled
        client.setOutboxListener(listener: nil)
        await Task { await leave(now, work, atOnce: atOnce) }.value
        if let failure { throw failure }
    }

    /// The same for a program of its own, which it ends in order at SIGTERM and SIGINT: handlers and the outbox get to finish.
    public func runUntilTerminated() async throws {
        let sources = [SIGTERM, SIGINT].map { number in
            // Else the system ends the process before anybody is told.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { self.stop() }
            source.resume()
            return (number, source)
        }
        defer {
            for (number, source) in sources {
                source.cancel()
                signal(number, SIG_DFL)
            }
        }
        try await run()
    }

    /// Ends everything, and leaves behind what does not end.
    private func leave(_ now: Running, _ work: Task<Void, Never>, atOnce: Bool) async {
        work.cancel()
        if await !limited(leaving, { await work.value }) { log("a part of the bot does not end though it was cancelled; it is left behind") }
        if atOnce {
            await limited(leaving) { await now.handling.cancel() }
            await limited(leaving) { await now.working.cancel() }
        } else {
            let grace = grace
            await limited(grace + leaving) { await now.handling.finish(within: grace) }
            await limited(grace + leaving) { await now.working.finish(within: grace) }
            await limited(grace) { try? await now.post.carryAll() }
        }
        let transport = transport
        if await !limited(leaving, { await transport.close() }) { log("the transport does not close; it is left behind") }
    }

    /// Until one of its parts ends.
    private func runAll(_ now: Running) async throws {
        try await insisting { try self.prepare() }
        try await now.working.prepare()
        client.setOutboxListener(listener: OutboxLooker(post: now.post))
        await transport.useSecret(try await insisting { try self.client.transportSecret() })
        try await transport.start(address: client.address(), device: client.deviceId())
        let background = handlers.use { $0.background }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await now.post.run() }
            group.addTask { try await now.handling.run() }
            group.addTask { try await now.working.run() }
            group.addTask { try await self.takeIn(now) }
            group.addTask { try await self.keepUp(now) }
            for (every, work) in background {
                group.addTask { try await repeatedly(every) { await self.handlers.use { $0 }.inBackground(work) } }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Takes in nothing more, lets handlers finish and the outbox go out; then `run` returns.
    public func stop() {
        running.use { $0?.end.finish() }
    }

    /// Handles what waits, does the jobs that are due, and answers how many that were. For tests that carry envelopes themselves, for example those of a
    /// `Simulation`.
    public func handleWaiting() async throws -> Int {
        try await insisting { try self.prepare() }
        try await Invitations(self).answer()
        let failed = Locked<(any Error)?>(nil)
        let handling = Handling(self) { error in failed.use { $0 = error } }
        var found = 0
        while case let new = try await handling.takeUp(), new > 0 {
            found += new
            await handling.idle()
        }
        let working = Working(self) { error in failed.use { $0 = error } }
        try await working.prepare()
        let done = await working.runDue()
        if let error = failed.use({ $0 }) { throw error }
        return await found - handling.waiting + done
    }

    func prepare() throws {
        try client.keepUnhandled(keep: true)
        if handlers.use({ $0.keepsEvents }) { try client.keepEvents(keep: true) }
        if try client.trustPolicy() != listening.trust { try client.setTrustPolicy(policy: listening.trust) }
    }

    /// Writes to somebody, or to a group, at once. `to` may be an invitation, or a text with one in it. Somebody whom we do not know, or whose
    /// invitation has expired, is looked for at the transport.
    @discardableResult
    public func send(to: String, text: String) async throws -> Sent {
        let to = try await invited(to)
        do {
            return try await client.send(to: to, text: text)
        } catch let unknown as WindlassError where unknown.isUnacquainted {
            guard try await find(to) else { throw unknown }
            return try await client.send(to: to, text: text)
        }
    }

    /// The address of whom an invitation invites to write to, whose bundle is added; any other text as it is.
    private func invited(_ text: String) async throws -> String {
        guard text.contains(":") else { return text }
        let client = client
        let found: FoundContact
        do {
            found = try findContact(text: text)
        } catch WindlassError.UriNotWindlass {
            return text
        }
        guard let bundle = found.bundle else { return found.address }
        do {
            _ = try await onQueue { try client.addContact(bundle: bundle) }
        } catch WindlassError.InvitationUsed {
            // By us: its owner is among our contacts.
        } catch let old as WindlassError where old.code == "bundle_expired" {
            guard try await find(found.address) else { throw old }
        }
        return found.address
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

    /// What somebody has waiting counts as handled, unanswered; how many messages that were.
    @discardableResult
    public func dropBacklog(of address: String) async throws -> UInt64 {
        let client = client
        let dropped = try await insisting { try client.dropBacklog(address: address) }
        log("\(dropped) messages of \(address.prefix(12)) were dropped before they were handled")
        return dropped
    }

    func recheckTrust() async {
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
}
