import Foundation
import Windlass

/// Writes `lines` to an address, and shows what comes, until the lines end and `until` is content with what was shown.
func chat(
    client: Client, transport: any Transport, with address: String, lines: AsyncStream<String>,
    show: @escaping @Sendable (String) async -> Void, until: @Sendable () async -> Void = {}
) async throws {
    try await transport.start(address: client.address(), device: client.deviceId())
    try await transport.publishBundle(address: client.address(), bundle: client.io { try $0.bundle().encode() })
    @Sendable func sendOut() async throws {
        for envelope in try await client.outbox() {
            try await transport.deliver(address: envelope.to, envelope: envelope.bytes)
            try await client.markSent(ids: [envelope.id])
        }
    }
    // Whatever fails is shown, and the chat goes on.
    @Sendable func orShown(_ work: @Sendable () async throws -> Void) async {
        do { try await work() } catch { await show("(\(error))") }
    }
    let receiving = Task {
        for await incoming in await transport.receive() {
            await orShown {
                for received in try await client.receiveMany(envelopes: [incoming.envelope]) {
                    // Anybody may send anything: what is no envelope of ours is refused, and need not come again.
                    if let reason = received.refused { await show("(refused: \(reason))") }
                    for event in received.events {
                        if case .message(let message) = event { await show(message.text ?? "(\(message.body))") }
                        if case .delivered = event { await show("✓") }
                    }
                }
                await incoming.acknowledge()
                try await sendOut()
            }
        }
    }
    for await line in lines {
        await orShown {
            _ = try await client.send(to: address, text: line)
            try await sendOut()
        }
    }
    await until()
    receiving.cancel()
    await transport.close()
}

/// What is typed, line by line.
func typedLines() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
    }
}
