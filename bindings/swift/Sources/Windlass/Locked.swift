import Foundation

/// A value that any thread may use, one at a time.
package final class Locked<Value>: @unchecked Sendable {
    // Guarded by the lock; nothing of it gets out but by value.
    private var value: Value
    private let lock = NSLock()

    package init(_ value: Value) {
        self.value = value
    }

    package func use<Result>(_ work: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try work(&value)
    }
}
