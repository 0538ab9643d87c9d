import Windlass

/// Something that will be known once; the first answer counts.
final class Once<Value: Sendable>: Sendable {
    private struct State: Sendable {
        var answer: Result<Value, any Error>?
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
        var asked = 0
    }

    private let state = Locked(State())

    /// False if it was known already.
    @discardableResult
    func complete(_ answer: Result<Value, any Error>) -> Bool {
        let waiting = state.use { state -> [CheckedContinuation<Value, any Error>]? in
            guard state.answer == nil else { return nil }
            state.answer = answer
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        waiting?.forEach { $0.resume(with: answer) }
        return waiting != nil
    }

    var isComplete: Bool { state.use { $0.answer != nil } }

    /// What was answered by now.
    var now: Result<Value, any Error>? { state.use { $0.answer } }

    /// Waits for it, unless the task is cancelled.
    func value() async throws -> Value {
        let number = state.use { state in
            state.asked += 1
            return state.asked
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer = state.use { state -> Result<Value, any Error>? in
                    if state.answer == nil && !Task.isCancelled { state.waiting[number] = continuation }
                    return state.answer ?? (Task.isCancelled ? .failure(CancellationError()) : nil)
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            state.use { $0.waiting.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
    }
}
