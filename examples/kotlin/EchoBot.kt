import dev.windlass.Client
import dev.windlass.Windlass
import dev.windlass.bot.Bot
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.runBlocking

/** Answers each message with what it says. */
fun echoBot(client: Client, transport: Transport): Bot = Bot(client, transport).apply {
    onMessage { reply(text) }
}

/** With WINDLASS_STORE, WINDLASS_KEY (64 hexadecimal digits) and WINDLASS_TRANSPORT (`mqtts://user:password@host`). */
fun main(): Unit = runBlocking {
    Windlass.fromEnvironment().use { client ->
        val bot = echoBot(client, MqttTransport(System.getenv("WINDLASS_TRANSPORT") ?: "mqtt://localhost"))
        println(bot.invite())
        bot.run()
    }
}
