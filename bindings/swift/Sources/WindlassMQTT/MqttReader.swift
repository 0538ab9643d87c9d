/// Takes packets out of the bytes that come.
struct MqttReader {
    let version: MqttVersion
    /// The longest packet that is read.
    let largest: Int
    private let more: () throws -> [UInt8]
    private var waiting: [UInt8] = []
    private var place = 0

    /// `more` gives some bytes, or none at the end.
    init(version: MqttVersion, largest: Int, more: @escaping () throws -> [UInt8]) {
        (self.version, self.largest, self.more) = (version, largest, more)
    }

    /// The next packet; nothing at the end.
    mutating func next() throws -> MqttPacket? {
        guard let first = try take(1)?.first else { return nil }
        var length = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            guard shift < 28 else { throw MqttMalformed("a length of five digits") }
            guard let digit = try take(1)?.first else { return nil }
            length |= Int(digit & 0x7F) << shift
            if digit < 0x80 { break }
        }
        if length > largest { return try tooLong(first, length) }
        guard let content = try take(length) else { return nil }
        var fields = MqttFields(content, version)
        return try fields.packet(first)
    }

    /// MQTT 3.1.1 cannot say what we take. Such a one is acknowledged, lest it comes again, and not kept.
    private mutating func tooLong(_ first: UInt8, _ length: Int) throws -> MqttPacket? {
        guard first >> 4 == 3, let size = try take(2) else { throw MqttMalformed("a packet of \(length) bytes") }
        let topic = Int(size.first ?? 0) << 8 | Int(size.last ?? 0)
        guard topic + 4 <= length, let content = try take(topic + 2) else { return nil }
        var rest = length - topic - 4
        while rest > 0 {
            guard let dropped = try take(min(rest, 65_536)) else { return nil }
            rest -= dropped.count
        }
        let number = content.suffix(2)
        let publication = MqttPublication(
            topic: String(decoding: content.dropLast(2), as: UTF8.self), payload: [], qos: first >> 1 & 3, retained: first & 1 == 1,
            number: UInt16(number.first ?? 0) << 8 | UInt16(number.last ?? 0), tooLong: true)
        return .publication(publication)
    }

    /// So many bytes, when they have come.
    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8>? {
        while waiting.count - place < count {
            // Only what was not taken is kept.
            waiting.removeFirst(place)
            place = 0
            let came = try more()
            if came.isEmpty { return nil }
            waiting += came
        }
        defer { place += count }
        return waiting[place..<place + count]
    }
}

/// A packet's content. Whoever reads beyond its end is told so.
private struct MqttFields {
    private var rest: ArraySlice<UInt8>
    private let version: MqttVersion

    init(_ content: ArraySlice<UInt8>, _ version: MqttVersion) {
        (rest, self.version) = (content, version)
    }

    mutating func packet(_ first: UInt8) throws -> MqttPacket {
        switch first >> 4 {
        case 2: return .greeting(MqttGreeting(kept: try byte() & 1 == 1, reason: try byte(), properties: try properties()))
        case 3:
            let (qos, topic) = (first >> 1 & 3, try text())
            let number = qos > 0 ? try short() : 0
            _ = try properties()
            let retained = first & 1 == 1
            return .publication(
                MqttPublication(topic: topic, payload: Array(rest), qos: qos, retained: retained, number: number, tooLong: false))
        case 4: return .published(number: try short(), reason: rest.isEmpty ? 0 : try byte())
        case 9:
            let number = try short()
            _ = try properties()
            return .subscribed(number: number, reason: try byte())
        case 11: return .unsubscribed(number: try short())
        case 13: return .pong
        case 14: return .goodbye(reason: rest.isEmpty ? 0 : try byte())
        default: throw MqttMalformed("a packet of kind \(first >> 4)")
        }
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw MqttMalformed("a packet that is cut off") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func byte() throws -> UInt8 {
        guard let byte = try take(1).first else { throw MqttMalformed("a packet that is cut off") }
        return byte
    }

    private mutating func short() throws -> UInt16 { try UInt16(byte()) << 8 | UInt16(byte()) }

    private mutating func long() throws -> UInt32 { try UInt32(short()) << 16 | UInt32(short()) }

    private mutating func text() throws -> String { String(decoding: try take(Int(short())), as: UTF8.self) }

    private mutating func length() throws -> Int {
        var length = 0
        for shift in stride(from: 0, through: 21, by: 7) {
            let digit = try byte()
            length |= Int(digit & 0x7F) << shift
            if digit < 0x80 { return length }
        }
        throw MqttMalformed("a length of five digits")
    }

    /// The numbers among them.
    private mutating func properties() throws -> [UInt8: UInt32] {
        guard version == .five else { return [:] }
        let length = try length()
        guard length <= rest.count else { throw MqttMalformed("properties that are cut off") }
        let end = rest.count - length
        var found: [UInt8: UInt32] = [:]
        while rest.count > end {
            let kind = try byte()
            switch kind {
            case 0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A: found[kind] = UInt32(try byte())
            case 0x13, 0x21, 0x22, 0x23: found[kind] = UInt32(try short())
            case 0x02, 0x11, 0x18, 0x27: found[kind] = try long()
            case 0x0B: _ = try self.length()
            case 0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F: _ = try take(Int(short()))
            case 0x26:
                _ = try take(Int(short()))
                _ = try take(Int(short()))
            default: throw MqttMalformed("a property of kind \(kind)")
            }
        }
        return found
    }
}
