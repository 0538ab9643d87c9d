package dev.windlass

import chat
import dev.windlass.transport.MemoryPost
import echoBot
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.ConcurrentLinkedQueue

class BotTest {
    @TempDir
    lateinit var home: Path

    private val post = MemoryPost()

    @Test
    fun `each message is answered once by a bot that is stopped and started`() = EchoTalk(People(home)).over { post.transport() }

    @Test
    fun `the chat of the examples talks with a bot, whatever else comes`() = within {
        val people = People(home)
        val (client, user) = people.open("bot") to people.open("user")
        val running = launch(Dispatchers.Default) { echoBot(client, post.transport()).run() }
        until { post.transport().fetchBundle(client.address()) != null }
        val contact = user.addContact(Bundle.decode(post.transport().fetchBundle(client.address())!!))
        val shown = ConcurrentLinkedQueue<String>()
        val lines = flow {
            emit("one")
            // Anybody can send it.
            post.transport().deliver(user.address(), byteArrayOf(1, 2, 3))
            emit("two")
        }
        chat(user, post.transport(), contact.address, lines, { shown += it }) {
            until { shown.filter { it != "✓" }.size >= 2 }
        }
        assertEquals(listOf("one", "two"), shown.filter { it != "✓" })
        running.cancelAndJoin()
    }
}
