import Foundation

/// What a bot remembers under names: whatever is `Codable`, at most 16 KiB of it.
///
/// ```swift
/// let state = try await message.state
/// state["count", default: 0] += 1
/// state["things", default: [String]()].append("mend the sail")
/// ```
///
/// What is read as something that it is not is not there. `read` and `write` take all of it as one value.
public final class BotDocument: Sendable {
    private struct State: Sendable {
        var all: [String: Json]
        /// Why something could not be written here; told when the handler has returned.
        var failure: (any Error)?
    }

    private let state: Locked<State>
    private let before: [String: Json]

    init(_ stored: Data?) throws {
        before = try stored.map { try JSONDecoder().decode([String: Json].self, from: $0) } ?? [:]
        state = Locked(State(all: before))
    }

    /// What has this name; nothing takes it away.
    public subscript<Value: Codable>(name: String) -> Value? {
        get { self[json: name].flatMap { try? $0.decoded() } }
        set { set(name, newValue) }
    }

    /// What has this name, or something else if there is nothing.
    public subscript<Value: Codable>(name: String, default other: @autoclosure () -> Value) -> Value {
        get { self[name] ?? other() }
        set { set(name, newValue) }
    }

    /// Takes away what has this name.
    public func remove(_ name: String) { self[json: name] = nil }

    /// Takes away all of it.
    public func removeAll() { state.use { $0.all = [:] } }

    /// The names of what is there.
    public var names: [String] { state.use { $0.all.keys.sorted() } }

    public var isEmpty: Bool { state.use { $0.all.isEmpty } }

    /// All of it as one value, for example a struct; nothing if nothing is there.
    public func read<Value: Codable>(_ type: Value.Type) throws -> Value? {
        let all = state.use { $0.all }
        return all.isEmpty ? nil : try Json.object(all).decoded()
    }

    /// One value, for example a struct, in place of all that was there.
    public func write(_ value: some Codable) throws {
        guard case .object(let all) = try Json(encoding: value) else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "a document has names"))
        }
        state.use { $0.all = all }
    }

    subscript(json name: String) -> Json? {
        get { state.use { $0.all[name] } }
        set { state.use { $0.all[name] = newValue } }
    }

    var all: [String: Json] {
        get { state.use { $0.all } }
        set { state.use { $0.all = newValue } }
    }

    private func set(_ name: String, _ value: (some Codable)?) {
        do {
            self[json: name] = try value.map { try Json(encoding: $0) }
        } catch {
            state.use { $0.failure = error }
        }
    }

    /// Whether it says something else than the store did, and what.
    func change() throws -> (changed: Bool, after: Data?) {
        let (all, failure) = state.use { ($0.all, $0.failure) }
        if let failure { throw failure }
        if all == before { return (false, nil) }
        return (true, all.isEmpty ? nil : try Json.encoder.encode(all))
    }
}

extension BotDocument: CustomStringConvertible {
    /// Without what it says: this ends up in logs.
    public var description: String { "BotDocument(\(state.use { $0.all.count }) names)" }
}

/// What JSON can say.
enum Json: Sendable, Equatable, Codable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Json])
    case object([String: Json])

    /// The same document is always the same bytes.
    static let encoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    init(encoding value: some Encodable) throws {
        // In a list, for some coders take nothing else at the top.
        self = try JSONDecoder().decode([Json].self, from: Self.encoder.encode([value]))[0]
    }

    func decoded<Value: Decodable>() throws -> Value {
        try JSONDecoder().decode([Value].self, from: Self.encoder.encode([self]))[0]
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let int = try? value.decode(Int64.self) {
            self = .int(int)
        } else if let double = try? value.decode(Double.self) {
            self = .double(double)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([Json].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: Json].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .int(let int): try value.encode(int)
        case .double(let double): try value.encode(double)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    var number: Double? {
        switch self {
        case .int(let int): Double(int)
        case .double(let double): double
        default: nil
        }
    }

    /// A number is the same with and without a point.
    func isSame(as other: Json) -> Bool { self == other || number != nil && number == other.number }

    var text: String? { if case .string(let text) = self { text } else { nil } }
}
