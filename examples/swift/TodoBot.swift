import Foundation
import Windlass

/// Where a reminder goes, and of what.
struct Reminder: Codable {
    let to: String
    let thing: String
}

func todoBot(client: Client, transport: any Transport) -> Bot {
    let bot = Bot(client: client, transport: transport)

    @Sendable func chosen(_ message: BotMessage, _ number: Int) async throws -> String {
        let things: [String] = try await message.state["things", default: []]
        guard things.indices.contains(number - 1) else { throw UsageError("There is no such number; /list shows them.") }
        return things[number - 1]
    }

    bot.command("add", .rest("words"), about: "Puts something on the list.") { message, words in
        if words.isEmpty { throw UsageError("What is to be done? For example: /add mend the sail") }
        let (state, thing) = (try await message.state, words.joined(separator: " "))
        state["things", default: [String]()].append(thing)
        message.reply("\(state["things", default: [String]()].count). \(thing)")
    }
    bot.command("list", about: "Shows the list.") { message in
        let things: [String] = try await message.state["things", default: []]
        let lines = things.enumerated().map { "\($0 + 1). \($1)" }
        message.reply(lines.isEmpty ? "Nothing to do." : lines.joined(separator: "\n"))
    }
    bot.command("done", .integer("number"), about: "Takes something off the list.") { message, number in
        let thing = try await chosen(message, number)
        try await message.state["things", default: [String]()].remove(at: number - 1)
        message.reply("Done: \(thing)")
    }
    bot.command("remind", .integer("minutes"), .integer("number"), about: "Reminds you of something.") { message, minutes, number in
        let reminder = Reminder(to: message.conversation, thing: try await chosen(message, number))
        try await message.bot.jobs.after(.seconds(minutes * 60), "reminder", reminder)
        message.reply("In \(minutes) minutes.")  // one transaction with the plan
    }
    bot.job("reminder") { job in
        guard let reminder = try job.data.read(Reminder.self) else { return }
        let things: [String] = try await job.state(of: reminder.to)["things", default: []]
        if things.contains(reminder.thing) { job.send(to: reminder.to, text: "Remember: \(reminder.thing)") }
    }
    bot.job("digest", cron: "0 7 * * *") { job in
        for conversation in try await client.conversations() {
            let things: [String] = try await job.state(of: conversation.address)["things", default: []]
            if !things.isEmpty { job.send(to: conversation.address, text: "Good morning. Things to do: \(things.count).") }
        }
    }
    bot.command("clear", about: "Empties the list.") { message in try await message.ask("All of it? Say yes.", then: "clear") }
    bot.step("clear") { message in
        let sure = foldText(text: message.text) == "yes"
        if sure { try await message.state.removeAll() }
        message.reply(sure ? "Aye." : "Then not.")
    }
    return bot
}
