import dev.windlass.Client
import dev.windlass.Windlass
import dev.windlass.bot.Bot
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.runBlocking
import kotlin.concurrent.thread

/** More than handlers and the outbox get to finish. */
private const val PATIENCE_MILLISECONDS = 30_000L

/** Answers each message with what it says. */
fun echoBot(client: Client, transport: Transport): Bot = Bot(client, transport).apply {
    onMessage { reply(text.ifEmpty { "I repeat text alone." }) }
}

/** With WINDLASS_STORE, WINDLASS_KEY (64 hexadecimal digits) and WINDLASS_TRANSPORT (`mqtts://user:password@host`). */
fun main(): Unit = runBlocking {
    val main = Thread.currentThread()
    Windlass.fromEnvironment().use { client ->
        val bot = echoBot(client, MqttTransport(System.getenv("WINDLASS_TRANSPORT") ?: "mqtt://localhost"))
        // At SIGTERM and Ctrl+C: the process ends when what was begun is answered and the store is closed.
        val ending = thread(start = false) {
            bot.requestStop()
            main.join(PATIENCE_MILLISECONDS)
        }
        Runtime.getRuntime().addShutdownHook(ending)
        println(bot.invite())
        bot.run()
    }
}
