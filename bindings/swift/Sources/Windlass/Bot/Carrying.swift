import Foundation

/// How many events wait for whoever iterates slowly. After them mail waits at the transport.
private let ahead = 64
/// For how long the end of it all is waited for.
private let leaving = Duration.seconds(3)
/// Seconds after which it is looked again what is due: something may have been scheduled for sooner.
private let longestWait = 5.0
private let shortestWait = 0.05

extension Client {
    /// Carries mail both ways as long as it is iterated, and gives what comes: an envelope is acknowledged once what it brought is durable.
    ///
    /// What the client writes meanwhile, by whatever call, goes out by itself, and is given too, as what another device of the user's would write: so one
    /// loop keeps a screen right. What was scheduled is sent when it is time, bundles are published, and what is due is done. Whoever iterates
    /// slowly lets mail wait at the transport, and hears `missed` of more than 1,000 writes. It ends when its task is cancelled, when the loop is left, or with the transport. A bot does this
    /// itself; of two at a time the later one alone learns what is written.
    ///
    /// - Parameters:
    ///   - keepUpEvery: Between two rounds of resends, healing and new prekeys.
    ///   - log: Where it says what went wrong, and never what people write.
    public func carried(
        by transport: any Transport, keepUpEvery: Duration = .seconds(600),
        log: @escaping @Sendable (String) -> Void = logToStandardError
    ) -> CarriedEvents {
        CarriedEvents { Carrying(self, transport, keepUpEvery, log) }
    }
}

/// What ``Client/carried(by:keepUpEvery:log:)`` gives. Each iteration opens the mailbox anew.
public struct CarriedEvents: AsyncSequence, Sendable {
    public typealias Element = Event

    fileprivate let begin: @Sendable () -> Carrying

    public func makeAsyncIterator() -> Iterator {
        Iterator(carrying: begin())
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let carrying: Carrying

        public mutating func next() async throws -> Event? {
            try await carrying.next()
        }
    }
}

/// Ends when nobody holds it any more.
private final class Carrying: Sendable {
    private let events = Channel<Event>(limit: ahead)
    private let failure = Locked<(any Error)?>(nil)
    private let work: Task<Void, Never>

    init(_ client: Client, _ transport: any Transport, _ every: Duration, _ log: @escaping @Sendable (String) -> Void) {
        let (events, failure) = (events, failure)
        work = Task {
            do {
                try await carry(client, transport, every, log, events)
            } catch {
                if !Task.isCancelled { failure.use { $0 = error } }
            }
            client.setOutboxListener(listener: nil)
            client.setChangeListener(listener: nil)
            // Not cancelled itself, whatever this task is.
            await Task { await transport.close() }.value
            events.end()
        }
    }

    deinit {
        work.cancel()
    }

    func next() async throws -> Event? {
        let (events, work) = (events, work)
        if let event = await withTaskCancellationHandler(operation: { await events.next() }, onCancel: { work.cancel() }) { return event }
        // Whoever goes on with this client and transport finds both of them free.
        await Task { _ = await limited(leaving) { await work.value } }.value
        if let failure = failure.use({ $0 }) { throw failure }
        return nil
    }
}

/// Until one of its parts ends.
private func carry(
    _ client: Client, _ transport: any Transport, _ every: Duration, _ log: @escaping @Sendable (String) -> Void, _ events: Channel<Event>
) async throws {
    let (post, upkeep) = (Post(client, transport, log: log), Upkeep(client, transport, log: log))
    await transport.useSecret(try await insist(log: log) { try client.transportSecret() })
    try await transport.start(address: client.address(), device: client.deviceId())
    client.setOutboxListener(listener: OutboxLooker(post: post))
    let written = ChangeLooker()
    client.setChangeListener(listener: written)
    post.look()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await post.run() }
        group.addTask {
            for await _ in written.news.raised { try await tellWritten(client, log, events) }
        }
        group.addTask { try await keepTime(client, log) }
        group.addTask {
            try await repeatedly(every) {
                do {
                    try await upkeep.once()
                } catch let refused as WindlassError where refused.retry {
                    log("cannot keep up: \(kind(of: refused))")
                }
            }
        }
        group.addTask {
            try await transport.takenTogether { together in
                let envelopes = together.map(\.envelope)
                let received = try await insist(log: log) { try client.receiveMany(envelopes: envelopes) }
                for incoming in together { await incoming.acknowledge() }
                for event in received.flatMap(\.events) { await events.put(event) }
            }
        }
        defer { group.cancelAll() }
        try await group.next()
    }
}

/// What the client wrote since it was last asked.
private func tellWritten(_ client: Client, _ log: @escaping @Sendable (String) -> Void, _ events: Channel<Event>) async throws {
    while !Task.isCancelled {
        let changes = try await insist(log: log) { try client.takeChanges() }
        if changes.isEmpty { return }
        for event in changes { await events.put(event) }
    }
}

/// A call sends what is due, so it is enough to make one then.
private func keepTime(_ client: Client, _ log: @escaping @Sendable (String) -> Void) async throws {
    while true {
        let wait = try await insist(log: log) { try client.nextDue().map { $0.timeIntervalSince(client.now()) } }
        try await Task.sleep(for: .seconds(min(max(wait ?? longestWait, shortestWait), longestWait)))
    }
}

/// What the client writes, by whatever call and thread, is told.
private final class ChangeLooker: ChangeListener {
    let news = Signal()

    func onChange() { news.raise() }
}
