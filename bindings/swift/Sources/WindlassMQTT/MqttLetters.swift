import Foundation
import Windlass

/// How long others wait for one with which a connection ended before.
private let probeTime = Duration.seconds(30)
/// How often one is tried that is no larger than what the broker has taken already.
private let tries = 3
private let packetTooLarge: UInt8 = 0x95
private let packetRefused: UInt8 = 0x80
private let closed = TransportError("the transport was closed")

/// Something that the broker has not confirmed yet. Its variables are guarded by the lock of the letters that it is among.
final class MqttLetter: @unchecked Sendable {
    let topic: String
    let payload: [UInt8]
    let retain: Bool
    /// The reason with which the broker took it, or did not.
    let done = Once<UInt8>()
    /// In this connection; 0 as long as it was not sent.
    fileprivate(set) var number: UInt16 = 0
    /// A connection ended while it was under way.
    fileprivate var suspect = false
    /// How often it ended a connection in which it was alone.
    fileprivate var ends = 0
    fileprivate var sentAt = ContinuousClock.now

    init(topic: String, payload: [UInt8], retain: Bool) {
        (self.topic, self.payload, self.retain) = (topic, payload, retain)
    }

    /// With kind, length of the rest, length of the topic, number, properties.
    var size: Int { topic.utf8.count + payload.count + 32 }
}

/// What goes out, and what is sent again when a connection has ended: never by a library's own queue, which would send first again what ended the
/// last connection. After such an end the others go first, and then the suspects, each alone: with which one it ends again, that is too large, if
/// the broker has taken none of its size before.
final class MqttLetters: Sendable {
    private struct State: Sendable {
        var waiting: [MqttLetter] = []
        var current: ObjectIdentifier?
        var window = 0
        var largest = Int.max
        /// The largest that the broker has taken.
        var taken = 0
        var closed = false

        var underWay: Int { waiting.count { $0.number != 0 } }
        var probe: MqttLetter? { waiting.first { $0.suspect && $0.number != 0 } }

        mutating func remove(_ letter: MqttLetter) { waiting.removeAll { $0 === letter } }

        mutating func refuse(_ letter: MqttLetter) {
            remove(letter)
            letter.done.complete(.failure(TransportError.tooLarge))
        }
    }

    private let state = Locked(State())
    private let clock: @Sendable () -> ContinuousClock.Instant

    init(clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.clock = clock
    }

    func add(_ letter: MqttLetter) {
        state.use { state in
            if state.waiting.contains(where: { $0 === letter }) { return }
            if state.closed { return _ = letter.done.complete(.failure(closed)) }
            // Our bundle goes out again with each connection.
            (letter.number, letter.suspect) = (0, false)
            if letter.size > state.largest { state.refuse(letter) } else { state.waiting.append(letter) }
        }
    }

    /// Nobody waits for it any more.
    func forget(_ letter: MqttLetter) {
        // What is under way is confirmed, and holds its number until then.
        state.use { if letter.number == 0 { $0.remove(letter) } }
    }

    /// A new connection takes so many at once, and none that is larger.
    func begin(_ connection: AnyObject, window: Int, largest: Int) {
        let connection = ObjectIdentifier(connection)
        state.use { state in
            (state.current, state.window, state.largest) = (connection, window, largest)
            for letter in state.waiting where letter.size > largest { state.refuse(letter) }
        }
    }

    /// What is to be sent now by this connection, nothing if it is not the one that lives; and after how long to look again.
    func next(_ connection: AnyObject, number: () -> UInt16) -> (letters: [MqttLetter], again: Duration?) {
        let (connection, now) = (ObjectIdentifier(connection), clock())
        return state.use { state in
            guard connection == state.current else { return ([], nil) }
            if let probe = state.probe, now - probe.sentAt < probeTime { return ([], probeTime - (now - probe.sentAt)) }
            let unsent = state.waiting.filter { $0.number == 0 }
            let ready = Array(unsent.filter { !$0.suspect }.prefix(max(state.window - state.underWay, 0)))
            let alone = ready.isEmpty && state.underWay == 0 ? unsent.first { $0.suspect } : nil
            let sent = ready + [alone].compactMap { $0 }
            for letter in sent { (letter.number, letter.sentAt) = (number(), now) }
            return (sent, alone.map { _ in probeTime })
        }
    }

    func confirmed(_ number: UInt16, reason: UInt8) {
        state.use { state in
            guard let letter = state.waiting.first(where: { $0.number == number }) else { return }
            state.remove(letter)
            if reason < packetRefused { state.taken = max(state.taken, letter.size) }
            letter.done.complete(reason == packetTooLarge ? .failure(TransportError.tooLarge) : .success(reason))
        }
    }

    /// The connection has ended; if `mine`, perhaps because of what was under way. Whether that was a probe, and the others have nothing to do
    /// with it; nothing if nothing is suspect.
    func ended(mine: Bool) -> Bool? {
        state.use { state in
            state.current = nil
            let (probe, underWay) = (state.probe, state.waiting.filter { $0.number != 0 })
            underWay.forEach { $0.number = 0 }
            if !mine || underWay.isEmpty { return nil }
            if let probe { giveUp(probe, &state) }
            underWay.forEach { $0.suspect = true }
            return probe != nil
        }
    }

    private func giveUp(_ probe: MqttLetter, _ state: inout State) {
        probe.ends += 1
        let tooLarge = probe.size > state.taken
        // A broker that is started again and again makes nothing too large.
        if !tooLarge && probe.ends < tries { return }
        state.remove(probe)
        let said = "the broker ends the connection each time these \(probe.payload.count) bytes come"
        probe.done.complete(.failure(tooLarge ? TransportError.tooLarge : TransportError(said)))
    }

    func close() {
        let waiting = state.use { state in
            defer { (state.waiting, state.closed) = ([], true) }
            return state.waiting
        }
        waiting.forEach { $0.done.complete(.failure(closed)) }
    }
}
