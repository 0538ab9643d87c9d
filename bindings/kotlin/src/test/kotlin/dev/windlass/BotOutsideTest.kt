package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.BotMessage
import dev.windlass.bot.HandlerTimeoutException
import dev.windlass.bot.integer
import dev.windlass.bot.rest
import dev.windlass.transport.Transport
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Whatever comes from people, handlers and transports: the bot goes on, and stops when it is asked to. */
class BotOutsideTest : BotTestCase() {
    /** Halves of a character: at the end, at the beginning, alone, in the wrong order, in the middle. */
    private val halves = listOf("123\uD83D", "\uDE00123", "\uD83D", "\uDE00\uD83D", "1\uD83D2")

    @Test
    fun `half a character is refused with a code by every call that takes a text`() {
        val user = people.open("user")
        user.addContact(client.bundle())
        val conversation = user.conversation(client.address())
        for (half in halves) {
            val calls = listOf<() -> Any?>(
                { user.send(client.address(), half) },
                { user.send(half, "hello") },
                { user.sendBody(client.address(), Body.Data("text/$half", byteArrayOf(1))) },
                { user.createGroup(half, listOf(client.address())) },
                { user.conversation(half).messages() },
                { conversation.search(half) },
                { Bundle.fromUri(half) },
                { Windlass.open(half, "correct horse") },
                { StoreKey.fromPassphrase(half) },
            )
            for ((number, call) in calls.withIndex()) {
                val refused = runCatching { call() }.exceptionOrNull()
                assertInstanceOf(WindlassException.InvalidContent::class.java, refused, "call $number: $refused")
                assertEquals("invalid_content", (refused as WindlassException).code)
            }
        }
        val negative = java.time.Duration.ofSeconds(-1)
        assertThrows(WindlassException::class.java) { conversation.setDisappearing(negative) }
        user.close()
    }

    @Test
    fun `an answer with half a character is told, and the bot goes on, also after a restart`() = within {
        val ways = listOf<BotMessage.(String) -> Unit>(
            { reply(it) },
            { send(it, "hello") },
            { reply(Body.Data(it, byteArrayOf(1))) },
            // Refused only when it is written.
            { reply(Body.IdentityChange(it)) },
        )
        val failures = CopyOnWriteArrayList<Throwable>()
        val user = user()
        for ((way, answer) in ways.withIndex()) {
            val bot = bot()
            bot.onError { _, failure -> failures += failure }
            bot.onMessage { if (text.startsWith("half")) answer(halves[text.last().digitToInt()]) else reply(text) }
            val running = start(bot)
            halves.indices.forEach { user.say(client.address(), "half $it") }
            user.say(client.address(), "whole $way")
            until { user.heard(client.address()).lastOrNull() == "whole $way" }
            assertTrue(running.isActive)
            running.cancelAndJoin()
            assertEquals(emptyList<UnhandledMessage>(), client.unhandled())
        }
        assertEquals(ways.size * halves.size, failures.size)
        failures.forEach { assertInstanceOf(WindlassException::class.java, it) }
        user.leave()
    }

    @Test
    fun `no arguments of a command are too long or too odd`() = within {
        val bot = bot()
        bot.command("add", integer("a")) { a -> reply("$a") }
        bot.command("say", rest("what")) { what -> reply("${what.size} words") }
        val running = start(bot)
        val user = user()
        val quoted = "\\\"x".repeat(10_000)
        val typed = listOf("/say \"$quoted\"", "/say \"$quoted", "/say ${"\"".repeat(9_999)}", "/add ${"1".repeat(39)}😀", "/add 😀")
        typed.forEach { user.say(client.address(), it) }
        until { user.heard(client.address()).size == typed.size }
        val (first, second, third) = user.heard(client.address())
        assertEquals(listOf("1 words", "1 words", "5000 words"), listOf(first, second, third))
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `whatever a handler throws costs its own message alone`() = within {
        val bot = bot()
        val failures = CopyOnWriteArrayList<String?>()
        bot.onError { _, failure -> failures += failure::class.simpleName }
        fun deep(number: Int): Int = deep(number + 1) + deep(number + 2)
        bot.onMessage {
            when (text) {
                "deep" -> deep(0)
                "todo" -> TODO()
                "assert" -> throw AssertionError("wrong")
                "stop" -> awaitCancellation()
                else -> reply(text)
            }
        }
        val running = start(bot)
        val user = user()
        listOf("deep", "todo", "assert", "well").forEach { user.say(client.address(), it) }
        until { user.heard(client.address()) == listOf("well") }
        assertEquals(listOf<String?>("StackOverflowError", "NotImplementedError", "AssertionError"), failures)
        user.leave()
        running.cancelAndJoin()
    }

    @Test
    fun `an error of the process ends the bot, and its message does not come again`() = within {
        val bot = bot()
        bot.onMessage { throw OutOfMemoryError("no") }
        val ended = CompletableDeferred<Throwable?>()
        launch(Dispatchers.Default) { ended.complete(runCatching { bot.run() }.exceptionOrNull()) }
        val user = user()
        user.say(client.address(), "hello")
        assertInstanceOf(OutOfMemoryError::class.java, ended.await())
        assertEquals(emptyList<UnhandledMessage>(), client.unhandled())
        user.leave()
    }

    @Test
    fun `a handler that takes too long is given up, also one that blocks or swallows its cancellation`() = within {
        val bot = Bot(client, post.transport(), handlerTimeout = 50.milliseconds, eventTimeout = 50.milliseconds, grace = 1.seconds)
        val never = CountDownLatch(1)
        val failures = CopyOnWriteArrayList<Throwable>()
        bot.onMessage {
            when (text) {
                "wait" -> awaitCancellation()
                "block" -> never.await()
                "swallow" -> withContext(NonCancellable) { awaitCancellation() }
                else -> reply(text)
            }
        }
        bot.onError { message, failure ->
            failures += failure
            message?.reply("too long")
            // An error handler has its limit too.
            if (message?.text == "wait") awaitCancellation()
        }
        bot.onEvent { if (it is Event.Edited) awaitCancellation() }
        bot.background(1.hours) { never.await() }
        val running = start(bot)
        val user = user()
        listOf("wait", "block", "swallow", "well").forEach { user.say(client.address(), it) }
        // What the error handler said that was too late itself is dropped.
        until { user.heard(client.address()) == listOf("too long", "too long", "well") }
        val conversation = user.client.conversation(client.address())
        conversation.edit(conversation.messages().first { it.text == "wait" }, "waited")
        user.say(client.address(), "and then?")
        until { user.heard(client.address()).lastOrNull() == "and then?" }
        until { failures.size == 4 }
        failures.forEach { assertInstanceOf(HandlerTimeoutException::class.java, it) }
        // The background work blocks still.
        bot.stop()
        running.join()
        never.countDown()
        user.leave()
    }

    @Test
    fun `events whose handlers are slow hold up no mail, and each is told`() = within {
        val bot = Bot(client, post.transport(), eventTimeout = 1.hours)
        val (told, gate) = CopyOnWriteArrayList<String>() to CompletableDeferred<Unit>()
        bot.onEvent {
            if (it is Event.Edited) {
                gate.await()
                told += it.message.text.orEmpty()
            }
        }
        bot.onMessage { reply(text) }
        val running = start(bot)
        val user = user()
        user.say(client.address(), "first")
        val conversation = user.client.conversation(client.address())
        val texts = (1..24).map { "number $it" }
        for (text in texts) {
            conversation.edit(conversation.messages().first { it.outgoing }, text)
            // Each by itself, so that they are many batches.
            user.say(client.address(), text)
            until { user.heard(client.address()).lastOrNull() == text }
        }
        gate.complete(Unit)
        until { told.size >= texts.size }
        // What is kept of an event is which message was edited: read late, it says what it says by then.
        assertEquals(texts.size to texts.last(), told.size to told.last())
        until { client.eventsAfter(null).isEmpty() }
        running.cancelAndJoin()
        user.leave()
    }

    @Test
    fun `a transport that does not end does not keep the bot from it`() = within {
        val never = CountDownLatch(1)
        val stuck = object : Transport by post.transport() {
            override suspend fun publishBundle(address: String, bundle: ByteArray) = never.await()

            override suspend fun close() = withContext(NonCancellable) { awaitCancellation() }
        }
        val bot = Bot(client, stuck, grace = Duration.ZERO)
        val running = start(bot)
        until { client.contacts().isEmpty() && bot.invite().isNotEmpty() }
        bot.stop()
        running.join()
        never.countDown()
    }

    @Test
    fun `settings that make no sense are refused where they are given`() {
        val transport = post.transport()
        val wrong = listOf<() -> Unit>(
            { Bot(client, transport, retries = 0) },
            { Bot(client, transport, handlerTimeout = Duration.ZERO) },
            { Bot(client, transport, handlerTimeout = Duration.INFINITE) },
            { Bot(client, transport, eventTimeout = -1.seconds) },
            { Bot(client, transport, grace = -1.seconds) },
            { Bot(client, transport, concurrency = 0) },
            { Bot(client, transport, keepUpEvery = Duration.ZERO) },
            { Bot(client, transport, prefix = "") },
            { bot().background(Duration.ZERO) {} },
            { bot().background((-1).seconds) {} },
            { bot().command("/start") {} },
            { bot().command("") {} },
            { bot().command("two words") {} },
        )
        for ((number, setting) in wrong.withIndex()) {
            assertThrows(IllegalArgumentException::class.java, { setting() }, "$number")
        }
    }
}
