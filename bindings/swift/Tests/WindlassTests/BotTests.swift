import Foundation
import Windlass
import XCTest

/// What a chat showed.
private actor Screen {
    var lines: [String] = []

    func show(_ line: String) { lines.append(line) }
}

final class BotTests: XCTestCase {
    func testTheChatOfTheExamplesTalksWithABot() async throws {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let key = try StoreKey.fromBytes(key: Data(repeating: 7, count: 32))
        let post = MemoryPost()
        let client = try Client.create(path: home.appendingPathComponent("bot.wl").path, key: key)
        let bot = try Bot(client: client, transport: post.transport()) { message in message.reply("echo \(message.text)") }
        let running = Task { try await bot.run() }
        let user = try Client.create(path: home.appendingPathComponent("user.wl").path, key: key)
        let door = post.transport()
        while try await door.fetchBundle(address: client.address()) == nil { await Task.yield() }
        _ = try user.addContact(bundle: client.bundle())
        let lines = AsyncStream<String> { continuation in
            continuation.yield("one")
            continuation.yield("two")
            continuation.finish()
        }
        let screen = Screen()
        try await chat(
            client: user, transport: post.transport(), with: client.address(), lines: lines, show: { await screen.show($0) },
            until: { while await screen.lines.filter({ $0 != "✓" }).count < 2 { await Task.yield() } })
        let shown = await screen.lines.filter { $0 != "✓" }
        XCTAssertEqual(Set(shown), ["echo one", "echo two"])
        running.cancel()
        _ = await running.result
    }

    func testEachMessageIsAnsweredOnceByABotThatIsStoppedAndStarted() async throws {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let key = try StoreKey.fromBytes(key: Data(repeating: 7, count: 32))
        let post = MemoryPost()
        var client = try Client.create(path: home.appendingPathComponent("bot.wl").path, key: key)
        let address = client.address()

        func start(_ client: Client) throws -> Task<Void, Error> {
            let bot = try Bot(client: client, transport: post.transport()) { message in
                message.reply("echo \(message.text)")
            }
            return Task { try await bot.run() }
        }
        var running = try start(client)
        let user = try Client.create(path: home.appendingPathComponent("user.wl").path, key: key)
        let mail = post.transport()
        try await mail.start(address: user.address(), device: user.deviceId())
        var bundle: Data?
        while bundle == nil {
            bundle = try await mail.fetchBundle(address: address)
            await Task.yield()
        }
        _ = try user.addContact(bundle: Bundle.decode(bytes: XCTUnwrap(bundle)))
        let receiving = Task {
            for await incoming in await mail.receive() {
                _ = try await user.receive(envelope: incoming.envelope)
                await incoming.acknowledge()
            }
        }
        for number in 0..<20 {
            _ = try await user.send(to: address, text: "\(number)")
            for envelope in try user.outbox() {
                try await mail.deliver(address: envelope.to, envelope: envelope.bytes)
                try await user.markSent(ids: [envelope.id])
            }
            if number % 7 == 6 {
                running.cancel()
                _ = await running.result
                try client.close()
                client = try Client.open(path: home.appendingPathComponent("bot.wl").path, key: key)
                running = try start(client)
            }
        }
        let conversation = try user.conversation(address: address)
        func answers() throws -> [String] {
            try conversation.messages(limit: 1000).filter { !$0.outgoing }.compactMap(\.text)
        }
        while try answers().count < 20 { await Task.yield() }
        XCTAssertEqual(Set(try answers()), Set((0..<20).map { "echo \($0)" }))
        XCTAssertEqual(try answers().count, 20)
        receiving.cancel()
        running.cancel()
        await mail.close()
    }
}
