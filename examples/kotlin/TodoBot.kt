import dev.windlass.Client
import dev.windlass.bot.Bot
import dev.windlass.bot.BotMessage
import dev.windlass.bot.UsageException
import dev.windlass.bot.integer
import dev.windlass.bot.rest
import dev.windlass.foldText
import dev.windlass.transport.Transport
import kotlin.time.Duration.Companion.minutes

fun todoBot(client: Client, transport: Transport): Bot {
    val bot = Bot(client, transport)

    fun BotMessage.chosen(number: Long): String {
        val things = state.strings("things")
        if (number !in 1..things.size) throw UsageException("There is no such number; /list shows them.")
        return things[number.toInt() - 1]
    }

    bot.command("add", rest("words"), "Puts something on the list.") { words ->
        if (words.isEmpty()) throw UsageException("What is to be done? For example: /add mend the sail")
        val things = state.list("things").apply { add(words.joinToString(" ")) }
        reply("${things.size}. ${things.last()}")
    }
    bot.command("list", "Shows the list.") {
        val lines = state.strings("things").mapIndexed { place, thing -> "${place + 1}. $thing" }
        reply(lines.joinToString("\n").ifEmpty { "Nothing to do." })
    }
    bot.command("done", integer("number"), "Takes something off the list.") { number ->
        val thing = chosen(number)
        state.list("things").remove(thing)
        reply("Done: $thing")
    }
    bot.command("remind", integer("minutes"), integer("number"), "Reminds you of something on the list.") { minutes, number ->
        bot.jobs.at(minutes.minutes, "reminder", mapOf("to" to conversation, "thing" to chosen(number)))
        reply("In $minutes minutes.") // one transaction with the plan
    }
    bot.job("reminder") {
        val (to, thing) = data.string("to")!! to data.string("thing")!!
        if (thing in stateOf(to).strings("things")) send(to, "Remember: $thing")
    }
    bot.job("digest", cron = "0 7 * * *") {
        for (conversation in client.conversations()) {
            val left = stateOf(conversation.address).strings("things").size
            if (left > 0) send(conversation.address, "Good morning. Things to do: $left.")
        }
    }
    bot.command("clear", "Empties the list.") { ask("All of it? Say yes.", then = "clear") }
    bot.step("clear") {
        val sure = foldText(text) == "yes"
        if (sure) state.clear()
        reply(if (sure) "Aye." else "Then not.")
    }
    return bot
}
