import Foundation

private let renewalsPerRound = 20

/// What is due for each who has a mailbox: a bot and an app alike.
actor Upkeep {
    private let client: Client
    private let transport: any Transport
    private let log: @Sendable (String) -> Void
    private var published: Data?

    init(_ client: Client, _ transport: any Transport, log: @escaping @Sendable (String) -> Void) {
        (self.client, self.transport, self.log) = (client, transport, log)
    }

    /// Resends, healing and new prekeys, and the bundle where others find it, again when it has changed.
    func once() async throws {
        let client = client
        try await client.maintain()
        let bundle = try await onQueue { try client.bundle().encode() }
        guard bundle != published else { return }
        do {
            try await transport.publishBundle(address: client.address(), bundle: bundle)
            published = bundle
        } catch {
            // It may be somebody's and throw anything. It is asked again with the next round.
            if !Task.isCancelled { log("cannot keep up: \(kind(of: error))") }
        }
    }
}

/// What a bot does by itself, now and then.
extension Bot {
    /// Every ten minutes what is due, and the bundle where others find it, again when it has changed.
    func keepUp(_ now: Running) async throws {
        try await askAboutStrangers()
        try await now.invited.answer()
        now.post.look()
        let upkeep = Upkeep(client, transport, log: log)
        try await repeatedly(round) {
            do {
                try await upkeep.once()
                await self.recheckTrust()
                try await self.renew()
            } catch let refused as WindlassError where refused.retry {
                // With the next round.
                self.log("cannot keep up: \(kind(of: refused))")
            }
        }
    }

    /// Looks for newer bundles of contacts whose own have run out: without one nothing heals.
    private func renew() async throws {
        let client = client
        let stale = try await onQueue { try client.contacts() }.filter { contact in
            !contact.blocked && contact.bundleExpiresAt.map { $0 < Date() } ?? false
        }
        for contact in stale.prefix(renewalsPerRound) { _ = try await find(contact.address) }
    }

    var asksAboutStrangers: Bool { listening.trust != .acceptAll && !handlers.use { $0.requests.isEmpty } }

    /// A request that was told when the process died is told again.
    private func askAboutStrangers() async throws {
        guard asksAboutStrangers else { return }
        let (client, handlers) = (client, handlers.use { $0 })
        let undecided = try await insisting { try client.contacts() }.filter { !($0.accepted || $0.blocked || $0.addedByUs) }
        for contact in undecided { await handlers.callEach(handlers.requests, contact.address) }
    }
}

func repeatedly(_ every: Duration, _ work: @Sendable () async throws -> Void) async throws {
    while true {
        try await work()
        try await Task.sleep(for: every)
    }
}
