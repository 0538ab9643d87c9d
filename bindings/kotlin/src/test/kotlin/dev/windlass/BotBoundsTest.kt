package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.GroupMessages
import dev.windlass.bot.JoinGroups
import dev.windlass.bot.Rates
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.cancelAndJoin
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource

/** What strangers, other bots and groups may ask of a bot that anybody can write to. */
class BotBoundsTest : BotTestCase() {
    @Test
    fun `two bots do not answer each other's answers`() = within {
        val other = people.open("other")
        val (one, two) = bot() to Bot(other, post.transport())
        val heard = CopyOnWriteArrayList<String>()
        one.onMessage {
            heard += text
            reply("and $text")
            react("👍")
        }
        two.onMessage { reply("echo $text") }
        val running = listOf(start(one), start(two))
        client.addContact(other.bundle())
        one.send(other.address(), "ping")
        until { heard == listOf("echo ping") }
        until { client.unhandled().isEmpty() }
        // A person is answered still.
        val user = user()
        user.say(client.address(), "hello")
        until { user.heard(client.address()) == listOf("and hello") }
        val said = client.conversation(other.address()).use { it.messages() }
        assertEquals(listOf("ping", "echo ping"), said.map { it.text })
        assertEquals(listOf(MessageOrigin.BOT, MessageOrigin.BOT_ANSWER), said.map { it.origin })
        assertTrue(said.all { it.reactions.isEmpty() })
        user.leave()
        running.forEach { it.cancelAndJoin() }
        other.close()
    }

    @Test
    fun `in groups it hears what is meant for it`() = within {
        val bot = Bot(client, post.transport(), joinGroups = JoinGroups.ALL, name = "helper")
        bot.command("now") { reply("now") }
        bot.onMessage { reply("echo $text") }
        val running = start(bot)
        val user = user()
        val group = user.client.createGroup("Crew", listOf(client.address()))
        user.carry()
        until { group.members().all { it.joined } }
        suspend fun ask(text: String, replyTo: String? = null) {
            group.sendBody(Body.Text(text), replyTo)
            user.carry()
        }
        for (text in listOf("hello", "helper", "@helpers", "mail@helper.example", "/then")) ask(text)
        ask("/now")
        until { user.heard(group.address()) == listOf("now") }
        ask("@Helper, what?")
        until { user.heard(group.address()).size == 2 }
        ask("and ${client.address()}?")
        until { user.heard(group.address()).size == 3 }
        ask("why?", group.messages().first { it.text == "now" }.id)
        until { user.heard(group.address()).size == 4 }
        assertEquals(listOf("now", "echo @Helper, what?", "echo and ${client.address()}?", "echo why?"), user.heard(group.address()))
        assertEquals(emptyList<UnhandledMessage>(), client.unhandled())
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `strangers' groups are joined by a handler alone, and those of people it knows by itself`() = within {
        val asked = CopyOnWriteArrayList<String>()
        val bot = Bot(client, post.transport(), groupMessages = GroupMessages.ALL)
        bot.onGroupInvitation {
            asked += it.name
            if (it.name == "Wanted") it.join()
        }
        val running = start(bot)
        val (stranger, friend) = user("stranger") to user("friend")
        val (other, wanted) = listOf("Other", "Wanted").map { stranger.client.createGroup(it, listOf(client.address())) }
        stranger.carry()
        until { wanted.members().all { it.joined } }
        until { asked.toSet() == setOf("Other", "Wanted") }
        client.addContact(friend.client.bundle())
        val known = friend.client.createGroup("Known", listOf(client.address()))
        friend.carry()
        until { known.members().all { it.joined } }
        assertEquals(false, other.members().single { it.address == client.address() }.joined)
        stranger.leave()
        friend.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `what somebody has waiting can be dropped, and others are handled`() = within {
        val (begun, gate) = CompletableDeferred<Unit>() to CompletableDeferred<Unit>()
        val bot = bot()
        val handled = CopyOnWriteArrayList<String>()
        bot.onMessage {
            handled += text
            if (text == "0") {
                begun.complete(Unit)
                gate.await()
            }
            reply(text)
        }
        val running = start(bot)
        val (flood, friend) = user("flood") to user("friend")
        repeat(5) { flood.say(client.address(), "$it") }
        begun.await()
        until { client.backlog().map { it.address to it.messages } == listOf(flood.client.address() to 5uL) }
        assertEquals(5uL, bot.dropBacklog(flood.client.address()))
        gate.complete(Unit)
        friend.say(client.address(), "hello")
        until { friend.heard(client.address()) == listOf("hello") }
        flood.say(client.address(), "again")
        until { flood.heard(client.address()) == listOf("again") }
        assertEquals(setOf("0", "hello", "again"), handled.toSet())
        flood.leave()
        friend.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a conversation that was answered too often waits, and no other`() = within {
        val bot = Bot(client, post.transport(), answersPerMinute = 1, grace = Duration.ZERO)
        bot.onMessage { repeat(3) { reply("$text $it") } }
        val running = start(bot)
        val (first, second) = user("first") to user("second")
        first.say(client.address(), "one")
        until { first.heard(client.address()).size == 3 }
        first.say(client.address(), "two")
        until { client.unhandled().size == 1 }
        second.say(client.address(), "three")
        until { second.heard(client.address()).size == 3 }
        assertEquals(listOf("two"), client.unhandled().map { it.message.text })
        first.leave()
        second.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `a bucket of answers is filled again in a minute`() {
        val time = TestTimeSource()
        val rates = Rates(60, time)
        rates.spend("a", 60)
        assertEquals(Duration.ZERO, rates.rest("a"))
        rates.spend("a", 30)
        assertEquals(30.seconds, rates.rest("a"))
        assertEquals(Duration.ZERO, rates.rest("b"))
        time += 29.seconds
        assertEquals(1.seconds, rates.rest("a"))
        time += 1.hours
        // No more than full.
        rates.spend("a", 61)
        assertEquals(1.seconds, rates.rest("a"))
    }

    @Test
    fun `what goes through the client leaves at once, from any thread`() = within {
        val running = start(bot())
        val user = user()
        client.addContact(user.client.bundle())
        user.say(client.address(), "hello")
        until { client.unhandled().isEmpty() && client.outbox().isEmpty() }
        thread { client.send(user.client.address(), "by the way") }.join()
        until { user.heard(client.address()) == listOf("by the way") }
        user.leave()
        running.cancelAndJoin()
    }
}
