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

    /// A page of the history that ends before a message.
    public func messagesBefore(author: String, messageId: String, limit: UInt32 = 50) async throws -> [Message] {
        try await onQueue { try self.messagesBefore(author: author, messageId: messageId, limit: limit) }
    }

    /// A page of the history that begins behind a message.
    public func messagesAfter(author: String, messageId: String, limit: UInt32 = 50) async throws -> [Message] {
        try await onQueue { try self.messagesAfter(author: author, messageId: messageId, limit: limit) }
    }

    /// A message with those around it.
    public func messagesAround(
        author: String, messageId: String, before: UInt32 = 25, after: UInt32 = 25
    ) async throws -> [Message] {
        try await onQueue {
            try self.messagesAround(author: author, messageId: messageId, before: before, after: after)
        }
    }

    /// The message that a message answers.
    public func answered(author: String, messageId: String) async throws -> Message? {
        try await onQueue { try self.answered(author: author, messageId: messageId) }
    }

    /// Adds our reaction to a message.
    public func reactTo(author: String, messageId: String, emoji: String) async throws -> Sent {
        try await onQueue { try self.reactTo(author: author, messageId: messageId, emoji: emoji) }
    }

    /// Takes our reaction back.
    public func unreactTo(author: String, messageId: String, emoji: String) async throws -> Sent {
        try await onQueue { try self.unreactTo(author: author, messageId: messageId, emoji: emoji) }
    }

    /// Changes the text of a message of our own.
    public func editMessage(messageId: String, text: String) async throws -> Sent {
        try await onQueue { try self.editMessage(messageId: messageId, text: text) }
    }

    /// Takes a message of our own back from everybody.
    public func deleteMessage(messageId: String) async throws -> Sent {
        try await onQueue { try self.deleteMessage(messageId: messageId) }
    }

    /// Deletes a message for the user alone.
    public func deleteMessageForMe(author: String, messageId: String) async throws {
        try await onQueue { try self.deleteMessageForMe(author: author, messageId: messageId) }
    }

    /// What became of a message of our own, member by member.
    public func receipts(messageId: String) async throws -> MessageReceipts {
        try await onQueue { try self.receipts(messageId: messageId) }
    }

    /// Tells the others that the user is writing, or is not any more.
    public func setTyping(active: Bool) async throws {
        try await onQueue { try self.setTyping(active: active) }
    }

    /// Tells a contact that the user is there, or is not any more.
    public func setAvailable(available: Bool) async throws {
        try await onQueue { try self.setAvailable(available: available) }
    }

    /// What the user set for it, on whichever device.
    public func settings() async throws -> ChatSettings {
        try await onQueue { try self.settings() }
    }

    /// The application tells nobody of what comes, until this time.
    public func setMutedUntil(until: Date?) async throws {
        try await onQueue { try self.setMutedUntil(until: until) }
    }

    /// Puts it into the archive, or takes it out again.
    public func setArchived(archived: Bool) async throws {
        try await onQueue { try self.setArchived(archived: archived) }
    }

    /// Puts it at the top of the list, or takes it from there.
    public func setPinned(pinned: Bool) async throws {
        try await onQueue { try self.setPinned(pinned: pinned) }
    }

    /// Marks it as unread until it is read.
    public func markUnread() async throws {
        try await onQueue { try self.markUnread() }
    }

    /// The user's own name for it.
    public func setNickname(nickname: String?) async throws {
        try await onQueue { try self.setNickname(nickname: nickname) }
    }

    /// The user has seen all up to a message; with `receipt` the others are told.
    public func markReadUpTo(author: String, messageId: String, receipt: Bool = true) async throws {
        try await onQueue { try self.markReadUpTo(author: author, messageId: messageId, receipt: receipt) }
    }

    /// The user has seen all of it; with `receipt` the others are told.
    public func markRead(receipt: Bool = true) async throws {
        try await onQueue { try self.markRead(receipt: receipt) }
    }

    /// Writes a text with mentions, looks, suggestions.
    public func sendRich(text: RichText, replyTo: String? = nil) async throws -> Sent {
        try await onQueue { try self.sendRich(text: text, replyTo: replyTo) }
    }

    /// Changes the text of a message of our own, or what its attachment is accompanied by.
    public func editRich(messageId: String, text: RichText) async throws -> Sent {
        try await onQueue { try self.editRich(messageId: messageId, text: text) }
    }

    /// Sends an attachment, and a text with it.
    public func sendCaptioned(attachment: Attachment, location: String, caption: RichText) async throws -> Sent {
        try await onQueue { try self.sendCaptioned(attachment: attachment, location: location, caption: caption) }
    }

    /// Writes here what stands in a message of any conversation, and says that it is forwarded.
    public func forward(author: String, messageId: String, nameAuthor: Bool = false) async throws -> Sent {
        try await onQueue { try self.forward(author: author, messageId: messageId, nameAuthor: nameAuthor) }
    }

    /// Puts a message at the top, for everybody in the conversation.
    public func pinMessage(author: String, messageId: String) async throws -> Sent {
        try await onQueue { try self.pinMessage(author: author, messageId: messageId) }
    }

    /// Takes a message from the top again.
    public func unpinMessage(author: String, messageId: String) async throws -> Sent {
        try await onQueue { try self.unpinMessage(author: author, messageId: messageId) }
    }

    /// The messages at the top, the one that was put there last first.
    public func pinned() async throws -> [Message] {
        try await onQueue { try self.pinned() }
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
