package dev.windlass

import dev.windlass.transport.MemoryPost
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.consumeAsFlow
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import screens
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList

/** The screens of the examples, by two people at once. */
class ScreensTest {
    @TempDir
    lateinit var home: Path

    private val post = MemoryPost()

    private inner class Seat(name: String, scope: CoroutineScope) {
        val client = People(home).open(name)
        private val lines = Channel<String>(Channel.UNLIMITED)
        private val shown = CopyOnWriteArrayList<String>()
        private val running = scope.launch(Dispatchers.Default) { screens(client, post.transport(), lines.consumeAsFlow()) { shown += it } }
        val me = client.address().take(8)

        suspend fun types(line: String, until: String) {
            lines.send(line)
            sees(until)
        }

        suspend fun sees(wanted: String) = until { shown.lastOrNull() == wanted }

        suspend fun leaves() {
            lines.close()
            running.join()
            client.close()
        }
    }

    @Test
    fun `a list, a chat, a group and the devices`() = within {
        val (anne, bert) = Seat("anne", this) to Seat("bert", this)
        until { post.transport().fetchBundle(bert.client.address()) != null && post.transport().fetchBundle(anne.client.address()) != null }
        anne.client.addContact(bert.client.bundle())
        bert.client.addContact(anne.client.bundle())
        anne.types("/chat ${bert.client.address()}", "CHAT")
        anne.types("ahoy", "CHAT\nyou: ahoy ✓")
        bert.sees("CHATS\n1. ${anne.me} (1)  ahoy")
        bert.types("1", "CHAT\n${anne.me}: ahoy")
        anne.sees("CHAT\nyou: ahoy ✓✓")
        bert.types("aye", "CHAT\n${anne.me}: ahoy\nyou: aye ✓✓")
        anne.sees("CHAT\nyou: ahoy ✓✓\n${bert.me}: aye")
        anne.types("/chats", "CHATS\n1. ${bert.me}  aye")
        anne.types("/new crew 1", "CHAT")
        bert.types("/chats", "CHATS\n1. crew  \n2. ${anne.me}  aye")
        bert.types("1", "CHAT\nYou are invited: /join")
        bert.types("/join", "CHAT")
        anne.types("/group", "GROUP\n" + listOf("${anne.me} admin", bert.me).sorted().joinToString("\n"))
        anne.types("/devices", "DEVICES\n${anne.client.deviceId()} (this one)")
        listOf(anne, bert).forEach { it.leaves() }
    }
}
