package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.OutgoingEnvelope
import dev.windlass.transport.TooLargeException
import dev.windlass.transport.Transport
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlin.time.TimeSource

private val FIRST_REST = 1.seconds
private val LONGEST_REST = 10.minutes

/** Enough of an address to know it again. */
internal const val SHOWN = 12

/** The way out. An address that cannot be reached rests, longer each time; the others do not wait for it. */
internal class Post(private val client: Client, private val transport: Transport) {
    private val news = Channel<Unit>(Channel.CONFLATED)
    private val walks = MutableStateFlow(0)

    /** When an address has rested. */
    private val until = ConcurrentHashMap<String, TimeMark>()

    /** How long it rested last. */
    private val rests = ConcurrentHashMap<String, Duration>()

    /** What stays in the outbox until there is another transport. */
    private val tooLarge = ConcurrentHashMap.newKeySet<ULong>()

    /** There may be something in the outbox. */
    fun look() {
        news.trySend(Unit)
    }

    /** Never ends. */
    suspend fun run() {
        var after = 0uL
        while (true) {
            val page = insisting { client.outbox(after) }
            if (page.isNotEmpty()) {
                after = page.last().id
                carry(page)
                continue
            }
            walks.value++
            val rest = until.values.minOfOrNull { -it.elapsedNow() }
            val woken = if (rest == null) news.receive() else withTimeoutOrNull(rest) { news.receive() }
            if (woken == null) {
                // From the beginning: what was passed over for a resting address is there.
                after = 0uL
                until.values.removeIf { it.hasPassedNow() }
            }
        }
    }

    private suspend fun carry(page: List<OutgoingEnvelope>): Unit = coroutineScope {
        val ready = page.filter { it.id !in tooLarge && !until.containsKey(it.to) }.groupBy { it.to }
        val taken = ready.map { (address, mail) -> async { carryTo(address, mail) } }.awaitAll().flatten()
        if (taken.isNotEmpty()) insisting { client.markSent(taken) }
    }

    /** Which the transport took. In their order, for each is read most cheaply after the one before it. */
    private suspend fun carryTo(address: String, mail: List<OutgoingEnvelope>): List<ULong> {
        val taken = mutableListOf<ULong>()
        try {
            for (envelope in mail) {
                try {
                    transport.deliver(address, envelope.bytes)
                    taken += envelope.id
                } catch (_: TooLargeException) {
                    // Those behind it do not wait for it.
                    tooLarge += envelope.id
                    log.severe("an envelope for ${address.take(SHOWN)} of ${envelope.bytes.size} bytes is too large")
                }
            }
            rests.remove(address)
        } catch (failure: Exception) {
            currentCoroutineContext().ensureActive()
            val rest = (rests[address]?.times(2) ?: FIRST_REST).coerceAtMost(LONGEST_REST)
            rests[address] = rest
            until[address] = TimeSource.Monotonic.markNow() + rest
            log.info("cannot deliver to ${address.take(SHOWN)}: ${failure::class.java.simpleName}; again in $rest")
        }
        return taken
    }

    /** Waits until the outbox is empty, but for what is too large. */
    suspend fun emptied() {
        while (waits()) {
            val before = walks.value
            look()
            walks.first { it > before }
        }
    }

    private suspend fun waits(): Boolean {
        var after = 0uL
        while (true) {
            val page = insisting { client.outbox(after) }
            if (page.any { it.id !in tooLarge }) return true
            after = page.lastOrNull()?.id ?: return false
        }
    }
}
