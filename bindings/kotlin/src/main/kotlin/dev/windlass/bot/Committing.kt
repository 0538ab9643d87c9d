package dev.windlass.bot

import dev.windlass.OutgoingMessage
import dev.windlass.WindlassException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive

/** How often something is begun while others change what it read. Then it is told as a failure. */
internal const val TIMES_ANEW = 10

/**
 * What came of an event, its answers, what is remembered, and that it was handled, in one transaction. False if the message was handled
 * before, and nothing was written. Who is unknown is looked for once.
 */
internal suspend fun Bot.commit(handled: ULong?, turn: Turn?, answers: List<OutgoingMessage>): Boolean {
    val changes = turn?.changes().orEmpty()
    if (handled == null && answers.isEmpty() && changes.isEmpty()) return true
    var searched = false
    while (true) {
        try {
            insisting { client.commit(handled, answers, changes.map { it.second }) }
            changes.forEach { (one, change) -> one.kept(change) }
            return true
        } catch (unknown: WindlassException.UnknownMessage) {
            // It was handled before, or its author deleted it.
            if (handled == null) throw unknown
            return false
        } catch (refused: WindlassException) {
            val unknown = refused is WindlassException.UnknownContact || refused is WindlassException.NoBundle
            if (!unknown || searched) throw refused
            searched = true
            answers.map { it.to }.toSet().forEach { find(it) }
        }
    }
}

/** Why something cannot be written, whatever it is; thrown is alone what ends the bot. */
internal suspend fun refusalOf(write: suspend () -> Unit): Exception? {
    try {
        write()
        return null
    } catch (refused: Exception) {
        currentCoroutineContext().ensureActive()
        if (refused is WindlassException.StoreClosed) throw refused
        return refused
    }
}
