import Foundation
import Windlass

private let keepAliveSeconds: UInt16 = 60

/// Who we are to a broker.
struct MqttName: Sendable {
    let client: String
    let user: String?
    let password: [UInt8]?
}

/// One connection with a broker, from the greeting on; nothing in it outlives it. One thread of it reads, a queue writes.
final class MqttConnection: Sendable {
    private struct State: Sendable {
        var stream: (any MqttStream)?
        var number: UInt16 = 0
        /// How long nothing may come.
        var idle: Duration
        var greeted = false
        /// The broker hangs up when it was told.
        var leaving = false
    }

    let packets: MqttPackets
    /// How it ended.
    let ended = Once<MqttEnd>()
    private let greeting = Once<MqttGreeting?>()
    private let endpoint: MqttEndpoint
    private let connect: MqttConnect
    private let largest: Int
    private let state: Locked<State>
    private let writing = DispatchQueue(label: "dev.windlass.mqtt")

    init(version: MqttVersion, endpoint: MqttEndpoint, largest: Int, connect: @escaping MqttConnect) {
        (packets, self.endpoint, self.largest, self.connect) = (MqttPackets(version: version), endpoint, largest, connect)
        state = Locked(State(idle: endpoint.patience))
    }

    /// Nothing if it ended before the broker greeted.
    func greet(_ name: MqttName, expiry: UInt32, receive: UInt16, came: @escaping @Sendable (MqttPacket) -> Void) async throws -> MqttGreeting? {
        let hello = packets.connect(
            name: name.client, user: name.user, password: name.password, keepAlive: keepAliveSeconds, expiry: expiry, receive: receive,
            largest: UInt32(clamping: largest))
        let thread = Thread { [self] in end(run(hello, came)) }
        thread.name = "windlass-mqtt"
        thread.start()
        guard let said = try await greeting.value() else { return nil }
        let asked = said.properties[MqttProperty.keepAlive].map { Duration.seconds(Int64($0)) } ?? .zero
        let seconds = asked > .zero ? asked : .seconds(Int64(keepAliveSeconds))
        // A broker answers a ping at once. Whoever says nothing for that long is not there any more.
        state.use { $0.idle = seconds * 1.5 }
        Task { [weak self] in
            while let self, !self.ended.isComplete {
                self.post(self.packets.ping())
                // Less than half of what the broker waits for, and of what we do.
                _ = try? await within(seconds * 0.5) { try await self.ended.value() }
            }
        }
        return said
    }

    /// Until it has ended; how.
    private func run(_ hello: [UInt8], _ came: @escaping @Sendable (MqttPacket) -> Void) -> MqttEnd {
        let stream: any MqttStream
        do {
            stream = try connect(endpoint)
        } catch is MqttTimeout {
            return .silent
        } catch {
            return .unreachable((error as? TransportError)?.description ?? "\(type(of: error))")
        }
        state.use { $0.stream = stream }
        defer { stream.close() }
        if ended.isComplete { return .ours }
        do {
            try stream.write(hello)
            var reader = MqttReader(version: packets.version, largest: largest) { [state] in try stream.read(within: state.use { $0.idle }) }
            while let packet = try reader.next() {
                switch packet {
                case .greeting(let said):
                    if said.reason != 0 { return .refused(said.reason) }
                    state.use { $0.greeted = true }
                    greeting.complete(.success(said))
                case .goodbye(let reason): return .goodbye(reason)
                default: came(packet)
                }
            }
        } catch is MqttTimeout {
            return state.use { $0.greeted } ? .asleep : .silent
        } catch let malformed as MqttMalformed {
            return .broken(malformed.description)
        } catch {
            // It was cut off while it was read.
        }
        return state.use { $0.leaving } ? .ours : .lost
    }

    func number() -> UInt16 {
        state.use { state in
            // The last one is that of the first subscription.
            state.number = state.number >= 0xFFFE ? 1 : state.number + 1
            return state.number
        }
    }

    /// Writes a packet behind the others.
    func post(_ packet: [UInt8]) {
        guard let stream = state.use({ $0.stream }), !ended.isComplete else { return }
        // Who reads finds out why it fails; what the broker said last may still be on its way.
        writing.async { try? stream.write(packet) }
    }

    func end(_ how: MqttEnd) {
        guard ended.complete(.success(how)) else { return }
        // Nobody waits for the greeting any more.
        greeting.complete(.success(nil))
        state.use { $0.stream }?.close()
    }

    /// Leaves in order.
    func goodbye() {
        let (stream, greeted) = state.use { state in
            state.leaving = true
            return (state.stream, state.greeted)
        }
        guard greeted, let stream, !ended.isComplete else { return end(.ours) }
        writing.async { [self] in
            try? stream.write(packets.disconnect())
            end(.ours)
        }
    }
}

/// What comes in time, or nothing.
func within<T: Sendable>(_ time: Duration, _ work: @escaping @Sendable () async throws -> T) async throws -> T? {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: time)
            return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
    }
}
