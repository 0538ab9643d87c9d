import Foundation
import Windlass
import XCTest

/// What strangers, other bots and groups may ask of a bot that anybody can write to.
final class BotBoundsTests: BotTestCase {
    func testTwoBotsDoNotAnswerEachOthersAnswers() async throws {
        let other = try open("other")
        let (one, two) = (bot(), Bot(client: other, transport: post.transport()))
        let heard = Notes<String>()
        one.onMessage { message in
            await heard.add(message.text)
            message.reply("and \(message.text)")
            try await message.react("👍")
        }
        two.onMessage { message in message.reply("echo \(message.text)") }
        for client in [client!, other] { try await post.transport().start(address: client.address(), device: client.deviceId()) }
        _ = try client.addContact(bundle: other.bundle())
        start(one)
        start(two)
        try await one.send(to: other.address(), text: "ping")
        try await until { await heard.all == ["echo ping"] }
        try await until { try client.unhandled().isEmpty }
        // A person is answered still.
        let user = try await user()
        try await user.say("hello", to: client.address())
        try await until { try user.heard(client.address()) == ["and hello"] }
        let said = try await client.conversation(address: other.address()).messages()
        XCTAssertEqual(said.map(\.text), ["ping", "echo ping"])
        XCTAssertEqual(said.map(\.origin), [.bot, .botAnswer])
        XCTAssertTrue(said.allSatisfy(\.reactions.isEmpty))
    }

    func testInGroupsItHearsWhatIsMeantForIt() async throws {
        let bot = Bot(client: client, transport: post.transport(), joinGroups: .all, name: "helper")
        bot.command("now") { message in message.reply("now") }
        bot.onMessage { message in message.reply("echo \(message.text)") }
        start(bot)
        let user = try await user()
        let group = try user.client.createGroup(name: "Crew", members: [client.address()])
        try await user.carry()
        try await until { try group.members().allSatisfy(\.joined) }
        func ask(_ text: String, replyTo: String? = nil) async throws {
            _ = try await group.io { try $0.sendBody(body: .text(text: text), replyTo: replyTo) }
            try await user.carry()
        }
        for text in ["hello", "helper", "@helpers", "mail@helper.example", "/then"] { try await ask(text) }
        let address = client.address()
        try await ask("/now")
        try await until { try user.heard(group.address()) == ["now"] }
        try await ask("@Helper, what?")
        try await until { try user.heard(group.address()).count == 2 }
        try await ask("and \(address)?")
        try await until { try user.heard(group.address()).count == 3 }
        try await ask("why?", replyTo: group.messages().first { $0.text == "now" }?.id)
        try await until { try user.heard(group.address()).count == 4 }
        XCTAssertEqual(try user.heard(group.address()), ["now", "echo @Helper, what?", "echo and \(address)?", "echo why?"])
        XCTAssertEqual(try client.unhandled().count, 0)
    }

    func testStrangersGroupsAreJoinedByAHandlerAloneAndThoseOfPeopleItKnowsByItself() async throws {
        let bot = bot()
        let asked = Notes<String>()
        bot.onGroupInvitation { invitation in
            await asked.add(invitation.name)
            if invitation.name == "Wanted" { try await invitation.join() }
        }
        start(bot)
        let (stranger, friend) = (try await user("stranger"), try await user("friend"))
        let other = try stranger.client.createGroup(name: "Other", members: [client.address()])
        let wanted = try stranger.client.createGroup(name: "Wanted", members: [client.address()])
        try await stranger.carry()
        try await until { try wanted.members().allSatisfy(\.joined) }
        try await until { await Set(asked.all) == ["Other", "Wanted"] }
        _ = try client.addContact(bundle: friend.client.bundle())
        let known = try friend.client.createGroup(name: "Known", members: [client.address()])
        try await friend.carry()
        try await until { try known.members().allSatisfy(\.joined) }
        XCTAssertFalse(try other.members().allSatisfy(\.joined))
    }

    func testWhatSomebodyHasWaitingCanBeDroppedAndOthersAreHandled() async throws {
        let bot = bot()
        let (begun, gate, handled) = (Gate(), Gate(), Notes<String>())
        bot.onMessage { message in
            await handled.add(message.text)
            if message.text == "0" {
                await begun.open()
                await gate.wait()
            }
            message.reply(message.text)
        }
        start(bot)
        let (flood, friend) = (try await user("flood"), try await user("friend"))
        for number in 0..<5 { try await flood.say("\(number)", to: client.address()) }
        await begun.wait()
        try await until { try client.backlog().map(\.messages) == [5] }
        let dropped = try await bot.dropBacklog(of: flood.client.address())
        XCTAssertEqual(dropped, 5)
        await gate.open()
        try await friend.say("hello", to: client.address())
        try await until { try friend.heard(client.address()) == ["hello"] }
        try await flood.say("again", to: client.address())
        try await until { try flood.heard(client.address()) == ["again"] }
        let all = await handled.all
        XCTAssertEqual(Set(all), ["0", "hello", "again"])
    }

    func testAConversationThatWasAnsweredTooOftenWaitsAndNoOther() async throws {
        let bot = Bot(client: client, transport: post.transport(), grace: .zero, answersPerMinute: 1)
        bot.onMessage { message in for number in 0..<3 { message.reply("\(message.text) \(number)") } }
        start(bot)
        let (first, second) = (try await user("first"), try await user("second"))
        try await first.say("one", to: client.address())
        try await until { try first.heard(client.address()).count == 3 }
        try await first.say("two", to: client.address())
        try await until { try client.unhandled().count == 1 }
        try await second.say("three", to: client.address())
        try await until { try second.heard(client.address()).count == 3 }
        XCTAssertEqual(try client.unhandled().map(\.message.text), ["two"])
    }

    func testWhatGoesThroughTheClientLeavesAtOnceFromAnyThread() async throws {
        start(bot())
        let user = try await user()
        _ = try client.addContact(bundle: user.client.bundle())
        try await user.say("hello", to: client.address())
        try await until { try await client.outbox().isEmpty && client.unhandled().isEmpty }
        _ = try await client.send(to: user.client.address(), text: "by the way")
        try await until { try user.heard(client.address()) == ["by the way"] }
    }
}
