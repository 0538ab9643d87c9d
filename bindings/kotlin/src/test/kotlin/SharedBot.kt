// The program of docs/guide/fleets.md, as it stands there.

import dev.windlass.Windlass
import dev.windlass.bot.Bot
import dev.windlass.transport.MqttTransport

fun main() {
    Windlass.fromEnvironment().use { client ->
        val transport = MqttTransport(System.getenv("WINDLASS_TRANSPORT"))
        val bot = Bot(client, transport, worker = System.getenv("WINDLASS_WORKER"))
        bot.onMessage {
            val count = (state.long("count") ?: 0) + 1
            state["count"] = count
            reply("That was number $count.")
        }
        bot.runUntilTerminated()
    }
}
