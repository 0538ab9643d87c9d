import Foundation

/// A handler that had returned still answered; nothing of that is sent.
public struct LateAnswer: LocalizedError {
    public var errorDescription: String? { "the handler of this message has returned; Bot.send writes at any time" }
}

/// A message that came, and the answers to it. They are committed together with "this was handled", so each message is answered once.
public final class BotMessage: Sendable {
    public let message: Message
    private let bot: Bot
    /// Nothing when the handler has returned.
    private let written = Locked<[OutgoingMessage]?>([])

    init(_ message: Message, _ bot: Bot) {
        (self.message, self.bot) = (message, bot)
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

    /// Answers in the conversation that it came in; `quote` refers to this message. Sent when the handler has returned.
    /// An answer that comes after that is not sent; error handlers are told by a ``LateAnswer``.
    public func reply(_ text: String, quote: Bool = true) {
        reply(.text(text: text), quote: quote)
    }

    /// The same with another body than a text.
    public func reply(_ body: Body, quote: Bool = true) {
        write(OutgoingMessage(to: conversation, body: body, replyTo: quote ? message.id : nil))
    }

    /// Writes to somebody else, or to a group, together with the answers.
    public func send(to: String, text: String) {
        write(OutgoingMessage(to: to, body: .text(text: text)))
    }

    /// Puts a reaction to it, at once: it is no answer, and the same reaction twice is one.
    public func react(_ emoji: String) async throws {
        let message = message
        if isAnswerOfBot { return bot.log("what another bot answered is not answered") }
        try await bot.change(conversation) { _ = try $0.react(message: message, emoji: emoji) }
    }

    private func write(_ answer: OutgoingMessage) {
        let late = written.use { answers in
            answers?.append(answer)
            return answers == nil
        }
        // The handler is not waited for any more, so the error handlers are told; without the message, to which no answer can be.
        if late { Task { [bot] in await bot.handlers.use { $0 }.failed(nil, LateAnswer()) } }
    }

    /// The answers so far will never be sent.
    func drop() {
        written.use { $0 = $0.map { _ in [] } }
    }

    /// No more answers.
    func close() -> [OutgoingMessage] {
        written.use { answers in
            defer { answers = nil }
            return answers ?? []
        }
    }
}

extension BotMessage: CustomStringConvertible {
    /// Without what it says: this ends up in logs.
    public var description: String { "BotMessage(\(message.id))" }
}
