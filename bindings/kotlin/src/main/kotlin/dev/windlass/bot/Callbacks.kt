package dev.windlass.bot

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** What is waited for something to end that was cancelled. */
internal val PATIENCE = 1.seconds
private const val CAUSES_TOLD = 8
private const val FRAMES_TOLD = 40

/** A handler took longer than it may. */
public class HandlerTimeoutException internal constructor(what: String, limit: Duration) : Exception("$what took longer than $limit")

/** Runs what others wrote: for so long at most, wherever it blocks, and whatever it throws. */
internal class Callbacks(private val dispatcher: CoroutineDispatcher, val handlerTimeout: Duration, val eventTimeout: Duration) {
    /**
     * What the call threw; nothing if it returned. Cancelled, or after the limit, it cancels the call, and leaves it behind if that does not
     * end it: no conversation and no [Bot.stop] waits for a callback that swallows its cancellation, or blocks.
     */
    suspend fun attempt(what: String, limit: Duration, call: suspend () -> Unit): Throwable? {
        // Apart from the caller's job, which would wait for it.
        val running = CoroutineScope(currentCoroutineContext().minusKey(Job) + dispatcher + SupervisorJob()).async { failureOf(call) }
        try {
            val ended = withTimeoutOrNull(limit) { Ended(running.await()) }
            if (ended != null) return ended.failure
            log.warning("$what is stalled: it took longer than $limit")
            return HandlerTimeoutException(what, limit)
        } finally {
            leave(what, running)
        }
    }

    private class Ended(val failure: Throwable?)

    private suspend fun leave(what: String, running: Deferred<*>) {
        if (running.isCompleted) return
        running.cancel()
        val ended = withContext(NonCancellable) { withTimeoutOrNull(PATIENCE) { running.join() } }
        if (ended == null) log.severe("$what does not end though it was cancelled; it is left behind")
    }

    private suspend fun failureOf(call: suspend () -> Unit): Throwable? = try {
        call()
        null
    } catch (failure: Throwable) {
        failure
    }
}

/** Says that the process cannot go on: no memory, no classes any more. A stack that overflowed says nothing but of one call. */
internal val Throwable.isFatal: Boolean get() = this is VirtualMachineError && this !is StackOverflowError

/** What an error is and where it came from, without its text, which may quote what somebody wrote. */
internal fun traceWithoutText(failure: Throwable): String =
    generateSequence(failure) { it.cause }.take(CAUSES_TOLD).joinToString("\ncaused by ") { told ->
        (listOf(told::class.java.name) + told.stackTrace.take(FRAMES_TOLD).map { "    at $it" }).joinToString("\n")
    }
