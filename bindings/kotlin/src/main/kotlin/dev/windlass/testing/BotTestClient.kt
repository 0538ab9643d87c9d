package dev.windlass.testing

import dev.windlass.Body
import dev.windlass.Client
import dev.windlass.Message
import dev.windlass.RichText
import dev.windlass.Simulation
import dev.windlass.bot.Bot
import dev.windlass.bot.BotMessage
import dev.windlass.bot.io
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.Transport
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/** The bot is the first person of its world. */
private const val BOT = 0u
private const val PAGE = 1_000u
private val MILLISECOND = java.time.Duration.ofMillis(1)

/**
 * A person who talks with a bot, in a small world of their own, without a network. All of it is the real thing; nothing is a mock.
 *
 * ```kotlin
 * val anne = BotTestClient { client, transport -> todoBot(client, transport) }
 * assertEquals("1. mend the sail", anne.say("/add mend the sail"))
 * ```
 *
 * [make] is your program's: it makes the bot of a client, at the beginning and after each [crash], and does not run it. What that throws and has
 * no error handler for is thrown by [say].
 */
public class BotTestClient private constructor(private val shared: Shared) : AutoCloseable {
    public constructor(seed: ULong = 1uL, make: (Client, Transport) -> Bot) : this(Shared(Simulation(seed), make))

    private class Shared(val world: Simulation, val make: (Client, Transport) -> Bot) {
        val failures = ConcurrentLinkedQueue<Throwable>()

        init {
            world.addPerson()
        }

        var bot = made()

        fun made(): Bot = make(world.client(BOT, 0u), MemoryPost().transport()).also { bot ->
            if (bot.errors.isEmpty()) bot.onError { _: BotMessage?, failure -> failures += failure }
            // Before the first message comes.
            bot.prepare()
        }
    }

    /** Where all of that happens. */
    public val world: Simulation get() = shared.world

    /** The bot; another one after a [crash]. */
    public val bot: Bot get() = shared.bot

    /** Which person of the world it is. */
    public val person: UInt = world.addPerson()

    init {
        world.introduce(person, BOT)
    }

    private val known = mutableSetOf<String>()

    /** The person's client. */
    public val client: Client get() = world.client(person, 0u)

    /** The person's address. */
    public val address: String get() = client.address()

    /** Another person in the same world, who knows this one and the bot. */
    public fun friend(): BotTestClient = BotTestClient(shared).also { world.introduce(person, it.person) }

    /** A group with the bot and others; its address, for `say(..., to = address)`. */
    public fun createGroup(name: String, vararg others: BotTestClient): String {
        val group = client.createGroup(name, listOf(bot.client.address()) + others.map { it.address }).use { it.address() }
        world.run()
        for (member in listOf(BOT) + others.map { it.person }) {
            world.client(member, 0u).conversation(group).use { it.join() }
            world.run()
        }
        return group
    }

    /** Says something to the bot, or in a group; what the bot says there then. Several messages of its are lines, none is an empty text. */
    public suspend fun say(text: String, to: String? = null): String = say(Body.Text(text), to)

    /** The same with another body than a text. */
    public suspend fun say(body: Body, to: String? = null): String = said(to) { client.sendBody(it, body) }

    /** The same with a text that mentions people. */
    public suspend fun say(text: RichText, to: String? = null): String =
        said(to) { where -> client.conversation(where).use { it.sendRich(text) } }

    private suspend fun said(to: String?, send: (String) -> Unit): String {
        val where = to ?: bot.client.address()
        heard(where)
        io { send(where) }
        settle()
        return lines(heard(where))
    }

    /** Moves the clock of the world, from job to job, and does what is due by then; what the bot says of it to this person. */
    public suspend fun advance(time: Duration): String {
        // What the bot plans by itself, it plans now.
        settle()
        heard()
        val over = bot.client.now() + time.toJavaDuration()
        while (true) {
            val left = java.time.Duration.between(bot.client.now(), over)
            if (left <= java.time.Duration.ZERO) return lines(heard())
            val due = bot.jobs.nextDue()?.let { java.time.Duration.between(bot.client.now(), it) } ?: left
            // A millisecond is what the clock of the world counts.
            io { world.advance(minOf(left, maxOf(due, MILLISECOND))) }
            settle()
        }
    }

    /** Carries what is on its way, and has the bot handle it, until nothing happens any more. */
    public suspend fun settle() {
        do io { world.run() } while (bot.handleWaiting() > 0)
        io { world.run() }
        shared.failures.poll()?.let { throw it }
    }

    /** What the bot wrote to this person since this was last asked, or in a group. */
    public suspend fun heard(address: String = bot.client.address()): List<Message> {
        val history = io { client.conversation(address).use { it.messages(PAGE) } }
        return history.filter { it.author == bot.client.address() && it.body.isSaid() && known.add(it.id) }
    }

    /** The bot's machine loses power, and starts again. */
    public fun crash() {
        world.crash(BOT, 0u)
        shared.bot = shared.made()
    }

    /** Ends the world. */
    override fun close(): Unit = world.close()
}

private fun Body.isSaid() = this is Body.Text || this is Body.Data || this is Body.Opaque || this is Body.Attachment

private fun lines(messages: List<Message>) = messages.joinToString("\n") { it.text.orEmpty() }
