package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.BotMessage
import dev.windlass.bot.choice
import dev.windlass.bot.integer
import dev.windlass.bot.orElse
import dev.windlass.bot.rest
import dev.windlass.bot.word
import dev.windlass.transport.Incoming
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.Transport
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.IOException
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.io.path.writeText
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

/** A bot and a user, who writes to it and reads its answers. */
class BotHandlersTest {
    @TempDir
    lateinit var home: Path

    private val post = MemoryPost()
    private val people by lazy { People(home) }
    private val client by lazy { people.open("bot") }

    private fun bot(trust: TrustPolicy = TrustPolicy.ACCEPT_ALL) = Bot(client, post.transport(), trust)

    private fun CoroutineScope.start(bot: Bot): Job = launch(Dispatchers.Default) { bot.run() }

    private fun CoroutineScope.user(name: String = "user") =
        person(people, post, name).also { it.client.addContact(client.bundle()) }

    /** What the bot answers to some texts. */
    private fun answers(bot: Bot, vararg texts: String): List<String> {
        var heard = emptyList<String>()
        within {
            val running = start(bot)
            val user = user()
            texts.forEach { user.say(client.address(), it) }
            until { user.heard(client.address()).size >= texts.size }
            heard = user.heard(client.address())
            user.leave()
            running.cancelAndJoin()
        }
        return heard
    }

    private enum class Colour { RED, GREEN }

    @Test
    fun `commands have arguments with types, and what does not fit is answered with a sentence`() {
        val bot = bot()
        bot.command("add", integer("a"), integer("b").orElse(1), "adds") { a, b -> reply("${a + b}") }
        bot.command("paint", choice("colour", Colour.entries), word("what"), rest("how")) { colour, what, how ->
            reply("$what $colour ${how.size}")
        }
        bot.command("stop") { reply("stopped") }
        bot.onMessage { reply("no command") }
        val heard = answers(
            bot, "/add 2 3", "/ADD 2", "/add two", "/add", "/stop now", "/paint red \"the wall\" very well", "/help", "hello",
        )
        assertEquals(
            listOf(
                "5", "3", "a must be a whole number, not two. Usage: /add a [b]", "a is missing. Usage: /add a [b]",
                "That is too much. Usage: /stop", "the wall RED 2", "/add a [b] - adds\n/paint colour what [how...]\n/stop", "no command",
            ),
            heard,
        )
        assertThrows(IllegalArgumentException::class.java) { bot.command("add") {} }
    }

    @Test
    fun `a handler that fails costs its own message alone`() {
        val bot = bot()
        val failures = CopyOnWriteArrayList<Exception>()
        bot.onMessage {
            reply("before")
            // A time limit of the handler's own is a cancellation by its class, and none of the bot.
            if (text == "slow") withTimeout(1.milliseconds) { awaitCancellation() }
            if (text == "wrong") error("wrong")
        }
        bot.onError { message, failure ->
            failures += failure
            message!!.reply("sorry")
        }
        assertEquals(listOf("sorry", "sorry", "before"), answers(bot, "slow", "wrong", "well"))
        assertEquals(2, failures.size)
    }

    @Test
    fun `an answer that cannot be sent does not end the bot`() {
        val bot = bot()
        val stranger = Identity.generate().address()
        val failures = CopyOnWriteArrayList<Exception>()
        bot.onError { _, failure -> failures += failure }
        bot.onMessage {
            reply("yes")
            if (text == "to nobody") send(stranger, "?")
        }
        within {
            val running = start(bot)
            val user = user()
            listOf("to nobody", "hello").forEach { user.say(client.address(), it) }
            until { user.heard(client.address()) == listOf("yes") }
            user.leave()
            running.cancelAndJoin()
        }
        assertInstanceOf(WindlassException.UnknownContact::class.java, failures.single())
    }

    @Test
    fun `what error handlers say to it is sent, if that can be sent`() {
        val bot = bot()
        val stranger = Identity.generate().address()
        bot.onError { message, _ ->
            message!!.reply("sorry")
            if (message.text == "worse") message.send(stranger, "?")
        }
        bot.onMessage {
            reply("yes")
            if (text != "hello") send(stranger, "?")
        }
        within {
            val running = start(bot)
            val user = user()
            listOf("to nobody", "worse", "hello").forEach { user.say(client.address(), it) }
            until { user.heard(client.address()) == listOf("sorry", "yes") }
            user.leave()
            running.cancelAndJoin()
        }
    }

    @Test
    fun `attachments come to the handlers`() = within {
        val bot = bot()
        bot.onMessage { reply("$text${(message.body as Body.Attachment).attachment.name}") }
        val running = start(bot)
        val user = user()
        val file = home.resolve("anchor.txt").apply { writeText("anchor") }
        val sealed = Attachment.encrypt("$file", "${home.resolve("anchor.sealed")}", "text/plain")
        user.client.conversation(client.address()).sendAttachment(sealed, "anchor.sealed")
        user.carry()
        until { user.heard(client.address()) == listOf("anchor.txt") }
        user.leave()
        running.cancelAndJoin()
    }

    /** A transport that somebody else wrote. */
    private class Careless(private val inner: Transport) : Transport by inner {
        override suspend fun publishBundle(address: String, bundle: ByteArray) = throw IOException("not today")

        override suspend fun fetchBundle(address: String): ByteArray? = throw UnsupportedOperationException("never")

        override fun receive() = inner.receive().map { Incoming(it.envelope) { throw IOException("lost") } }

        override suspend fun close() = throw IOException("lost")
    }

    @Test
    fun `a transport that throws what it likes does not end the bot`() = within {
        val bot = Bot(client, Careless(post.transport()))
        val stranger = Identity.generate().address()
        bot.onMessage {
            if (text == "to nobody") send(stranger, "?")
            reply("echo $text")
        }
        val running = start(bot)
        val user = user()
        listOf("to nobody", "hello").forEach { user.say(client.address(), it) }
        until { user.heard(client.address()) == listOf("echo hello") }
        bot.stop()
        running.join()
        user.leave()
    }

    @Test
    fun `an address that cannot be reached does not hold up the others`() = within {
        val bot = bot()
        bot.onMessage { reply("echo $text") }
        val gone = people.open("gone")
        client.addContact(gone.bundle())
        client.send(gone.address(), "is anybody there?")
        val running = start(bot)
        val user = user()
        user.say(client.address(), "one")
        until { user.heard(client.address()) == listOf("echo one") }
        until { client.outbox().map { it.to } == listOf(gone.address()) }
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a handler that is slow holds up its own conversation alone`() = within {
        val bot = bot()
        val slow = CompletableDeferred<Unit>()
        bot.onMessage {
            if (text == "slow") slow.await()
            reply("echo $text")
        }
        val running = start(bot)
        val (first, second) = user("first") to user("second")
        first.say(client.address(), "slow")
        until { client.unhandled().isNotEmpty() }
        second.say(client.address(), "quick")
        until { second.heard(client.address()) == listOf("echo quick") }
        assertEquals(emptyList<String>(), first.heard(client.address()))
        slow.complete(Unit)
        until { first.heard(client.address()) == listOf("echo slow") }
        first.leave()
        second.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `strangers wait until they are accepted, also over a restart`() = within {
        val asked = CompletableDeferred<String>()
        val first = bot(TrustPolicy.FIRST_USE)
        first.onContactRequest { asked.complete(it) }
        var running = start(first)
        val user = user()
        user.say(client.address(), "may I?")
        assertEquals(user.client.address(), asked.await())
        running.cancelAndJoin()

        val second = bot(TrustPolicy.FIRST_USE)
        second.onMessage { reply("you may") }
        second.onContactRequest { second.accept(it) }
        running = start(second)
        until { user.heard(client.address()) == listOf("you may") }
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `invited into a group it joins, and hears what people say there and nothing else`() = within {
        val bot = bot()
        val handled = CopyOnWriteArrayList<BotMessage>()
        bot.onMessage {
            handled += this
            reply("echo $text")
        }
        val running = start(bot)
        val user = user()
        user.say(client.address(), "hello")
        until { user.heard(client.address()).isNotEmpty() }
        val group = user.client.createGroup("Crew", listOf(client.address()))
        user.carry()
        until { group.members().all { it.joined } }
        group.rename("The crew")
        group.send("ahoy")
        user.carry()
        until { user.heard(group.address()).isNotEmpty() }
        assertEquals(listOf("echo ahoy"), user.heard(group.address()))
        assertEquals(listOf("hello", "ahoy"), handled.map { it.text })
        assertTrue(handled.last().inGroup)
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a handler may decline an invitation`() = within {
        val bot = bot()
        bot.onGroupInvitation { it.decline() }
        val running = start(bot)
        val user = user()
        val group = user.client.createGroup("Crew", listOf(client.address()))
        user.carry()
        until { group.members().size == 1 }
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `reactions are put and heard`() = within {
        val bot = bot()
        val heard = CompletableDeferred<Event.Reacted>()
        bot.onMessage { react("👍") }
        bot.onReaction { heard.complete(it) }
        val running = start(bot)
        val user = user()
        user.say(client.address(), "ahoy")
        val conversation = user.client.conversation(client.address())
        until { conversation.messages().single().reactions.map { it.emoji } == listOf("👍") }
        conversation.react(conversation.messages().single(), "⚓")
        user.carry()
        assertEquals("⚓" to user.client.address(), heard.await().let { it.emoji to it.by })
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `asked to stop it lets its handlers finish, and what they answer goes out`() = within {
        val bot = bot()
        val (begun, go) = CompletableDeferred<Unit>() to CompletableDeferred<Unit>()
        bot.onMessage {
            begun.complete(Unit)
            go.await()
            reply("done")
        }
        val running = start(bot)
        val user = user()
        user.say(client.address(), "work")
        begun.await()
        val stopping = launch(Dispatchers.Default) { bot.stop() }
        go.complete(Unit)
        stopping.join()
        running.join()
        assertEquals(emptyList<OutgoingEnvelope>(), client.outbox().filter { it.to == user.client.address() })
        until { user.heard(client.address()) == listOf("done") }
        user.leave()
    }

    @Test
    fun `a handler may stop its bot, and what it answers goes out`() = within {
        val bot = Bot(client, post.transport(), grace = 1.hours)
        bot.command("stop") {
            reply("stopped")
            bot.stop()
        }
        bot.command("ask") {
            bot.requestStop()
            reply("asked")
        }
        val user = user()
        for ((command, answer) in listOf("/stop" to "stopped", "/ask" to "asked")) {
            val running = start(bot)
            user.say(client.address(), command)
            running.join()
            assertEquals(emptyList<UnhandledMessage>(), client.unhandled())
            until { user.heard(client.address()).lastOrNull() == answer }
        }
        assertEquals(listOf("stopped", "asked"), user.heard(client.address()))
        user.leave()
    }

    @Test
    fun `an event whose handler was cancelled with the bot is told once more`() = within {
        val begun = CompletableDeferred<Unit>()
        val first = bot()
        first.onEvent {
            if (it is Event.Edited) {
                begun.complete(Unit)
                awaitCancellation()
            }
        }
        val running = start(first)
        val user = user()
        user.say(client.address(), "one")
        user.client.conversation(client.address()).use { it.edit(it.messages().first(), "two") }
        user.carry()
        begun.await()
        running.cancelAndJoin()
        val told = CopyOnWriteArrayList<String>()
        for (text in listOf("three", "four")) {
            val next = bot()
            next.onEvent { if (it is Event.Edited) told += it.message.text.orEmpty() }
            next.onMessage { reply("echo ${this.text}") }
            val again = start(next)
            user.say(client.address(), text)
            until { user.heard(client.address()).lastOrNull() == "echo $text" && told.isNotEmpty() }
            again.cancelAndJoin()
        }
        assertEquals(listOf("two"), told)
        user.leave()
    }

    @Test
    fun `a message whose handler was cancelled with the bot is handled at the next start`() = within {
        val begun = CompletableDeferred<Unit>()
        val first = bot()
        first.onMessage {
            begun.complete(Unit)
            awaitCancellation()
        }
        var running = start(first)
        val user = user()
        user.say(client.address(), "work")
        begun.await()
        running.cancelAndJoin()
        val second = bot()
        second.onMessage { reply("echo $text") }
        running = start(second)
        until { user.heard(client.address()) == listOf("echo work") }
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `it writes by itself, to whom the transport knows too, and works in the background`() = within {
        val bot = bot()
        val user = user()
        until { post.transport().fetchBundle(user.client.address()) != null }
        val tried = CompletableDeferred<Unit>()
        bot.background(1.hours) {
            bot.send(user.client.address(), "good morning")
            tried.complete(Unit)
        }
        val running = start(bot)
        tried.await()
        until { user.heard(client.address()) == listOf("good morning") }
        assertTrue(bot.invite().endsWith(client.bundle().toUri()))
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a late answer is an error and is not lost in silence`() = within {
        val bot = bot()
        val kept = CompletableDeferred<BotMessage>()
        bot.onMessage {
            reply("in time")
            kept.complete(this)
        }
        val running = start(bot)
        val user = user()
        user.say(client.address(), "hello")
        until { user.heard(client.address()) == listOf("in time") }
        val late = kept.await()
        assertThrows(IllegalStateException::class.java) { late.reply("too late") }
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a bot can be tried in a simulation`() = within {
        Simulation(3u).use { world ->
            val (user, service) = world.addPerson() to world.addPerson()
            world.introduce(user, service)
            world.setFaults(Faults(drop = 100u, duplicate = 100u, delay = 100u, crash = 0u))
            val bot = Bot(world.client(service, 0u), MemoryPost().transport())
            bot.onMessage { reply("echo $text") }
            assertEquals(0, bot.handleWaiting())
            world.send(user, 0u, service, "ping")
            val heard = mutableListOf<String>()
            while (heard.isEmpty()) {
                world.advance(java.time.Duration.ofHours(1))
                val events = world.run().filter { it.person == user }.flatMap { it.events }
                heard += events.filterIsInstance<Event.Message>().mapNotNull { it.message.text }
                bot.handleWaiting()
            }
            assertEquals(listOf("echo ping"), heard)
        }
    }
}
