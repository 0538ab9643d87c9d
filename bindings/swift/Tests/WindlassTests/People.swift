import Foundation
import Windlass
import XCTest

/// A test with a folder of stores, and people in it.
class PeopleTestCase: XCTestCase {
    private(set) var home = URL(fileURLWithPath: NSTemporaryDirectory())
    let post = MemoryPost()
    /// Of another version, and none at all.
    let junk = [Data([8, 99]), Data("junk".utf8)]

    override func setUpWithError() throws {
        home.appendPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws {
        try FileManager.default.removeItem(at: home)
    }

    func key() throws -> StoreKey { try .fromBytes(key: Data(repeating: 7, count: 32)) }

    func path(_ name: String) -> String { home.appendingPathComponent("\(name).wl").path }

    /// Opened, or made where nothing is yet.
    func open(_ name: String) throws -> Client {
        try FileManager.default.fileExists(atPath: path(name)) ? .open(path: path(name), key: key()) : .create(path: path(name), key: key())
    }

    func person(_ name: String, _ transport: (any Transport)? = nil) async throws -> Person {
        let person = try Person(open(name), transport ?? post.transport())
        try await person.start()
        return person
    }

    /// The error of a call that must fail.
    func failure<T>(_ call: @autoclosure () throws -> T) -> WindlassError? {
        do {
            _ = try call()
            return nil
        } catch {
            return error as? WindlassError
        }
    }
}

/// Somebody with a mailbox who takes in what comes.
final class Person: Sendable {
    let client: Client
    private let transport: any Transport

    init(_ client: Client, _ transport: any Transport) {
        (self.client, self.transport) = (client, transport)
    }

    func start() async throws {
        try await transport.start(address: client.address(), device: client.deviceId())
        try await transport.publishBundle(address: client.address(), bundle: client.bundle().encode())
        Task {
            for await incoming in await transport.receive() {
                _ = try await client.receive(envelope: incoming.envelope)
                await incoming.acknowledge()
                try await carry()
            }
        }
    }

    /// Carries the outbox.
    func carry() async throws {
        for envelope in try await client.outbox() {
            try await transport.deliver(address: envelope.to, envelope: envelope.bytes)
            try await client.markSent(ids: [envelope.id])
        }
    }

    func say(_ text: String, to address: String) async throws {
        _ = try await client.send(to: address, text: text)
        try await carry()
    }

    /// What others said in a conversation.
    func heard(_ address: String) throws -> [String] {
        try client.conversation(address: address).messages(limit: 1000).filter { !$0.outgoing }.compactMap(\.text)
    }

    func leave() async throws {
        await transport.close()
        try client.close()
    }
}

/// Waits for what comes; what never does fails after a minute, instead of going on for ever.
func until(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        if ContinuousClock.now > end { throw NeverCame() }
        await Task.yield()
    }
}

struct NeverCame: Error {}

/// Remembers what tasks tell it.
actor Notes<Value: Sendable> {
    private(set) var all: [Value] = []

    func add(_ value: Value) { all.append(value) }

    var last: Value? { all.last }
}

/// Remembers what it is told where nobody can wait.
final class Lines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    func add(_ line: String) { lock.withLock { lines.append(line) } }

    var all: [String] { lock.withLock { lines } }
}

/// Until the task is cancelled.
func untilCancelled() async {
    for await _ in AsyncStream<Void>.makeStream().stream {}
}

/// Somebody waits until somebody else opens it.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }
}
