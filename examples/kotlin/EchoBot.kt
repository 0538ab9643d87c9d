import dev.windlass.Client
import dev.windlass.Windlass
import dev.windlass.bot.Bot
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport

/** Answers each message with what it says. */
fun echoBot(client: Client, transport: Transport): Bot = Bot(client, transport).apply {
    onMessage { reply(text.ifEmpty { "I repeat text alone." }) }
}

/** With WINDLASS_STORE, WINDLASS_KEY (64 hexadecimal digits) and WINDLASS_TRANSPORT (`mqtts://user:password@host`). */
fun main(): Unit = Windlass.fromEnvironment().use { client ->
    val bot = echoBot(client, MqttTransport(System.getenv("WINDLASS_TRANSPORT") ?: "mqtt://localhost"))
    println(bot.invite())
    // At SIGTERM and Ctrl+C the process ends when what was begun is answered and the store is closed.
    bot.runUntilTerminated()
}
