package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.Message
import dev.windlass.OutgoingMessage
import dev.windlass.TrustPolicy
import dev.windlass.WindlassException
import dev.windlass.transport.Transport
import dev.windlass.transport.TransportException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

private const val ROUND_MILLISECONDS = 600_000L
private const val RETRY_MILLISECONDS = 1_000L

/** A message that a handler answers. The answers are committed together with "this was handled", so each message is answered once. */
public class BotMessage(public val message: Message) {
    internal val answers = mutableListOf<OutgoingMessage>()

    /** What it says, if it is a text. */
    public val text: String get() = message.text ?: ""

    /** Answers in the conversation that it came in. */
    public fun reply(text: String) {
        answers += OutgoingMessage(to = message.conversation, body = Body.Text(text), replyTo = message.id)
    }
}

/**
 * A program that answers.
 *
 * ```kotlin
 * val bot = Bot(Windlass.open("echo.wl", key), MqttTransport("mqtt://localhost"))
 * bot.onMessage { reply(text) }
 * bot.run()
 * ```
 */
public class Bot(private val client: Client, private val transport: Transport, trust: TrustPolicy = TrustPolicy.ACCEPT_ALL) {
    private var handler: suspend BotMessage.() -> Unit = {}
    private var failed: suspend (BotMessage, Exception) -> Unit = { _, _ -> }
    private var other: suspend (Event) -> Unit = {}
    private val work = Channel<Unit>(Channel.CONFLATED)

    init {
        client.setTrustPolicy(trust)
        client.keepUnhandled(true)
    }

    /** What to do with a message. */
    public fun onMessage(handler: suspend BotMessage.() -> Unit) {
        this.handler = handler
    }

    /** What to do when a handler fails. The message counts as handled, and nothing of its answers is sent. */
    public fun onError(handler: suspend (BotMessage, Exception) -> Unit) {
        failed = handler
    }

    /** What to do with everything that happens. */
    public fun onEvent(handler: suspend (Event) -> Unit) {
        other = handler
    }

    /** Runs until it is cancelled. */
    public suspend fun run(): Unit = coroutineScope {
        transport.start(client.address(), client.deviceId())
        try {
            io { client.bundle() }.let { transport.publishBundle(client.address(), it.encode()) }
            launch { handleAll() }
            launch {
                while (true) {
                    delay(ROUND_MILLISECONDS)
                    io { client.keepUpNow() }
                    work.trySend(Unit)
                }
            }
            work.trySend(Unit)
            transport.receive().collect { incoming ->
                try {
                    io { client.receive(incoming.envelope) }.forEach { other(it) }
                } catch (refused: WindlassException) {
                    // What a full disk, say, refused comes again; what is no envelope of ours does not.
                    if (refused !is WindlassException.EnvelopeMalformed && refused !is WindlassException.NotForThisDevice) throw refused
                }
                incoming.acknowledge()
                work.trySend(Unit)
            }
        } finally {
            withContext(kotlinx.coroutines.NonCancellable) { transport.close() }
        }
    }

    private suspend fun handleAll() {
        for (ignored in work) {
            while (true) {
                val waiting = io { client.unhandled() }
                if (waiting.isEmpty()) break
                for (one in waiting) {
                    val received = BotMessage(one.message)
                    try {
                        handler(received)
                    } catch (cancelled: CancellationException) {
                        throw cancelled
                    } catch (failure: Exception) {
                        received.answers.clear()
                        failed(received, failure)
                    }
                    io { client.handled(one.number, received.answers) }
                }
            }
            sendOut()
        }
    }

    private suspend fun sendOut() {
        while (true) {
            val waiting = io { client.outbox() }
            if (waiting.isEmpty()) return
            for (envelope in waiting) {
                try {
                    transport.deliver(envelope.to, envelope.bytes)
                } catch (_: TransportException) {
                    // It stays in the outbox.
                    delay(RETRY_MILLISECONDS)
                    work.trySend(Unit)
                    return
                }
                io { client.markSent(listOf(envelope.id)) }
            }
        }
    }

    private suspend fun <T> io(call: () -> T): T = withContext(Dispatchers.IO) { call() }
}
