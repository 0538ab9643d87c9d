import Foundation

/// A message that a handler answers. The answers are committed together with "this was handled", so each message is answered once.
public final class BotMessage {
    public let message: Message
    fileprivate var answers: [OutgoingMessage] = []

    fileprivate init(_ message: Message) {
        self.message = message
    }

    /// What it says, if it is a text.
    public var text: String { message.text ?? "" }

    /// Answers in the conversation that it came in.
    public func reply(_ text: String) {
        answers.append(OutgoingMessage(to: message.conversation, body: .text(text: text), replyTo: message.id))
    }
}

/// A program that answers.
///
/// ```swift
/// let bot = try Bot(client: .open(path: "echo.wl", key: key), transport: transport) { message in
///     message.reply(message.text)
/// }
/// try await bot.run()
/// ```
public actor Bot {
    private let client: Client
    private let transport: any Transport
    private let handler: @Sendable (BotMessage) async throws -> Void
    private let onError: @Sendable (Message, Error) async -> Void

    /// `onError` hears of handlers that fail; their message counts as handled, and nothing of its answers is sent.
    public init(
        client: Client, transport: any Transport, trust: TrustPolicy = .acceptAll,
        onError: @escaping @Sendable (Message, Error) async -> Void = { _, _ in },
        handler: @escaping @Sendable (BotMessage) async throws -> Void
    ) throws {
        try client.setTrustPolicy(policy: trust)
        try client.keepUnhandled(keep: true)
        (self.client, self.transport, self.handler, self.onError) = (client, transport, handler, onError)
    }

    /// Runs until its task is cancelled, or the transport ends.
    public func run() async throws {
        try await transport.start(address: client.address(), device: client.deviceId())
        let (client, transport) = (client, transport)
        try await transport.publishBundle(address: client.address(), bundle: onQueue { try client.bundle().encode() })
        // What waited since the last time.
        try await handleAll()
        try await withTaskCancellationHandler {
            for await incoming in await transport.receive() {
                do {
                    _ = try await client.receive(envelope: incoming.envelope)
                } catch WindlassError.EnvelopeMalformed, WindlassError.NotForThisDevice {
                    // No envelope of ours; it need not come again.
                }
                await incoming.acknowledge()
                try await handleAll()
            }
        } onCancel: {
            Task { await transport.close() }
        }
    }

    private func handleAll() async throws {
        let client = client
        while true {
            let waiting = try await onQueue { try client.unhandled() }
            if waiting.isEmpty { break }
            for one in waiting {
                let received = BotMessage(one.message)
                do {
                    try await handler(received)
                } catch {
                    received.answers = []
                    await onError(one.message, error)
                }
                let answers = received.answers
                _ = try await onQueue { try client.handled(number: one.number, answers: answers) }
            }
        }
        while true {
            let waiting = try await onQueue { try client.outbox() }
            if waiting.isEmpty { return }
            for envelope in waiting {
                do {
                    try await transport.deliver(address: envelope.to, envelope: envelope.bytes)
                } catch is TransportError {
                    // It stays in the outbox until the next message, or `Client.keepUpNow`.
                    return
                }
                try await client.markSent(ids: [envelope.id])
            }
        }
    }
}
