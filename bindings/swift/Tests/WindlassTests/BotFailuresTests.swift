import Foundation
import Windlass
import XCTest

private struct Wrong: Error {}

/// Somebody's transport, whose errors are their own. What it takes over it brings.
private struct Offline: Transport {
    let inner: any Transport

    func start(address: String, device: UInt32) async throws { try await inner.start(address: address, device: device) }
    func publishBundle(address: String, bundle: Data) async throws { throw Wrong() }
    func fetchBundle(address: String) async throws -> Data? { throw Wrong() }
    func deliver(address: String, envelope: Data) async throws { try await inner.deliver(address: address, envelope: envelope) }
    func receive() async -> AsyncStream<Incoming> { await inner.receive() }
    func close() async { await inner.close() }
}

/// What a bot does when something fails: the bot goes on, and says so.
final class BotFailuresTests: BotTestCase {
    func testAHandlerThatFailsCostsItsOwnMessageAlone() async throws {
        let bot = bot()
        let failures = Notes<String>()
        bot.onMessage { message in
            message.reply("before")
            if message.text == "wrong" { throw Wrong() }
            // Of something that the handler itself cancelled.
            if message.text == "cancelled" { throw CancellationError() }
        }
        bot.onError { message, error in
            await failures.add("\(type(of: error))")
            message?.reply("sorry")
        }
        let heard = try await answers(bot, "wrong", "cancelled", "well")
        XCTAssertEqual(heard, ["sorry", "sorry", "before"])
        let told = await failures.all
        XCTAssertEqual(told, ["Wrong", "CancellationError"])
    }

    func testAnAnswerThatCannotBeSentIsToldAndAnsweredByTheErrorHandler() async throws {
        let bot = bot()
        let stranger = try Identity.generate().address()
        let failures = Notes<String?>()
        bot.onError { message, error in
            await failures.add((error as? WindlassError)?.code)
            message?.reply("sorry")
            if message?.text == "to nobody, ever" { message?.send(to: stranger, text: "!") }
        }
        bot.onMessage { message in
            message.reply("yes")
            if message.text.hasPrefix("to nobody") { message.send(to: stranger, text: "?") }
        }
        let user = try await user()
        start(bot)
        // What the error handler answered to the second cannot be sent either.
        for text in ["to nobody", "to nobody, ever", "hello"] { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()) == ["sorry", "yes"] }
        let told = await failures.all
        XCTAssertEqual(told, ["unknown_contact", "unknown_contact"])
        XCTAssertEqual(logged.all, ["an error handler failed: unknown_contact"])
    }

    func testAnAnswerThatComesTooLateIsTold() async throws {
        let bot = bot()
        let (handled, told) = (Notes<BotMessage>(), Notes<String>())
        bot.onMessage { message in
            await handled.add(message)
            message.reply("in time")
        }
        bot.onError { message, error in await told.add("\(message == nil) \(type(of: error))") }
        start(bot)
        let user = try await user()
        try await user.say("hello", to: client.address())
        try await until { try user.heard(client.address()) == ["in time"] }
        await handled.last?.reply("too late")
        try await until { await told.all == ["true LateAnswer"] }
        try await user.say("and now?", to: client.address())
        try await until { try user.heard(client.address()) == ["in time", "in time"] }
    }

    func testJunkIsPassedOverAndDoesNotComeAgain() async throws {
        let bot = bot()
        bot.onMessage { message in message.reply("echo \(message.text)") }
        let user = try await user()
        let door = post.transport()
        try await door.start(address: client.address(), device: client.deviceId())
        // It waits at the start, with mail behind it; and it comes while the bot runs.
        for bytes in junk { try await door.deliver(address: client.address(), envelope: bytes) }
        try await user.say("one", to: client.address())
        start(bot)
        try await until { try user.heard(client.address()) == ["echo one"] }
        for bytes in junk { try await door.deliver(address: client.address(), envelope: bytes) }
        try await user.say("two", to: client.address())
        try await until { try user.heard(client.address()) == ["echo one", "echo two"] }
        await halt()
        try await door.start(address: client.address(), device: client.deviceId())
        let left = await door.receive()
        await door.close()
        for await incoming in left { XCTAssertFalse(junk.contains(incoming.envelope)) }
    }

    func testATransportThatCannotTellBundlesNeverEndsTheBot() async throws {
        let bot = Bot(client: client, transport: Offline(inner: post.transport())) { [logged] in logged.add($0) }
        bot.onMessage { message in message.reply("echo \(message.text)") }
        start(bot)
        let user = try await user()
        try await until { logged.all == ["cannot keep up: Wrong"] }
        try await user.say("hello", to: client.address())
        try await until { try user.heard(client.address()) == ["echo hello"] }
        do {
            try await bot.send(to: Identity.generate().address(), text: "hello")
            XCTFail("nobody knows them")
        } catch let error as WindlassError {
            XCTAssertEqual(error.code, "unknown_contact")
        }
    }

    func testWhatFailsIsLoggedWithoutWhatPeopleWrite() async throws {
        let bot = bot()
        bot.onMessage { message in
            if message.text == "secret" { throw UsageError("secret") }
            message.reply("well")
        }
        start(bot)
        let user = try await user()
        let garbled = try await user.client.send(to: client.address(), text: "secret").envelopes.map { envelope in
            var bytes = envelope.bytes
            bytes[bytes.count - 1] ^= 1
            return bytes
        }
        for bytes in garbled { try await post.transport().deliver(address: client.address(), envelope: bytes) }
        try await until { logged.all.contains { $0.hasPrefix("cannot read an envelope: ") } }
        for text in ["secret", "hello"] { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()).contains("well") }
        XCTAssertTrue(logged.all.contains("a handler failed: UsageError"), "\(logged.all)")
        XCTAssertFalse(logged.all.contains { $0.contains("secret") })
    }

    func testWhoeverCannotBeReachedDoesNotHoldUpTheOthers() async throws {
        let bot = bot()
        bot.onMessage { message in message.reply("echo \(message.text)") }
        let gone = try open("gone")
        _ = try client.addContact(bundle: gone.bundle())
        _ = try await client.send(to: gone.address(), text: "is anybody there?")
        let heard = try await answers(bot, "one", "two")
        XCTAssertEqual(heard, ["echo one", "echo two"])
    }

    /// A bot that received a message, and died with it so often.
    private func left(_ text: String, after deaths: UInt32) async throws -> Person {
        try client.keepUnhandled(keep: true)
        let user = try await user()
        for envelope in try await user.client.send(to: client.address(), text: text).envelopes {
            _ = try await client.receive(envelope: envelope.bytes)
        }
        let waiting = try client.unhandled(limit: 10)
        if deaths > 0 { try client.setAttempts(number: waiting[0].number, attempts: deaths) }
        return user
    }

    private var attempts: [UInt32] {
        get throws { try client.unhandled(limit: 10).map(\.attempts) }
    }

    func testAMessageWithWhichTheProcessDiedTooOftenIsToldAndNotBegunAgain() async throws {
        let bot = bot()
        let began = Notes<String>()
        bot.onMessage { message in await began.add(message.text) }
        bot.onError { message, error in message?.reply(error.localizedDescription) }
        let user = try await left("poison", after: 3)
        let handled = try await bot.handleWaiting()
        XCTAssertEqual(handled, 1)
        XCTAssertEqual(logged.all, ["a message is set aside: the process died 3 times with this message"])
        let said = try await client.conversation(address: user.client.address()).messages().filter(\.outgoing).map(\.text)
        XCTAssertEqual(said, ["the process died 3 times with this message"])
        let all = await began.all
        XCTAssertEqual(all, [])
    }

    func testAMessageWhoseErrorHandlerDiedTooIsPassedOver() async throws {
        let bot = bot()
        let told = Notes<String>()
        bot.onMessage { message in await told.add(message.text) }
        bot.onError { _, _ in await told.add("error") }
        _ = try await left("poison", after: 4)
        let handled = try await bot.handleWaiting()
        let all = await told.all
        XCTAssertEqual(handled, 1)
        XCTAssertEqual(all, [])
        XCTAssertEqual(logged.all, ["a message is set aside: the process died 4 times with this message"])
    }

    func testABotThatWasStoppedDidNotDieOfWhatItWasDoing() async throws {
        let bot = bot()
        let inside = Gate()
        bot.onMessage { _ in
            await inside.open()
            await untilCancelled()
            try Task.checkCancellation()
        }
        _ = try await left("takes long", after: 0)
        start(bot)
        await inside.wait()
        // While it runs it counts: the process may die now.
        XCTAssertEqual(try attempts, [1])
        await halt()
        XCTAssertEqual(try attempts, [0])
    }
}
