import Foundation

/// A handler that had returned still answered, or remembered something; nothing of that is sent.
public struct LateAnswer: LocalizedError {
    public var errorDescription: String? { "the handler of this message has returned; Bot.send writes at any time" }
}

/// A message that came, and the answers to it. They are committed together with "this was handled", so each message is answered once.
public final class BotMessage: Turn, @unchecked Sendable {
    public let message: Message
    private let found = Locked<[String]>([])

    init(_ message: Message, _ bot: Bot) {
        self.message = message
        super.init(bot, isAnswer: true)
    }

    /// What it says; empty if it is no text.
    public var text: String { message.text ?? "" }

    /// Address of its author.
    public var author: String { message.author }

    /// Address of the conversation that it is in: the author's, or that of a group.
    public var conversation: String { message.conversation }

    /// Another bot's answer, and this one does not answer these.
    var isAnswerOfBot: Bool { !bot.listening.answersBots && message.origin == .botAnswer }

    /// Whether it was written in a group. Then answers go to the group.
    public var inGroup: Bool { conversation != author }

    /// Its author, and what the bot remembers of them.
    public var sender: BotUser { user(author) }

    /// What the bot remembers of the conversation.
    ///
    /// What a handler changes in it becomes durable with its answer, in one transaction; if the handler fails, nothing does. It is erased with
    /// the conversation. What is remembered of a person is `sender.state`; if two handlers change that at once, one of them is called again.
    public var state: BotDocument {
        get async throws { try await state(of: conversation) }
    }

    /// What its author is to the bot, as ``Bot/roles`` says.
    public var role: Role? {
        get async throws { try await bot.roles.of(author, in: self) }
    }

    /// What ``Filter/matches(_:)`` found in its text: all of it, then its groups.
    public internal(set) var groups: [String] {
        get { found.use { $0 } }
        set { found.use { $0 = newValue } }
    }

    /// Answers in the conversation that it came in; `quote` refers to this message. Sent when the handler has returned.
    /// An answer that comes after that is not sent; error handlers are told by a ``LateAnswer``.
    public func reply(_ text: String, quote: Bool = true) {
        reply(.text(text: text), quote: quote)
    }

    /// The same with another body than a text.
    public func reply(_ body: Body, quote: Bool = true) {
        write(conversation, body, replyTo: quote ? message.id : nil)
    }

    /// The same with a text that mentions people, has looks, or suggests what to say next.
    public func reply(_ text: RichText, quote: Bool = true) {
        write(conversation, .text(text: text.text), replyTo: quote ? message.id : nil, richText: text)
    }

    /// Answers with a file. It is encrypted, and put where the bot's `files` are, before this returns. The kind follows from the name if it is
    /// not given. What an answer that is never sent left there says nothing to anybody.
    public func replyFile(_ path: URL, mediaType: String? = nil, quote: Bool = true) async throws {
        try await write(conversation, uploaded(bot.needFiles(), path, mediaType), replyTo: quote ? message.id : nil)
    }

    /// Fetches the file that this message is, and decrypts it to a new file, or into a folder under its own name; which one that is. Nothing
    /// is overwritten, and nothing is fetched from anywhere but the place of the bot's `files`. Throws a ``FilesError`` for more than `limit`
    /// bytes, and for a location anywhere else.
    @discardableResult
    public func save(to path: URL, limit: Int = largestFile) async throws -> URL {
        try await saved(bot, message, path, limit)
    }

    /// Asks the author something. Their next message in this conversation that is no command goes to the step `then`:
    ///
    /// ```swift
    /// bot.command("register") { message in try await message.ask("How old are you?", then: "age") }
    /// bot.step("age") { message in message.reply("So you are \(message.text).") }
    /// ```
    ///
    /// What was asked becomes durable with the question, so that the answer may come after a restart. A step that throws a ``UsageError`` asks
    /// again with its sentence. An answer is waited for so long as `within` says. Another question takes the place of this one.
    public func ask(_ question: String, then step: String, within: Duration = .seconds(86_400), quote: Bool = true) async throws {
        precondition(bot.handlers.use { $0.steps[step] } != nil, "there is no step \(step)")
        precondition(within > .zero, "an answer is waited for some time")
        let asked = try await self.question()
        asked.removeAll()
        asked["then"] = step
        asked["until"] = bot.client.now().timeIntervalSince1970 + within.inSeconds
        reply(question, quote: quote)
    }

    /// Takes back what the author was asked in this conversation; whether anything was.
    @discardableResult
    public func cancelQuestion() async throws -> Bool {
        let asked = try await question()
        defer { asked.removeAll() }
        return asked.step(at: bot.client.now()) != nil
    }

    func question() async throws -> BotDocument {
        try await remember(.conversation(address: conversation), questionName(author)).document
    }

    /// Puts a reaction to it, at once: it is no answer, and the same reaction twice is one.
    public func react(_ emoji: String) async throws {
        let message = message
        if isAnswerOfBot { return bot.log("what another bot answered is not answered") }
        try await bot.change(conversation) { _ = try $0.react(message: message, emoji: emoji) }
    }
}

extension BotMessage: CustomStringConvertible {
    /// Without what it says: this ends up in logs.
    public var description: String { "BotMessage(\(message.id))" }
}

/// Under which somebody's question in a conversation is kept.
func questionName(_ author: String) -> String { "asked \(author)" }

extension BotDocument {
    /// The step that takes an answer now; nothing if nothing was asked, or too long ago.
    func step(at now: Date) -> String? {
        guard let until = self[json: "until"]?.number, now.timeIntervalSince1970 <= until else { return nil }
        return self[json: "then"]?.text
    }
}

extension Duration {
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
