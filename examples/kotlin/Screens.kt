import dev.windlass.Client
import dev.windlass.ListedConversation
import dev.windlass.Windlass
import dev.windlass.io
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** The screens of a chat app, as text. What they show is read from the store each time: nothing is kept here but where the user is. */
class Screens(private val client: Client) {
    private sealed interface Screen {
        data object Chats : Screen

        data class Chat(val address: String) : Screen

        data class Group(val address: String) : Screen

        data object Devices : Screen
    }

    private var screen: Screen = Screen.Chats
    private var listed = emptyList<ListedConversation>()

    /** What the user typed; answers the screen after it. */
    suspend fun typed(line: String): String {
        val (now, words) = screen to line.split(" ")
        when {
            line == "/chats" -> screen = Screen.Chats
            line == "/devices" -> screen = Screen.Devices
            words[0] == "/chat" && words.size == 2 -> screen = Screen.Chat(words[1])
            line == "/group" && now is Screen.Chat -> screen = Screen.Group(now.address)
            words[0] == "/new" && words.size > 1 -> screen = Screen.Chat(found(words[1], words.drop(2)))
            line == "/join" && now is Screen.Chat -> client.io { conversation(now.address).use { it.join() } }
            now is Screen.Chat && line.isNotEmpty() -> client.io { conversation(now.address).use { it.send(line) } }
            now is Screen.Chats -> row(line)?.let { screen = Screen.Chat(it.address) }
        }
        return show()
    }

    /** The screen as it is now. */
    suspend fun show(): String = when (val now = screen) {
        Screen.Chats -> chats()
        Screen.Devices -> devices()
        is Screen.Chat -> chat(now.address)
        is Screen.Group -> group(now.address)
    }

    /** One call, however many there are; the next page begins after the last row's `position`. */
    private suspend fun chats(): String {
        listed = client.io { conversationPage(20u) }
        val rows = listed.mapIndexed { place, one ->
            val unread = if (one.unread > 0u) " (${one.unread})" else ""
            "${place + 1}. ${one.groupName ?: short(one.address)}$unread  ${one.lastMessage?.text.orEmpty()}"
        }
        return (listOf("CHATS") + rows).joinToString("\n")
    }

    private suspend fun chat(address: String): String = client.io {
        conversation(address).use { chat ->
            // A group that we were invited to is not read before we have joined it.
            if (listed.any { it.address == address && it.groupName != null } && !chat.isJoined()) return@use "CHAT\nYou are invited: /join"
            chat.markRead()
            val lines = chat.messages(20u).filter { it.text != null }.map { message ->
                val state = if (!message.outgoing) "" else if (message.readBy.isNotEmpty()) " ✓✓" else if (message.deliveredAt != null) " ✓" else " …"
                "${if (message.outgoing) "you" else short(message.author)}: ${message.text}$state"
            }
            (listOf("CHAT") + lines).joinToString("\n")
        }
    }

    private suspend fun group(address: String): String = client.io {
        val members = conversation(address).use { group -> group.members() }
        val rows = members.map { one ->
            listOfNotNull(short(one.address), "admin".takeIf { one.admin }, "invited".takeIf { !one.joined }).joinToString(" ")
        }
        (listOf("GROUP") + rows.sorted()).joinToString("\n")
    }

    private suspend fun devices(): String {
        val rows = client.io { devices() }.map { "${it.deviceId}${if (it.thisDevice) " (this one)" else ""}" }
        return (listOf("DEVICES") + rows).joinToString("\n")
    }

    private fun row(number: String) = listed.getOrNull((number.toIntOrNull() ?: 0) - 1)

    private suspend fun found(name: String, rows: List<String>): String = client.io {
        createGroup(name, rows.mapNotNull { row(it)?.address }).use { it.address() }
    }

    private fun short(address: String) = address.take(8)
}

/** Runs the screens over a transport, until the lines end: shown anew after each line, and after whatever comes. */
suspend fun screens(client: Client, transport: Transport, lines: Flow<String>, show: suspend (String) -> Unit) = coroutineScope {
    val screens = Screens(client)
    // What is shown last is the latest.
    val turn = Mutex()
    transport.useSecret(client.io { transportSecret() })
    transport.start(client.address(), client.deviceId())
    suspend fun sendOut() {
        for (envelope in client.io { outbox() }) {
            transport.deliver(envelope.to, envelope.bytes)
            client.io { markSent(listOf(envelope.id)) }
        }
    }
    transport.publishBundle(client.address(), client.io { bundle().encode() })
    val receiving = launch {
        transport.receive().collect { incoming ->
            client.io { receiveMany(listOf(incoming.envelope)) }
            incoming.acknowledge()
            sendOut()
            turn.withLock { show(screens.show()) }
            sendOut()
        }
    }
    turn.withLock { show(screens.show()) }
    lines.collect { line ->
        turn.withLock { show(screens.typed(line)) }
        sendOut()
    }
    receiving.cancelAndJoin()
    transport.close()
}

/** `screens`, with WINDLASS_STORE, WINDLASS_PASSPHRASE and WINDLASS_TRANSPORT. */
fun main() = runBlocking {
    Windlass.fromEnvironment().use { client ->
        val typed = flow { while (true) emit(readlnOrNull() ?: break) }.flowOn(Dispatchers.IO)
        screens(client, MqttTransport(System.getenv("WINDLASS_TRANSPORT") ?: "mqtt://localhost"), typed, ::println)
    }
}
