package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.BotMessage
import dev.windlass.bot.GroupMessages
import dev.windlass.bot.JoinGroups
import dev.windlass.bot.choice
import dev.windlass.bot.integer
import dev.windlass.bot.orElse
import dev.windlass.bot.rest
import dev.windlass.bot.word
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.io.path.writeText
import kotlin.time.Duration.Companion.milliseconds

/** What handlers are given, and what becomes of what they say and raise. */
class BotHandlersTest : BotTestCase() {
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
        val failures = CopyOnWriteArrayList<Throwable>()
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
        val failures = CopyOnWriteArrayList<Throwable>()
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

    @Test
    fun `invited into a group it joins, and hears what people say there and nothing else`() = within {
        val bot = Bot(client, post.transport(), joinGroups = JoinGroups.ALL, groupMessages = GroupMessages.ALL)
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
}
