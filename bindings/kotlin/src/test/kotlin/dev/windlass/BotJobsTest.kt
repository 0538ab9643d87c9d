package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.Cron
import dev.windlass.bot.TooManyJobsException
import dev.windlass.bot.integer
import dev.windlass.bot.nextRun
import dev.windlass.testing.BotTestClient
import kotlinx.coroutines.cancelAndJoin
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import todoBot
import java.time.Instant
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** What a bot does at a time. */
class BotJobsTest : BotTestCase() {
    @Test
    fun `a day of the to-do bot, with crashes`() = within {
        val anne = BotTestClient(make = ::todoBot)
        assertEquals("1. mend the sail", anne.say("/add mend the sail"))
        assertEquals("2. rum", anne.say("/add rum"))
        assertEquals("In 5 minutes.", anne.say("/remind 5 1"))
        assertEquals("In 10 minutes.", anne.say("/remind 10 2"))
        anne.crash()
        assertEquals("Done: rum", anne.say("/done 2"))
        assertEquals("Remember: mend the sail", anne.advance(1.hours))
        assertEquals("Good morning. Things to do: 1.\nGood morning. Things to do: 1.", anne.advance(2.days))
        assertEquals("All of it? Say yes.", anne.say("/clear"))
        anne.crash()
        assertEquals("Aye.", anne.say("yes"))
        assertEquals("Nothing to do.", anne.say("/list"))
        assertEquals("There is no such number; /list shows them.", anne.friend().say("/done 1"))
    }

    @Test
    fun `what came due while the bot was away is done once, by a bot that runs`() = within {
        val done = CopyOnWriteArrayList<String>()
        fun counting() = bot().also { bot ->
            bot.job("once") {
                done += "once ${data.long("number")}"
                send(data.string("to")!!, "done ${data.long("number")}")
            }
            bot.job("often") {
                data["times"] = (data.long("times") ?: 0) + 1
                done += "often ${data.long("times")}"
            }
        }
        val user = user()
        client.addContact(user.client.bundle())
        val first = counting()
        first.jobs.at(Instant.now().minusSeconds(60), "once", mapOf("to" to user.client.address(), "number" to 7))
        first.jobs.every(1.hours, "often", first = Instant.now().minusSeconds(7 * 3600), id = "o")
        repeat(2) {
            val running = start(counting())
            until { user.heard(client.address()) == listOf("done 7") && "often 1" in done }
            until { first.jobs.waiting().map { it.id } == listOf("o") }
            running.cancelAndJoin()
        }
        assertEquals(listOf("often 1", "once 7"), done.sorted())
        assertEquals(1.hours, first.jobs.waiting().single().every)
        user.leave()
    }

    @Test
    fun `a plan belongs to the answer, and a job that fails says nothing and is done`() = within {
        val failures = CopyOnWriteArrayList<String?>()
        val anne = BotTestClient { client, transport ->
            Bot(client, transport).also { bot ->
                bot.onError { _, failure -> failures += failure.message }
                bot.job("say") {
                    send(data.string("to")!!, "said")
                    if (data.boolean("fails") == true) throw IllegalStateException("job")
                }
                bot.onMessage {
                    bot.jobs.at(1.minutes, "say", mapOf("to" to author, "fails" to (text == "job")), id = text)
                    if (text == "handler") throw IllegalStateException("handler")
                    if (text == "cancel") bot.jobs.cancel("well")
                    reply("planned")
                }
            }
        }
        assertEquals("", anne.say("handler"))
        assertEquals("planned", anne.say("job"))
        assertEquals("planned", anne.say("well"))
        assertEquals(listOf("job", "well"), anne.bot.jobs.waiting().map { it.id }.sorted())
        assertEquals("said", anne.advance(2.minutes))
        anne.say("well")
        anne.say("cancel")
        assertEquals("said", anne.advance(2.minutes))
        assertEquals(listOf<String?>("handler", "job"), failures)
        assertEquals(emptyList<String>(), anne.bot.jobs.waiting().map { it.id })
    }

    @Test
    fun `nobody can have more than a hundred jobs wait`() = within {
        val failures = CopyOnWriteArrayList<Throwable>()
        val anne = BotTestClient { client, transport ->
            Bot(client, transport).also { bot ->
                bot.onError { _, failure -> failures += failure }
                bot.job("x") {}
                bot.command("plan", integer("many")) { many -> repeat(many.toInt()) { bot.jobs.at(1.days, "x") } }
            }
        }
        anne.say("/plan 101")
        assertEquals(0, anne.bot.jobs.waiting().size)
        anne.say("/plan 100")
        anne.say("/plan 1")
        assertEquals(100, anne.bot.jobs.waiting().size)
        anne.friend().say("/plan 1")
        assertEquals(101, anne.bot.jobs.waiting().size)
        assertEquals(2, failures.filterIsInstance<TooManyJobsException>().size)
    }

    @Test
    fun `cron is read as cron does, in UTC`() {
        fun next(line: String, from: String) = Cron(line).after(Instant.parse(from)).toString()
        assertEquals("2026-11-30T09:00:00Z", next("0 9 * * mon-fri", "2026-11-29T10:00:00Z"))
        assertEquals("2028-02-29T00:00:00Z", next("0 0 29 2 *", "2026-11-29T10:00:00Z"))
        assertEquals("2026-11-29T10:05:00Z", next("*/5 9-17 * * *", "2026-11-29T10:00:00Z"))
        // Where both are given, either will do.
        assertEquals("2026-11-30T00:00:00Z", next("0 0 13 * mon", "2026-11-29T10:00:00Z"))
        assertEquals("2026-12-06T00:00:00Z", next("0 0 * * 7", "2026-11-29T10:00:00Z"))
        for (wrong in listOf("", "* * * *", "60 * * * *", "* * * * mond", "0 0 31 2 *", "5-1 * * * *", "*/0 * * * *", "a,b * * * *", "1- * * * *")) {
            assertThrows(IllegalArgumentException::class.java, { Cron(wrong) }, wrong)
        }
        assertEquals(null, nextRun(1.0, 2.0, null, null))
        assertEquals(20.0, nextRun(0.0, 15.0, 10.0, null))
        // The clock was wrong.
        assertEquals(25.0, nextRun(1e9, 15.0, 10.0, null))
        assertThrows(IllegalArgumentException::class.java) { bot().job("x", every = 0.5.seconds) {} }
    }
}
