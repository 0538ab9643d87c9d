import Foundation

private let queue = DispatchQueue(label: "dev.windlass", attributes: .concurrent)

/// Runs what waits for a disk where it holds up none of Swift's cooperative threads.
func onQueue<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: work)) }
    }
}
