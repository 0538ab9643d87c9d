import Foundation


/// Brings each message that waits to the handlers: one lane for each conversation, in it one message at a time, in the order they came.
actor Handling {
    private struct Lane {
        /// Without what they say, which may be a lot.
        var waiting: [WaitingMessage] = []
        /// To go on with when it stands, though its first message was passed over.
        var again = false
        var task: Task<Void, Never>?
    }

    private let bot: Bot
    private let client: Client
    private let broken: @Sendable (any Error) -> Void
    private let news = Signal()
    private var lanes: [String: Lane] = [:]
    private var last: UInt64 = 0
    /// Messages that may have been begun when the process ended: the first of each conversation.
    private var possiblyStarted: Set<UInt64> = []
    private var starting = true
    /// Had by a message with which the process died: so that it is known which one it was, if it dies again.
    private let alone = Turns(1)
    private let slots: Turns

    init(_ bot: Bot, broken: @escaping @Sendable (any Error) -> Void) {
        (self.bot, self.client, self.broken, self.slots) = (bot, bot.client, broken, Turns(bot.concurrency))
    }

    /// Something may wait.
    nonisolated func look() {
        news.raise()
    }

    /// Somebody may be trusted now who was not before.
    func recheckTrust() {
        lanes.keys.forEach(go)
    }

    /// Never ends by itself.
    func run() async throws {
        repeat {
            while try await takeUp() > 0 {}
        } while await news.next()
    }

    /// Puts what waits into the lanes; how much of it was new.
    func takeUp() async throws -> Int {
        let (client, after) = (client, last)
        // Numbers only grow. By that, what a lane finished while we read is not taken for new.
        let new = try await bot.insisting { try client.waiting(after: after) }.filter { $0.number > last }
        for item in new {
            last = item.number
            if starting && lanes[item.conversation] == nil { possiblyStarted.insert(item.number) }
            lanes[item.conversation, default: Lane()].waiting.append(item)
            go(item.conversation)
        }
        starting = starting && !new.isEmpty
        return new.count
    }

    /// How many messages are in the lanes.
    var waiting: Int { lanes.values.reduce(0) { $0 + $1.waiting.count } }

    /// Waits until no lane runs.
    func idle() async {
        while let task = lanes.values.lazy.compactMap(\.task).first { await task.value }
    }

    /// Lets handlers finish what they are at; what comes after it comes again at the next start.
    func finish(within grace: Duration) async {
        lanes = lanes.mapValues { lane in
            var lane = lane
            lane.waiting = Array(lane.waiting.prefix(1))
            return lane
        }
        let tasks = lanes.values.compactMap(\.task)
        let stopping = Task {
            try await Task.sleep(for: grace)
            tasks.forEach { $0.cancel() }
        }
        await idle()
        stopping.cancel()
    }

    /// At once.
    func cancel() async {
        lanes.values.forEach { $0.task?.cancel() }
        await idle()
    }

    private func go(_ address: String) {
        lanes[address]?.again = true
        if lanes[address]?.task == nil {
            lanes[address]?.task = Task { await walk(address) }
        }
    }

    private func walk(_ address: String) async {
        do {
            while !Task.isCancelled, let item = lanes[address]?.waiting.first {
                lanes[address]?.again = false
                try await breathe(address)
                if try await handle(item) {
                    lanes[address]?.waiting.removeFirst()
                } else if lanes[address]?.again == false {
                    // Of a stranger: waits until it is looked at again.
                    break
                }
            }
        } catch {
            broken(error)
        }
        lanes[address]?.task = nil
        if lanes[address]?.waiting.isEmpty == true { lanes[address] = nil }
    }

    /// A conversation in which too much was answered waits, and holds up no other.
    private func breathe(_ conversation: String) async throws {
        let rest = bot.rates.rest(conversation)
        guard rest > .zero else { return }
        bot.log("too many answers in one conversation: it waits for \(rest)")
        try await Task.sleep(for: rest)
    }

    /// False if whether it is handled is not decided yet, or the bot ends.
    private func handle(_ item: WaitingMessage) async throws -> Bool {
        if item.attempts > 0 { await alone.take() }
        defer { if item.attempts > 0 { alone.give() } }
        await slots.take()
        defer { slots.give() }
        // While it waited for its turn.
        if Task.isCancelled { return false }
        let (bot, client) = (bot, client)
        let allowed = try await bot.insisting { try bot.listening.listens(to: item.author, in: item.conversation) }
        guard let allowed else { return false }
        // It was handled before, or its author deleted it.
        guard let item = try await bot.insisting({ try client.unhandledMessage(number: item.number) }) else { return true }
        let message = item.message
        guard allowed, message.body.isSaid, try await bot.hears(message.author), try await concerns(message) else { return try await write(item, []) }
        return try await attempt(item)
    }

    private func concerns(_ message: Message) async throws -> Bool {
        let bot = bot
        let expected = try await bot.expects(message)
        return try await bot.insisting { try bot.listening.concerns(message, expected: expected) }
    }

    /// Hands a message over; one that was left by a process that died only so often. A message that has just come costs no sync more than
    /// its answer does: that it may have been begun is known from its place. From then on it is counted what was begun.
    private func attempt(_ item: UnhandledMessage) async throws -> Bool {
        guard item.attempts > 0 || possiblyStarted.contains(item.number) else { return try await handOver(item, nil) }
        let poison = item.attempts >= bot.retries ? PoisonMessage(attempts: Int(item.attempts)) : nil
        if let poison {
            bot.log("a message is set aside: \(poison.localizedDescription)")
            // The error handlers did not survive it either.
            if item.attempts > bot.retries { return try await write(item, []) }
        }
        guard try await count(item, item.attempts + 1) else { return true }
        let done = try await handOver(item, poison)
        // The bot was stopped, and did not die of it.
        if !done { _ = try? await count(item, item.attempts) }
        return done
    }

    /// False if there is nothing to count any more: its author deleted it.
    private func count(_ item: UnhandledMessage, _ attempts: UInt32) async throws -> Bool {
        let client = client
        do {
            try await bot.insisting { try client.setAttempts(number: item.number, attempts: attempts) }
            return true
        } catch WindlassError.UnknownMessage {
            return false
        }
    }

    /// False if the bot ends.
    private func handOver(_ item: UnhandledMessage, _ poison: PoisonMessage?) async throws -> Bool {
        do {
            var failure: (any Error)? = poison
            if failure == nil { failure = try await self.failure(item) }
            if Task.isCancelled { return false }
            if let failure { try await apologise(item, failure) }
            return true
        } catch {
            // With the bot, not by itself: it comes again at the next start.
            if Task.isCancelled { return false }
            throw error
        }
    }

    /// Calls the handlers and commits what they answer; why nothing came of it.
    private func failure(_ item: UnhandledMessage) async throws -> (any Error)? {
        let (bot, handlers) = (bot, bot.handlers.use { $0 })
        var failure: (any Error)?
        for _ in 0..<Bot.timesAnew {
            let received = BotMessage(item.message, bot)
            failure = try await Turn.$current.withValue(received) {
                try await handlers.callbacks.attempt("a handler of messages", handlers.callbacks.handlerTimeout) {
                    try await handlers.dispatch(received, bot.prefix)
                }
            }
            let (answers, remembered) = sendable(received)
            if failure == nil { failure = try await refusal(item, answers, remembered) }
            // Others changed what it read.
            guard case WindlassError.StateChanged? = failure else { return failure }
        }
        return failure
    }

    /// What error handlers answer is sent instead. Apart from what the handler said: one that was left behind may still speak. What cannot be
    /// sent of it, now or ever, is left out with all else of this message.
    private func apologise(_ item: UnhandledMessage, _ failure: any Error) async throws {
        let (message, handlers) = (BotMessage(item.message, bot), bot.handlers.use { $0 })
        await Turn.$current.withValue(message) { await handlers.failed(message, failure) }
        let (answers, remembered) = sendable(message)
        if Task.isCancelled { throw CancellationError() }
        guard let refused = try await refusal(item, answers, remembered) else { return }
        bot.log("an error handler failed: \(kind(of: refused))")
        _ = try await write(item, [])
    }

    /// What may be sent of what was said: two bots that answered each other's answers would not end.
    private func sendable(_ message: BotMessage) -> (answers: [OutgoingMessage], remembered: [Remembered]) {
        let (answers, remembered) = message.close()
        guard message.isAnswerOfBot else { return (answers, remembered) }
        let others = answers.filter { $0.to != message.conversation }
        if others.count < answers.count { bot.log("what another bot answered is not answered") }
        return (others, remembered)
    }

    /// Writes; why that cannot be, whatever it is.
    private func refusal(_ item: UnhandledMessage, _ answers: [OutgoingMessage], _ remembered: [Remembered]) async throws -> (any Error)? {
        if Task.isCancelled { throw CancellationError() }
        return try await bot.refusal { _ in _ = try await self.write(item, answers, remembered) }
    }

    /// The answers, what is remembered, and that it was handled, in one transaction.
    private func write(_ item: UnhandledMessage, _ answers: [OutgoingMessage], _ remembered: [Remembered] = []) async throws -> Bool {
        if try await bot.commit(item.number, answers, remembered) {
            for (conversation, written) in Dictionary(grouping: answers, by: \.to) { bot.rates.spend(conversation, written.count) }
        }
        return true
    }
}

/// So many at once, the others after them, in the order they came.
final class Turns: Sendable {
    private struct State: Sendable {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Locked<State>

    init(_ concurrency: Int) {
        state = Locked(State(free: concurrency))
    }

    func take() async {
        await withCheckedContinuation { turn in
            let free = state.use { state in
                guard state.free > 0 else {
                    state.waiting.append(turn)
                    return false
                }
                state.free -= 1
                return true
            }
            if free { turn.resume() }
        }
    }

    func give() {
        let next = state.use { state in
            if state.waiting.isEmpty { state.free += 1 }
            return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
        }
        next?.resume()
    }
}

extension Signal {
    /// Waits until it is raised; false when the task is cancelled.
    func next() async -> Bool {
        for await _ in raised { return true }
        return false
    }
}

extension Body {
    /// Whether it is something that somebody said, and no change of a group, say.
    var isSaid: Bool {
        switch self {
        case .text, .data, .opaque, .attachment: true
        default: false
        }
    }
}

extension WindlassError {
    /// Whether a bundle of theirs may help.
    var isUnacquainted: Bool { ["unknown_contact", "no_bundle"].contains(code) }
}
