import Foundation
import Windlass
import XCTest

final class BotTests: PeopleTestCase {
    func testTheChatOfTheExamplesTalksWithABot() async throws {
        let (client, user) = (try open("bot"), try open("user"))
        let bot = echoBot(client: client, transport: post.transport())
        let running = Task { try await bot.run() }
        _ = try user.addContact(bundle: client.bundle())
        let lines = AsyncStream<String> { continuation in
            continuation.yield("one")
            continuation.yield("two")
            continuation.finish()
        }
        let shown = Notes<String>()
        try await until { try await post.transport().fetchBundle(address: client.address()) != nil }
        try await chat(
            client: user, transport: post.transport(), with: client.address(), lines: lines, show: { await shown.add($0) },
            until: { try? await until { await shown.all.filter { $0 != "✓" }.count >= 2 } })
        let all = await shown.all.filter { $0 != "✓" }
        XCTAssertEqual(Set(all), ["one", "two"])
        running.cancel()
        _ = await running.result
    }

    /// What somebody is shown who types one line to an address, until `enough` was shown.
    private func chatting(_ user: Client, with address: String, _ line: String, until enough: @escaping @Sendable ([String]) -> Bool)
        async throws -> [String]
    {
        let lines = AsyncStream<String> { continuation in
            continuation.yield(line)
            continuation.finish()
        }
        let shown = Notes<String>()
        try await chat(
            client: user, transport: post.transport(), with: address, lines: lines, show: { await shown.add($0) },
            until: { try? await until { await enough(shown.all) } })
        return await shown.all
    }

    func testTheChatOfTheExamplesGoesOnAfterJunkAndShowsWhatFails() async throws {
        let (client, user) = (try open("bot"), try open("user"))
        let bot = echoBot(client: client, transport: post.transport())
        let running = Task { try await bot.run() }
        _ = try user.addContact(bundle: client.bundle())
        let door = post.transport()
        try await door.start(address: user.address(), device: user.deviceId())
        for bytes in junk { try await door.deliver(address: user.address(), envelope: bytes) }
        try await until { try await door.fetchBundle(address: client.address()) != nil }
        let shown = try await chatting(user, with: client.address(), "one") { $0.contains("one") }
        XCTAssertEqual(shown.prefix(junk.count), ["(refused: unsupported_version)", "(refused: envelope_malformed)"])
        let stranger = try Identity.generate().address()
        let failed = try await chatting(user, with: stranger, "?") { !$0.isEmpty }
        XCTAssertEqual(failed.filter { $0 != "✓" }, ["(nobody of this address is among the contacts; add a bundle first)"])
        running.cancel()
        _ = await running.result
    }

    /// Somebody writes to the echo bot of the examples, which is stopped and started anew in between, until each message is answered.
    private func talk(_ transport: () -> any Transport) async throws {
        var client = try open("bot")
        let address = client.address()

        func start(_ client: Client) -> Task<Void, any Error> {
            let bot = echoBot(client: client, transport: transport())
            return Task { try await bot.run() }
        }
        var running = start(client)
        let user = try await person("user", transport())
        _ = try user.client.addContact(bundle: client.bundle())
        let door = transport()
        try await until { try await door.fetchBundle(address: address) != nil }
        for number in 0..<20 {
            try await user.say("\(number)", to: address)
            if number % 7 == 6 {
                running.cancel()
                _ = await running.result
                try client.close()
                client = try open("bot")
                running = start(client)
            }
        }
        try await until { try user.heard(address).count >= 20 }
        XCTAssertEqual(Set(try user.heard(address)), Set((0..<20).map { "\($0)" }))
        XCTAssertEqual(try user.heard(address).count, 20)
        running.cancel()
        _ = await running.result
        try await user.leave()
    }

    func testEachMessageIsAnsweredOnceByABotThatIsStoppedAndStarted() async throws {
        try await talk { post.transport() }
    }

    func testAndOverHttp() async throws {
        // `cargo xtask test --swift` starts the server.
        guard let server = ProcessInfo.processInfo.environment["WINDLASS_HTTP"], let url = URL(string: server) else {
            throw XCTSkip("WINDLASS_HTTP names no server")
        }
        try await talk { HttpTransport(url: url, every: .milliseconds(50)) }
        let door = HttpTransport(url: url)
        let nobody = try Identity.generate().address()
        let none = try await door.fetchBundle(address: nobody)
        XCTAssertNil(none)
        do {
            try await door.deliver(address: nobody, envelope: Data([1]))
            XCTFail("nobody took it")
        } catch let error as TransportError {
            XCTAssertEqual(error, .noMailbox)
        }
    }

    func testThatTheServerBringsNoMailIsToldOnceAndWithoutItsAddress() async throws {
        let told = Lines()
        let url = try XCTUnwrap(URL(string: "http://user:secret@127.0.0.1:9"))
        let transport = HttpTransport(url: url, every: .milliseconds(1)) { told.add($0) }
        await transport.start(address: "nobody", device: 1)
        let receiving = Task { for await _ in await transport.receive() {} }
        try await until { !told.all.isEmpty }
        // Meanwhile the mailbox is asked for again and again.
        for _ in 0..<20 { _ = try? await transport.fetchBundle(address: "nobody") }
        await transport.close()
        await receiving.value
        XCTAssertEqual(told.all, ["cannot ask for mail: the server cannot be reached"])
    }

    func testAServerThatIsNotThereIsATransportErrorWithoutItsAddress() async throws {
        // Nobody listens on port 9 of the loopback.
        let transport = HttpTransport(url: try XCTUnwrap(URL(string: "http://user:secret@127.0.0.1:9")))
        do {
            _ = try await transport.fetchBundle(address: "nobody")
            XCTFail("nobody answered")
        } catch let error as TransportError {
            XCTAssertEqual(error.localizedDescription, "the server cannot be reached")
        }
    }
}
