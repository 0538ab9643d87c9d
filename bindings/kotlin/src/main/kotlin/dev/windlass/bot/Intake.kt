package dev.windlass.bot

import dev.windlass.transport.Incoming
import dev.windlass.transport.Transport
import dev.windlass.transport.TransportException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.retryWhen
import kotlinx.coroutines.launch
import java.io.IOException
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private const val BATCH = 64
private const val BATCH_BYTES = 4 * 1024 * 1024
private val FIRST_PAUSE = 1.seconds
private val LONGEST_PAUSE = 1.minutes

/** What comes together is taken together. Ends when the transport does. */
internal suspend fun Transport.takenTogether(take: suspend (List<Incoming>) -> Unit): Unit = coroutineScope {
    // Bounded, so that a flood waits at the transport.
    val came = Channel<Incoming>(2 * BATCH)
    launch {
        var pause = FIRST_PAUSE
        // What brought an envelope was no attempt in vain.
        receive().onEach { pause = FIRST_PAUSE }.retryWhen { failure, _ ->
            // A time limit of the transport's own is a cancellation by its class, and none of the bot.
            val passes = failure is TransportException || failure is IOException || failure is CancellationException
            if (passes) {
                log.warning("cannot receive: ${failure::class.java.simpleName}; again in $pause")
                delay(pause)
                pause = (pause * 2).coerceAtMost(LONGEST_PAUSE)
            }
            passes
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
