package dev.windlass.transport

import kotlinx.coroutines.CompletableDeferred

/** How long others wait for one with which a connection ended before. */
private const val PROBE_MILLISECONDS = 30_000L

/** How often one is tried that is no larger than what the broker has taken already. */
private const val TRIES = 3

/** Something that the broker has not confirmed yet. */
internal class MqttLetter(val topic: String, val payload: ByteArray, val retain: Boolean) {
    /** The reason with which the broker took it, or did not. */
    val done = CompletableDeferred<Int>()

    /** In this connection; 0 as long as it was not sent. */
    var number = 0

    /** A connection ended while it was under way. */
    var suspect = false

    /** How often it ended a connection in which it was alone. */
    var ends = 0
    var sentAt = 0L

    // Kind, length of the rest, length of the topic, number, properties.
    val size: Long get() = topic.toByteArray().size + payload.size + 32L
}

/**
 * What goes out, and what is sent again when a connection has ended: never by a library's own queue, which would send first again what ended the
 * last connection. After such an end the others go first, and then the suspects, each alone: with which one it ends again, that is too large, if
 * the broker has taken none of its size before.
 */
internal class MqttLetters(private val clock: () -> Long = { System.nanoTime() / 1_000_000 }) {
    private val waiting = LinkedHashSet<MqttLetter>()
    private var current: Any? = null
    private var window = 0
    private var largest = Long.MAX_VALUE

    /** The largest that the broker has taken. */
    private var taken = 0L

    @Synchronized
    fun add(letter: MqttLetter) {
        if (letter in waiting) return
        // Our bundle goes out again with each connection.
        letter.number = 0
        letter.suspect = false
        if (letter.size > largest) letter.refuse() else waiting += letter
    }

    /** Nobody waits for it any more. */
    @Synchronized
    fun forget(letter: MqttLetter) {
        // What is under way is confirmed, and holds its number until then.
        if (letter.number == 0) waiting -= letter
    }

    /** A new connection takes so many at once, and none that is larger. */
    @Synchronized
    fun begin(connection: Any, window: Int, largest: Long) {
        current = connection
        this.window = window
        this.largest = largest
        waiting.filter { it.size > largest }.forEach { it.refuse() }
    }

    private fun MqttLetter.refuse() {
        waiting -= this
        done.completeExceptionally(TooLargeException("the broker takes packets of at most $largest bytes"))
    }

    /** What is to be sent now by this connection, nothing if it is not the one that lives; and after how many milliseconds to look again. */
    @Synchronized
    fun next(connection: Any, number: () -> Int): Pair<List<MqttLetter>, Long?> {
        if (connection !== current) return emptyList<MqttLetter>() to null
        val probe = probe()
        val rest = probe?.let { it.sentAt + PROBE_MILLISECONDS - clock() } ?: 0
        if (rest > 0) return emptyList<MqttLetter>() to rest
        val unsent = waiting.filter { it.number == 0 }
        val ready = unsent.filterNot { it.suspect }.take((window - underWay()).coerceAtLeast(0))
        val alone = unsent.takeIf { ready.isEmpty() && underWay() == 0 }?.firstOrNull { it.suspect }
        val sent = ready + listOfNotNull(alone)
        for (letter in sent) {
            letter.number = number()
            letter.sentAt = clock()
        }
        return sent to alone?.let { PROBE_MILLISECONDS }
    }

    private fun underWay() = waiting.count { it.number != 0 }

    private fun probe() = waiting.firstOrNull { it.suspect && it.number != 0 }

    @Synchronized
    fun confirmed(number: Int, reason: Int) {
        val letter = waiting.firstOrNull { it.number == number } ?: return
        waiting -= letter
        if (reason < PACKET_REFUSED) taken = maxOf(taken, letter.size)
        if (reason == PACKET_TOO_LARGE) letter.done.completeExceptionally(TooLargeException("the broker finds it too large")) else letter.done.complete(reason)
    }

    /**
     * The connection has ended; if `mine`, perhaps because of what was under way. Whether that was a probe, and the others have nothing to do
     * with it; nothing if nothing is suspect.
     */
    @Synchronized
    fun ended(mine: Boolean): Boolean? {
        current = null
        val probe = probe()
        val underWay = waiting.filter { it.number != 0 }
        underWay.forEach { it.number = 0 }
        if (!mine || underWay.isEmpty()) return null
        if (probe != null) giveUp(probe)
        underWay.forEach { it.suspect = true }
        return probe != null
    }

    private fun giveUp(probe: MqttLetter) {
        probe.ends++
        val tooLarge = probe.size > taken
        // A broker that is started again and again makes nothing too large.
        if (!tooLarge && probe.ends < TRIES) return
        waiting -= probe
        val said = "the broker ends the connection each time these ${probe.payload.size} bytes come"
        probe.done.completeExceptionally(if (tooLarge) TooLargeException(said) else TransportException(said))
    }

    @Synchronized
    fun close() {
        waiting.forEach { it.done.completeExceptionally(TransportException("the transport was closed")) }
        waiting.clear()
    }

    private companion object {
        const val PACKET_TOO_LARGE = 0x95
        const val PACKET_REFUSED = 0x80
    }
}
