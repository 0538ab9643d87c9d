import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Mail over HTTP, by the server of `examples/python/http_transport.py`. Asks it every second; what it was not told to delete it brings again.
public actor HttpTransport: Transport {
    private let url: URL
    private let session: URLSession
    private let pause: Duration
    private let log: @Sendable (String) -> Void
    private var box = ""
    private var closed = false
    /// Numbers of what was handed on and is still there.
    private var handed: Set<Int> = []

    /// - Parameters:
    ///   - url: Where the server is. What it asks of its users belongs into the session's configuration.
    ///   - every: How long to wait between two questions.
    ///   - log: Where it says that the server does not bring the mail: once, until it does again.
    public init(
        url: URL, session: URLSession = .shared, every pause: Duration = .seconds(1),
        log: @escaping @Sendable (String) -> Void = logToStandardError
    ) {
        (self.url, self.session, self.pause, self.log) = (url, session, pause, log)
    }

    public func start(address: String, device: UInt32) {
        (box, closed, handed) = ("inbox/\(address)/\(device)", false, [])
    }

    public func publishBundle(address: String, bundle: Data) async throws {
        // Who finds the bundle writes to the mailbox.
        if !box.isEmpty { _ = try await ask("PUT", box) }
        _ = try await ask("PUT", "bundle/\(address)", bundle)
    }

    public func fetchBundle(address: String) async throws -> Data? {
        do {
            return try await ask("GET", "bundle/\(address)")
        } catch let none as TransportError where none == .noMailbox {
            return nil
        }
    }

    public func deliver(address: String, envelope: Data) async throws {
        _ = try await ask("POST", "inbox/\(address)", envelope)
    }

    public func receive() -> AsyncStream<Incoming> {
        AsyncStream { continuation in
            let asking = Task {
                var (opened, told) = (false, false)
                while !closed && !Task.isCancelled {
                    do {
                        if !opened { _ = try await ask("PUT", box) }
                        opened = true
                        try await bring(to: continuation)
                        told = false
                    } catch {
                        // It is asked again; of a row of failures the first is told.
                        if !told && !closed { log("cannot ask for mail: \((error as? TransportError)?.description ?? kind(of: error))") }
                        told = true
                    }
                    try? await Task.sleep(for: pause)
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in asking.cancel() }
        }
    }

    private func bring(to continuation: AsyncStream<Incoming>.Continuation) async throws {
        let waiting = try JSONDecoder().decode([Int].self, from: await ask("GET", box))
        handed.formIntersection(waiting)
        for number in waiting where !handed.contains(number) {
            let mail = "\(box)/\(number)"
            let envelope = try await ask("GET", mail)
            handed.insert(number)
            // What could not be acknowledged comes again with the next start, and is a duplicate then.
            continuation.yield(Incoming(envelope: envelope) { _ = try? await self.ask("DELETE", mail) })
        }
    }

    public func close() {
        closed = true
    }

    private func ask(_ method: String, _ path: String, _ body: Data? = nil) async throws -> Data {
        var request = URLRequest(url: url.appendingPathComponent(path))
        request.httpMethod = method
        request.httpBody = body
        request.timeoutInterval = 30
        let answer: Data
        let response: URLResponse
        do {
            // In a task of its own: a request that is cancelled does not always come back on Linux, and none takes long.
            (answer, response) = try await Task { [session] in try await session.data(for: request) }.value
        } catch {
            // Without its text, which may quote the URL.
            throw TransportError("the server cannot be reached")
        }
        switch (response as? HTTPURLResponse)?.statusCode {
        case 200: return answer
        case 404: throw TransportError.noMailbox
        case 413: throw TransportError.tooLarge
        case let code: throw TransportError("the server says \(code ?? 0)")
        }
    }
}
