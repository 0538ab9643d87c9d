import Foundation
import Windlass

/// How long to wait for a bundle, and for others of the same address. A broker does not say that there is none.
private let fetchTime = Duration.seconds(5)
private let moreTime = Duration.milliseconds(300)
private let goodbyeTime = Duration.seconds(2)
private let noSubscribers: UInt8 = 0x10
private let refused: UInt8 = 0x80

/// Mail over any MQTT broker, by version 5, or 3.1.1 where that is not spoken: a persistent session is the mailbox, a retained message the bundle.
/// The topics are those of the other languages. Connects again by itself, later and later, up to a minute apart, from `start` to `close`.
public final class MqttTransport: Transport, CustomStringConvertible {
    /// What tests need not fill as much, nor wait for as long.
    struct Bounds: Sendable {
        var waitingBytes = 64 * 1024 * 1024
        var greeting = Duration.seconds(10)
        /// More than the longest envelope and its packet.
        var largestPacket = 16 * 1024 * 1024 + 65_536
    }

    private struct State: Sendable {
        var secret = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) })
        var mailbox: Mailbox?
    }

    private let broker: MqttBroker
    private let connect: MqttConnect
    private let bounds: Bounds
    private let log: @Sendable (String) -> Void
    private let state = Locked(State())

    init(url: String, bounds: Bounds, connect: @escaping MqttConnect, log: @escaping @Sendable (String) -> Void) throws {
        broker = try MqttBroker(url)
        (self.bounds, self.connect, self.log) = (bounds, connect, log)
    }

    /// - Parameters:
    ///   - url: `mqtts://user:password@host:port`; `?password_file=FILE` instead of a password, `?ca=FILE` names the authorities to trust,
    ///     `?version=3` or `5` the version, `?prefix=` other topics than `windlass/v1`. `mqtt://`, which is not encrypted, is for this machine
    ///     alone, or with `?cleartext=yes`.
    ///   - connect: Opens the connections.
    ///   - log: Where it says what goes wrong with the broker.
    public convenience init(
        url: String, connect: @escaping MqttConnect, log: @escaping @Sendable (String) -> Void = logToStandardError
    ) throws {
        try self.init(url: url, bounds: Bounds(), connect: connect, log: log)
    }

    #if os(Linux)
        /// The same over sockets and OpenSSL.
        public convenience init(url: String, log: @escaping @Sendable (String) -> Void = logToStandardError) throws {
            try self.init(url: url, connect: connectOnLinux, log: log)
        }
    #endif

    /// Without user and password.
    public var description: String { "MqttTransport(\(broker))" }

    public func useSecret(_ secret: Data) async {
        state.use { $0.secret = secret }
    }

    public func start(address: String, device: UInt32) async throws {
        await close()
        let name = mailboxName(secret: state.use { $0.secret }, address: address, device: device)
        let mailbox = Mailbox(name: name, address: address, broker: broker, bounds: bounds, connect: connect, log: log)
        state.use { $0.mailbox = mailbox }
        mailbox.open()
    }

    private func mailbox() throws -> Mailbox {
        guard let mailbox = state.use({ $0.mailbox }) else { throw TransportError("the transport is not started") }
        return mailbox
    }

    private func topic(_ kind: String, _ address: String) throws -> String {
        // Else somebody's address could be a filter for everybody's mail.
        let isAddress = !address.isEmpty && address.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) }
        guard isAddress else { throw TransportError("this is no address") }
        return "\(broker.prefix)/\(kind)/\(address)"
    }

    public func deliver(address: String, envelope: Data) async throws {
        let (mailbox, topic) = (try mailbox(), try topic("inbox", address))
        if mailbox.keepsNoMail { throw TransportError("the broker keeps no mail") }
        let reason = try await mailbox.publish(MqttLetter(topic: topic, payload: Array(envelope), retain: false))
        // Nobody has a session for the topic, and so the broker has thrown the envelope away.
        if reason == noSubscribers { throw TransportError.noMailbox }
        if reason >= refused { throw TransportError("the broker refused the envelope, reason \(reason)") }
    }

    public func publishBundle(address: String, bundle: Data) async throws {
        let mailbox = try mailbox()
        let letter = MqttLetter(topic: try topic("bundle", address), payload: Array(bundle), retain: true)
        let reason = try await mailbox.publishOurs(letter)
        if reason >= refused { throw TransportError("the broker refused the bundle, reason \(reason)") }
    }

    public func fetchBundle(address: String) async throws -> Data? {
        let (mailbox, topic) = (try mailbox(), try topic("bundle", address))
        let (found, end) = mailbox.want(address, topic)
        defer { end() }
        // Of those that come the newest of this address; others are passed over, whoever put them there.
        let newest = Locked<(bundle: Data, issued: Date)?>(nil)
        _ = try await within(fetchTime) {
            for await bundle in found {
                guard let issued = issued(bundle, by: address) else { continue }
                return newest.use { $0 = (bundle, issued) }
            }
        }
        if newest.use({ $0 == nil }) { return nil }
        _ = try await within(moreTime) {
            for await bundle in found {
                guard let issued = issued(bundle, by: address) else { continue }
                newest.use { if let best = $0, issued > best.issued { $0 = (bundle, issued) } }
            }
        }
        return newest.use { $0?.bundle }
    }

    public func receive() async -> AsyncStream<Incoming> {
        state.use { $0.mailbox }?.inbox ?? AsyncStream { $0.finish() }
    }

    public func close() async {
        let mailbox = state.use { state in
            defer { state.mailbox = nil }
            return state.mailbox
        }
        guard let mailbox else { return }
        // Without waiting for what is under way: the caller that waited for it is gone, and it is in the outbox.
        await mailbox.close(within: goodbyeTime)
    }
}

/// When the bundle of an address was issued; nothing if it is none of theirs, or for one reader alone.
func issued(_ bytes: Data, by address: String) -> Date? {
    guard let bundle = try? Bundle.decode(bytes: bytes), !bundle.singleUse(), bundle.identity().address() == address else { return nil }
    return bundle.issuedAt()
}
