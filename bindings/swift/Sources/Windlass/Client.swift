import Foundation

/// The common case in one call: a client and its store, by a path and a passphrase or a key.
extension Client {
    /// Makes a new store at `path`, where nothing is yet, and puts `identity` into it, or a new one.
    public static func create(path: String, passphrase: String, identity: Identity? = nil) throws -> Client {
        try create(path: path, key: .fromPassphrase(passphrase: passphrase), identity: identity)
    }

    /// The same with a `StoreKey`, for example one of 32 bytes from the keychain.
    public static func create(path: String, key: StoreKey, identity: Identity? = nil) throws -> Client {
        try create(store: .create(path: path, key: key), identity: identity)
    }

    /// Opens the store at `path`. Never makes one, and never an identity.
    public static func open(path: String, passphrase: String) throws -> Client {
        try open(path: path, key: .fromPassphrase(passphrase: passphrase))
    }

    /// The same with a `StoreKey`.
    public static func open(path: String, key: StoreKey) throws -> Client {
        try open(store: .open(path: path, key: key))
    }
}

extension DeviceLink {
    /// The new device's side of linking, in a new store at `path`. After a restart: `DeviceLink(store: .open(path: path, key: key))`.
    public convenience init(path: String, key: StoreKey) throws {
        try self.init(store: .create(path: path, key: key))
    }
}

/// The asynchronous forms. A disk sync takes milliseconds: they run on a queue of their own, never on Swift's cooperative threads.
extension Client {
    /// Writes a text to a contact.
    public func send(to: String, text: String) async throws -> Sent {
        try await onQueue { try self.send(to: to, text: text) }
    }

    /// Writes anything to a contact.
    public func sendBody(to: String, body: Body, replyTo: String? = nil) async throws -> Sent {
        try await onQueue { try self.sendBody(to: to, body: body, replyTo: replyTo) }
    }

    /// Takes in an envelope that the transport delivered.
    public func receive(envelope: Data) async throws -> [Event] {
        try await onQueue { try self.receive(envelope: envelope) }
    }

    /// Takes in several envelopes in one transaction.
    public func receiveMany(envelopes: [Data]) async throws -> [Received] {
        try await onQueue { try self.receiveMany(envelopes: envelopes) }
    }

    /// The events that are kept until they were handled: those behind a cursor, or the oldest.
    public func eventsAfter(cursor: String? = nil, limit: UInt32 = 100) async throws -> [KeptEvent] {
        try await onQueue { try self.eventsAfter(cursor: cursor, limit: limit) }
    }

    /// The events up to this cursor are not told again.
    public func eventsHandled(upTo: String) async throws {
        try await onQueue { try self.eventsHandled(upTo: upTo) }
    }

    /// Begins to link the new device whose code this is; the answer to show to it.
    public func linkDevice(code: String) async throws -> String {
        try await onQueue { try self.linkDevice(code: code) }
    }

    /// What to compare with the new device, which showed this reply.
    public func checkLink(reply: String) async throws -> LinkCheck {
        try await onQueue { try self.checkLink(reply: reply) }
    }

    /// Our identity, sealed to the new device, once the user has seen the same on both.
    public func confirmLink() async throws -> String {
        try await onQueue { try self.confirmLink() }
    }

    /// Does what is due by now.
    public func maintain() async throws {
        try await onQueue { try self.maintain() }
    }

    /// The oldest envelopes that wait for the transport.
    public func outbox(after: UInt64 = 0) async throws -> [OutgoingEnvelope] {
        try await onQueue { try self.outbox(after: after) }
    }

    /// The list of chats.
    public func conversations() async throws -> [ConversationSummary] {
        try await onQueue { try self.conversations() }
    }

    /// A page of the list of chats: the latest, or those behind the position of one that was listed.
    public func conversationPage(limit: UInt32 = 50, after: UInt64? = nil) async throws -> [ListedConversation] {
        try await onQueue { try self.conversationPage(limit: limit, after: after) }
    }

    /// A page of the contacts in the order in which they came: the first, or those behind the position of one that was read.
    public func contactPage(limit: UInt32 = 50, after: UInt64 = 0) async throws -> [Contact] {
        try await onQueue { try self.contactPage(limit: limit, after: after) }
    }

    /// Messages with this text in them, of all conversations.
    public func search(text: String, limit: UInt32 = 50, before: Message? = nil) async throws -> SearchPage {
        try await onQueue { try self.search(text: text, limit: limit, before: before) }
    }

    /// Any other call: `try await client.io { try $0.addContact(bundle: bundle) }`.
    public func io<T: Sendable>(_ call: @escaping @Sendable (Client) throws -> T) async throws -> T {
        try await onQueue { try call(self) }
    }

    /// Removes what the transport took over for good.
    public func markSent(ids: [UInt64]) async throws {
        try await onQueue { try self.markSent(ids: ids) }
    }
}
