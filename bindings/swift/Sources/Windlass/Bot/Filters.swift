import Foundation

/// Says which messages a handler is for:
///
/// ```swift
/// bot.onMessage(.matches("order ([0-9]+)") && !.inGroup) { message in message.reply(message.groups[1]) }
/// ```
public struct Filter: Sendable {
    let includes: @Sendable (BotMessage) async throws -> Bool

    /// One of your own.
    public init(_ includes: @escaping @Sendable (BotMessage) async throws -> Bool) {
        self.includes = includes
    }

    /// Both.
    public static func && (one: Filter, other: Filter) -> Filter {
        Filter { message in
            guard try await one.includes(message) else { return false }
            return try await other.includes(message)
        }
    }

    /// One of the two.
    public static func || (one: Filter, other: Filter) -> Filter {
        Filter { message in
            if try await one.includes(message) { return true }
            return try await other.includes(message)
        }
    }

    /// The opposite.
    public static prefix func ! (one: Filter) -> Filter { Filter { try await !one.includes($0) } }

    /// What was written in a group.
    public static let inGroup = Filter { $0.inGroup }

    /// What means the bot: by a mention, by `@` and its name, or by its address.
    public static let mentioned = Filter { $0.bot.listening.mentions($0.message) }

    /// What is a text.
    public static let hasText = Filter { if case .text = $0.message.body { true } else { false } }

    /// What is a picture or another file.
    public static let hasFile = Filter { if case .attachment = $0.message.body { true } else { false } }

    /// What says one of these and nothing else, however a telephone writes it.
    public static func text(_ texts: String...) -> Filter {
        let wanted = Set(texts.map(folded))
        return Filter { wanted.contains(folded($0.text)) }
    }

    /// What has the pattern, a regular expression, anywhere in its text; ``BotMessage/groups`` are what was found. A pattern that is none ends the
    /// program here.
    public static func matches(_ pattern: String) -> Filter {
        guard let compiled = try? NSRegularExpression(pattern: pattern) else { preconditionFailure("\(pattern) is no pattern") }
        let expression = Expression(compiled: compiled)
        return Filter { message in
            message.groups = expression.groups(in: message.text)
            return !message.groups.isEmpty
        }
    }

    /// What one of these people wrote.
    public static func author(_ addresses: String...) -> Filter { Filter { addresses.contains($0.author) } }

    /// What was written in one of these conversations.
    public static func conversation(_ addresses: String...) -> Filter { Filter { addresses.contains($0.conversation) } }

    /// What somebody wrote who has this role; an admin has that of the allowed too.
    public static func role(_ wanted: Role) -> Filter { Filter { try await $0.role?.includes(wanted) ?? false } }
}

@Sendable private func folded(_ text: String) -> String { foldText(text: text).trimmingCharacters(in: .whitespacesAndNewlines) }

/// It does not change.
private struct Expression: @unchecked Sendable {
    let compiled: NSRegularExpression

    func groups(in text: String) -> [String] {
        guard let found = compiled.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) else { return [] }
        return (0..<found.numberOfRanges).map { number in
            Range(found.range(at: number), in: text).map { String(text[$0]) } ?? ""
        }
    }
}
