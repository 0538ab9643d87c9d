import Foundation
import Windlass
import XCTest

private enum Colour: String, CaseIterable {
    case red, green
}

/// What handlers are called for, and when.
final class BotHandlersTests: BotTestCase {
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

    func testWhatCameTogetherIsTakenInTogether() async throws {
        let user = try open("user")
        _ = try user.addContact(bundle: client.bundle())
        let (door, answers) = (post.transport(), post.transport())
        try await door.start(address: client.address(), device: client.deviceId())
        try await answers.start(address: user.address(), device: user.deviceId())
        for number in 0..<50 {
            for envelope in try await user.send(to: client.address(), text: "\(number)").envelopes {
                try await door.deliver(address: client.address(), envelope: envelope.bytes)
            }
        }
        // Nothing is handled meanwhile, so no receipt goes with an answer: they go together, as the messages came.
        let bot = bot()
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        bot.onMessage { _ in for await _ in gate {} }
        start(bot)
        let receipts = Notes<Int>()
        let reading = Task {
            for await incoming in await answers.receive() {
                for case .delivered(_, let ids) in try await user.receive(envelope: incoming.envelope) { await receipts.add(ids.count) }
            }
        }
        try await until { await receipts.all.reduce(0, +) == 50 }
        reading.cancel()
        let number = await receipts.all.count
        XCTAssertLessThan(number, 25)
        opened.finish()
    }

    func testAFileThatSomebodySendsComesToTheHandlersToo() async throws {
        let bot = bot()
        bot.command("help") { message in message.reply("none") }
        bot.onMessage { message in
            if case .attachment(let file) = message.message.body { message.reply("\(file.name) at \(file.location)\(message.text)") }
        }
        start(bot)
        let user = try await user()
        let file = home.appendingPathComponent("map.txt")
        try Data("here".utf8).write(to: file)
        let attachment = try Attachment.encrypt(path: file.path, encrypted: "\(file.path).sealed", mediaType: "text/plain")
        _ = try user.client.conversation(address: client.address()).sendAttachment(attachment: attachment, location: "the harbour")
        try await user.carry()
        try await until { try user.heard(client.address()) == ["map.txt at the harbour"] }
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

    func testAnEventHandlerThatIsSlowHoldsUpNoMail() async throws {
        let bot = bot()
        bot.onEvent { _ in await untilCancelled() }
        bot.onMessage { message in message.reply("echo \(message.text)") }
        start(bot)
        let user = try await user()
        for text in ["one", "two", "three"] {
            try await user.say(text, to: client.address())
            try await until { try user.heard(client.address()).last == "echo \(text)" }
        }
    }

    func testAnEventWhoseHandlerHadNotReturnedIsToldOnceMore() async throws {
        let first = bot()
        let begun = Notes<String>()
        first.onEvent { event in
            guard case .edited(let message) = event else { return }
            await begun.add(message.text ?? "")
            await untilCancelled()
        }
        start(first)
        let user = try await user()
        try await user.say("one", to: client.address())
        let conversation = try user.client.conversation(address: client.address())
        _ = try await conversation.edit(message: conversation.messages()[0], text: "two")
        try await user.carry()
        try await until { await begun.all == ["two"] }
        running[0].cancel()
        _ = await running[0].result
        let told = Notes<String>()
        for text in ["three", "four"] {
            let next = bot()
            next.onEvent { event in
                if case .edited(let message) = event { await told.add(message.text ?? "") }
            }
            next.onMessage { message in message.reply("echo \(message.text)") }
            start(next)
            try await user.say(text, to: client.address())
            try await until { try user.heard(client.address()).last == "echo \(text)" }
            try await until { await !told.all.isEmpty }
            running[running.count - 1].cancel()
            _ = await running[running.count - 1].result
        }
        let all = await told.all
        XCTAssertEqual(all, ["two"])
    }

    func testAHundredConversationsAreHandledAtOnceAndTheOthersAfterThem() async throws {
        let world = Simulation(seed: 5)
        let service = try world.addPerson()
        let bot = Bot(client: try world.client(person: service, device: 0), transport: post.transport())
        let (inside, gate) = (Notes<String>(), Gate())
        bot.onMessage { message in
            await inside.add(message.author)
            await gate.wait()
        }
        // So that it keeps what comes.
        _ = try await bot.handleWaiting()
        for _ in 0..<110 {
            let person = try world.addPerson()
            try world.introduce(a: person, b: service)
            _ = try world.send(person: person, device: 0, to: service, text: "hello")
        }
        _ = try world.run()
        let handling = Task { try await bot.handleWaiting() }
        try await until { await inside.all.count >= 100 }
        // Time enough for others, if they were let in.
        for _ in 0..<10_000 { await Task.yield() }
        let concurrent = await inside.all.count
        await gate.open()
        let handled = try await handling.value
        XCTAssertEqual(concurrent, 100)
        XCTAssertEqual(handled, 110)
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
        let bot = Bot(client: client, transport: post.transport(), joinGroups: .all, groupMessages: .all)
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
        _ = try await conversation.react(message: conversation.messages()[0], emoji: "⚓")
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
            await untilCancelled()
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
