package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.transport.Incoming
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.Transport
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.IOException
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.hours

/** How a bot begins, waits, goes on and ends. */
class BotLifeTest : BotTestCase() {
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
