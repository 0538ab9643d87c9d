package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.transport.MemoryPost
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path

private const val DIED = 7

/** A message that the process does not survive: tried so often, told, and in nobody's way. */
class BotPoisonTest {
    @TempDir
    lateinit var home: Path

    private val people by lazy { People(home) }

    /** The bot received these, and then it ended. */
    private fun received(vararg letters: Pair<String, String>) {
        people.open("bot").use { bot ->
            bot.keepUnhandled(true)
            for ((name, text) in letters) people.open(name).use { user ->
                user.addContact(bot.bundle())
                user.send(bot.address(), text).envelopes.forEach { bot.receive(it.bytes) }
            }
        }
    }

    /** Starts the bot until it ends well; how it ended each time. */
    private fun starts(vararg arguments: String): List<Int> {
        val ends = mutableListOf<Int>()
        do {
            val java = listOf("${System.getProperty("java.home")}/bin/java", "-cp", System.getProperty("java.class.path"))
            val program = java + listOf(PoisonProgram::class.java.name, home.toString()) + arguments
            ends += ProcessBuilder(program).inheritIO().start().waitFor()
        } while (ends.last() == DIED && ends.size < 20)
        return ends
    }

    /** What the bot answered somebody. */
    private fun said(name: String): List<String?> {
        val user = people.open(name).use { it.address() }
        return people.open("bot").use { bot ->
            assertEquals(emptyList<UnhandledMessage>(), bot.unhandled())
            bot.conversation(user).use { it.messages() }.filter { it.outgoing }.map { it.text }
        }
    }

    @Test
    fun `it is set aside after so many starts and told, and everybody else is answered once`() {
        received("alice" to "poison", "alice" to "after", "carol" to "slow", "carol" to "hello")
        assertEquals(listOf(DIED, DIED, DIED, 0), starts())
        assertEquals(listOf("PoisonMessageException: the process died 3 times with this message", "after"), said("alice"))
        // It ran each time at first, and is not taken for the one that kills.
        assertEquals(listOf("slow", "hello"), said("carol"))
    }

    @Test
    fun `an error handler that does not survive it either is called once`() {
        received("alice" to "poison", "alice" to "after", "carol" to "hello")
        assertEquals(listOf(DIED, DIED, DIED, DIED, 0), starts("deadly"))
        assertEquals(listOf("after"), said("alice"))
        assertEquals(listOf("hello"), said("carol"))
    }

    @Test
    fun `a bot that was stopped did not die of what it was doing`() {
        received("alice" to "takes long")
        people.open("bot").use { client ->
            val bot = Bot(client, MemoryPost().transport())
            val inside = CompletableDeferred<Unit>()
            bot.onMessage {
                inside.complete(Unit)
                awaitCancellation()
            }
            within {
                val running = launch(Dispatchers.Default) { bot.run() }
                inside.await()
                // While it runs it counts: the process may die now.
                assertEquals(1u, client.unhandled().single().attempts)
                running.cancelAndJoin()
                assertEquals(0u, client.unhandled().single().attempts)
            }
        }
    }
}

/** The bot of these tests. */
object PoisonProgram {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = People(Path.of(arguments[0])).open("bot").use { client ->
        val bot = Bot(client, MemoryPost().transport())

        /** How often a message of this text was begun; nothing if it is handled. */
        fun attempts(text: String) = client.unhandled().find { it.message.text == text }?.attempts
        bot.onMessage {
            if (text == "poison") {
                // When the other is being handled too, if it still waits.
                until { attempts("slow") != 0u }
                Runtime.getRuntime().halt(DIED)
            }
            // At the first start it is not done before the process dies.
            if (text == "slow" && attempts("slow") == 1u) awaitCancellation()
            reply(text)
        }
        bot.onError { message, failure ->
            if ("deadly" in arguments) Runtime.getRuntime().halt(DIED)
            message!!.reply("${failure::class.simpleName}: ${failure.message}")
        }
        within { bot.handleWaiting() }
    }
}
