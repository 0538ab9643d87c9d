import Foundation

private let pageLength: UInt32 = 100

extension Conversation {
    /// The whole history, the latest message first, read as it is asked for. A failure ends it; `messages` says which.
    public var history: AnySequence<Message> {
        AnySequence { Pages(conversation: self) }
    }

    /// Any call, where it holds up none of Swift's cooperative threads: `try await conversation.io { try $0.messages() }`.
    public func io<T: Sendable>(_ call: @escaping @Sendable (Conversation) throws -> T) async throws -> T {
        try await onQueue { try call(self) }
    }

    /// Writes a text.
    public func send(text: String) async throws -> Sent {
        try await onQueue { try self.send(text: text) }
    }

    /// The same as an asynchronous sequence, which never blocks Swift's cooperative threads.
    public var historyStream: AsyncThrowingStream<Message, Error> {
        let pages = PageCursor(conversation: self)
        return AsyncThrowingStream { try await pages.next() }
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
