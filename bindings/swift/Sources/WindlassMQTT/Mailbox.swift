import Foundation
import Windlass

/// How long a broker keeps mail for a device that is away: less than prekeys are kept, so that it can be opened.
private let keepMail: UInt32 = 28 * 24 * 3600
/// How many envelopes a broker may bring that are not acknowledged.
private let receiveMaximum: UInt16 = 128
/// How many letters are under way at once.
private let window: UInt32 = 20
/// What an envelope costs beside its bytes.
private let overhead = 1024
/// More than any bundle has.
private let longestBundle = 65_536
private let firstRepair = Duration.seconds(10)
private let longestRepair = Duration.seconds(600)
private let refused: UInt8 = 0x80
private let unknownVersion: Set<UInt8> = [0x84, 0x01]
/// The first number of a connection is its own.
private let subscribeInbox: UInt16 = 0xFFFF

/// A device's mailbox at a broker, from `open` to `close`.
final class Mailbox: Sendable {
    private struct State: Sendable {
        var connection: MqttConnection?
        /// Greeted, and with our mailbox.
        var alive = false
        /// Whether the broker had our mailbox; nothing as long as it has not greeted.
        var kept: Bool?
        var subscribing = Once<UInt8>()
        /// What was brought and not acknowledged, in bytes.
        var held = 0
        /// Something was let go that did not fit in memory.
        var letGo = false
        var keepsNoMail = false
        var closing = false
        var bundle: MqttLetter?
        var wanted: [String: [UUID: AsyncStream<Data>.Continuation]] = [:]
        var work: [Task<Void, Never>] = []
    }

    let inbox: AsyncStream<Incoming>
    private let bring: AsyncStream<Incoming>.Continuation
    private let foreign: AsyncStream<Data>
    private let foundForeign: AsyncStream<Data>.Continuation
    private let looking = Signal()
    private let letters = MqttLetters()
    private let state = Locked(State())
    private let (name, address, broker): (String, String, MqttBroker)
    private let bounds: MqttTransport.Bounds
    private let connect: MqttConnect
    private let log: @Sendable (String) -> Void

    init(
        name: String, address: String, broker: MqttBroker, bounds: MqttTransport.Bounds, connect: @escaping MqttConnect,
        log: @escaping @Sendable (String) -> Void
    ) {
        (self.name, self.address, self.broker, self.bounds, self.connect, self.log) = (name, address, broker, bounds, connect, log)
        (inbox, bring) = AsyncStream.makeStream()
        (foreign, foundForeign) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var keepsNoMail: Bool { state.use { $0.keepsNoMail } }

    private func topic(_ kind: String, _ address: String) -> String { "\(broker.prefix)/\(kind)/\(address)" }

    func open() {
        let work = [Task { await stayConnected() }, Task { await sendOut() }, Task { await guardBundle() }]
        state.use { $0.work = work }
    }

    func close(within time: Duration) async {
        let (connection, work) = state.use { state in
            (state.closing, state.alive) = (true, false)
            return (state.connection, state.work)
        }
        connection?.goodbye()
        // In a task of its own: whoever closes may have been cancelled.
        if let connection { await Task { _ = try? await WindlassMQTT.within(time) { try await connection.ended.value() } }.value }
        work.forEach { $0.cancel() }
        connection?.end(.ours)
        letters.close()
        bring.finish()
        foundForeign.finish()
    }

    // MARK: Connections

    private func stayConnected() async {
        var (version, ungreeted) = (broker.version ?? .five, 0)
        var pauses = MqttPauses(broker.description, log: log)
        while !Task.isCancelled && !state.use({ $0.closing }) {
            let endpoint = MqttEndpoint(
                host: broker.host, port: broker.port, tls: broker.tls, authorities: broker.authorities, patience: bounds.greeting)
            let connection = MqttConnection(version: version, endpoint: endpoint, largest: bounds.largestPacket, connect: connect)
            state.use { ($0.connection, $0.kept, $0.letGo) = (connection, nil, false) }
            do {
                try await live(connection)
            } catch let failure as TransportError {
                connection.end(.broken(failure.description))
            } catch {
                // We were cancelled.
            }
            connection.end(.ours)
            let (kept, letGo, closing) = state.use { state in
                state.alive = false
                return (state.kept, state.letGo, state.closing)
            }
            guard !closing, let end = try? await connection.ended.value() else { return }
            if case .refused(let reason) = end, unknownVersion.contains(reason), version == .five, broker.version == nil {
                log("\(broker) does not speak MQTT 5; MQTT 3.1.1 from now on")
                version = .three
                continue
            }
            // Some brokers say nothing to a version that they do not know, or hang up.
            if case .unreachable = end { ungreeted = 0 } else { ungreeted = kept == nil ? ungreeted + 1 : 0 }
            if broker.version == nil && (end == .silent || ungreeted > 1) { version = version == .five ? .three : .five }
            let probed = letters.ended(mine: end.mayBeOurs)
            try? await Task.sleep(for: pauses.after(end, kept: kept == true, probed: probed, again: letGo))
        }
    }

    /// Until the connection has ended.
    private func live(_ connection: MqttConnection) async throws {
        let (user, password) = try broker.credentials(address: address)
        let name = MqttName(client: name, user: user, password: password)
        let greeting = try await connection.greet(name, expiry: keepMail, receive: receiveMaximum) { [weak self, weak connection] packet in
            if let self, let connection { self.came(packet, connection) }
        }
        guard let greeting else { return }
        let subscribing = Once<UInt8>()
        state.use { ($0.kept, $0.subscribing) = (greeting.kept, subscribing) }
        Task {
            _ = try? await connection.ended.value()
            subscribing.complete(.failure(CancellationError()))
        }
        connection.post(connection.packets.subscribe(topic: topic("inbox", address), number: subscribeInbox, retained: false))
        let granted = try await subscribing.value()
        if granted >= refused { return connection.end(.refused(granted)) }
        let keepsNoMail = granted == 0 || greeting.properties[MqttProperty.maximumQos] == 0
        if keepsNoMail { log("\(broker) keeps no mail: it grants QoS 0 only; use another broker") }
        let atOnce = min(max(greeting.properties[MqttProperty.receiveMaximum] ?? window, 1), window)
        letters.begin(connection, window: Int(atOnce), largest: greeting.properties[MqttProperty.maximumPacket].map(Int.init) ?? .max)
        let (bundle, wanted) = state.use { state in
            state.keepsNoMail = keepsNoMail
            return (state.bundle, Array(state.wanted.keys))
        }
        // A broker that lost its disk has lost the bundle too.
        if let bundle { publishAgain(bundle, over: connection) }
        for address in wanted { subscribe(to: topic("bundle", address), over: connection) }
        state.use { $0.alive = true }
        looking.raise()
        _ = try await connection.ended.value()
    }

    private func publishAgain(_ bundle: MqttLetter, over connection: MqttConnection) {
        subscribe(to: bundle.topic, over: connection)
        // Not what was refused, or ended connections.
        if case .failure = bundle.done.now { return }
        letters.add(bundle)
    }

    private func subscribe(to topic: String, over connection: MqttConnection) {
        connection.post(connection.packets.subscribe(topic: topic, number: connection.number(), retained: true))
    }

    // MARK: What comes in

    /// In the thread of the connection.
    private func came(_ packet: MqttPacket, _ connection: MqttConnection) {
        switch packet {
        case .publication(let publication): came(publication, connection)
        case .published(let number, let reason):
            letters.confirmed(number, reason: reason)
            looking.raise()
        case .subscribed(subscribeInbox, let reason): state.use { $0.subscribing }.complete(.success(reason))
        case .greeting, .goodbye, .subscribed, .unsubscribed, .pong: break
        }
    }

    private func came(_ publication: MqttPublication, _ connection: MqttConnection) {
        if publication.topic == topic("inbox", address), !publication.retained, !publication.tooLong {
            let cost = publication.payload.count + overhead
            let taken = state.use { state in
                let fits = !state.letGo && state.held + cost <= bounds.waitingBytes
                // Else it is not acknowledged, and so it comes again; those behind it too, in their order.
                if fits { state.held += cost } else { state.letGo = true }
                return fits
            }
            if taken {
                bring.yield(Incoming(envelope: Data(publication.payload)) { [self] in handled(publication, connection, cost) })
            } else {
                makeRoom()
            }
            return
        }
        let bundles = topic("bundle", "")
        if publication.topic.hasPrefix(bundles) {
            let owner = String(publication.topic.dropFirst(bundles.count))
            let bytes = Data(publication.payload.count > longestBundle ? [] : publication.payload)
            // An empty one says that it was taken away.
            if !bytes.isEmpty { state.use { $0.wanted[owner] }?.values.forEach { $0.yield(bytes) } }
            if owner == address { foundForeign.yield(bytes) }
        }
        acknowledge(publication, connection)
    }

    private func acknowledge(_ publication: MqttPublication, _ connection: MqttConnection) {
        // Over the connection that brought it: a number means another envelope in the next one.
        if publication.qos > 0 { connection.post(connection.packets.acknowledge(publication.number)) }
    }

    private func handled(_ publication: MqttPublication, _ connection: MqttConnection, _ cost: Int) {
        acknowledge(publication, connection)
        state.use { $0.held -= cost }
        makeRoom()
    }

    /// What was let go comes again with the next connection, when half of what was held is acknowledged.
    private func makeRoom() {
        let connection = state.use { $0.letGo && $0.held < bounds.waitingBytes / 2 ? $0.connection : nil }
        connection?.goodbye()
    }

    // MARK: What goes out

    private func sendOut() async {
        for await _ in looking.raised {
            guard let connection = state.use({ $0.alive ? $0.connection : nil }) else { continue }
            let (ready, again) = letters.next(connection, number: connection.number)
            for letter in ready {
                let expiry = letter.retain ? nil : keepMail
                let packet = connection.packets.publish(
                    topic: letter.topic, payload: letter.payload, number: letter.number, retain: letter.retain, expiry: expiry)
                connection.post(packet)
            }
            guard let again else { continue }
            Task { [looking] in
                try? await Task.sleep(for: again)
                looking.raise()
            }
        }
    }

    /// Until the broker has taken it; with which reason.
    func publish(_ letter: MqttLetter) async throws -> UInt8 {
        letters.add(letter)
        looking.raise()
        do {
            return try await letter.done.value()
        } catch is CancellationError {
            letters.forget(letter)
            throw CancellationError()
        }
    }

    // MARK: Bundles

    func publishOurs(_ letter: MqttLetter) async throws -> UInt8 {
        state.use { $0.bundle = letter }
        let reason = try await publish(letter)
        if let connection = state.use({ $0.alive ? $0.connection : nil }) { subscribe(to: letter.topic, over: connection) }
        return reason
    }

    /// Anybody who may write there can replace our bundle, or take it away.
    private func guardBundle() async {
        var pause = Duration.zero
        for await found in foreign {
            guard let ours = state.use({ $0.bundle }), Data(ours.payload) != found else { continue }
            if let theirs = issued(found, by: address), theirs > issued(Data(ours.payload), by: address) ?? .distantPast { continue }
            log("somebody replaced our bundle at \(broker), or took it away; it is put there again. Access rules would prevent it")
            try? await Task.sleep(for: pause)
            pause = pause == .zero ? firstRepair : min(pause * 2, longestRepair)
            letters.add(ours)
            looking.raise()
        }
    }

    /// The bundles of an address that come, until `end`.
    func want(_ address: String, _ topic: String) -> (found: AsyncStream<Data>, end: @Sendable () -> Void) {
        let (found, continuation) = AsyncStream.makeStream(of: Data.self, bufferingPolicy: .bufferingNewest(16))
        let id = UUID()
        let connection = state.use { state in
            state.wanted[address, default: [:]][id] = continuation
            return state.alive ? state.connection : nil
        }
        if let connection { subscribe(to: topic, over: connection) }
        return (
            found,
            { [self] in
                let connection = state.use { state -> MqttConnection? in
                    state.wanted[address]?[id] = nil
                    guard state.wanted[address]?.isEmpty == true else { return nil }
                    state.wanted[address] = nil
                    return address == self.address ? nil : state.connection
                }
                connection.map { $0.post($0.packets.unsubscribe(topic: topic, number: $0.number())) }
            }
        )
    }
}
