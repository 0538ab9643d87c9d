package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.Role
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.TransportException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds

private const val WORKERS = 3
private const val USERS = 3
private const val AT_ONCE = 8
private const val ONE_BY_ONE = 8
private val KEY = ByteArray(32) { 7 }

/** What the processes of the test do: each answer has a number in its conversation, and every fourth message is remembered by a job. */
private fun countingBot(client: Client, url: String, worker: String): Bot {
    val bot = Bot(client, MqttTransport(url), worker = worker, retries = 1000, answersPerMinute = 100_000, keepUpEvery = 5.seconds)
    bot.job("remind") { send(data.string("to").orEmpty(), "Remember: ${data.string("what")}") }
    bot.onMessage {
        val count = (state.long("count") ?: 0) + 1
        state["count"] = count
        if (count % 4 == 0L) bot.jobs.at(0.seconds, "remind", mapOf("to" to author, "what" to text))
        reply("$count. $text")
    }
    return bot
}

/** One of the processes. */
object WorkerProgram {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = Windlass.fromEnvironment().use { client ->
        countingBot(client, System.getenv("WINDLASS_TRANSPORT"), System.getenv("WINDLASS_WORKER")).runUntilTerminated()
    }
}

/** Several processes are one bot, on a store in a database and with one mailbox. */
class WorkersTest {
    @TempDir
    lateinit var home: Path

    private val people by lazy { People(home) }

    private inner class Worker(private val name: String, private val store: String, private val url: String) {
        private val log: File = home.resolve("$name.log").toFile()
        private lateinit var process: Process

        fun start() {
            val java = listOf("${System.getProperty("java.home")}/bin/java", "-cp", System.getProperty("java.class.path"))
            val output = ProcessBuilder.Redirect.appendTo(log)
            val builder = ProcessBuilder(java + WorkerProgram::class.java.name).redirectErrorStream(true).redirectOutput(output)
            builder.environment() += mapOf(
                "WINDLASS_STORE" to store, "WINDLASS_KEY" to "07".repeat(32), "WINDLASS_TRANSPORT" to url, "WINDLASS_WORKER" to name,
            )
            process = builder.start()
        }

        /** SIGKILL: nothing is given back but by its end. */
        fun kill() {
            check(process.isAlive) { said() }
            process.destroyForcibly().waitFor()
        }

        fun end() {
            process.destroyForcibly().waitFor()
        }

        fun said(): String = "$name: ${log.readText()}"
    }

    /** Somebody who writes, and hears. */
    private inner class User(scope: CoroutineScope, name: String, url: String) {
        val client = people.open(name)
        val heard = CopyOnWriteArrayList<String>()
        private val bot = Bot(client, MqttTransport(url), answersPerMinute = 100_000, keepUpEvery = 5.seconds)
        private val running: Job

        init {
            bot.onMessage { heard += text }
            running = scope.launch(Dispatchers.Default) { bot.run() }
        }

        val answers get() = heard.filterNot { it.startsWith("Remember") }

        suspend fun say(to: String, text: String) {
            bot.send(to, text)
        }

        suspend fun leave() {
            bot.stop()
            running.join()
            client.close()
        }
    }

    /** Makes the store, once: workers make none. */
    private fun made(store: String): Bundle = StoreKey.fromBytes(KEY).use { key ->
        Windlass.create(store, key).use { it.bundle() }
    }

    @Test
    fun `each message is answered once by several workers though one is killed and the server dies`() = Postgres().use { database ->
        Mosquitto(home).use { broker ->
            val store = database.address("bot")
            val bundle = made(store)
            val workers = (1..WORKERS).map { Worker("worker-$it", store, broker.url) }
            try {
                workers.forEach { it.start() }
                within { talk(bundle, broker.url, workers, database) }
            } catch (late: TimeoutCancellationException) {
                throw AssertionError(workers.joinToString("\n") { it.said() }, late)
            } finally {
                workers.forEach { it.end() }
            }
        }
    }

    private suspend fun CoroutineScope.talk(bundle: Bundle, url: String, workers: List<Worker>, database: Postgres) {
        val bot = bundle.identity().use { it.address() }
        val users = (1..USERS).map { User(this, "user-$it", url) }
        users.forEach { it.client.addContact(bundle) }
        // All at once; and while it is answered a worker dies, and comes back under its name.
        for (user in users) repeat(AT_ONCE) { user.say(bot, "word $it") }
        until { users.sumOf { it.answers.size } >= USERS }
        workers[0].kill()
        workers[0].start()
        until { users.all { it.answers.size >= AT_ONCE } }
        for (user in users) {
            val (numbers, words) = user.answers.map { it.substringBefore(". ") to it.substringAfter(". ") }.unzip()
            assertEquals((1..AT_ONCE).map { "$it" }, numbers.sortedBy { it.toInt() })
            assertEquals((0 until AT_ONCE).map { "word $it" }, words.sorted())
        }
        // One after the other: they are answered in their order, whoever dies.
        for (number in 0 until ONE_BY_ONE) {
            users.forEach { it.say(bot, "then $number") }
            when (number) {
                2 -> workers[1].run { kill(); start() }
                5 -> database.run { die(); start() }
            }
            until { users.all { it.answers.size >= AT_ONCE + number + 1 } }
        }
        val inOrder = (0 until ONE_BY_ONE).map { "${AT_ONCE + it + 1}. then $it" }
        val remembered = (AT_ONCE + ONE_BY_ONE) / 4
        until { users.all { user -> user.heard.count { it.startsWith("Remember") } >= remembered } }
        for (user in users) {
            assertEquals(inOrder, user.answers.drop(AT_ONCE))
            assertEquals(remembered, user.heard.count { it.startsWith("Remember") })
            assertEquals(user.heard.toSet().size, user.heard.size)
        }
        users.forEach { it.leave() }
    }

    @Test
    fun `what one worker was told, planned and allowed, others know`() = Postgres().use { database ->
        Mosquitto(home).use { broker ->
            val store = database.address("bot")
            val bundle = made(store)
            val address = bundle.identity().use { it.address() }
            within {
                val (done, told) = CopyOnWriteArrayList<String>() to CopyOnWriteArrayList<Pair<String, String>>()
                val clients = listOf("one", "two").associateWith { StoreKey.fromBytes(KEY).use { key -> Windlass.open(store, key) } }
                val bots = clients.mapValues { (name, client) ->
                    Bot(client, MqttTransport(broker.url), worker = name, keepUpEvery = 1.hours).also { bot ->
                        bot.job("note") { done += data.string("what").orEmpty() }
                        bot.onMessage { reply("heard: $text") }
                        bot.onReaction { told += name to it.emoji }
                    }
                }
                val running = bots.mapValues { (_, bot) -> launch(Dispatchers.Default) { bot.run() } }
                val user = User(this, "user", broker.url)
                user.client.addContact(bundle)
                val (one, two) = bots.getValue("one") to bots.getValue("two")
                one.roles.set(user.client.address(), Role.ADMIN)
                until { two.roles.of(user.client.address()) == Role.ADMIN }
                user.say(address, "hello")
                until { user.answers == listOf("heard: hello") }
                suspend fun react(emoji: String) = user.client.conversation(address).use { it.react(it.messages().first { said -> !said.outgoing }, emoji) }
                react("👍")
                until { told.size == 1 }
                val (teller, _) = told.single()
                val other = bots.keys.single { it != teller }
                // One plans it, and only the other one is left to do it.
                bots.getValue(teller).jobs.at(2.seconds, "note", mapOf("what" to "once"))
                bots.getValue(teller).stop()
                running.getValue(teller).join()
                clients.getValue(teller).close()
                until { done == listOf("once") }
                // Of what comes now a part is for the one that is away. The rest is told by the other.
                listOf("🎉", "👏", "🙂", "👋").forEach { react(it) }
                until { told.any { (by, _) -> by == other } }
                bots.getValue(other).stop()
                running.getValue(other).join()
                assertEquals(listOf("once"), done)
                user.leave()
                clients.getValue(other).close()
            }
        }
    }

    @Test
    fun `workers share what comes`() = Mosquitto(home).use { broker ->
        within {
            val took = mapOf("one" to CopyOnWriteArrayList<String>(), "two" to CopyOnWriteArrayList<String>())
            val workers = took.map { (name, taken) ->
                MqttTransport(broker.url).also { worker ->
                    worker.useWorker(name)
                    worker.start("bob", 1u)
                    // The broker has the mailbox when it has taken this.
                    worker.publishBundle("bob", byteArrayOf(1))
                    launch { worker.receive().collect { taken += String(it.envelope); it.acknowledge() } }
                }
            }
            val alice = MqttTransport(broker.url).apply { start("alice", 1u) }
            val sent = (0 until 40).map { "$it" }
            sent.forEach { alice.deliver("bob", it.toByteArray()) }
            until { took.values.sumOf { it.size } >= sent.size }
            assertEquals(sent.toSet(), took.values.flatten().toSet())
            assertEquals(sent.size, took.values.sumOf { it.size })
            assertTrue(took.values.none { it.isEmpty() })
            (workers + alice).forEach { it.close() }
        }
    }

    @Test
    fun `workers need a transport that can be shared, and make no store`() = within {
        assertThrows<TransportException> { MqttTransport("mqtt://localhost?version=3").useWorker("one") }
        MqttTransport("mqtt://localhost").useWorker("one")
        people.open("bot").use { client ->
            assertThrows(IllegalArgumentException::class.java) { Bot(client, MemoryPost().transport(), worker = "number one") }
            assertThrows<TransportException> { Bot(client, MemoryPost().transport(), worker = "one").run() }
        }
        val environment = mapOf("WINDLASS_STORE" to people.path("nothing"), "WINDLASS_KEY" to "07".repeat(32), "WINDLASS_WORKER" to "one")
        assertThrows<WindlassException.StoreNotFound> { Windlass.fromEnvironment(environment) }
    }

    @Test
    fun `the program of the guide is one that is compiled`() {
        val repository = generateSequence(File("").absoluteFile) { it.parentFile }.first { it.resolve("docs/guide").isDirectory }
        val guide = repository.resolve("docs/guide/fleets.md").readText()
        val quoted = Regex("^```kotlin\n(.*?)^```$", setOf(RegexOption.MULTILINE, RegexOption.DOT_MATCHES_ALL)).find(guide)
        val source = repository.resolve("bindings/kotlin/src/test/kotlin/SharedBot.kt").readText()
        assertTrue(source.endsWith(checkNotNull(quoted) { "there is no program in Kotlin" }.groupValues[1]))
    }
}
