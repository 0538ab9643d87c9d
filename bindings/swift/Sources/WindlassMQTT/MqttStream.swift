import Foundation

/// Bytes to and from a broker, over TLS or without it. `MqttTransport` calls it from threads of its own, which may block.
///
/// On Linux the package has one. On Apple's systems give `MqttTransport` one of yours, for example an `NWConnection`.
public protocol MqttStream: Sendable {
    /// Some bytes that came, at most so long waited for; none at the end of the connection.
    func read(within time: Duration) throws -> [UInt8]

    /// Returns when all of it is on its way. Called by one thread at a time, which may be another one than that which reads.
    func write(_ bytes: [UInt8]) throws

    /// Ends what waits in `read` and `write`. May be called at any time, and again.
    func close()
}

/// Nothing came in time.
public struct MqttTimeout: Error {
    public init() {}
}

/// Where a stream is to lead.
public struct MqttEndpoint: Sendable {
    public let host: String
    public let port: UInt16
    /// Whether the broker is to prove by a certificate that it is `host`.
    public let tls: Bool
    /// Path of the authorities to trust, instead of those of the system.
    public let authorities: String?
    /// How long to wait for the connection.
    public let patience: Duration
}

/// Opens a stream; called in a thread of its own.
public typealias MqttConnect = @Sendable (MqttEndpoint) throws -> any MqttStream
