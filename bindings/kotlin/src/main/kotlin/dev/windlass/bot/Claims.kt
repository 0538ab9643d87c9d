package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.WindlassException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/**
 * What a worker has of the work, so that no other does it at the same time. What it had is free again when its process dies.
 *
 * A bot that is one process has everything. That each message is answered once does not hang on it: that is what commits are for.
 */
internal class Claims(private val client: Client, val shared: Boolean) {
    /** Whether each piece of work is ours now. */
    suspend fun take(names: List<String>): List<Boolean> = when {
        !shared -> names.map { true }
        names.isEmpty() -> emptyList()
        else -> insisting { client.claimWork(names) }
    }

    /** Does a piece of work if it is ours, which it is until that returns; false if another worker has it. */
    suspend fun having(name: String, work: suspend () -> Unit): Boolean {
        if (!shared) {
            work()
            return true
        }
        // Cancelled while it is asked for, we may have it.
        var ours = true
        try {
            ours = take(listOf(name)).single()
            if (ours) work()
        } finally {
            if (ours) giveBack(listOf(name))
        }
        return ours
    }

    /** Others may have it. Also when we are cancelled, for the client may go on without the bot. */
    suspend fun giveBack(names: List<String>) {
        if (!shared || names.isEmpty()) return
        try {
            insisting { client.releaseWork(names) }
        } catch (cancelled: CancellationException) {
            withContext(NonCancellable) { withTimeoutOrNull(PATIENCE) { releaseAtLast(names) } }
            throw cancelled
        }
    }

    private suspend fun releaseAtLast(names: List<String>) {
        try {
            io { client.releaseWork(names) }
        } catch (_: WindlassException) {
            // The store is closed, or its server away: then it is free by that.
        }
    }
}
