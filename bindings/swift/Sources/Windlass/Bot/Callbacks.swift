import Foundation

/// What is waited for something to end that was cancelled.
let patience = Duration.seconds(1)

/// A handler took too long.
public struct HandlerTimeout: LocalizedError {
    public var errorDescription: String? { "the handler took too long" }
}

/// Runs what others wrote: for so long at most, and whatever it throws.
struct Callbacks: Sendable {
    let handlerTimeout: Duration
    let eventTimeout: Duration
    let debug: Bool
    let log: @Sendable (String) -> Void

    /// What the call threw; nothing if it returned. When the caller is cancelled, or after the limit, it cancels the call, and leaves it
    /// behind if that does not end it: no conversation and no stop waits for a callback that swallows its cancellation. Throws when the caller
    /// is cancelled.
    func attempt(_ what: String, _ limit: Duration?, _ call: @escaping @Sendable () async throws -> Void) async throws -> (any Error)? {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Outcome.self)
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        // A task of its own: in a group it would be waited for.
        let running = Task {
            let failure = await failure(of: call)
            outcome.yield(.ended(failure))
            end.yield(true)
        }
        let timer = limit.map { limit in
            Task {
                try await Task.sleep(for: limit)
                outcome.yield(.late)
            }
        }
        defer { timer?.cancel() }
        var first: Outcome?
        // None when the caller is cancelled.
        for await came in outcomes {
            first = came
            break
        }
        if case .ended(let failure) = first { return failure }
        running.cancel()
        // Not the caller's task, which may be cancelled and would not wait.
        let ended = await Task { await firstOf(ends, end, within: patience) }.value
        if !ended { log("\(what) does not end though it was cancelled; it is left behind") }
        guard first != nil else { throw CancellationError() }
        log("\(what) is stalled: it took longer than \(limit ?? patience)")
        return HandlerTimeout()
    }

    private enum Outcome: Sendable {
        case ended((any Error)?)
        case late
    }

    /// What is logged of a failure.
    func told(_ failure: any Error) -> String { debug ? "\(kind(of: failure)): \(failure)" : kind(of: failure) }
}

private func failure(of call: @Sendable () async throws -> Void) async -> (any Error)? {
    do {
        try await call()
        return nil
    } catch {
        return error
    }
}

/// Whether something came in time.
private func firstOf(_ ends: AsyncStream<Bool>, _ end: AsyncStream<Bool>.Continuation, within limit: Duration) async -> Bool {
    let timer = Task {
        try await Task.sleep(for: limit)
        end.yield(false)
    }
    defer { timer.cancel() }
    for await ended in ends { return ended }
    return false
}

/// Does something for so long at most, as long as nobody cancels the caller; what does not end then is left behind. False if it did not.
@discardableResult
func limited(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (ends, end) = AsyncStream.makeStream(of: Bool.self)
    let running = Task {
        await work()
        end.yield(true)
    }
    let ended = await firstOf(ends, end, within: limit)
    if !ended { running.cancel() }
    return ended
}
