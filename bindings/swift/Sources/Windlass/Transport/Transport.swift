import Foundation

/// An envelope that came. `acknowledge` is to be called when what `Client.receive` made of it is durable; until then it comes again.
public struct Incoming: Sendable {
    public let envelope: Data
    public let acknowledge: @Sendable () async -> Void

    public init(envelope: Data, acknowledge: @escaping @Sendable () async -> Void) {
        self.envelope = envelope
        self.acknowledge = acknowledge
    }
}

/// The transport could not do it. Trying again later may help.
public struct TransportError: LocalizedError, CustomStringConvertible, Equatable {
    /// Nobody keeps mail for the address, at least not yet.
    public static let noMailbox = TransportError("nobody has a mailbox there")

    /// The transport carries no envelope of this size. It takes the others.
    public static let tooLarge = TransportError("the transport carries no envelope of this size")

    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    public var errorDescription: String? { description }
}

/// What carries envelopes. It may reorder, delay, repeat and lose them; what makes it a good one is that `deliver` returns only when the
/// envelope is kept somewhere, and that what was not acknowledged comes again.
///
/// Whatever `publishBundle`, `fetchBundle` and `deliver` throw, a bot takes for something that passes: it goes on, and asks again later. Only
/// an envelope that is ``TransportError/tooLarge`` stays where it is.
/// What `start` throws ends its `run`. An acknowledgement that does not arrive is no error: what it was for comes again, and does no harm.
public protocol Transport: Sendable {
    /// 32 bytes that nobody else has, the same at each start of this store: to name a mailbox by, so that nobody else can. A bot calls it
    /// before `start`.
    func useSecret(_ secret: Data) async
    /// Opens the mailbox of a device. Does not wait for a connection; what needs one waits, or throws.
    func start(address: String, device: UInt32) async throws
    /// Puts our bundle where others find it by our address.
    func publishBundle(address: String, bundle: Data) async throws
    /// Somebody's bundle, or nothing. Anybody may have put it there, so its address is to be compared.
    func fetchBundle(address: String) async throws -> Data?
    /// Returns when the transport has the envelope for good.
    func deliver(address: String, envelope: Data) async throws
    /// What comes, until `close`.
    func receive() async -> AsyncStream<Incoming>
    /// Ends. Mail that comes from now on waits.
    func close() async
}

extension Transport {
    /// Without a use for it.
    public func useSecret(_ secret: Data) async {}
}
