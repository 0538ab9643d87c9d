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
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlin.time.TimeSource

private val FIRST_REST = 1.seconds
private val LONGEST_REST = 10.minutes

/** After which a worker looks at the outbox again; and the same while another worker sends what is there. */
private val LOOK_AGAIN = 1.seconds
private val ELSEWHERE = 50.milliseconds

/** Enough of an address to know it again. */
internal const val SHOWN = 12

/** The way out. An address that cannot be reached rests, longer each time; the others do not wait for it. */
internal class Post(private val client: Client, private val transport: Transport, private val claims: Claims = Claims(client, false)) {
    private val news = Channel<Unit>(Channel.CONFLATED)
    private val walks = MutableStateFlow(0)

    /** When an address has rested. */
    private val until = ConcurrentHashMap<String, TimeMark>()

    /** How long it rested last. */
    private val rests = ConcurrentHashMap<String, Duration>()

    /** What stays in the outbox until there is another transport. */
    private val tooLarge = ConcurrentHashMap.newKeySet<ULong>()

    /** Addresses to which other workers sent when the outbox was read last. */
    @Volatile
    private var elsewhere = emptySet<String>()
    private val othersSoFar = mutableSetOf<String>()

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
                carry(page, after)
                after = page.last().id
                continue
            }
            elsewhere = othersSoFar.toSet()
            othersSoFar.clear()
            walks.value++
            val rest = listOfNotNull(until.values.minOfOrNull { -it.elapsedNow() }, lookAgain()).minOrNull()
            val woken = if (rest == null) news.receive() else withTimeoutOrNull(rest) { news.receive() }
            // Numbers of other processes are not to be seen in their order.
            if (woken == null || claims.shared) {
                // From the beginning: what was passed over for a resting address is there.
                after = 0uL
                until.values.removeIf { it.hasPassedNow() }
            }
        }
    }

    /** After which a worker looks again for what others wrote, or left behind. */
    private fun lookAgain(): Duration? = when {
        !claims.shared -> null
        elsewhere.isEmpty() -> LOOK_AGAIN
        else -> ELSEWHERE
    }

    /** What of a page, the one behind `after`, no other worker sends. */
    private suspend fun carry(page: List<OutgoingEnvelope>, after: ULong) {
        val ready = page.filter(::isReady)
        if (!claims.shared) return carry(ready)
        val addresses = ready.map { it.to }.distinct()
        // Cancelled while they are asked for, we may have them.
        var ours = addresses
        try {
            val taken = claims.take(addresses.map(::claimOf))
            ours = addresses.filterIndexed { place, _ -> taken[place] }
            othersSoFar += addresses - ours.toSet()
            if (ours.isEmpty()) return
            // Whoever had them before may have sent it since the page was read.
            val there = insisting { client.outbox(after) }
            carry(there.filter { it.to in ours.toSet() && isReady(it) })
        } finally {
            claims.giveBack(ours.map(::claimOf))
        }
    }

    private fun claimOf(address: String) = "post $address"

    private fun isReady(envelope: OutgoingEnvelope) = envelope.id !in tooLarge && !until.containsKey(envelope.to)

    private suspend fun carry(ready: List<OutgoingEnvelope>): Unit = coroutineScope {
        val taken = ready.groupBy { it.to }.map { (address, mail) -> async { carryTo(address, mail) } }.awaitAll().flatten()
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

    /** Waits until the outbox is empty, but for what is too large, and for what other workers send without us. */
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
            if (page.any { it.id !in tooLarge && it.to !in elsewhere }) return true
            after = page.lastOrNull()?.id ?: return false
        }
    }
}
