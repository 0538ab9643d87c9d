/// How many envelopes one transaction takes in, and how many bytes.
private let batch = 64
private let batchBytes = 4 * 1024 * 1024

extension Transport {
    /// What comes together is taken together. Ends when the transport does.
    func takenTogether(_ take: @escaping @Sendable ([Incoming]) async throws -> Void) async throws {
        let came = Channel<Incoming>(limit: 2 * batch)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await incoming in await receive() { await came.put(incoming) }
                came.end()
            }
            group.addTask {
                while case let together = await came.take(while: fits), !together.isEmpty { try await take(together) }
            }
            // Not `waitForAll`, which would wait for the other one when one has failed.
            for try await _ in group {}
        }
    }
}

/// Whether one more may go with these.
private func fits(_ together: [Incoming]) -> Bool {
    together.count < batch && together.reduce(0) { $0 + $1.envelope.count } < batchBytes
}

/// From one task to another. A task that puts something into a full one waits: so a flood waits where it comes from.
final class Channel<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var waiting: [Element] = []
        var ended = false
    }

    private let state = Locked(State())
    private let limit: Int
    private let (filled, freed) = (Signal(), Signal())

    init(limit: Int) {
        self.limit = limit
    }

    /// Forgets it when the task is cancelled.
    func put(_ element: Element) async {
        while !hasTaken(element), await freed.next() {}
    }

    private func hasTaken(_ element: Element) -> Bool {
        let hasRoom = state.use { state in
            guard state.waiting.count < limit else { return false }
            state.waiting.append(element)
            return true
        }
        if hasRoom { filled.raise() }
        return hasRoom
    }

    /// Nothing comes after what is in it.
    func end() {
        state.use { $0.ended = true }
        filled.raise()
    }

    /// What is there by now, at least one, and more as long as that is wanted; nothing at the end, or when the task is cancelled.
    func take(while more: ([Element]) -> Bool) async -> [Element] {
        while !Task.isCancelled {
            let (taken, ended) = state.use { state in
                var taken: [Element] = []
                while taken.count < state.waiting.count, taken.isEmpty || more(taken) { taken.append(state.waiting[taken.count]) }
                state.waiting.removeFirst(taken.count)
                return (taken, state.ended)
            }
            if !taken.isEmpty {
                freed.raise()
                return taken
            }
            guard !ended, await filled.next() else { return [] }
        }
        return []
    }

    /// The next one alone.
    func next() async -> Element? {
        await take { _ in false }.first
    }
}
