import Foundation

/// The bot is the first person of its world.
private let botPerson: UInt32 = 0

/// A person who talks with a bot, in a small world of their own, without a network. All of it is the real thing; nothing is a mock.
///
/// ```swift
/// let anne = try BotTestClient { client, transport in todoBot(client: client, transport: transport) }
/// XCTAssertEqual(try await anne.say("/add mend the sail"), "1. mend the sail")
/// ```
///
/// `make` is your program's: it makes the bot of a client, at the beginning and after each `crash`, and does not run it. What that throws and has no
/// error handler for is thrown by `say`.
public final class BotTestClient: Sendable {
    private struct Shared: Sendable {
        let world: Simulation
        let make: @Sendable (Client, any Transport) -> Bot
        let failures = Locked<[any Error]>([])

        func made() throws -> Bot {
            let bot = make(try world.client(person: botPerson, device: 0), MemoryPost().transport())
            if bot.handlers.use({ $0.errors.isEmpty }) { bot.onError { [failures] _, failure in failures.use { $0.append(failure) } } }
            // Before the first message comes.
            try bot.prepare()
            return bot
        }
    }

    private let shared: Shared
    private let current: Locked<Bot>
    private let known = Locked<Set<String>>([])
    /// Which person of the world it is.
    public let person: UInt32

    public convenience init(seed: UInt64 = 1, _ make: @escaping @Sendable (Client, any Transport) -> Bot) throws {
        let shared = Shared(world: Simulation(seed: seed), make: make)
        _ = try shared.world.addPerson()
        try self.init(shared, Locked(shared.made()))
    }

    private init(_ shared: Shared, _ current: Locked<Bot>) throws {
        (self.shared, self.current) = (shared, current)
        person = try shared.world.addPerson()
        try shared.world.introduce(a: person, b: botPerson)
    }

    /// Where all of that happens.
    public var world: Simulation { shared.world }

    /// The bot; another one after a `crash`.
    public var bot: Bot { current.use { $0 } }

    /// The person's client.
    public func client() throws -> Client { try world.client(person: person, device: 0) }

    /// The person's address.
    public func address() throws -> String { try client().address() }

    /// Another person in the same world, who knows this one and the bot.
    public func friend() throws -> BotTestClient {
        let other = try BotTestClient(shared, current)
        try world.introduce(a: person, b: other.person)
        return other
    }

    /// A group with the bot and others; its address, for `say(..., to: address)`.
    public func createGroup(_ name: String, _ others: BotTestClient...) throws -> String {
        let members = try [bot.client.address()] + others.map { try $0.address() }
        let group = try client().createGroup(name: name, members: members).address()
        _ = try world.run()
        for member in [botPerson] + others.map(\.person) {
            try world.client(person: member, device: 0).conversation(address: group).join()
            _ = try world.run()
        }
        return group
    }

    /// Says something to the bot, or in a group; what the bot says there then. Several messages of its are lines, none is an empty text.
    @discardableResult
    public func say(_ text: String, to: String? = nil) async throws -> String {
        try await said(to) { client, place in _ = try client.send(to: place, text: text) }
    }

    /// The same with a text that mentions people.
    @discardableResult
    public func say(_ text: RichText, to: String? = nil) async throws -> String {
        try await said(to) { client, place in _ = try client.conversation(address: place).sendRich(text: text) }
    }

    private func said(_ to: String?, _ send: @escaping @Sendable (Client, String) throws -> Void) async throws -> String {
        let (client, place) = (try client(), to ?? bot.client.address())
        _ = try await heard(place)
        try await onQueue { try send(client, place) }
        try await settle()
        return lines(try await heard(place))
    }

    /// Moves the clock of the world, from job to job, and does what is due by then; what the bot says of it to this person.
    @discardableResult
    public func advance(_ time: Duration) async throws -> String {
        // What the bot plans by itself, it plans now.
        try await settle()
        _ = try await heard()
        let over = bot.client.now().addingTimeInterval(time.inSeconds)
        while case let left = over.timeIntervalSince(bot.client.now()), left > 0 {
            let due = bot.jobs.nextDue()?.timeIntervalSince(bot.client.now()) ?? left
            // A millisecond is what the clock of the world counts.
            let (world, step) = (world, max(min(left, due), 0.001))
            try await onQueue { try world.advance(time: step) }
            try await settle()
        }
        return lines(try await heard())
    }

    /// Carries what is on its way, and has the bot handle it, until nothing happens any more.
    public func settle() async throws {
        let world = world
        repeat { try await onQueue { _ = try world.run() } } while try await bot.handleWaiting() > 0
        try await onQueue { _ = try world.run() }
        if let failure = shared.failures.use({ $0.isEmpty ? nil : $0.removeFirst() }) { throw failure }
    }

    /// What the bot wrote to this person since this was last asked, or in a group.
    public func heard(_ address: String? = nil) async throws -> [Message] {
        let (client, author) = (try client(), bot.client.address())
        let history = try await onQueue { try client.conversation(address: address ?? author).messages(limit: 1000) }
        return history.filter { one in one.author == author && one.body.isSaid && known.use { $0.insert(one.id).inserted } }
    }

    /// The bot's machine loses power, and starts again.
    public func crash() throws {
        try world.crash(person: botPerson, device: 0)
        let next = try shared.made()
        current.use { $0 = next }
    }
}

private func lines(_ messages: [Message]) -> String { messages.map { $0.text ?? "" }.joined(separator: "\n") }
