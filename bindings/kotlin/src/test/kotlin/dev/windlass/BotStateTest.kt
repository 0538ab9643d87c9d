package dev.windlass

import dev.windlass.bot.Access
import dev.windlass.bot.Bot
import dev.windlass.bot.Document
import dev.windlass.bot.Filters
import dev.windlass.bot.Role
import dev.windlass.bot.Router
import dev.windlass.bot.UsageException
import dev.windlass.bot.and
import dev.windlass.bot.choice
import dev.windlass.bot.not
import dev.windlass.bot.word
import dev.windlass.testing.BotTestClient
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.cancelAndJoin
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours

/** What a bot remembers, asks and lets people do. */
class BotStateTest : BotTestCase() {
    @Test
    fun `what a handler changes is there after a restart, and nothing of one that fails`() = within {
        val user = user()
        fun counting() = bot().also { bot ->
            bot.onMessage {
                state["count"] = (state.long("count") ?: 0) + 1
                sender.state["last"] = text
                if (text == "fail") throw IllegalStateException("no")
                reply("${state.long("count")} ${sender.state.string("last")}")
            }
        }
        for (text in listOf("one", "fail", "two", "three")) {
            val running = start(counting())
            user.say(client.address(), text)
            if (text != "fail") until { user.heard(client.address()).lastOrNull()?.endsWith(text) == true }
            until { client.unhandled().isEmpty() }
            running.cancelAndJoin()
        }
        assertEquals(listOf("1 one", "2 two", "3 three"), user.heard(client.address()))
        user.leave()
    }

    @Test
    fun `handlers that change the same at once are called again`() = within {
        val bot = bot()
        val (begun, go) = CompletableDeferred<Unit>() to CompletableDeferred<Unit>()
        val calls = AtomicInteger()
        bot.onMessage {
            val people = stateOf(client.address())
            val before = people.long("people") ?: 0
            if (calls.incrementAndGet() == 1) {
                begun.complete(Unit)
                go.await()
            }
            people["people"] = before + 1
            reply("${before + 1}")
        }
        val running = start(bot)
        val (anne, bob) = user("anne") to user("bob")
        anne.say(client.address(), "hello")
        begun.await()
        bob.say(client.address(), "hello")
        until { bob.heard(client.address()) == listOf("1") }
        go.complete(Unit)
        until { anne.heard(client.address()) == listOf("2") }
        assertEquals(3, calls.get())
        running.cancelAndJoin()
        listOf(anne, bob).forEach { it.leave() }
    }

    @Test
    fun `what no document can hold is told, and kept is what was there`() = within {
        val refused = listOf<Any>(Double.NaN, Any(), "x".repeat(20_000), generateSequence<Any>(1) { listOf(it) }.elementAt(100))
        val failures = CopyOnWriteArrayList<Throwable>()
        val anne = BotTestClient { client, transport ->
            Bot(client, transport).also { bot ->
                bot.onError { message, failure ->
                    failures += failure
                    message?.reply("no")
                }
                bot.onMessage {
                    val before = state.toMap()
                    state["value"] = text.toIntOrNull()?.let(refused::get) ?: text
                    reply("$before")
                }
            }
        }
        assertEquals("{}", anne.say("kept"))
        for (number in refused.indices) assertEquals("no", anne.say("$number"))
        assertEquals("{value=kept}", anne.say("end"))
        assertEquals(refused.size, failures.size)
    }

    @Test
    fun `a document is read as it was written`() {
        val text = "quote \" back \\ line \n half \uD83D whole 😀"
        val all = mapOf("a" to listOf(1L, 2.5, null, true, emptyList<Any>()), "b" to mapOf("c" to text), "d" to emptyMap<String, Any>())
        val document = Document(null).apply { putAll(all) }
        val read = Document(document.json.encodeToByteArray())
        assertEquals(all, read.toMap())
        assertEquals(document.json, read.json)
        read.json = """ { "n" : -1.5e3 , "s":"\u00e9\/" } """
        assertEquals(mapOf("n" to -1500.0, "s" to "é/"), read.toMap())
        for (wrong in listOf("", "[]", "{", "{\"a\"}", "{\"a\":01}", "{}x", "{\"a\":\"\u0001\"}", "{\"a\":1e999}", "[".repeat(100_000))) {
            assertThrows(IllegalArgumentException::class.java, { read.json = wrong }, wrong.take(9))
        }
        assertEquals(setOf("n", "s"), read.keys)
    }

    private fun crew(client: Client, transport: dev.windlass.transport.Transport) = Bot(client, transport).also { bot ->
        bot.command("register") { ask("What is your name?", then = "name") }
        bot.command("forget") { reply(if (cancelQuestion()) "forgotten" else "nothing was asked") }
        bot.step("name") {
            state["name"] = text
            ask("How old are you?", then = "age", within = 2.hours)
        }
        bot.step("age") {
            if (text.toIntOrNull() == null) throw UsageException("A number, please.")
            reply("Welcome, ${state.string("name")} ($text).")
        }
        bot.onMessage { reply("echo $text") }
        assertThrows(IllegalArgumentException::class.java) { bot.step("age") {} }
    }

    @Test
    fun `a question is answered by the next message, also after a crash, and for a time`() = within {
        val anne = BotTestClient(make = ::crew)
        assertEquals("What is your name?", anne.say("/register"))
        assertEquals("echo of a friend", anne.friend().say("of a friend"))
        anne.crash()
        assertEquals("How old are you?", anne.say("Anne"))
        assertEquals("A number, please.", anne.say("old"))
        anne.crash()
        assertEquals("Welcome, Anne (30).", anne.say("30"))
        assertEquals("echo 30", anne.say("30"))
        anne.say("/register")
        anne.say("Anne")
        anne.advance(3.hours)
        assertEquals("echo 31", anne.say("31"))
        anne.say("/register")
        assertEquals("forgotten", anne.say("/forget"))
        assertEquals("nothing was asked", anne.say("/forget"))
        val bert = anne.friend()
        val group = anne.createGroup("crew", bert)
        assertEquals("What is your name?", anne.say("/register", to = group))
        assertEquals("", bert.say("Bert", to = group))
        assertEquals("How old are you?", anne.say("Anne", to = group))
    }

    @Test
    fun `roles say who is heard and which commands are theirs`() = within {
        val admin = mutableSetOf<String>()
        val anne = BotTestClient { client, transport ->
            Bot(client, transport, admins = admin).also { bot ->
                bot.command("grant", word("address"), choice("role", Role.entries), role = Role.ADMIN, hidden = true) { address, role ->
                    bot.roles.set(address, role)
                    reply("${bot.roles.of(address)}")
                }
                bot.command("berth", "Reserves a berth.", aliases = listOf("b"), role = Role.ALLOWED) { reply("It is yours.") }
                bot.onMessage(Filters.role(Role.ALLOWED)) { reply("Aye.") }
            }
        }
        val bert = anne.friend()
        assertEquals("That is not for you.", anne.say("/grant ${bert.address} allowed"))
        admin += anne.address
        anne.crash()
        assertEquals("Nothing is for you.", bert.say("/help"))
        assertEquals("That is not for you.", bert.say("/b"))
        assertEquals("ALLOWED", anne.say("/grant ${bert.address} allowed"))
        assertEquals("It is yours.", bert.say("/b"))
        assertEquals("/berth - Reserves a berth.", bert.say("/help"))
        assertEquals("Aye.", bert.say("well?"))
        anne.crash()
        assertEquals("It is yours.", bert.say("/berth"))
        assertEquals("BLOCKED", anne.say("/grant ${bert.address} blocked"))
        assertEquals("", bert.say("/berth"))
        assertEquals(mapOf(bert.address to Role.BLOCKED), anne.bot.roles.all())
    }

    @Test
    fun `a bot for the allowed hears nobody else`() = within {
        val anne = BotTestClient { client, transport ->
            Bot(client, transport, access = Access.ALLOWED).also { bot -> bot.onMessage { reply("echo $text") } }
        }
        assertEquals("", anne.say("one"))
        anne.bot.roles.set(anne.address, Role.ALLOWED)
        assertEquals("echo two", anne.say("two"))
        anne.bot.roles.set(anne.address, null)
        assertNull(anne.bot.roles.of(anne.address))
        assertEquals("", anne.say("three"))
    }

    @Test
    fun `filters, middleware and modules`() = within {
        val order = CopyOnWriteArrayList<String>()
        val anne = BotTestClient { client, transport ->
            val module = Router()
            module.middleware { next ->
                order += "inner"
                next()
            }
            module.command("ping") { reply("pong") }
            module.onMessage(Filters.regex(Regex("berth (\\d+)")) and !Filters.inGroup) { reply("berth ${match!!.groupValues[1]}") }
            Bot(client, transport, name = "harbour").also { bot ->
                bot.middleware { next ->
                    order += "outer"
                    if (text != "stop") next()
                }
                bot.onMessage(Filters.text("Straße")) { reply("street") }
                bot.onMessage(Filters.mentioned) { reply(RichText("here", suggestions = listOf("good"))) }
                bot.include(module)
                assertThrows(IllegalArgumentException::class.java) { bot.include(module) }
            }
        }
        assertEquals("pong", anne.say("/ping"))
        assertEquals(listOf("outer", "inner"), order)
        assertEquals("berth 7", anne.say("is berth 7 free?"))
        assertEquals("street", anne.say(" STRASSE"))
        assertEquals("here", anne.say("are you there, @harbour?"))
        // By whatever words.
        val mention = joinRuns(listOf(TextRun("Harbour master", listOf(TextStyle.Mention(anne.bot.address))), TextRun("!")))
        assertEquals("here", anne.say(mention))
        assertEquals("", anne.say(RichText("Harbour master!")))
        assertEquals("", anne.say("stop"))
        assertTrue(anne.advance(1.days).isEmpty())
    }
}
