import Foundation

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

/// What is registered: by a bot, or by a module of it, a ``Router``.
public class Registrations: @unchecked Sendable {
    // Guarded, or constant.
    let handlers: Locked<Handlers>
    let prefix: String

    init(_ handlers: Handlers, prefix: String) {
        (self.handlers, self.prefix) = (Locked(handlers), prefix)
    }

    /// Called for each message that is no command, also for those that are no text: `message.message.body` says what they are; or for those that
    /// `filter` lets through. In groups for those alone that concern the bot (``GroupMessages``). Several are called in their order.
    public func onMessage(_ filter: Filter? = nil, _ handler: @escaping @Sendable (BotMessage) async throws -> Void) {
        let filtered = filter.map { filter in { @Sendable message in if try await filter.includes(message) { try await handler(message) } } }
        handlers.use { $0.messages.append(filtered ?? handler) }
    }

    /// Called with the answer to what ``BotMessage/ask(_:then:within:quote:)`` asked for this step. The question is answered then, unless the step
    /// asks again, or fails. ``UsageError`` says what was wrong with the answer, and waits for another.
    public func step(_ name: String, _ handler: @escaping @Sendable (BotMessage) async throws -> Void) {
        let former = handlers.use { $0.steps.updateValue(handler, forKey: name) }
        precondition(former == nil, "there is a step \(name) already")
    }

    /// Called when a job of this name is due, as ``Bot/jobs`` planned it:
    ///
    /// ```swift
    /// bot.job("remind") { job in job.send(to: job.data["to", default: ""], text: job.data["text", default: ""]) }
    /// ```
    ///
    /// With `every`, or with five fields as cron has them in UTC, the bot plans one by itself: `bot.job("digest", cron: "0 9 * * mon-fri")`.
    /// What a job sends and changes becomes durable together with the fact that it was done, so it is done once whenever the process dies.
    public func job(
        _ name: String, every: Duration? = nil, cron: String? = nil, _ handler: @escaping @Sendable (BotJob) async throws -> Void
    ) {
        precondition(every == nil || cron == nil, "a job is done either every so often, or by cron")
        precondition(every.map { $0 >= .seconds(1) } ?? true, "a job is done once a second at most")
        precondition(cron.map { (try? Cron($0)) != nil } ?? true, "these are not the five fields of cron")
        let former = handlers.use { handlers in
            if every != nil || cron != nil { handlers.planned[name] = Repeat(every: every, cron: cron) }
            return handlers.jobs.updateValue(handler, forKey: name)
        }
        precondition(former == nil, "there is a job \(name) already")
    }

    /// Called around the handling of each message: `try await next()` goes on; without it, that was all.
    public func middleware(_ handler: @escaping Middleware) {
        handlers.use { $0.middleware.append(handler) }
    }

    /// Takes in what a module registered. Its middleware goes around its own handlers of messages, that of the bot around all. All else is as
    /// if the bot had registered it.
    public func include(_ router: Router) {
        let theirs = router.handlers.use { $0 }
        let outer = theirs.middleware[...]
        for (name, command) in theirs.commands where name == command.name { add(command.within(outer)) }
        for (name, handler) in theirs.steps { step(name) { message in try await surrounded(message, outer) { try await handler(message) } } }
        for (name, handler) in theirs.jobs { job(name, every: theirs.planned[name]?.every, cron: theirs.planned[name]?.cron, handler) }
        for handler in theirs.messages { onMessage { message in try await surrounded(message, outer) { try await handler(message) } } }
        handlers.use { handlers in
            handlers.errors += theirs.errors
            handlers.events += theirs.events
            handlers.requests += theirs.requests
            handlers.reactions += theirs.reactions
            handlers.invitations += theirs.invitations
            handlers.background += theirs.background
        }
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

    /// Called when a message begins with the prefix and this name. `aliases` are further names; `role` is whom it is for, as ``Bot/roles`` says: others
    /// are told that it is not for them; `/help` leaves it out if it is `hidden`, or not for whoever asks.
    public func command(
        _ name: String, about: String = "", aliases: [String] = [], role: Role? = nil, hidden: Bool = false,
        _ handler: @escaping @Sendable (BotMessage) async throws -> Void
    ) {
        add(name, CommandShown(about, aliases, role, hidden), []) { message, typed, usage in
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
        _ name: String, _ a: Parameter<A>, about: String = "", aliases: [String] = [], role: Role? = nil, hidden: Bool = false,
        _ handler: @escaping @Sendable (BotMessage, A) async throws -> Void
    ) {
        add(name, CommandShown(about, aliases, role, hidden), [a.shown]) { message, typed, usage in
            var typed = typed
            let first = try a.read(&typed, usage)
            try readAll(typed, usage)
            try await handler(message, first)
        }
    }

    /// The same with two.
    public func command<A, B>(
        _ name: String, _ a: Parameter<A>, _ b: Parameter<B>, about: String = "", aliases: [String] = [], role: Role? = nil, hidden: Bool = false,
        _ handler: @escaping @Sendable (BotMessage, A, B) async throws -> Void
    ) {
        add(name, CommandShown(about, aliases, role, hidden), [a.shown, b.shown]) { message, typed, usage in
            var typed = typed
            let (first, second) = (try a.read(&typed, usage), try b.read(&typed, usage))
            try readAll(typed, usage)
            try await handler(message, first, second)
        }
    }

    /// The same with three.
    public func command<A, B, C>(
        _ name: String, _ a: Parameter<A>, _ b: Parameter<B>, _ c: Parameter<C>, about: String = "", aliases: [String] = [], role: Role? = nil, hidden: Bool = false,
        _ handler: @escaping @Sendable (BotMessage, A, B, C) async throws -> Void
    ) {
        add(name, CommandShown(about, aliases, role, hidden), [a.shown, b.shown, c.shown]) { message, typed, usage in
            var typed = typed
            let (first, second) = (try a.read(&typed, usage), try b.read(&typed, usage))
            let third = try c.read(&typed, usage)
            try readAll(typed, usage)
            try await handler(message, first, second, third)
        }
    }

    private func add(
        _ name: String, _ shown: CommandShown, _ parameters: [String],
        _ call: @escaping @Sendable (BotMessage, ArraySlice<String>, String) async throws -> Void
    ) {
        add(Command(name: foldText(text: name), shown: shown, parameters: parameters, call: call))
    }

    private func add(_ command: Command) {
        for name in [command.name] + command.shown.aliases.map({ foldText(text: $0) }) {
            precondition(!name.isEmpty && !name.contains(where: \.isWhitespace), "the name of a command is one word")
            precondition(prefix.isEmpty || !name.hasPrefix(prefix), "the name of a command is given without \(prefix)")
            let former = handlers.use { $0.commands.updateValue(command, forKey: name) }
            precondition(former == nil, "there is a command \(name) already")
        }
    }
}

/// What a module of a bot does, until ``Registrations/include(_:)`` takes it in:
///
/// ```swift
/// let orders = Router()
/// orders.command("ping") { message in message.reply("pong") }
/// bot.include(orders)
/// ```
public final class Router: Registrations, @unchecked Sendable {
    public init() { super.init(Handlers(), prefix: "") }
}
