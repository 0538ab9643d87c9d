import Foundation

private let firstRest = Duration.seconds(1)
private let longestRest = Duration.seconds(600)
/// Enough of an address to know it again.
private let shown = 12

/// The way out. An address that cannot be reached rests, longer each time; the others do not wait for it.
actor Post {
    private let client: Client
    private let transport: any Transport
    private let log: @Sendable (String) -> Void
    private let news = Signal()
    private var resting: Set<String> = []
    /// How long an address rested last.
    private var rests: [String: Duration] = [:]
    private var sleeping: [String: Task<Void, Never>] = [:]
    private var fromTheBeginning = true
    /// What stays in the outbox until there is another transport.
    private var tooLarge: Set<UInt64> = []

    init(_ client: Client, _ transport: any Transport, log: @escaping @Sendable (String) -> Void) {
        (self.client, self.transport, self.log) = (client, transport, log)
    }

    /// There may be something in the outbox.
    nonisolated func look() {
        news.raise()
    }

    /// Never ends by itself.
    func run() async throws {
        defer { sleeping.values.forEach { $0.cancel() } }
        var after: UInt64 = 0
        for await _ in news.raised {
            while !Task.isCancelled {
                // What was passed over for a resting address is there.
                if fromTheBeginning { (after, fromTheBeginning) = (0, false) }
                let from = after
                let page = try await page(after: from)
                guard let last = page.last else { break }
                after = last.id
                try await carry(page)
            }
        }
    }

    /// Carries what can be carried, once: for who stops.
    func carryAll() async throws {
        var after: UInt64 = 0
        while case let page = try await page(after: after), let last = page.last, !Task.isCancelled {
            after = last.id
            try await carry(page)
        }
    }

    private func page(after: UInt64) async throws -> [OutgoingEnvelope] {
        let client = client
        return try await insist(log: log) { try client.outbox(after: after) }
    }

    /// What became of the mail for an address.
    private struct Carried: Sendable {
        let address: String
        var taken: [UInt64] = []
        var tooLarge: [OutgoingEnvelope] = []
        var failure: (any Error)?
    }

    private func carry(_ page: [OutgoingEnvelope]) async throws {
        let ready = page.filter { !resting.contains($0.to) && !tooLarge.contains($0.id) }
        let (waiting, transport, client) = (Dictionary(grouping: ready, by: \.to), transport, client)
        let carried = await withTaskGroup(of: Carried.self) { group in
            for (address, mail) in waiting { group.addTask { await Self.carry(mail, to: address, by: transport) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for item in carried {
            for envelope in item.tooLarge {
                tooLarge.insert(envelope.id)
                log("an envelope for \(item.address.prefix(shown)) of \(envelope.bytes.count) bytes is too large")
            }
            if let failure = item.failure { rest(item.address, failure) } else { rests[item.address] = nil }
        }
        let taken = carried.flatMap(\.taken)
        if !taken.isEmpty { try await insist(log: log) { try client.markSent(ids: taken) } }
    }

    /// In their order, for each is read most cheaply after the one before it.
    private static func carry(_ mail: [OutgoingEnvelope], to address: String, by transport: any Transport) async -> Carried {
        var carried = Carried(address: address)
        for envelope in mail {
            do {
                try await transport.deliver(address: address, envelope: envelope.bytes)
                carried.taken.append(envelope.id)
            } catch let refused as TransportError where refused == .tooLarge {
                // Those behind it do not wait for it.
                carried.tooLarge.append(envelope)
            } catch {
                carried.failure = error
                break
            }
        }
        return carried
    }

    private func rest(_ address: String, _ failure: any Error) {
        let rest = min(rests[address].map { $0 * 2 } ?? firstRest, longestRest)
        if !Task.isCancelled { log("cannot deliver to \(address.prefix(shown)): \(kind(of: failure)); again in \(rest)") }
        rests[address] = rest
        resting.insert(address)
        sleeping[address] = Task {
            try? await Task.sleep(for: rest)
            rested(address)
        }
    }

    private func rested(_ address: String) {
        resting.remove(address)
        sleeping[address] = nil
        fromTheBeginning = true
        look()
    }
}

/// Raised any number of times, seen once.
package struct Signal: Sendable {
    package let raised: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (raised, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func raise() {
        continuation.yield()
    }
}

/// What goes through the client, by whatever call and thread, leaves at once.
final class OutboxLooker: OutboxListener {
    private let post: Post

    init(post: Post) {
        self.post = post
    }

    func onOutbox() { post.look() }
}
