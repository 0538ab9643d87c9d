package dev.windlass.bot

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.coroutines.CoroutineContext

/** What a bot that ends waits for what it has cancelled: a handler, then the counting of its message. */
internal val LEAVING = PATIENCE * 3

internal class Parts(val handling: Handling, val post: Post, val invited: Invitations, val working: Working)

/** A bot that runs. */
internal class Running(context: CoroutineContext, parts: (CoroutineScope) -> Parts) {
    val asked = CompletableDeferred<Unit>()
    val ended = CompletableDeferred<Unit>()

    /** Never completes but by what makes the bot impossible. */
    val broken = CompletableDeferred<Nothing>()
    private val failing = CoroutineExceptionHandler { _, failure -> broken.completeExceptionally(failure) }

    // No child of who runs the bot, which would wait for what does not end.
    private val scope = CoroutineScope(context + Dispatchers.Default + SupervisorJob() + failing)
    val parts = parts(scope)

    /** Begins something without which the bot cannot go on. */
    fun part(work: suspend () -> Unit): Job = scope.launch {
        try {
            work()
        } catch (own: CancellationException) {
            // Of a transport, say, by a time limit of its own: nobody cancelled the part, which would end without a word.
            currentCoroutineContext().ensureActive()
            throw IllegalStateException("it cancelled itself", own)
        }
    }

    /** Waits until it has ended; false if the bot is asked to stop before. Throws what makes the bot impossible. */
    suspend fun outlives(part: Job): Boolean = select {
        broken.onAwait { it }
        asked.onAwait { false }
        part.onJoin { true }
    }

    /** Ends everything, and leaves behind what does not end. */
    suspend fun leave(close: suspend () -> Unit) {
        scope.cancel()
        val ended = withTimeoutOrNull(LEAVING) { scope.coroutineContext.job.join() }
        if (ended == null) log.severe("a part of the bot does not end though it was cancelled; it is left behind")
        val closing = CoroutineScope(Dispatchers.Default + SupervisorJob()).launch { close() }
        if (withTimeoutOrNull(LEAVING) { closing.join() } == null) {
            log.severe("the transport does not close; it is left behind")
            closing.cancel()
        }
    }
}
