import Foundation
import Windlass
import XCTest

/// A bot and a user, who writes to it and reads its answers.
class BotTestCase: PeopleTestCase {
    private(set) var client: Client!
    let logged = Lines()
    private(set) var running: [Task<Void, any Error>] = []

    override func setUpWithError() throws {
        try super.setUpWithError()
        client = try open("bot")
    }

    override func tearDown() async throws {
        for task in running {
            task.cancel()
            _ = await task.result
        }
    }

    func bot(_ trust: TrustPolicy = .acceptAll) -> Bot {
        Bot(client: client, transport: post.transport(), trust: trust) { [logged] in logged.add($0) }
    }

    func start(_ bot: Bot) {
        running.append(Task { try await bot.run() })
    }

    func halt() async {
        running.last?.cancel()
        _ = await running.last?.result
    }

    func user(_ name: String = "user") async throws -> Person {
        let user = try await person(name)
        // Which the bot opens too, perhaps later than somebody writes to it.
        try await post.transport().start(address: client.address(), device: client.deviceId())
        _ = try user.client.addContact(bundle: client.bundle())
        return user
    }

    /// What the bot answers to some texts.
    func answers(_ bot: Bot, _ texts: String...) async throws -> [String] {
        start(bot)
        let user = try await user()
        for text in texts { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()).count >= texts.count }
        return try user.heard(client.address())
    }
}
