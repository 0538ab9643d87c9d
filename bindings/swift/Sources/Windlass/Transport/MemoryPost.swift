import Foundation

/// Mail within one process, for tests. What was not acknowledged comes again with the next start of the device.
public actor MemoryPost {
    fileprivate struct Box: Hashable {
        let address: String
        let device: UInt32
    }

    private var waiting: [Box: [(id: UUID, envelope: Data)]] = [:]
    private var open: [Box: AsyncStream<Incoming>.Continuation] = [:]
    private var bundles: [String: Data] = [:]

    public init() {}

    /// A transport by this post.
    public nonisolated func transport() -> any Transport {
        MemoryTransport(post: self)
    }

    fileprivate func start(_ box: Box) {
        waiting[box, default: []] += []
    }

    fileprivate func put(_ bundle: Data, _ address: String) {
        bundles[address] = bundle
    }

    fileprivate func bundle(_ address: String) -> Data? {
        bundles[address]
    }

    fileprivate func deliver(_ envelope: Data, _ address: String) throws {
        let boxes = waiting.keys.filter { $0.address == address }
        if boxes.isEmpty { throw TransportError.noMailbox }
        for box in boxes {
            let id = UUID()
            waiting[box]?.append((id, envelope))
            open[box]?.yield(incoming(box, id, envelope))
        }
    }

    fileprivate func receive(_ box: Box) -> AsyncStream<Incoming> {
        let (stream, continuation) = AsyncStream.makeStream(of: Incoming.self)
        for (id, envelope) in waiting[box] ?? [] { continuation.yield(incoming(box, id, envelope)) }
        open[box] = continuation
        return stream
    }

    fileprivate func close(_ box: Box) {
        open.removeValue(forKey: box)?.finish()
    }

    private func incoming(_ box: Box, _ id: UUID, _ envelope: Data) -> Incoming {
        Incoming(envelope: envelope) { await self.forget(box, id) }
    }

    private func forget(_ box: Box, _ id: UUID) {
        waiting[box]?.removeAll { $0.id == id }
    }
}

private actor MemoryTransport: Transport {
    private let post: MemoryPost
    private var box = MemoryPost.Box(address: "", device: 0)

    init(post: MemoryPost) {
        self.post = post
    }

    func start(address: String, device: UInt32) async {
        box = MemoryPost.Box(address: address, device: device)
        await post.start(box)
    }

    func publishBundle(address: String, bundle: Data) async { await post.put(bundle, address) }

    func fetchBundle(address: String) async -> Data? { await post.bundle(address) }

    func deliver(address: String, envelope: Data) async throws { try await post.deliver(envelope, address) }

    func receive() async -> AsyncStream<Incoming> { await post.receive(box) }

    func close() async { await post.close(box) }
}
