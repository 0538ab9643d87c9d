package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.KeptEvent
import dev.windlass.Received
import dev.windlass.WindlassException
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.milliseconds

/**
 * Events on their way to the handlers, in their order: each until its handlers have returned, whatever happens to the process. However slow
 * these are, mail does not wait for them: what does not fit in here is read from the store later.
 */
internal class Events(
    private val client: Client,
    private val claims: Claims,
    private val keeps: Boolean,
    private val wanted: (Event) -> Boolean,
) {
    private class Batch(val events: List<Event>, val cursor: String?)

    private val batches = Channel<Batch>(WAITING)
    private val lock = Any()

    /** Whether what the store keeps is told by one of several workers, whoever took it in. */
    private val shared = claims.shared && keeps

    /** Whether that one is this. */
    private var ours = false

    /** Something is to be told, or nothing will be any more. Of a worker. */
    private val news = Channel<Unit>(Channel.CONFLATED)

    /** Batches were left out, and all are until what is kept was read. */
    private var behind = false
    private var leftOut = false

    /** Where the events end whose handlers had not returned when the process ended. To be asked for before anything new comes. */
    suspend fun endOfOld(): String? {
        if (!shared) return endOfKept()
        ours = claims.take(WORK).single()
        return if (ours) endOfKept() else null
    }

    private suspend fun endOfKept(): String? {
        var end: String? = null
        while (true) end = insisting { client.eventsAfter(end) }.lastOrNull()?.cursor ?: return end
    }

    fun put(answers: List<Received>) {
        val batch = Batch(answers.flatMap { it.events }.filter(wanted), answers.mapNotNull { it.cursor }.lastOrNull())
        if (batch.events.isEmpty() && batch.cursor == null) return
        // Whichever worker tells what the store keeps finds it there.
        if (!shared || batch.cursor == null) hold(batch)
        news.trySend(Unit)
    }

    private fun hold(batch: Batch) {
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
        news.close()
    }

    /**
     * Tells one after the other; first those before [endOfOld], with which the process may have died. Not everything is kept: when some were
     * [leftOut], that is said too.
     */
    suspend fun tell(endOfOld: String?, event: suspend (Event) -> Unit, again: suspend (Event) -> Unit, leftOut: suspend () -> Unit) {
        if (endOfOld != null) tellOld(endOfOld, again)
        if (shared) return tellBesideOthers(event, leftOut)
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

    private suspend fun tellOld(end: String, again: suspend (Event) -> Unit) = tellKept(end) { page ->
        for (kept in page) {
            // Before it is told: an event with which the process dies twice does not come a third time.
            handled(kept.cursor)
            again(kept.event)
        }
    }

    /** What the store keeps is told by one worker, in its order; by another one when that has died. What it does not keep, by who took it in. */
    private suspend fun tellBesideOthers(event: suspend (Event) -> Unit, leftOut: suspend () -> Unit) {
        try {
            do {
                while (true) (batches.tryReceive().getOrNull() ?: break).events.forEach { event(it) }
                if (synchronized(lock) { behind.also { behind = false } }) leftOut()
                val had = ours
                ours = claims.take(WORK).single()
                // Whoever had them before may have died of the first.
                if (ours && !had) endOfKept()?.let { end -> tellOld(end) { if (wanted(it)) event(it) } }
                if (ours) tellRest(event)
                val woken = withTimeoutOrNull(LOOK_AGAIN) { news.receiveCatching() }
            } while (woken?.isClosed != true)
        } finally {
            claims.giveBack(WORK)
        }
    }

    private fun isBehind(): Boolean = synchronized(lock) { behind }

    private suspend fun catchUp(event: suspend (Event) -> Unit) {
        do {
            synchronized(lock) { leftOut = false }
            if (keeps) tellRest(event)
            val more = synchronized(lock) { leftOut.also { behind = it } }
        } while (more)
    }

    private suspend fun tellRest(event: suspend (Event) -> Unit) = tellKept(null) { page ->
        page.map { it.event }.filter(wanted).forEach { event(it) }
        handled(page.last().cursor)
    }

    /** What is kept up to there, or all of it. */
    private suspend fun tellKept(upTo: String?, tell: suspend (List<KeptEvent>) -> Unit) {
        var cursor: String? = null
        while (cursor == null || cursor != upTo) {
            val page = pageAfter(cursor)
            val end = page.indexOfFirst { it.cursor == upTo }
            val told = if (end < 0) page else page.take(end + 1)
            cursor = told.lastOrNull()?.cursor ?: return
            tell(told)
        }
    }

    private suspend fun pageAfter(cursor: String?): List<KeptEvent> = try {
        insisting { client.eventsAfter(cursor) }
    } catch (unknown: WindlassException.UnknownCursor) {
        if (!shared) throw unknown
        // Another worker told them, while the server was away. The oldest there is now.
        insisting { client.eventsAfter(null) }
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
        val WORK = listOf("events")

        /** After which a worker looks again whether others took in what is to be told, or have died. */
        val LOOK_AGAIN = 500.milliseconds
    }
}
