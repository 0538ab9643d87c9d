import Foundation

private let stateName = "state"

/// A person, as the bot knows them.
public struct BotUser: Sendable {
    let turn: Turn
    public let address: String

    /// What the bot remembers of them, in whatever conversation: see ``BotMessage/state``. It is erased with the contact.
    public var state: BotDocument {
        get async throws { try await turn.remember(.person(address: address), stateName).document }
    }
}

/// A document as the store had it when it was read, and as it is now.
final class Remembered: Sendable {
    let owner: StateOwner
    let name: String
    let before: Data?
    let document: BotDocument
    /// Hears what it says when that is durable.
    let kept: @Sendable (Data?) -> Void

    init(_ owner: StateOwner, _ name: String, _ before: Data?, kept: @escaping @Sendable (Data?) -> Void = { _ in }) throws {
        (self.owner, self.name, self.before, self.kept) = (owner, name, before, kept)
        document = try BotDocument(before)
    }

    /// What is to be written; nothing if it says what it said.
    func change() throws -> StateChange? {
        let (changed, after) = try document.change()
        return changed ? StateChange(owner: owner, name: name, before: before, after: after) : nil
    }
}

/// What comes of one event, a message or a job. What is said and remembered because of it becomes durable together, in one transaction.
public class Turn: @unchecked Sendable {
    // All of it is constant, or guarded.
    /// To which it belongs.
    public let bot: Bot
    private let isAnswer: Bool

    private struct Content: Sendable {
        /// Nothing when the handler has returned.
        var answers: [OutgoingMessage]? = []
        var remembered: [Key: Remembered] = [:]
    }

    private struct Key: Hashable {
        let owner: StateOwner
        let name: String
    }

    private let content = Locked(Content())

    /// What is being handled, or done, by the task that asks.
    @TaskLocal static var current: Turn?

    init(_ bot: Bot, isAnswer: Bool) {
        (self.bot, self.isAnswer) = (bot, isAnswer)
    }

    /// What the bot remembers of a conversation: see ``BotMessage/state``.
    public func state(of conversation: String) async throws -> BotDocument {
        try await remember(.conversation(address: conversation), stateName).document
    }

    /// A person, and what the bot remembers of them.
    public func user(_ address: String) -> BotUser { BotUser(turn: self, address: address) }

    /// Writes to somebody, or to a group. Sent when what was called has returned, and only if it has not failed.
    public func send(to: String, text: String) {
        write(to, .text(text: text))
    }

    /// The same with a file: see ``BotMessage/replyFile(_:mediaType:quote:)``.
    public func sendFile(to: String, _ path: URL, mediaType: String? = nil) async throws {
        try await write(to, uploaded(bot.needFiles(), path, mediaType))
    }

    func write(_ to: String, _ file: OutgoingFile, replyTo: String? = nil) {
        write(to, .attachment(attachment: file.attachment.info()), replyTo: replyTo, file: file)
    }

    func write(_ to: String, _ body: Body, replyTo: String? = nil, file: OutgoingFile? = nil, richText: RichText? = nil) {
        let answer = OutgoingMessage(to: to, body: body, replyTo: replyTo, isAnswer: isAnswer, file: file, richText: richText)
        let late = content.use { content in
            content.answers?.append(answer)
            return content.answers == nil
        }
        // The handler is not waited for any more, so the error handlers are told; without the message, to which no answer can be.
        if late { Task { [bot] in await bot.handlers.use { $0 }.failed(nil, LateAnswer()) } }
    }

    var isOpen: Bool { content.use { $0.answers != nil } }

    /// A document of the store; the same one each time.
    func remember(_ owner: StateOwner, _ name: String) async throws -> Remembered {
        let (client, key) = (bot.client, Key(owner: owner, name: name))
        if let known = content.use({ $0.remembered[key] }) { return known }
        let read = try Remembered(owner, name, await onQueue { try client.state(owner: owner, name: name) })
        return try content.use { content in
            if content.answers == nil { throw LateAnswer() }
            let first = content.remembered[key] ?? read
            content.remembered[key] = first
            return first
        }
    }

    /// What is changed in it becomes durable with this turn.
    func enter(_ record: Remembered) {
        content.use { $0.remembered[Key(owner: record.owner, name: record.name)] = record }
    }

    func remembered(of owner: StateOwner) -> [Remembered] {
        content.use { $0.remembered.filter { $0.key.owner == owner }.map(\.value) }
    }

    /// The answers so far will never be sent, and nothing that was changed is remembered.
    func drop() {
        content.use { content in
            content.answers = content.answers.map { _ in [] }
            content.remembered = [:]
        }
    }

    /// No more answers, and what was changed.
    func close() -> (answers: [OutgoingMessage], remembered: [Remembered]) {
        content.use { content in
            defer { content.answers = nil }
            return (content.answers ?? [], Array(content.remembered.values))
        }
    }
}

extension Bot {
    /// What a change belongs to that is made because of a message or a job; nothing elsewhere.
    var currentTurn: Turn? { Turn.current.flatMap { $0.bot === self && $0.isOpen ? $0 : nil } }

    /// How often something is begun while others change what it read. Then it is told as a failure.
    static let timesAnew = 10

    /// What came of an event, its answers, what is remembered, and that it was handled, in one transaction. False if the message was handled
    /// before, and nothing was written. Who is unknown is looked for once.
    func commit(_ handled: UInt64?, _ answers: [OutgoingMessage], _ remembered: [Remembered] = []) async throws -> Bool {
        let client = client
        let changes = try remembered.compactMap { one in try one.change().map { (one, $0) } }
        if handled == nil && answers.isEmpty && changes.isEmpty { return true }
        var searched = false
        while true {
            do {
                let written = changes.map(\.1)
                _ = try await insisting { try client.commit(handled: handled, messages: answers, changes: written) }
                for (one, change) in changes { one.kept(change.after) }
                return true
            } catch WindlassError.UnknownMessage where handled != nil {
                // It was handled before, or its author deleted it.
                return false
            } catch let refused as WindlassError where refused.isUnacquainted && !searched {
                searched = true
                for address in Set(answers.map(\.to)) { _ = try await find(address) }
            }
        }
    }
}
