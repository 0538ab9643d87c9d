import Foundation

/// How many batches wait in memory.
private let waiting = 16

/// Events on their way to the handlers, in their order: each until its handlers have returned, whatever happens to the process. However slow
/// these are, mail does not wait for them: what does not fit in here is read from the store later.
final class Events: Sendable {
    private struct Batch: Sendable {
        let events: [Event]
        let cursor: String?
    }

    private struct State: Sendable {
        var batches: [Batch] = []
        /// Batches were left out, and all are until what is kept was read.
        var behind = false
        var leftOut = false
        var ended = false
    }

    private let bot: Bot
    private let keeps: Bool
    private let wanted: @Sendable (Event) -> Bool
    private let state = Locked(State())
    private let news = Signal()

    init(_ bot: Bot, keeps: Bool, wanted: @escaping @Sendable (Event) -> Bool) {
        (self.bot, self.keeps, self.wanted) = (bot, keeps, wanted)
    }

    /// Where the events end whose handlers had not returned when the process ended. To be asked for before anything new comes.
    func endOfOld() async throws -> String? {
        let client = bot.client
        var end: String?
        while true {
            let from = end
            guard let last = try await bot.insisting({ try client.eventsAfter(cursor: from) }).last else { return end }
            end = last.cursor
        }
    }

    func put(_ received: [Received]) {
        let batch = Batch(events: received.flatMap(\.events).filter(wanted), cursor: received.compactMap(\.cursor).last)
        if batch.events.isEmpty && batch.cursor == nil { return }
        let falls = state.use { state in
            if !state.behind && state.batches.count < waiting {
                state.batches.append(batch)
                return false
            }
            defer { (state.behind, state.leftOut) = (true, true) }
            return !state.behind
        }
        if falls { bot.log("events come faster than their handlers return; what does not fit in memory is read from the store later") }
        news.raise()
    }

    /// Nothing comes after what was put.
    func end() {
        state.use { $0.ended = true }
        news.raise()
    }

    private enum Next: Sendable {
        case batch(Batch)
        case catchUp
        case wait
        case end
    }

    /// Tells one after the other; first those before `endOfOld`, with which the process may have died. Not everything is kept: when some were
    /// `leftOut`, that is said too.
    func tell(
        _ endOfOld: String?, event: @Sendable (Event) async throws -> Void, again: @Sendable (Event) async throws -> Void,
        leftOut: @Sendable () async throws -> Void
    ) async throws {
        if let endOfOld {
            try await tellKept(endOfOld) { page in
                for kept in page {
                    // Before it is told: an event with which the process dies twice does not come a third time.
                    try await handled(kept.cursor)
                    try await again(kept.event)
                }
            }
        }
        while !Task.isCancelled {
            // Those that were left out came after the last batch.
            let next = state.use { state -> Next in
                if !state.batches.isEmpty { return .batch(state.batches.removeFirst()) }
                return state.behind ? .catchUp : state.ended ? .end : .wait
            }
            switch next {
            case .batch(let batch):
                for told in batch.events { try await event(told) }
                if let cursor = batch.cursor { try await handled(cursor) }
            case .catchUp:
                try await catchUp(event)
                try await leftOut()
            case .wait:
                guard await news.next() else { return }
            case .end: return
            }
        }
    }

    private func catchUp(_ event: @Sendable (Event) async throws -> Void) async throws {
        repeat {
            state.use { $0.leftOut = false }
            if keeps {
                try await tellKept(nil) { page in
                    for kept in page where wanted(kept.event) { try await event(kept.event) }
                    if let last = page.last { try await handled(last.cursor) }
                }
            }
        } while isStillBehind()
    }

    private func isStillBehind() -> Bool {
        state.use { state in
            state.behind = state.leftOut
            return state.leftOut
        }
    }

    /// What is kept up to there, or all of it.
    private func tellKept(_ upTo: String?, _ tell: ([KeptEvent]) async throws -> Void) async throws {
        let client = bot.client
        var cursor: String?
        while cursor == nil || cursor != upTo {
            let from = cursor
            let page = try await bot.insisting { try client.eventsAfter(cursor: from) }
            let end = page.firstIndex { $0.cursor == upTo }
            let told = end.map { Array(page.prefix($0 + 1)) } ?? page
            guard let last = told.last else { return }
            cursor = last.cursor
            try await tell(told)
        }
    }

    private func handled(_ cursor: String) async throws {
        let client = bot.client
        do {
            try await bot.insisting { try client.eventsHandled(upTo: cursor) }
        } catch WindlassError.UnknownCursor {
            // Somebody else may read the events of the client.
        }
    }
}
