import Foundation

/// What somebody is to the bot. Most people have none.
public enum Role: String, Sendable, CaseIterable, Codable {
    /// May all that the bot lets anybody do.
    case admin
    /// May use a bot whose `access` is ``Access/allowed``.
    case allowed
    /// What they write is not handled. They are not told. ``Bot/block(_:)`` refuses their messages before that.
    case blocked

    /// Whether whoever has this role may do what is for the other.
    public func includes(_ wanted: Role) -> Bool { self == wanted || self == .admin && wanted == .allowed }
}

/// Whom a bot hears.
public enum Access: Sendable {
    /// All but the blocked.
    case everybody
    /// The allowed and admins.
    case allowed
}

/// So many people have a role that nobody else can be given one.
public struct TooManyRoles: LocalizedError {
    public var errorDescription: String? { "too many people have a role" }
}

/// People with a role.
private let most = 10_000

/// The roles that a bot gave: ``Bot/roles``. In a handler a change becomes durable with the answer, elsewhere at once.
public struct Roles: Sendable {
    let bot: Bot

    /// What somebody is. Whom the bot's `admins` name is an admin, whatever the store says.
    public func of(_ address: String) async throws -> Role? { try await of(address, in: bot.currentTurn) }

    func of(_ address: String, in turn: Turn?) async throws -> Role? {
        if bot.admins.contains(address) { return .admin }
        let records = records
        if let changed = turn.flatMap({ records.changed($0)[address] }) { return roleIn(changed.document) }
        return try await all()[address]
    }

    /// Everybody who was given a role.
    public func all() async throws -> [String: Role] {
        if let known = bot.given.use({ $0 }) { return known }
        let read = try await records.all().compactMap { name, document in roleIn(document).map { (name, $0) } }
        return bot.given.use { given in
            let known = given ?? Dictionary(uniqueKeysWithValues: read)
            given = known
            return known
        }
    }

    /// Gives somebody a role, in place of the one that they had; nothing takes it away.
    public func set(_ address: String, _ role: Role?) async throws {
        let (turn, known) = (bot.currentTurn, try await all())
        if role != nil && known[address] == nil && known.count >= most { throw TooManyRoles() }
        let record = try await records.record(turn, address)
        record.document.removeAll()
        if let role { record.document["role"] = role }
        try await records.write(turn, record)
    }

    private var records: Records {
        Records(bot: bot, area: "roles") { [given = bot.given] address, document in
            let role = document.flatMap(roleIn)
            given.use { $0?[address] = role }
        }
    }
}

private func roleIn(_ document: BotDocument) -> Role? { document["role"] }

/// A list that a bot keeps in its store: its jobs, the roles that it gave. `kept` hears of each that is durable.
struct Records: Sendable {
    let bot: Bot
    let area: String
    let kept: @Sendable (String, BotDocument?) -> Void

    var owner: StateOwner { .program(area: area) }

    /// What is durable.
    func all() async throws -> [(String, BotDocument)] {
        let (client, owner) = (bot.client, owner)
        return try await onQueue { try client.states(owner: owner).map { ($0.name, try BotDocument($0.document)) } }
    }

    /// One of the list, in a turn as that has it.
    func record(_ turn: Turn?, _ name: String) async throws -> Remembered {
        if let changed = turn.flatMap({ changed($0)[name] }) { return changed }
        let (client, owner, kept) = (bot.client, owner, kept)
        let read = try await onQueue { try client.state(owner: owner, name: name) }
        let record = try Remembered(owner, name, read) { after in kept(name, after.flatMap { try? BotDocument($0) }) }
        turn?.enter(record)
        return record
    }

    /// Those that a turn has.
    func changed(_ turn: Turn) -> [String: Remembered] {
        Dictionary(uniqueKeysWithValues: turn.remembered(of: owner).map { ($0.name, $0) })
    }

    /// At once, where it belongs to nothing.
    func write(_ turn: Turn?, _ record: Remembered) async throws {
        if turn == nil { _ = try await bot.commit(nil, [], [record]) }
    }
}
