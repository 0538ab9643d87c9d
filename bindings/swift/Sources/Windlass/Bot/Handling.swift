import Foundation

/// How many messages are looked at beside those that wait already.
private let page = 1_000
private let firstPause = Duration.milliseconds(500)
let longestPause = Duration.seconds(60)

/// Brings each message that waits to the handlers: one lane for each conversation, in it one message at a time, in the order they came.
actor Handling {
    private struct Lane {
        var waiting: [UnhandledMessage] = []
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

    init(_ bot: Bot, broken: @escaping @Sendable (any Error) -> Void) {
        (self.bot, self.client, self.broken) = (bot, bot.client, broken)
    }

    /// Something may wait.
    nonisolated func look() {
        news.raise()
    }

    /// Somebody may be trusted now who was not before.
    func lookAgain() {
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
        let (client, limit) = (client, UInt32(waiting + page))
        let found = try await onQueue { try client.unhandled(limit: limit) }
        // Numbers only grow. By that, what a lane finished while we read is not taken for new.
        let new = found.filter { $0.number > last }
        for one in new {
            last = one.number
            lanes[one.message.conversation, default: Lane()].waiting.append(one)
            go(one.message.conversation)
        }
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
            while !Task.isCancelled, let one = lanes[address]?.waiting.first {
                lanes[address]?.again = false
                if try await handle(one) {
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

    /// False if whether it is handled is not decided yet, or the bot ends.
    private func handle(_ one: UnhandledMessage) async throws -> Bool {
        let (bot, message) = (bot, one.message)
        let allowed = try await onQueue { try bot.listens(to: message.author, in: message.conversation) }
        guard let allowed else { return false }
        guard allowed, message.body.isSaid else { return try await write(one, []) }
        let received = BotMessage(message, bot)
        let handlers = bot.handlers.use { $0 }
        do {
            try await within(bot.handlerTimeout) { try await handlers.dispatch(received, bot.prefix) }
        } catch {
            // With the bot, not by itself: it comes again at the next start.
            if Task.isCancelled { return false }
            received.drop()
            await handlers.failed(received, error)
        }
        let answers = received.close()
        do {
            return try await write(one, answers)
        } catch let refused as WindlassError {
            if answers.isEmpty || refused.code == "store_closed" { throw refused }
            // An answer that cannot be sent, now or ever. The others of this message are not sent either.
            await handlers.failed(nil, refused)
            return try await write(one, [])
        }
    }

    /// The answers and that it was handled, in one transaction.
    private func write(_ one: UnhandledMessage, _ answers: [OutgoingMessage]) async throws -> Bool {
        let client = client
        var (searched, pause) = (false, firstPause)
        while true {
            do {
                _ = try await onQueue { try client.handled(number: one.number, answers: answers) }
                if !answers.isEmpty { bot.lookAtOutbox() }
                return true
            } catch WindlassError.UnknownMessage {
                // It was handled before, or its author deleted it.
                return true
            } catch let refused as WindlassError where refused.retry {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, longestPause)
            } catch let refused as WindlassError where refused.isUnacquainted && !searched {
                searched = true
                for address in Set(answers.map(\.to)) { _ = try await bot.find(address) }
            }
        }
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
    fileprivate var isSaid: Bool {
        switch self {
        case .text, .data, .opaque: true
        default: false
        }
    }
}

extension WindlassError {
    /// Whether a bundle of theirs may help.
    var isUnacquainted: Bool { ["unknown_contact", "no_bundle"].contains(code) }
}

/// A handler took too long.
public struct HandlerTimeout: LocalizedError {
    public var errorDescription: String? { "the handler took too long" }
}

/// Cancels what takes longer, and waits for its end.
func within(_ limit: Duration, _ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: limit)
            throw HandlerTimeout()
        }
        defer { group.cancelAll() }
        try await group.next()
    }
}
