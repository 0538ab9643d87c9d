import Foundation
import Windlass
import XCTest

/// Takes no envelope that is longer, and does not close when it is to be stuck.
private struct Narrow: Transport {
    let inner: any Transport
    var longest = Int.max
    var stuck: Gate?

    func start(address: String, device: UInt32) async throws { try await inner.start(address: address, device: device) }
    func publishBundle(address: String, bundle: Data) async throws { try await inner.publishBundle(address: address, bundle: bundle) }
    func fetchBundle(address: String) async throws -> Data? { try await inner.fetchBundle(address: address) }
    func deliver(address: String, envelope: Data) async throws {
        if envelope.count > longest { throw TransportError.tooLarge }
        try await inner.deliver(address: address, envelope: envelope)
    }
    func receive() async -> AsyncStream<Incoming> { await inner.receive() }
    func close() async {
        await stuck?.wait()
        await inner.close()
    }
}

/// Whatever comes from people, handlers and transports: the bot goes on, and stops when it is asked to.
final class BotOutsideTests: BotTestCase {
    private func bot(_ transport: any Transport, limit: Duration = .milliseconds(50)) -> Bot {
        Bot(client: client, transport: transport, handlerTimeout: limit, eventTimeout: limit, grace: .seconds(1)) { [logged] in logged.add($0) }
    }

    func testAHandlerThatTakesTooLongIsGivenUpAlsoOneThatSwallowsItsCancellation() async throws {
        let bot = bot(post.transport())
        let (never, failures) = (Gate(), Notes<String>())
        bot.onMessage { message in
            if message.text == "wait" { await untilCancelled() }
            if message.text == "swallow" { await never.wait() }
            // Nobody hears it any more.
            message.reply(message.text)
        }
        bot.onError { message, error in
            if !(error is LateAnswer) { await failures.add("\(type(of: error))") }
            message?.reply("too long")
            // An error handler has its limit too.
            if message?.text == "wait" { await untilCancelled() }
        }
        bot.onEvent { event in
            if case .edited = event { await never.wait() }
        }
        bot.background(every: .seconds(3600)) { await never.wait() }
        let user = try await user()
        start(bot)
        for text in ["wait", "swallow", "well"] { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()) == ["too long", "too long", "well"] }
        let conversation = try user.client.conversation(address: client.address())
        let first = try await conversation.messages().first { $0.text == "wait" }
        _ = try await conversation.edit(message: XCTUnwrap(first), text: "waited")
        try await user.carry()
        try await until { await failures.all.count == 3 }
        let all = await failures.all
        XCTAssertEqual(all, Array(repeating: "HandlerTimeout", count: 3))
        // The background work waits still.
        bot.stop()
        try await running.last?.value
        XCTAssertTrue(logged.all.contains("a handler of messages does not end though it was cancelled; it is left behind"), "\(logged.all)")
        XCTAssertTrue(logged.all.contains("background work does not end though it was cancelled; it is left behind"), "\(logged.all)")
        await never.open()
    }

    func testAnEnvelopeThatIsTooLargeHoldsUpNoOther() async throws {
        let bot = bot(Narrow(inner: post.transport(), longest: 20_000), limit: .seconds(60))
        bot.onMessage { message in
            message.reply(String(repeating: message.text, count: 10_000))
            message.reply(message.text)
        }
        start(bot)
        let user = try await user()
        try await user.say("Ahoy!", to: client.address())
        try await until { try user.heard(client.address()) == ["Ahoy!"] }
        // Does not wait for what can never go out.
        bot.stop()
        try await running.last?.value
        let left = try await client.outbox().map(\.bytes.count)
        XCTAssertEqual(left.count, 1)
        XCTAssertGreaterThan(left.first ?? 0, 20_000)
        XCTAssertEqual(logged.all.filter { $0.hasSuffix("bytes is too large") }.count, 1)
    }

    func testEventsWhoseHandlersAreSlowHoldUpNoMailAndEachIsTold() async throws {
        let bot = bot(post.transport(), limit: .seconds(3600))
        let (told, gate) = (Notes<String>(), Gate())
        bot.onEvent { event in
            guard case .edited(let message) = event else { return }
            await gate.wait()
            await told.add(message.text ?? "")
        }
        bot.onMessage { message in message.reply(message.text) }
        start(bot)
        let user = try await user()
        try await user.say("first", to: client.address())
        let conversation = try user.client.conversation(address: client.address())
        let texts = (1...24).map { "number \($0)" }
        for text in texts {
            let first = try await conversation.messages().first(where: \.outgoing)
            _ = try await conversation.edit(message: XCTUnwrap(first), text: text)
            // Each by itself, so that they are many batches.
            try await user.say(text, to: client.address())
            try await until { try user.heard(client.address()).last == text }
        }
        await gate.open()
        try await until { await told.all.count >= texts.count }
        // What is kept of an event is which message was edited: read late, it says what it says by then.
        let all = await told.all
        XCTAssertEqual(all.count, texts.count)
        XCTAssertEqual(all.last, texts.last)
        try await until { try await client.eventsAfter().isEmpty }
    }

    func testATransportThatDoesNotCloseDoesNotKeepTheBotFromIt() async throws {
        let never = Gate()
        let bot = bot(Narrow(inner: post.transport(), stuck: never))
        start(bot)
        try await until { try await post.transport().fetchBundle(address: client.address()) != nil }
        bot.stop()
        try await running.last?.value
        XCTAssertEqual(logged.all, ["the transport does not close; it is left behind"])
        await never.open()
    }

    func testASignalEndsItInOrder() async throws {
        let bot = bot(post.transport(), limit: .seconds(60))
        let (begun, gate) = (Gate(), Gate())
        bot.onMessage { message in
            await begun.open()
            await gate.wait()
            message.reply("done")
        }
        let program = Task { try await bot.runUntilTerminated() }
        let user = try await user()
        try await user.say("work", to: client.address())
        await begun.wait()
        kill(getpid(), SIGTERM)
        await gate.open()
        try await program.value
        try await until { try user.heard(client.address()) == ["done"] }
    }

    /// `cargo xtask test --swift` mounts a disk of a few megabytes, which is really full for a while.
    func testABotWaitsWhileItsDiskIsFullAndAnswersEverybodyWhenThereIsRoom() async throws {
        guard let disk = ProcessInfo.processInfo.environment["WINDLASS_SMALL_DISK"] else {
            throw XCTSkip("WINDLASS_SMALL_DISK names no disk")
        }
        let client = try Client.create(path: "\(disk)/bot.wl", key: key())
        func echo() -> Bot {
            let bot = Bot(client: client, transport: post.transport()) { [logged] in logged.add($0) }
            bot.onMessage { message in message.reply(String(message.text.prefix(10))) }
            return bot
        }
        let user = try await person("user")
        try await post.transport().start(address: client.address(), device: client.deviceId())
        _ = try user.client.addContact(bundle: client.bundle())
        let former = echo()
        start(former)
        try await user.say("before", to: client.address())
        try await until { try user.heard(client.address()) == ["before"] }
        former.stop()
        try await running.last?.value
        // Full from the first step on: the bot waits at its start too.
        let ballast = URL(fileURLWithPath: "\(disk)/ballast")
        XCTAssertTrue(FileManager.default.createFile(atPath: ballast.path, contents: nil))
        let file = try FileHandle(forWritingTo: ballast)
        while (try? file.write(contentsOf: Data(count: 4_096))) != nil {}
        try file.close()
        let bot = echo()
        start(bot)
        let texts = (10..<50).map { String(repeating: "\($0)", count: 20_000) }
        for text in texts { try await user.say(text, to: client.address()) }
        try await until { logged.all.contains { $0.hasPrefix("cannot write: disk_full") } }
        try FileManager.default.removeItem(at: ballast)
        try await until { try user.heard(client.address()).count > texts.count }
        XCTAssertEqual(try user.heard(client.address()), ["before"] + texts.map { String($0.prefix(10)) })
        bot.stop()
        try await running.last?.value
        try client.close()
    }

    func testBytesOfAnyPlaceAreTakenAsTheyAre() throws {
        let user = try open("user")
        let bundle = try client.bundle().encode()
        let part = (Data([1, 2, 3]) + bundle + Data([4])).dropFirst(3).dropLast()
        XCTAssertNotEqual(part.startIndex, 0)
        XCTAssertEqual(try user.addContact(bundle: Bundle.decode(bytes: part)).address, client.address())
        let envelope = try user.send(to: client.address(), text: "hello").envelopes[0].bytes
        let events = try client.receive(envelope: (Data([1]) + envelope).dropFirst())
        XCTAssertTrue(events.contains { if case .message = $0 { true } else { false } })
    }
}
