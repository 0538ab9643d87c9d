import Foundation
import Windlass
import XCTest

/// What a bot remembers, asks and lets people do.
final class BotStateTests: BotTestCase {
    func testWhatAHandlerChangesIsThereAfterARestartAndNothingOfOneThatFails() async throws {
        let user = try await user()
        for text in ["one", "fail", "two", "three"] {
            let bot = bot()
            bot.onMessage { message in
                let state = try await message.state
                state["count", default: 0] += 1
                try await message.sender.state["last"] = message.text
                if message.text == "fail" { throw Failed() }
                message.reply("\(state["count", default: 0]) \(try await message.sender.state["last", default: ""])")
            }
            start(bot)
            try await user.say(text, to: client.address())
            if text != "fail" { try await until { try user.heard(self.client.address()).last?.hasSuffix(text) == true } }
            try await until { try self.client.unhandled().isEmpty }
            await halt()
        }
        XCTAssertEqual(try user.heard(client.address()), ["1 one", "2 two", "3 three"])
        try await user.leave()
    }

    func testHandlersThatChangeTheSameAtOnceAreCalledAgain() async throws {
        let (bot, begun, go, calls) = (bot(), Gate(), Gate(), Notes<Int>())
        let about = client.address()
        bot.onMessage { message in
            let people = try await message.state(of: about)
            let before: Int = people["people", default: 0]
            await calls.add(1)
            if await calls.all.count == 1 {
                await begun.open()
                await go.wait()
            }
            people["people"] = before + 1
            message.reply("\(before + 1)")
        }
        start(bot)
        let (anne, bob) = (try await user("anne"), try await user("bob"))
        try await anne.say("hello", to: about)
        await begun.wait()
        try await bob.say("hello", to: about)
        try await until { try bob.heard(about) == ["1"] }
        await go.open()
        try await until { try anne.heard(about) == ["2"] }
        let all = await calls.all
        XCTAssertEqual(all.count, 3)
    }

    func testWhatNoDocumentCanHoldIsToldAndKeptIsWhatWasThere() async throws {
        let failures = Notes<String>()
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport)
            bot.onError { message, failure in
                await failures.add("\(type(of: failure))")
                message?.reply("no")
            }
            bot.onMessage { message in
                let (state, text) = (try await message.state, message.text)
                let before = state["value", default: "nothing"]
                switch text {
                case "nan": state["value"] = Double.nan
                case "large": state["value"] = String(repeating: "x", count: 20_000)
                default: state["value"] = text
                }
                message.reply(before)
            }
            return bot
        }
        var said: [String] = []
        for text in ["kept", "nan", "large", "end"] { said.append(try await anne.say(text)) }
        XCTAssertEqual(said, ["nothing", "no", "no", "kept"])
        let all = await failures.all
        XCTAssertEqual(all.count, 2)
    }

    private struct Crew: Codable, Equatable {
        var name: String
        var ages: [Int]
        var at: Double?
    }

    func testADocumentIsAStructOrNames() async throws {
        let crew = Crew(name: "quote \" back \\ \n 😀", ages: [1, -2], at: 2.5)
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport)
            bot.onMessage { message in
                let state = try await message.state
                if message.text == "write" { try state.write(crew) }
                if message.text == "remove" { state.remove("at") }
                let read = try state.read(Crew.self)
                message.reply("\(state.names) \(read == crew) \(state["ages", default: [0]]) \(state["name", default: 7]) \(state)")
            }
            return bot
        }
        var said: [String] = []
        for text in ["read", "write", "read", "remove"] { said.append(try await anne.say(text)) }
        XCTAssertEqual(
            said,
            [
                "[] false [0] 7 BotDocument(0 names)", "[\"ages\", \"at\", \"name\"] true [1, -2] 7 BotDocument(3 names)",
                "[\"ages\", \"at\", \"name\"] true [1, -2] 7 BotDocument(3 names)", "[\"ages\", \"name\"] false [1, -2] 7 BotDocument(2 names)",
            ])
    }

    func testAQuestionIsAnsweredByTheNextMessageAlsoAfterACrashAndForATime() async throws {
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport)
            bot.command("register") { message in try await message.ask("What is your name?", then: "name") }
            bot.command("forget") { message in message.reply(try await message.cancelQuestion() ? "forgotten" : "nothing was asked") }
            bot.step("name") { message in
                try await message.state["name"] = message.text
                try await message.ask("How old are you?", then: "age", within: .seconds(7200))
            }
            bot.step("age") { message in
                guard let age = Int(message.text) else { throw UsageError("A number, please.") }
                message.reply("Welcome, \(try await message.state["name", default: ""]) (\(age)).")
            }
            bot.onMessage { message in message.reply("echo \(message.text)") }
            return bot
        }
        var said = [try await anne.say("/register"), try await anne.friend().say("of a friend")]
        try anne.crash()
        for text in ["Anne", "old"] { said.append(try await anne.say(text)) }
        try anne.crash()
        for text in ["30", "30", "/register", "Anne"] { said.append(try await anne.say(text)) }
        try await anne.advance(.seconds(3 * 3600))
        for text in ["31", "/register", "/forget", "/forget"] { said.append(try await anne.say(text)) }
        XCTAssertEqual(
            said,
            [
                "What is your name?", "echo of a friend", "How old are you?", "A number, please.", "Welcome, Anne (30).", "echo 30",
                "What is your name?", "How old are you?", "echo 31", "What is your name?", "forgotten", "nothing was asked",
            ])
        let bert = try anne.friend()
        let group = try anne.createGroup("crew", bert)
        let inGroup = [
            try await anne.say("/register", to: group), try await bert.say("Bert", to: group), try await anne.say("Anne", to: group),
        ]
        XCTAssertEqual(inGroup, ["What is your name?", "", "How old are you?"])
    }

    func testRolesSayWhoIsHeardAndWhichCommandsAreTheirs() async throws {
        let admins = Lines()
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport, admins: Set(admins.all))
            bot.command("grant", .word("address"), .choice("role") as Parameter<Role>, role: .admin, hidden: true) { message, address, role in
                try await message.bot.roles.set(address, role)
                message.reply("\(try await message.bot.roles.of(address).map(\.rawValue) ?? "")")
            }
            bot.command("berth", about: "Reserves a berth.", aliases: ["b"], role: .allowed) { message in message.reply("It is yours.") }
            bot.onMessage(.role(.allowed)) { message in message.reply("Aye.") }
            return bot
        }
        let bert = try anne.friend()
        let (a, b) = (try anne.address(), try bert.address())
        var said = [try await anne.say("/grant \(b) allowed")]
        admins.add(a)
        try anne.crash()
        for text in ["/help", "/b"] { said.append(try await bert.say(text)) }
        said.append(try await anne.say("/grant \(b) allowed"))
        for text in ["/b", "/help", "well?"] { said.append(try await bert.say(text)) }
        try anne.crash()
        said += [try await bert.say("/berth"), try await anne.say("/grant \(b) blocked"), try await bert.say("/berth")]
        XCTAssertEqual(
            said,
            [
                "That is not for you.", "Nothing is for you.", "That is not for you.", "allowed", "It is yours.", "/berth - Reserves a berth.",
                "Aye.", "It is yours.", "blocked", "",
            ])
        let all = try await anne.bot.roles.all()
        XCTAssertEqual(all, [b: .blocked])
    }

    func testABotForTheAllowedHearsNobodyElse() async throws {
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport, access: .allowed)
            bot.onMessage { message in message.reply("echo \(message.text)") }
            return bot
        }
        var said = [try await anne.say("one")]
        try await anne.bot.roles.set(anne.address(), .allowed)
        said.append(try await anne.say("two"))
        try await anne.bot.roles.set(anne.address(), nil)
        said.append(try await anne.say("three"))
        XCTAssertEqual(said, ["", "echo two", ""])
    }

    func testFiltersMiddlewareAndModules() async throws {
        let order = Lines()
        let anne = try BotTestClient { client, transport in
            let module = Router()
            module.middleware { _, next in
                order.add("inner")
                try await next()
            }
            module.command("ping") { message in message.reply("pong") }
            module.onMessage(.matches("berth ([0-9]+)") && !.inGroup) { message in message.reply("berth \(message.groups[1])") }
            let bot = Bot(client: client, transport: transport, name: "harbour")
            bot.middleware { message, next in
                order.add("outer")
                if message.text != "stop" { try await next() }
            }
            bot.onMessage(.text("Straße") || .author("nobody")) { message in message.reply("street") }
            bot.onMessage(.mentioned && .hasText && !.hasFile) { message in
                message.reply(RichText(text: "here", suggestions: ["good"]))
            }
            bot.include(module)
            return bot
        }
        var said = [try await anne.say("/ping")]
        XCTAssertEqual(order.all, ["outer", "inner"])
        for text in ["is berth 7 free?", " STRASSE", "are you there, @harbour?", "stop"] { said.append(try await anne.say(text)) }
        // By whatever words.
        let mention = joinRuns(runs: [TextRun(text: "Harbour master", styles: [.mention(address: anne.bot.address)]), TextRun(text: "!")])
        for text in [mention, RichText(text: "Harbour master!")] { said.append(try await anne.say(text)) }
        XCTAssertEqual(said, ["pong", "berth 7", "street", "here", "", "here", ""])
    }
}

private struct Failed: Error {}
