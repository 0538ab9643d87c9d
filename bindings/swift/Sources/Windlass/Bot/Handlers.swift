import Foundation

/// The process died with a message, which is not begun again.
public struct PoisonMessage: LocalizedError, Equatable {
    /// How often it died.
    public let attempts: Int

    public var errorDescription: String? { "the process died \(attempts) times with this message" }
}

private let help = "help"

/// What a bot does.
struct Handlers: Sendable {
    let callbacks: Callbacks
    var messages: [@Sendable (BotMessage) async throws -> Void] = []
    var commands: [String: Command] = [:]
    var errors: [@Sendable (BotMessage?, any Error) async -> Void] = []
    var events: [@Sendable (Event) async throws -> Void] = []
    var requests: [@Sendable (String) async throws -> Void] = []
    var reactions: [@Sendable (BotReaction) async throws -> Void] = []
    var invitations: [@Sendable (GroupInvitation) async throws -> Void] = []
    var background: [(every: Duration, work: @Sendable () async throws -> Void)] = []

    func dispatch(_ message: BotMessage, _ prefix: String) async throws {
        if let typed = command(in: message.message, prefix) {
            if let command = commands[typed.name] {
                do {
                    return try await command.call(message, typed.words[...], command.usage(prefix))
                } catch let wrong as UsageError {
                    message.drop()
                    return message.reply(wrong.localizedDescription)
                }
            }
            if typed.name == help {
                let lines = commands.values.sorted { $0.name < $1.name }.map { $0.help(prefix) }
                return message.reply(lines.joined(separator: "\n"))
            }
            if messages.isEmpty { return message.reply("There is no such command. \(prefix)\(help) lists them.") }
        }
        for handler in messages { try await handler(message) }
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

/// Somebody put a reaction to a message, or took it away again.
public struct BotReaction: Sendable, Equatable {
    public let emoji: String
    /// True when it was taken away again.
    public let removed: Bool
    /// Address of the person who reacted.
    public let by: String
    /// Address of the conversation that the message is in.
    public let conversation: String
    public let messageId: String
    /// Address of the message's author.
    public let author: String
}

extension Bot {
    /// Called for each message that is no command, also for those that are no text: `message.message.body` says what they are. In groups
    /// for those alone that concern the bot (``GroupMessages``). Several are called in their order.
    public func onMessage(_ handler: @escaping @Sendable (BotMessage) async throws -> Void) {
        handlers.use { $0.messages.append(handler) }
    }

    /// Called with what another handler threw, and the message if there was one, to which it may reply. The message counts as handled, and
    /// nothing of its handler's answers is sent. Called too when an answer cannot be sent, or came too late (``LateAnswer``). Without an
    /// error handler the kind of the error is logged, and its text only if the bot was made with `debug`.
    public func onError(_ handler: @escaping @Sendable (BotMessage?, any Error) async -> Void) {
        handlers.use { $0.errors.append(handler) }
    }

    /// Called for each event, when it is durable; once more if the process died before it returned. Not for what ``Client/keepEvents(keep:)``
    /// does not keep, nor for messages, which come to `onMessage` again.
    public func onEvent(_ handler: @escaping @Sendable (Event) async throws -> Void) {
        handlers.use { $0.events.append(handler) }
    }

    /// Called with the address of somebody who wrote first; and at each start for people who were neither accepted nor blocked.
    public func onContactRequest(_ handler: @escaping @Sendable (String) async throws -> Void) {
        handlers.use { $0.requests.append(handler) }
    }

    /// Called when somebody to whom the bot listens put a reaction to a message, or took it away; once more if the process died meanwhile.
    public func onReaction(_ handler: @escaping @Sendable (BotReaction) async throws -> Void) {
        handlers.use { $0.reactions.append(handler) }
    }

    /// Called when the bot was invited into a group; and at each start for invitations that wait. If it neither joins nor declines, the bot
    /// joins if it follows the person who invites it (``JoinGroups``), now or later; so it does without any handler.
    public func onGroupInvitation(_ handler: @escaping @Sendable (GroupInvitation) async throws -> Void) {
        handlers.use { $0.invitations.append(handler) }
    }

    /// Called when the bot has started, and again so long after it returned. It may take as long as it likes.
    public func background(every: Duration, _ work: @escaping @Sendable () async throws -> Void) {
        precondition(every > .zero, "between two rounds of background work is some time")
        handlers.use { $0.background.append((every, work)) }
    }

    /// Called when a message begins with the prefix and this name.
    public func command(_ name: String, about: String = "", _ handler: @escaping @Sendable (BotMessage) async throws -> Void) {
        add(name, about, []) { message, typed, usage in
            try readAll(typed, usage)
            try await handler(message)
        }
    }

    /// The same with an argument. What does not fit is answered with a sentence.
    ///
    /// ```swift
    /// bot.command("add", .integer("a"), .integer("b").orElse(1)) { message, a, b in message.reply("\(a + b)") }
    /// ```
    public func command<A>(
        _ name: String, _ a: Parameter<A>, about: String = "",
        _ handler: @escaping @Sendable (BotMessage, A) async throws -> Void
    ) {
        add(name, about, [a.shown]) { message, typed, usage in
            var typed = typed
            let first = try a.read(&typed, usage)
            try readAll(typed, usage)
            try await handler(message, first)
        }
    }

    /// The same with two.
    public func command<A, B>(
        _ name: String, _ a: Parameter<A>, _ b: Parameter<B>, about: String = "",
        _ handler: @escaping @Sendable (BotMessage, A, B) async throws -> Void
    ) {
        add(name, about, [a.shown, b.shown]) { message, typed, usage in
            var typed = typed
            let (first, second) = (try a.read(&typed, usage), try b.read(&typed, usage))
            try readAll(typed, usage)
            try await handler(message, first, second)
        }
    }

    /// The same with three.
    public func command<A, B, C>(
        _ name: String, _ a: Parameter<A>, _ b: Parameter<B>, _ c: Parameter<C>, about: String = "",
        _ handler: @escaping @Sendable (BotMessage, A, B, C) async throws -> Void
    ) {
        add(name, about, [a.shown, b.shown, c.shown]) { message, typed, usage in
            var typed = typed
            let (first, second) = (try a.read(&typed, usage), try b.read(&typed, usage))
            let third = try c.read(&typed, usage)
            try readAll(typed, usage)
            try await handler(message, first, second, third)
        }
    }

    private func add(
        _ name: String, _ about: String, _ parameters: [String],
        _ call: @escaping @Sendable (BotMessage, ArraySlice<String>, String) async throws -> Void
    ) {
        precondition(!name.isEmpty && !name.contains(where: \.isWhitespace), "the name of a command is one word")
        precondition(!name.hasPrefix(prefix), "the name of a command is given without \(prefix)")
        let command = Command(name: foldText(text: name), about: about, parameters: parameters, call: call)
        let former = handlers.use { $0.commands.updateValue(command, forKey: command.name) }
        precondition(former == nil, "there is a command \(name) already")
    }
}
