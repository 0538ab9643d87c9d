import Foundation

/// The version of the protocol, as CONNECT says it.
enum MqttVersion: UInt8, Sendable {
    case three = 4
    case five = 5
}

/// What a broker sends that makes no sense.
struct MqttMalformed: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What a broker sends.
enum MqttPacket: Sendable {
    case greeting(MqttGreeting)
    case publication(MqttPublication)
    case published(number: UInt16, reason: UInt8)
    case subscribed(number: UInt16, reason: UInt8)
    case unsubscribed(number: UInt16)
    case pong
    case goodbye(reason: UInt8)
}

struct MqttGreeting: Sendable {
    let kept: Bool
    let reason: UInt8
    let properties: [UInt8: UInt32]
}

struct MqttPublication: Sendable {
    let topic: String
    let payload: [UInt8]
    let qos: UInt8
    let retained: Bool
    let number: UInt16
    /// So long that it was not kept.
    let tooLong: Bool
}

enum MqttProperty {
    static let messageExpiry: UInt8 = 0x02
    static let sessionExpiry: UInt8 = 0x11
    static let keepAlive: UInt8 = 0x13
    static let receiveMaximum: UInt8 = 0x21
    static let maximumQos: UInt8 = 0x24
    static let maximumPacket: UInt8 = 0x27
}

/// MQTT 5 or 3.1.1, as far as mail needs it: OASIS MQTT 5.0, sections 2 and 3.
struct MqttPackets: Sendable {
    let version: MqttVersion

    /// A session that the broker keeps for so long; what it brings has at most so many bytes, and so much of it is under way.
    func connect(
        name: String, user: String?, password: [UInt8]?, keepAlive: UInt16, expiry: UInt32, receive: UInt16, largest: UInt32
    ) -> [UInt8] {
        packet(0x10) { body in
            body.add(text: "MQTT")
            body.bytes.append(version.rawValue)
            body.bytes.append((user == nil ? 0 : 0x80) | (password == nil ? 0 : 0x40))
            body.add(keepAlive)
            properties(&body) { properties in
                properties.add(MqttProperty.sessionExpiry, expiry)
                properties.bytes.append(MqttProperty.receiveMaximum)
                properties.add(receive)
                properties.add(MqttProperty.maximumPacket, largest)
            }
            body.add(text: name)
            if let user { body.add(text: user) }
            if let password { body.add(long: password) }
        }
    }

    func publish(topic: String, payload: [UInt8], number: UInt16, retain: Bool, expiry: UInt32?) -> [UInt8] {
        packet(retain ? 0x33 : 0x32) { body in
            body.add(text: topic)
            body.add(number)
            properties(&body) { properties in
                if let expiry { properties.add(MqttProperty.messageExpiry, expiry) }
            }
            body.bytes += payload
        }
    }

    func acknowledge(_ number: UInt16) -> [UInt8] { packet(0x40) { $0.add(number) } }

    /// Without `retained` the broker does not bring what it has retained there, if it speaks MQTT 5.
    func subscribe(topic: String, number: UInt16, retained: Bool) -> [UInt8] {
        packet(0x82) { body in
            body.add(number)
            properties(&body) { _ in }
            body.add(text: topic)
            body.bytes.append(version == .five && !retained ? 0x21 : 1)
        }
    }

    func unsubscribe(topic: String, number: UInt16) -> [UInt8] {
        packet(0xA2) { body in
            body.add(number)
            properties(&body) { _ in }
            body.add(text: topic)
        }
    }

    func ping() -> [UInt8] { packet(0xC0) { _ in } }

    func disconnect() -> [UInt8] { packet(0xE0) { _ in } }

    private func packet(_ first: UInt8, _ content: (inout MqttBody) -> Void) -> [UInt8] {
        var body = MqttBody()
        content(&body)
        var whole = MqttBody(bytes: [first])
        whole.add(length: body.bytes.count)
        return whole.bytes + body.bytes
    }

    private func properties(_ body: inout MqttBody, _ content: (inout MqttBody) -> Void) {
        guard version == .five else { return }
        var properties = MqttBody()
        content(&properties)
        body.add(length: properties.bytes.count)
        body.bytes += properties.bytes
    }
}

/// A packet's content as it is written.
private struct MqttBody {
    var bytes: [UInt8] = []

    mutating func add(_ number: UInt16) { bytes += [UInt8(number >> 8), UInt8(number & 0xFF)] }

    mutating func add(_ kind: UInt8, _ number: UInt32) {
        bytes.append(kind)
        add(UInt16(number >> 16))
        add(UInt16(number & 0xFFFF))
    }

    /// Callers see to it that it is no longer than its length can say.
    mutating func add(long: [UInt8]) {
        add(UInt16(clamping: long.count))
        bytes += long.prefix(Int(UInt16.max))
    }

    mutating func add(text: String) { add(long: Array(text.utf8)) }

    mutating func add(length: Int) {
        var rest = length
        repeat {
            let digit = UInt8(rest & 0x7F)
            rest >>= 7
            bytes.append(rest > 0 ? digit | 0x80 : digit)
        } while rest > 0
    }
}
