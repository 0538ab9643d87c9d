import Foundation

private let pageLength: UInt32 = 100

extension Conversation {
    /// The whole history, the latest message first, read as it is asked for. A failure ends it; `messages` says which.
    public var history: AnySequence<Message> {
        AnySequence { Pages(conversation: self) }
    }

    /// The same as an asynchronous sequence, which never blocks Swift's cooperative threads.
    public var historyStream: AsyncThrowingStream<Message, Error> {
        let pages = PageCursor(conversation: self)
        return AsyncThrowingStream { try await pages.next() }
    }

    /// Any call, where it holds up none of Swift's cooperative threads: `try await conversation.io { try $0.messages() }`.
    public func io<T: Sendable>(_ call: @escaping @Sendable (Conversation) throws -> T) async throws -> T {
        try await onQueue { try call(self) }
    }

    /// Writes a text.
    public func send(text: String) async throws -> Sent {
        try await onQueue { try self.send(text: text) }
    }

    /// Writes anything.
    public func sendBody(body: Body, replyTo: String? = nil) async throws -> Sent {
        try await onQueue { try self.sendBody(body: body, replyTo: replyTo) }
    }

    /// A page of the history, the latest message last.
    public func messages(limit: UInt32 = 50, before: Message? = nil) async throws -> [Message] {
        try await onQueue { try self.messages(limit: limit, before: before) }
    }

    /// Messages with this text in them.
    public func search(text: String, limit: UInt32 = 50, before: Message? = nil) async throws -> SearchPage {
        try await onQueue { try self.search(text: text, limit: limit, before: before) }
    }

    /// Changes the text of a message of our own.
    public func edit(message: Message, text: String) async throws -> Sent {
        try await onQueue { try self.edit(message: message, text: text) }
    }

    /// Takes a message of our own back from everybody.
    public func delete(message: Message) async throws -> Sent {
        try await onQueue { try self.delete(message: message) }
    }

    /// Adds our reaction to a message.
    public func react(message: Message, emoji: String) async throws -> Sent {
        try await onQueue { try self.react(message: message, emoji: emoji) }
    }

    /// Takes our reaction back.
    public func unreact(message: Message, emoji: String) async throws -> Sent {
        try await onQueue { try self.unreact(message: message, emoji: emoji) }
    }

    /// The user has seen all of it; with `receipt` the others are told.
    public func markRead(receipt: Bool = true) async throws {
        try await onQueue { try self.markRead(receipt: receipt) }
    }
}

private struct Pages: IteratorProtocol {
    let conversation: Conversation
    var page: [Message] = []
    var before: Message?

    mutating func next() -> Message? {
        if page.isEmpty {
            page = (try? conversation.messages(limit: pageLength, before: before)) ?? []
            before = page.first
        }
        return page.popLast()
    }
}

private actor PageCursor {
    let conversation: Conversation
    var page: [Message] = []
    var before: Message?

    init(conversation: Conversation) {
        self.conversation = conversation
    }

    func next() async throws -> Message? {
        if page.isEmpty {
            let (conversation, before) = (conversation, before)
            page = try await onQueue { try conversation.messages(limit: pageLength, before: before) }
            self.before = page.first
        }
        return page.popLast()
    }
}
