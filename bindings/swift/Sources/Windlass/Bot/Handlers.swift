import Foundation

/// Goes around the handling of a message: `next` goes on; without it, that was all.
public typealias Middleware = @Sendable (_ message: BotMessage, _ next: @Sendable () async throws -> Void) async throws -> Void

/// Goes through what surrounds a handler, the first outermost.
func surrounded(_ message: BotMessage, _ outer: ArraySlice<Middleware>, _ inner: @Sendable () async throws -> Void) async throws {
    guard let first = outer.first else { return try await inner() }
    try await first(message) { try await surrounded(message, outer.dropFirst(), inner) }
}

/// The process died with a message, which is not begun again.
public struct PoisonMessage: LocalizedError, Equatable {
    /// How often it died.
    public let attempts: Int

    public var errorDescription: String? { "the process died \(attempts) times with this message" }
}

private let help = "help"

/// What a bot does.
struct Handlers: Sendable {
    var callbacks = Callbacks(handlerTimeout: .zero, eventTimeout: .zero, debug: false, log: { _ in })
    var messages: [@Sendable (BotMessage) async throws -> Void] = []
    var commands: [String: Command] = [:]
    var steps: [String: @Sendable (BotMessage) async throws -> Void] = [:]
    var jobs: [String: @Sendable (BotJob) async throws -> Void] = [:]
    var planned: [String: Repeat] = [:]
    var middleware: [Middleware] = []
    var errors: [@Sendable (BotMessage?, any Error) async -> Void] = []
    var events: [@Sendable (Event) async throws -> Void] = []
    var requests: [@Sendable (String) async throws -> Void] = []
    var reactions: [@Sendable (BotReaction) async throws -> Void] = []
    var invitations: [@Sendable (GroupInvitation) async throws -> Void] = []
    var background: [(every: Duration, work: @Sendable () async throws -> Void)] = []

    func dispatch(_ message: BotMessage, _ prefix: String) async throws {
        try await surrounded(message, middleware[...]) { try await route(message, prefix) }
    }

    private func route(_ message: BotMessage, _ prefix: String) async throws {
        let typed = command(in: message.message, prefix)
        if let typed, let command = commands[typed.name] {
            guard try await command.isFor(message.role) else { return message.reply("That is not for you.") }
            return try await answering(message) { try await command.call(message, typed.words[...], command.usage(prefix)) }
        }
        if let step = try await step(for: message) { return try await answering(message) { try await step(message) } }
        if let typed {
            if typed.name == help {
                let lines = helpLines(try await message.role, prefix)
                return message.reply(lines.isEmpty ? "Nothing is for you." : lines)
            }
            if messages.isEmpty { return message.reply("There is no such command. \(prefix)\(help) lists them.") }
        }
        for handler in messages { try await handler(message) }
    }

    /// What takes the answer to a question, which is answered by that.
    private func step(for message: BotMessage) async throws -> (@Sendable (BotMessage) async throws -> Void)? {
        if steps.isEmpty { return nil }
        let question = try await message.question()
        let name = question.step(at: message.bot.client.now())
        question.removeAll()
        if let name, steps[name] == nil { callbacks.log("there is no step \(name) any more") }
        return name.flatMap { steps[$0] }
    }

    private func helpLines(_ role: Role?, _ prefix: String) -> String {
        let shown = commands.filter { $0.key == $0.value.name && !$0.value.hidden && $0.value.isFor(role) }.values
        return shown.sorted { $0.name < $1.name }.map { $0.help(prefix) }.joined(separator: "\n")
    }

    /// What was typed wrongly is told in place of all else.
    private func answering(_ message: BotMessage, _ call: () async throws -> Void) async throws {
        do {
            try await call()
        } catch let wrong as UsageError {
            message.drop()
            message.reply(wrong.localizedDescription)
        }
    }

    /// Name and words of what may be a command; nothing if there are none, or it is something else.
    private func command(in message: Message, _ prefix: String) -> TypedCommand? {
        commands.isEmpty ? nil : readCommand(text: message.text ?? "", prefix: prefix)
    }

    /// Whether it is a command that there is.
    func isCommand(_ message: Message, _ prefix: String) -> Bool {
        command(in: message, prefix).map { commands[$0.name] != nil || $0.name == help } ?? false
    }

    /// Whether there are handlers of what the store keeps of events; the rest is read from it at each start.
    var keepsEvents: Bool { !(events.isEmpty && reactions.isEmpty) }

    /// Tells the error handlers.
    func failed(_ message: BotMessage?, _ failure: any Error) async {
        if errors.isEmpty && !(failure is PoisonMessage) { callbacks.log("a handler failed: \(callbacks.told(failure))") }
        for handler in errors {
            let another = try? await callbacks.attempt("an error handler", callbacks.eventTimeout) { await handler(message, failure) }
            if let another { callbacks.log("an error handler failed: \(callbacks.told(another))") }
        }
    }

    /// Whether there are handlers of such an event.
    func listens(to event: Event) -> Bool {
        if !events.isEmpty { return true }
        return switch event {
        case .contactRequest: !requests.isEmpty
        case .reacted: !reactions.isEmpty
        default: false
        }
    }

    /// Calls handlers one after the other; whether none of them failed.
    @discardableResult
    func callEach<Value: Sendable>(
        _ handlers: [@Sendable (Value) async throws -> Void], _ value: Value
    ) async -> Bool {
        var well = true
        for handler in handlers {
            let call = { @Sendable in try await handler(value) }
            if await !isWell("a handler of events", callbacks.eventTimeout, call) { well = false }
        }
        return well
    }

    /// May take as long as it likes.
    func inBackground(_ work: @escaping @Sendable () async throws -> Void) async {
        _ = await isWell("background work", nil, work)
    }

    /// Whatever others wrote throws is told and goes no further.
    private func isWell(_ what: String, _ limit: Duration?, _ call: @escaping @Sendable () async throws -> Void) async -> Bool {
        do {
            guard let failure = try await callbacks.attempt(what, limit, call) else { return true }
            await failed(nil, failure)
        } catch {
            // The bot ends.
        }
        return false
    }
}
