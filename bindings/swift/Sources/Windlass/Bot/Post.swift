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
                let page = try await client.outbox(after: from)
                guard let last = page.last else { break }
                after = last.id
                try await carry(page)
            }
        }
    }

    /// Carries what can be carried, once: for who stops.
    func carryAll() async throws {
        var after: UInt64 = 0
        while case let page = try await client.outbox(after: after), let last = page.last, !Task.isCancelled {
            after = last.id
            try await carry(page)
        }
    }

    private func carry(_ page: [OutgoingEnvelope]) async throws {
        let waiting = Dictionary(grouping: page.filter { !resting.contains($0.to) }, by: \.to)
        let transport = transport
        let carried = await withTaskGroup(of: (address: String, taken: [UInt64], failure: (any Error)?).self) { group in
            for (address, mail) in waiting {
                group.addTask {
                    // In their order, for each is read most cheaply after the one before it.
                    var taken: [UInt64] = []
                    do {
                        for envelope in mail {
                            try await transport.deliver(address: address, envelope: envelope.bytes)
                            taken.append(envelope.id)
                        }
                    } catch {
                        return (address, taken, error)
                    }
                    return (address, taken, nil)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for item in carried {
            if let failure = item.failure { rest(item.address, failure) } else { rests[item.address] = nil }
        }
        let taken = carried.flatMap(\.taken)
        if !taken.isEmpty { try await client.markSent(ids: taken) }
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
struct Signal: Sendable {
    let raised: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (raised, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func raise() {
        continuation.yield()
    }
}
