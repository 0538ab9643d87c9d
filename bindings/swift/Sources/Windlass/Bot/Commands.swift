import Foundation

/// What was typed does not fit. A command's handler may throw it too: its text is the answer.
public struct UsageError: LocalizedError, Equatable {
    public let errorDescription: String?

    public init(_ description: String) {
        errorDescription = description
    }
}

/// One argument of a command.
public struct Parameter<Value: Sendable>: Sendable {
    let shown: String
    let read: @Sendable (_ typed: inout ArraySlice<String>, _ usage: String) throws -> Value

    private static func one(_ name: String, _ kind: String, _ convert: @escaping @Sendable (String) -> Value?) -> Self {
        Self(shown: name) { typed, usage in
            guard let word = typed.popFirst() else { throw UsageError("\(name) is missing. Usage: \(usage)") }
            guard let value = convert(word) else {
                throw UsageError("\(name) must be \(kind), not \(word.prefix(40)). Usage: \(usage)")
            }
            return value
        }
    }

    /// It may be left out; then it is `value`.
    public func orElse(_ value: Value) -> Self {
        Self(shown: "[\(shown)]") { typed, usage in typed.isEmpty ? value : try read(&typed, usage) }
    }
}

extension Parameter where Value == String {
    /// One word; quotation marks keep several together.
    public static func word(_ name: String) -> Self { one(name, "a word") { $0 } }
}

extension Parameter where Value == Int {
    /// A whole number.
    public static func integer(_ name: String) -> Self { one(name, "a whole number") { readNumber(text: $0).flatMap { Int($0) } } }
}

extension Parameter where Value == Double {
    /// A number.
    public static func decimal(_ name: String) -> Self {
        one(name, "a number") { readNumber(text: $0).flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil } }
    }
}

extension Parameter where Value == Bool {
    /// Yes or no, on or off.
    public static func yesOrNo(_ name: String) -> Self {
        one(name, "yes or no") { word in
            switch foldText(text: word) {
            case "yes", "true", "on", "1": true
            case "no", "false", "off", "0": false
            default: nil
            }
        }
    }
}

extension Parameter where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of the cases of an enumeration.
    public static func choice(_ name: String) -> Self {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return one(name, "one of \(names)") { word in
            Value.allCases.first { foldText(text: $0.rawValue) == foldText(text: word) }
        }
    }
}

extension Parameter where Value == [String] {
    /// All words that are left, as the last argument.
    public static func rest(_ name: String) -> Self {
        Self(shown: "[\(name)...]") { typed, _ in
            defer { typed = [] }
            return Array(typed)
        }
    }
}

/// Who sees a command, and under which names.
struct CommandShown: Sendable {
    let about: String
    let aliases: [String]
    let role: Role?
    let hidden: Bool

    init(_ about: String, _ aliases: [String], _ role: Role?, _ hidden: Bool) {
        (self.about, self.aliases, self.role, self.hidden) = (about, aliases, role, hidden)
    }
}

/// A handler with a name.
struct Command: Sendable {
    let name: String
    let shown: CommandShown
    let parameters: [String]
    let call: @Sendable (_ message: BotMessage, _ typed: ArraySlice<String>, _ usage: String) async throws -> Void

    var hidden: Bool { shown.hidden }

    /// Whether somebody with a role may use it.
    func isFor(_ role: Role?) -> Bool { shown.role.map { role?.includes($0) ?? false } ?? true }

    /// The same with something around its handler.
    func within(_ outer: ArraySlice<Middleware>) -> Command {
        Command(name: name, shown: shown, parameters: parameters) { message, typed, usage in
            try await surrounded(message, outer) { try await call(message, typed, usage) }
        }
    }

    func usage(_ prefix: String) -> String {
        ([prefix + name] + parameters).joined(separator: " ")
    }

    func help(_ prefix: String) -> String {
        shown.about.isEmpty ? usage(prefix) : "\(usage(prefix)) - \(shown.about)"
    }
}

/// Fails unless everything that was typed was read.
func readAll(_ typed: ArraySlice<String>, _ usage: String) throws {
    if !typed.isEmpty { throw UsageError("That is too much. Usage: \(usage)") }
}
