package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.KeptEvent
import dev.windlass.Received
import dev.windlass.WindlassException
import kotlinx.coroutines.channels.Channel

/**
 * Events on their way to the handlers, in their order: each until its handlers have returned, whatever happens to the process. However slow
 * these are, mail does not wait for them: what does not fit in here is read from the store later.
 */
internal class Events(private val client: Client, private val keeps: Boolean, private val wanted: (Event) -> Boolean) {
    private class Batch(val events: List<Event>, val cursor: String?)

    private val batches = Channel<Batch>(WAITING)
    private val lock = Any()

    /** Batches were left out, and all are until what is kept was read. */
    private var behind = false
    private var leftOut = false

    /** Where the events end whose handlers had not returned when the process ended. To be asked for before anything new comes. */
    suspend fun endOfOld(): String? {
        var end: String? = null
        while (true) end = insisting { client.eventsAfter(end) }.lastOrNull()?.cursor ?: return end
    }

    fun put(answers: List<Received>) {
        val batch = Batch(answers.flatMap { it.events }.filter(wanted), answers.mapNotNull { it.cursor }.lastOrNull())
        if (batch.events.isEmpty() && batch.cursor == null) return
        synchronized(lock) {
            if (!behind && batches.trySend(batch).isSuccess) return
            if (!behind) log.warning("events come faster than their handlers return; what does not fit in memory is read from the store later")
            behind = true
            leftOut = true
        }
    }

    /** Nothing comes after what was put. */
    fun end() {
        batches.close()
    }

    /**
     * Tells one after the other; first those before [endOfOld], with which the process may have died. Not everything is kept: when some were
     * [leftOut], that is said too.
     */
    suspend fun tell(endOfOld: String?, event: suspend (Event) -> Unit, again: suspend (Event) -> Unit, leftOut: suspend () -> Unit) {
        if (endOfOld != null) tellKept(endOfOld) { page ->
            for (kept in page) {
                // Before it is told: an event with which the process dies twice does not come a third time.
                handled(kept.cursor)
                again(kept.event)
            }
        }
        while (true) {
            // Also where the last batch was: those that were left out came after it.
            val batch = batches.tryReceive().getOrNull() ?: if (isBehind()) null else batches.receiveCatching().getOrNull() ?: return
            if (batch == null) {
                catchUp(event)
                leftOut()
            } else {
                batch.events.forEach { event(it) }
                batch.cursor?.let { handled(it) }
            }
        }
    }

    private fun isBehind(): Boolean = synchronized(lock) { behind }

    private suspend fun catchUp(event: suspend (Event) -> Unit) {
        do {
            synchronized(lock) { leftOut = false }
            if (keeps) tellKept(null) { page ->
                page.map { it.event }.filter(wanted).forEach { event(it) }
                handled(page.last().cursor)
            }
            val more = synchronized(lock) { leftOut.also { behind = it } }
        } while (more)
    }

    /** What is kept up to there, or all of it. */
    private suspend fun tellKept(upTo: String?, tell: suspend (List<KeptEvent>) -> Unit) {
        var cursor: String? = null
        while (cursor == null || cursor != upTo) {
            val page = insisting { client.eventsAfter(cursor) }
            val end = page.indexOfFirst { it.cursor == upTo }
            val told = if (end < 0) page else page.take(end + 1)
            cursor = told.lastOrNull()?.cursor ?: return
            tell(told)
        }
    }

    private suspend fun handled(cursor: String) {
        try {
            insisting { client.eventsHandled(cursor) }
        } catch (_: WindlassException.UnknownCursor) {
            // Somebody else may read the events of the client.
        }
    }

    private companion object {
        /** How many batches wait in memory. */
        const val WAITING = 16
    }
}
