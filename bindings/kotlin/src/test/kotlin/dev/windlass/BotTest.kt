package dev.windlass

import chat
import dev.windlass.bot.Bot
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.ServerSocket
import java.net.Socket
import java.nio.file.Path

private const val MESSAGES = 40

class BotTest {
    @TempDir
    lateinit var home: Path

    private val key = StoreKey.fromBytes(ByteArray(32) { 7 })

    private fun open(name: String): Client {
        val path = home.resolve("$name.wl").toString()
        return if (File(path).exists()) Windlass.open(path, key) else Windlass.create(path, key)
    }

    /** Writes to an echo bot that is stopped and started anew in between, until each message is answered. */
    private fun talk(transport: () -> Transport) = runBlocking {
        withTimeout(120_000) {
            suspend fun echo(client: Client) {
                val bot = Bot(client, transport())
                bot.onMessage { reply("echo $text") }
                bot.run()
            }
            var client = open("bot")
            val address = client.address()
            var running: Job = launch(Dispatchers.Default) { echo(client) }
            val user = open("user")
            val post = transport()
            post.start(user.address(), user.deviceId())
            var bundle: ByteArray? = null
            while (bundle == null) bundle = post.fetchBundle(address)
            user.addContact(Bundle.decode(bundle))
            val receiving = launch(Dispatchers.Default) {
                post.receive().collect {
                    user.receive(it.envelope)
                    it.acknowledge()
                }
            }
            repeat(MESSAGES) { number ->
                user.send(address, "$number")
                for (envelope in user.outbox()) {
                    post.deliver(envelope.to, envelope.bytes)
                    user.markSent(listOf(envelope.id))
                }
                if (number % 10 == 9) {
                    running.cancelAndJoin()
                    client.shutdown()
                    client = open("bot")
                    running = launch(Dispatchers.Default) { echo(client) }
                }
            }
            val conversation = user.conversation(address)
            fun answers() = conversation.messages(1000u).filter { !it.outgoing }.mapNotNull { it.text }
            while (answers().size < MESSAGES) kotlinx.coroutines.yield()
            assertEquals((0 until MESSAGES).map { "echo $it" }.toSet(), answers().toSet())
            assertEquals(MESSAGES, answers().size)
            receiving.cancelAndJoin()
            running.cancelAndJoin()
            post.close()
        }
    }

    @Test
    fun `each message is answered once by a bot that is stopped and started`() {
        val post = MemoryPost()
        talk { post.transport() }
    }

    @Test
    fun `the chat of the examples talks with a bot`() = runBlocking {
        withTimeout(60_000) {
            val post = MemoryPost()
            val client = open("bot")
            val bot = launch(Dispatchers.Default) { Bot(client, post.transport()).apply { onMessage { reply("echo $text") } }.run() }
            val user = open("user")
            val door = post.transport()
            while (door.fetchBundle(client.address()) == null) kotlinx.coroutines.yield()
            val contact = user.addContact(Bundle.decode(door.fetchBundle(client.address())!!))
            val shown = java.util.concurrent.ConcurrentLinkedQueue<String>()
            chat(user, post.transport(), contact.address, flowOf("one", "two"), { shown += it }) {
                while (shown.filter { it != "✓" }.size < 2) kotlinx.coroutines.yield()
            }
            assertEquals(setOf("echo one", "echo two"), shown.filter { it != "✓" }.toSet())
            bot.cancelAndJoin()
        }
    }

    @Test
    fun `and over a real broker`() {
        val mosquitto = listOf("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto").firstOrNull { File(it).exists() }
        assumeTrue(mosquitto != null || System.getenv("CI") != null, "mosquitto is not installed")
        val port = ServerSocket(0).use { it.localPort }
        val config = home.resolve("mosquitto.conf").toFile()
        config.writeText("listener $port 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n")
        val broker = ProcessBuilder(mosquitto, "-c", config.path)
            .redirectErrorStream(true).redirectOutput(home.resolve("mosquitto.log").toFile()).start()
        try {
            while (runCatching { Socket("127.0.0.1", port).close() }.isFailure) check(broker.isAlive) { "mosquitto ended" }
            talk { MqttTransport("mqtt://127.0.0.1:$port") }
        } finally {
            broker.destroy()
            broker.waitFor()
        }
    }
}
