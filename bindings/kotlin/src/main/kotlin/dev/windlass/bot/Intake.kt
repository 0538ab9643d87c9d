package dev.windlass.bot

import dev.windlass.transport.Incoming
import dev.windlass.transport.Transport
import dev.windlass.transport.TransportException
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.retryWhen
import kotlinx.coroutines.launch
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private const val BATCH = 64
private const val BATCH_BYTES = 4 * 1024 * 1024

/** What comes together is taken together. Ends when the transport does. */
internal suspend fun Transport.takenTogether(take: suspend (List<Incoming>) -> Unit): Unit = coroutineScope {
    // Bounded, so that a flood waits at the transport.
    val came = Channel<Incoming>(2 * BATCH)
    launch {
        receive().retryWhen { failure, attempt ->
            (failure is TransportException).also { passes ->
                if (passes) delay((1.seconds * (1 shl attempt.coerceAtMost(6).toInt())).coerceAtMost(1.minutes))
            }
        }.collect { came.send(it) }
        came.close()
    }
    for (first in came) {
        val batch = mutableListOf(first)
        var size = first.envelope.size
        while (batch.size < BATCH && size < BATCH_BYTES) {
            val next = came.tryReceive().getOrNull() ?: break
            batch += next
            size += next.envelope.size
        }
        take(batch)
    }
}
