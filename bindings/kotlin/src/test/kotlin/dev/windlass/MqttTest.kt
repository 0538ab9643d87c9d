package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.NoMailboxException
import dev.windlass.transport.TooLargeException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.net.ServerSocket
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger
import kotlin.time.Duration.Companion.hours

class MqttTest {
    @TempDir
    lateinit var home: Path

    private val logged = CopyOnWriteArrayList<String>()

    /** What the transport logs while `test` runs. */
    private fun logging(test: () -> Unit) {
        val logger = Logger.getLogger("dev.windlass.transport.mqtt")
        val handler = object : Handler() {
            override fun publish(record: LogRecord) {
                logged += record.message
            }

            override fun flush() = Unit

            override fun close() = Unit
        }
        logger.addHandler(handler)
        try {
            test()
        } finally {
            logger.removeHandler(handler)
        }
    }

    private suspend fun mailbox(url: String, address: String) = MqttTransport(url).apply {
        start(address, 1u)
        // The broker has the mailbox when it has taken this.
        publishBundle(address, address.toByteArray())
    }

    /** Somebody with a real bundle, which they have published. */
    private suspend fun publish(url: String, client: Client) = MqttTransport(url).apply {
        start(client.address(), 1u)
        publishBundle(client.address(), client.bundle().encode())
    }

    @Test
    fun `each message is answered once by a bot that is stopped and started`() = Mosquitto(home).use { broker ->
        EchoTalk(People(home)).over { MqttTransport(broker.url) }
    }

    @Test
    fun `a bundle is found by its address and a mailbox that nobody has is told`() = Mosquitto(home).use { broker ->
        within {
            val client = People(home).open("alice")
            val alice = publish(broker.url, client)
            assertArrayEquals(client.bundle().encode(), alice.fetchBundle(client.address()))
            assertThrows<NoMailboxException> { alice.deliver("nobody", byteArrayOf(1)) }
            // Else it would be a filter that reads everybody's mail.
            assertThrows<IllegalArgumentException> { alice.fetchBundle("+") }
            assertThrows<IllegalArgumentException> { alice.deliver("a/b", byteArrayOf(1)) }
            alice.close()
            client.close()
        }
    }

    @Test
    fun `a mailbox with more mail than comes at once is emptied`() = Mosquitto(home).use { broker ->
        within {
            val bob = mailbox(broker.url, "bob").also { it.close() }
            val alice = mailbox(broker.url, "alice")
            val mail = (0 until 600).map { it.toString() }
            mail.forEach { alice.deliver("bob", it.toByteArray()) }
            bob.start("bob", 1u)
            val came = mutableListOf<String>()
            bob.receive().take(mail.size).collect {
                came += String(it.envelope)
                it.acknowledge()
            }
            assertEquals(mail, came)
            alice.close()
            bob.close()
        }
    }

    @Test
    fun `an envelope that is too large for the broker holds up no other`() = Mosquitto(home, settings = "max_packet_size 20000").use { broker ->
        within {
            val people = People(home)
            val client = people.open("bot")
            val bot = Bot(client, MqttTransport(broker.url), grace = 1.hours)
            bot.onMessage {
                reply(text.repeat(10_000))
                reply(text)
            }
            val running = launch(Dispatchers.Default) { bot.run() }
            val user = Person(people.open("user"), MqttTransport(broker.url), this)
            val door = mailbox(broker.url, "door")
            until { door.fetchBundle(client.address()) != null && door.fetchBundle(user.client.address()) != null }
            assertThrows<TooLargeException> { door.deliver(client.address(), ByteArray(20_000)) }
            user.client.addContact(client.bundle())
            user.say(client.address(), "Ahoy!")
            until { user.heard(client.address()) == listOf("Ahoy!") }
            // Does not wait for what can never go out.
            bot.stop()
            running.join()
            assertTrue(client.outbox().single().bytes.size > 20_000)
            user.leave()
            door.close()
            client.close()
        }
    }

    @Test
    fun `the bot of the examples says goodbye at SIGTERM`() = Mosquitto(home).use { broker ->
        within {
            val people = People(home)
            val address = people.open("bot").use { it.address() }
            val java = listOf("${System.getProperty("java.home")}/bin/java", "-cp", System.getProperty("java.class.path"), "EchoBotKt")
            val bot = ProcessBuilder(java).redirectOutput(home.resolve("bot.log").toFile()).redirectError(ProcessBuilder.Redirect.INHERIT)
            bot.environment() += mapOf(
                "WINDLASS_STORE" to people.path("bot"), "WINDLASS_KEY" to "07".repeat(32), "WINDLASS_TRANSPORT" to broker.url,
            )
            val door = mailbox(broker.url, "door")
            val running = bot.start()
            try {
                until { door.fetchBundle(address) != null }
                running.destroy()
                running.waitFor()
            } finally {
                running.destroyForcibly()
            }
            door.close()
            // Of a process that was cut off the broker says that it closed its connection.
            until { Regex("Client wl\\w+ disconnected").findAll(broker.log).count() == 2 }
        }
    }

    @Test
    fun `what was not acknowledged comes again`() = Mosquitto(home).use { broker ->
        within {
            val bob = mailbox(broker.url, "bob")
            val alice = mailbox(broker.url, "alice")
            alice.deliver("bob", "once".toByteArray())
            assertEquals(1, bob.receive().take(1).toList().size)
            bob.close()
            bob.start("bob", 1u)
            bob.receive().take(1).collect { it.acknowledge() }
            alice.close()
            bob.close()
        }
    }

    @Test
    fun `mail goes on when the broker was away`() = Mosquitto(home).use { broker ->
        within {
            val bob = mailbox(broker.url, "bob")
            val alice = mailbox(broker.url, "alice")
            val came = CopyOnWriteArrayList<String>()
            val receiving = launch(Dispatchers.Default) {
                bob.receive().collect {
                    came += String(it.envelope)
                    it.acknowledge()
                }
            }
            alice.deliver("bob", "before".toByteArray())
            until { came == listOf("before") }
            broker.stop()
            broker.start()
            alice.deliver("bob", "after".toByteArray())
            until { "after" in came }
            receiving.cancelAndJoin()
            alice.close()
            bob.close()
        }
    }

    /** Tries to connect until it has said that it cannot; then it is cancelled. */
    private suspend fun CoroutineScope.trying(transport: MqttTransport): Job = launch(Dispatchers.Default) {
        transport.start("alice", 1u)
        transport.publishBundle("alice", byteArrayOf(1))
    }.also {
        until { logged.isNotEmpty() }
        it.cancelAndJoin()
        transport.close()
    }

    @Test
    fun `waiting for a broker that is away can be cancelled, and no password is logged`() = logging {
        within {
            val port = ServerSocket(0).use { it.localPort }
            val transport = MqttTransport("mqtt://bot:se%3Acret@127.0.0.1:$port")
            trying(transport)
            assertFalse((logged + transport.toString()).any { "cret" in it || "bot" in it })
        }
    }

    @Test
    fun `a broker is trusted by its certificate and its name`() = Mosquitto(home, host = "ip:127.0.0.1").use { broker ->
        within {
            val alice = mailbox("${broker.url}?ca=${broker.certificate}", "alice")
            alice.deliver("alice", byteArrayOf(1))
            alice.close()
        }
        // Of no authority that the machine knows.
        logging { within { trying(MqttTransport(broker.url)) } }
    }

    @Test
    fun `a broker with a certificate of another name is refused`() = Mosquitto(home, host = "dns:elsewhere.example").use { broker ->
        logging { within { trying(MqttTransport("${broker.url}?ca=${broker.certificate}")) } }
    }

    @Test
    fun `other topics keep apart`() = Mosquitto(home).use { broker ->
        within {
            val (alice, other) = mailbox(broker.url, "alice") to mailbox("${broker.url}?prefix=other", "bob")
            assertThrows<NoMailboxException> { other.deliver("alice", byteArrayOf(1)) }
            alice.close()
            other.close()
        }
    }

    @Test
    fun `an address that makes no sense is refused without being quoted`() {
        val wrong = listOf(
            "http://bot:secret@host", "mqtts://bot:sec ret@host", "mqtt:secret", "mqtts://host?secret=1&version=3", "mqtts://host?version=4",
            "mqtt://bot:sret@broker.example", "mqtt://10.0.0.1", "mqtt://127.0.0.1.example", "mqtt://host?cleartext=no", "mqtt://localhost?ca=ca.pem",
            "mqtts://host?prefix=a/%23", "mqtts://bot:sret@host?password_file=/tmp/x",
        )
        for (url in wrong) {
            val refused = assertThrows(IllegalArgumentException::class.java) { MqttTransport(url) }
            assertFalse("ret@" in "$refused ${refused.cause}", url)
        }
        for (url in listOf("mqtt://localhost", "mqtt://127.0.0.1:1", "mqtt://[::1]", "mqtt://broker.example?cleartext=yes", "mqtts://broker.example")) {
            MqttTransport(url)
        }
    }

    @Test
    fun `an envelope that the broker refuses without a word before holds up no other`() =
        Mosquitto(home, settings = "message_size_limit 20000").use { broker ->
            within {
                val (alice, bob) = mailbox(broker.url, "alice") to mailbox(broker.url, "bob")
                assertThrows<TooLargeException> { alice.deliver("bob", ByteArray(60_000)) }
                alice.deliver("bob", "small".toByteArray())
                bob.receive().take(1).collect { assertEquals("small", String(it.envelope)) }
                alice.close()
                bob.close()
            }
        }

    @Test
    fun `mail goes by the former version of the protocol where the broker speaks no other`() =
        Mosquitto(home, settings = "max_inflight_messages 5").use { broker ->
            within {
                // This broker speaks both, so it is asked for by name.
                val (alice, bob) = mailbox("${broker.url}?version=3", "alice") to mailbox("${broker.url}?version=3.1.1", "bob")
                val mail = (0 until 100).map { "$it" }
                val writing = launch(Dispatchers.Default) { mail.forEach { alice.deliver("bob", it.toByteArray()) } }
                val came = mutableListOf<String>()
                bob.receive().take(mail.size).collect {
                    came += String(it.envelope)
                    it.acknowledge()
                }
                writing.join()
                assertEquals(mail, came)
                alice.close()
                bob.close()
            }
        }

    @Test
    fun `a mailbox is named by a secret, and whoever takes it is told of`() = Mosquitto(home).use { broker ->
        logging {
            within {
                val secret = ByteArray(32) { 1 }
                val (one, other, stranger) = List(3) { MqttTransport(broker.url) }
                for (transport in listOf(one, other)) transport.useSecret(secret)
                for (transport in listOf(one, stranger)) transport.start("alice", 1u)
                // Both have a mailbox at the address, each its own.
                one.publishBundle("alice", byteArrayOf(1))
                stranger.publishBundle("alice", byteArrayOf(2))
                stranger.close()
                assertEquals(emptyList<String>(), logged.filter { "another process" in it })
                other.start("alice", 1u)
                other.publishBundle("alice", byteArrayOf(3))
                until { logged.any { "another process uses this mailbox" in it } }
                one.close()
                other.close()
            }
        }
    }

    @Test
    fun `whoever takes the connection and is no broker is told in words`() = logging {
        within {
            // Nobody answers: `accept` is never called.
            ServerSocket(0, 5, java.net.InetAddress.getLoopbackAddress()).use { silent ->
                val transport = MqttTransport("mqtt://127.0.0.1:${silent.localPort}")
                transport.greetingMilliseconds = 200
                transport.start("alice", 1u)
                until { logged.any { "said nothing for 10 s: is it an MQTT broker" in it } }
                transport.close()
            }
        }
    }

    @Test
    fun `our bundle is put there again when somebody replaces it, and others are not taken for one`() = Mosquitto(home).use { broker ->
        logging {
            within {
                val people = People(home)
                val (client, mallory) = people.open("client") to people.open("mallory")
                val (alice, attacker) = publish(broker.url, client) to mailbox(broker.url, "mallory")
                val door = mailbox(broker.url, "door")
                attacker.publishBundle(client.address(), mallory.bundle().encode())
                until { logged.any { "somebody replaced our bundle" in it } }
                until { door.fetchBundle(client.address())?.contentEquals(client.bundle().encode()) == true }
                listOf(alice, attacker, door).forEach { it.close() }
                listOf(client, mallory).forEach { it.close() }
            }
        }
    }

    @Test
    fun `what nobody acknowledges is held up to a bound, and comes again when there is room`() =
        Mosquitto(home, settings = "max_queued_messages 0\nmax_inflight_messages 0").use { broker ->
            within {
                val (alice, bob) = mailbox("${broker.url}?version=3", "alice") to mailbox("${broker.url}?version=3", "bob")
                bob.waitingBytes = 1024 * 1024
                val large = ByteArray(200_000)
                val count = 12
                repeat(count) { number -> alice.deliver("bob", large.also { it[0] = number.toByte() }) }
                val came = mutableSetOf<Byte>()
                bob.receive().takeWhile {
                    came += it.envelope[0]
                    it.acknowledge()
                    came.size < count
                }.collect {}
                assertEquals((0 until count).map { it.toByte() }.toSet(), came)
                alice.close()
                bob.close()
            }
        }

    @Test
    fun `the user name with a password file is our address, and a wrong password is told`() {
        val passwords = home.resolve("passwords").toFile()
        val tool = listOf("/usr/bin", "/usr/local/bin").map { "$it/mosquitto_passwd" }.firstOrNull { java.io.File(it).exists() }
        org.junit.jupiter.api.Assumptions.assumeTrue(tool != null || System.getenv("CI") != null, "mosquitto_passwd is not installed")
        check(ProcessBuilder(tool, "-b", "-c", passwords.path, "alice", "s: cr%t").start().waitFor() == 0)
        passwords.setReadable(true, false)
        val (right, wrong) = listOf("s: cr%t\n", "other").map { home.resolve("secret${it.length}").toFile().apply { writeText(it) } }
        Mosquitto(home, settings = "allow_anonymous false\npassword_file $passwords").use { broker ->
            logging {
                within {
                    mailbox("${broker.url}?password_file=$right", "alice").close()
                    val transport = MqttTransport("${broker.url}?password_file=$wrong")
                    transport.start("alice", 1u)
                    until { logged.any { "user name or password is wrong" in it || "not authorised" in it } }
                    transport.close()
                    assertFalse(logged.any { "other" in it })
                }
            }
        }
    }
}
