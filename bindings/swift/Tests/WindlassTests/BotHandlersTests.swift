import Foundation
import Windlass
import XCTest

private enum Colour: String, CaseIterable {
    case red, green
}

private struct Wrong: Error {}

/// A bot and a user, who writes to it and reads its answers.
final class BotHandlersTests: PeopleTestCase {
    private var client: Client!
    private var running: [Task<Void, any Error>] = []

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

    private func bot(_ trust: TrustPolicy = .acceptAll) -> Bot {
        Bot(client: client, transport: post.transport(), trust: trust)
    }

    private func start(_ bot: Bot) {
        running.append(Task { try await bot.run() })
    }

    private func halt() async {
        running.last?.cancel()
        _ = await running.last?.result
    }

    private func user(_ name: String = "user") async throws -> Person {
        let user = try await person(name)
        _ = try user.client.addContact(bundle: client.bundle())
        return user
    }

    /// What the bot answers to some texts.
    private func answers(_ bot: Bot, _ texts: String...) async throws -> [String] {
        start(bot)
        let user = try await user()
        for text in texts { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()).count >= texts.count }
        return try user.heard(client.address())
    }

    func testCommandsHaveArgumentsWithTypesAndWhatDoesNotFitIsAnsweredWithASentence() async throws {
        let bot = bot()
        bot.command("add", .integer("a"), .integer("b").orElse(1), about: "adds") { message, a, b in
            message.reply("\(a + b)")
        }
        bot.command("paint", Parameter<Colour>.choice("colour"), .word("what"), .rest("how")) { message, colour, what, how in
            message.reply("\(what) \(colour) \(how.count)")
        }
        bot.command("stop") { message in message.reply("stopped") }
        bot.onMessage { message in message.reply("no command") }
        let heard = try await answers(
            bot, "/add 2 3", "/ADD 2", "/add two", "/add", "/stop now", "/paint red \"the \\\"wall\" very well", "/help", "hello")
        XCTAssertEqual(
            heard,
            [
                "5", "3", "a must be a whole number, not two. Usage: /add a [b]", "a is missing. Usage: /add a [b]",
                "That is too much. Usage: /stop", "the \"wall red 2", "/add a [b] - adds\n/paint colour what [how...]\n/stop",
                "no command",
            ])
    }

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

    func testAnAnswerThatCannotBeSentDoesNotEndTheBot() async throws {
        let bot = bot()
        let stranger = try Identity.generate().address()
        let failures = Notes<String?>()
        bot.onError { _, error in await failures.add((error as? WindlassError)?.code) }
        bot.onMessage { message in
            message.reply("yes")
            if message.text == "to nobody" { message.send(to: stranger, text: "?") }
        }
        start(bot)
        let user = try await user()
        for text in ["to nobody", "hello"] { try await user.say(text, to: client.address()) }
        try await until { try user.heard(client.address()) == ["yes"] }
        let told = await failures.all
        XCTAssertEqual(told, ["unknown_contact"])
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

    func testAHandlerThatIsSlowHoldsUpItsOwnConversationAlone() async throws {
        let bot = bot()
        let gate = Gate()
        bot.onMessage { message in
            if message.text == "slow" { await gate.wait() }
            message.reply("echo \(message.text)")
        }
        start(bot)
        let (first, second) = (try await user("first"), try await user("second"))
        try await first.say("slow", to: client.address())
        try await until { try !client.unhandled().isEmpty }
        try await second.say("quick", to: client.address())
        try await until { try second.heard(client.address()) == ["echo quick"] }
        XCTAssertEqual(try first.heard(client.address()), [])
        await gate.open()
        try await until { try first.heard(client.address()) == ["echo slow"] }
    }

    func testStrangersWaitUntilTheyAreAcceptedAlsoOverARestart() async throws {
        let first = bot(.firstUse)
        let asked = Notes<String>()
        first.onContactRequest { await asked.add($0) }
        start(first)
        let user = try await user()
        try await user.say("may I?", to: client.address())
        try await until { await asked.all == [user.client.address()] }
        await halt()

        let second = bot(.firstUse)
        second.onMessage { message in message.reply("you may") }
        second.onContactRequest { try await second.accept($0) }
        start(second)
        try await until { try user.heard(client.address()) == ["you may"] }
    }

    func testInvitedIntoAGroupItJoinsAndHearsWhatPeopleSayThereAndNothingElse() async throws {
        let bot = bot()
        let handled = Notes<BotMessage>()
        bot.onMessage { message in
            await handled.add(message)
            message.reply("echo \(message.text)")
        }
        start(bot)
        let user = try await user()
        try await user.say("hello", to: client.address())
        try await until { try !user.heard(client.address()).isEmpty }
        let group = try user.client.createGroup(name: "Crew", members: [client.address()])
        try await user.carry()
        try await until { try group.members().allSatisfy(\.joined) }
        try group.rename(name: "The crew")
        _ = try await group.send(text: "ahoy")
        try await user.carry()
        try await until { try user.heard(group.address()) == ["echo ahoy"] }
        let texts = await handled.all.map(\.text)
        XCTAssertEqual(texts, ["hello", "ahoy"])
        let inGroup = await handled.last?.inGroup
        XCTAssertEqual(inGroup, true)
    }

    func testAHandlerMayDeclineAnInvitation() async throws {
        let bot = bot()
        bot.onGroupInvitation { try await $0.decline() }
        start(bot)
        let user = try await user()
        let group = try user.client.createGroup(name: "Crew", members: [client.address()])
        try await user.carry()
        try await until { try group.members().count == 1 }
    }

    func testSignsArePutAndHeard() async throws {
        let bot = bot()
        let heard = Notes<BotReaction>()
        bot.onMessage { message in try await message.react("👍") }
        bot.onReaction { await heard.add($0) }
        start(bot)
        let user = try await user()
        try await user.say("ahoy", to: client.address())
        let conversation = try user.client.conversation(address: client.address())
        try await until { try conversation.messages().first?.reactions.map(\.emoji) == ["👍"] }
        _ = try conversation.react(message: XCTUnwrap(conversation.messages().first), emoji: "⚓")
        try await user.carry()
        try await until { await heard.last != nil }
        let reaction = await heard.last
        XCTAssertEqual(reaction?.emoji, "⚓")
        XCTAssertEqual(reaction?.by, user.client.address())
    }

    func testAskedToStopItLetsItsHandlersFinishAndWhatTheyAnswerGoesOut() async throws {
        let bot = bot()
        let (begun, gate) = (Gate(), Gate())
        bot.onMessage { message in
            await begun.open()
            await gate.wait()
            message.reply("done")
        }
        start(bot)
        let user = try await user()
        try await user.say("work", to: client.address())
        await begun.wait()
        bot.stop()
        await gate.open()
        try await running.last?.value
        try await until { try user.heard(client.address()) == ["done"] }
    }

    func testAMessageWhoseHandlerWasCancelledWithTheBotIsHandledAtTheNextStart() async throws {
        let first = bot()
        let begun = Gate()
        first.onMessage { _ in
            await begun.open()
            // Until it is cancelled.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            try Task.checkCancellation()
        }
        start(first)
        let user = try await user()
        try await user.say("work", to: client.address())
        await begun.wait()
        await halt()
        let second = bot()
        second.onMessage { message in message.reply("echo \(message.text)") }
        start(second)
        try await until { try user.heard(client.address()) == ["echo work"] }
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
        let said = try client.conversation(address: user.client.address()).messages().filter(\.outgoing).map(\.text)
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
    }

    func testABotThatWasStoppedDidNotDieOfWhatItWasDoing() async throws {
        let bot = bot()
        let inside = Gate()
        bot.onMessage { _ in
            await inside.open()
            // Until it is cancelled.
            for await _ in AsyncStream<Void>.makeStream().stream {}
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

    func testItWritesByItselfToWhomTheTransportKnowsTooAndWorksInTheBackground() async throws {
        let bot = bot()
        let user = try await user()
        bot.background(every: .seconds(3600)) {
            try await bot.send(to: user.client.address(), text: "good morning")
        }
        start(bot)
        try await until { try user.heard(client.address()) == ["good morning"] }
        XCTAssertTrue(try bot.invite().hasSuffix(client.bundle().toUri()))
    }

    func testABotCanBeTriedInASimulation() async throws {
        let world = Simulation(seed: 3)
        let (user, service) = (try world.addPerson(), try world.addPerson())
        try world.introduce(a: user, b: service)
        world.setFaults(faults: Faults(drop: 100, duplicate: 100, delay: 100, crash: 0))
        let bot = Bot(client: try world.client(person: service, device: 0), transport: post.transport())
        bot.onMessage { message in message.reply("echo \(message.text)") }
        let before = try await bot.handleWaiting()
        XCTAssertEqual(before, 0)
        _ = try world.send(person: user, device: 0, to: service, text: "ping")
        var heard: [String?] = []
        while heard.isEmpty {
            try world.advance(time: 3600)
            for delivery in try world.run() where delivery.person == user {
                for case .message(let message) in delivery.events { heard.append(message.text) }
            }
            _ = try await bot.handleWaiting()
        }
        XCTAssertEqual(heard, ["echo ping"])
    }
}
