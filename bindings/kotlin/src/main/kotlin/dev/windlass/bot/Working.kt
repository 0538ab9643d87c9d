package dev.windlass.bot

import dev.windlass.WindlassException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.sync.withPermit
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** Jobs that are done at the same time. */
private const val AT_ONCE = 10

/** After that the clock is looked at again: it may have been set. */
private val LOOK_AGAIN = 1.minutes

/** After which it is looked again whether another worker has done a job. */
private val ELSEWHERE = 1.seconds

/** Does the jobs that are due, and commits what each says with the fact that it was done. */
internal class Working(
    private val bot: Bot,
    private val jobs: Jobs,
    private val claims: Claims,
    private val retries: Int,
    private val scope: CoroutineScope,
) {
    private val changed = Channel<Unit>(Channel.CONFLATED)
    private val slots = Semaphore(AT_ONCE)

    /** Guarded by itself. */
    private val running = hashMapOf<String, Job>()

    /** Jobs that may have been begun when the process ended. Guarded by `running`. */
    private val possiblyStarted = hashSetOf<String>()

    /** Before the first is begun. */
    suspend fun prepare() {
        jobs.load()
        val due = jobs.due()
        synchronized(running) { possiblyStarted += due.map { it.first } }
        // It waits for a version of the program that has it.
        for (task in due.map { it.second }.toSet()) if (!bot.doesJob(task)) log.warning("there is no job $task any more")
        for ((task, repeat) in bot.planned) jobs.declare(task, repeat)
    }

    /** Never ends. */
    suspend fun run() {
        jobs.onChange = { changed.trySend(Unit) }
        while (true) {
            begin()
            val next = jobs.nextDue(but = synchronized(running) { running.keys.toSet() })
            val rest = next?.let { (it.toEpochMilli() - bot.client.now().toEpochMilli() + 1).milliseconds }
            withTimeoutOrNull((rest ?: LOOK_AGAIN).coerceIn(0.milliseconds, LOOK_AGAIN)) { changed.receive() }
        }
    }

    /** Does what is due, and returns how many that were. */
    suspend fun runDue(): Int {
        var done = 0
        while (true) {
            done += begin()
            synchronized(running) { running.values.toList() }.ifEmpty { return done }.joinAll()
        }
    }

    /** Lets jobs finish; what was not done by then comes again at the next start. */
    suspend fun finish() = synchronized(running) { running.values.toList() }.joinAll()

    /** Begins what is due; how many that were. */
    private fun begin(): Int = synchronized(running) {
        val new = jobs.due().filter { (id, task) -> bot.doesJob(task) && id !in running }
        for ((id, _) in new) {
            running[id] = scope.launch {
                try {
                    performHere(id)
                } finally {
                    synchronized(running) { running.remove(id) }
                    changed.trySend(Unit)
                }
            }
        }
        new.size
    }

    private suspend fun performHere(id: String) {
        if (!claims.shared) return slots.withPermit { perform(id) }
        val ours = slots.withPermit {
            // It may have been done since we learned of it.
            claims.having("job $id") { if (insisting { jobs.begin(id) } != null) perform(id) }
        }
        if (ours) return
        // Should another worker die of it, so might we.
        synchronized(running) { possiblyStarted += id }
        delay(ELSEWHERE)
    }

    private suspend fun perform(id: String) {
        val suspect = synchronized(running) { id in possiblyStarted }
        val poison = if (suspect) countAttempt(id) else null
        try {
            performOnce(id, poison)
        } catch (stopped: CancellationException) {
            // The bot was stopped, and did not die of it.
            if (suspect) withContext(NonCancellable) { withTimeoutOrNull(PATIENCE) { note(id, io { jobs.attempts(id) } - 1) } }
            throw stopped
        }
        synchronized(running) { possiblyStarted -= id }
    }

    /** As of a message: with what the process died again and again, is set aside. */
    private suspend fun countAttempt(id: String): PoisonMessageException? {
        val attempts = insisting { jobs.attempts(id) }
        if (attempts >= retries) {
            log.severe("a job is set aside: the process died $attempts times with it")
            return PoisonMessageException(attempts)
        }
        note(id, attempts + 1)
        return null
    }

    private suspend fun note(id: String, attempts: Int) {
        try {
            jobs.noteAttempts(id, attempts)
        } catch (_: WindlassException.StateChanged) {
            // Somebody planned it anew.
        }
    }

    private suspend fun performOnce(id: String, poison: Throwable?) {
        val failure = poison ?: failureOf(id) ?: return
        bot.failed(null, failure)
        // It was done, as a message counts as handled whose handler fails.
        do {
            val job = insisting { jobs.begin(id) } ?: break
            val refused = commitOf(job) ?: break
            if (refused !is WindlassException.StateChanged) throw refused
        } while (true)
        if (failure.isFatal) throw failure
    }

    private suspend fun failureOf(id: String): Throwable? {
        var failure: Throwable? = null
        for (time in 1..TIMES_ANEW) {
            val job = insisting { jobs.begin(id) } ?: return null
            failure = bot.callbacks.attempt("a job", bot.callbacks.handlerTimeout) { withContext(InTurn(job)) { bot.perform(job) } }
            job.close()
            if (failure == null) failure = commitOf(job)
            // Others changed what it read.
            if (failure !is WindlassException.StateChanged) return failure
        }
        return failure
    }

    /** What it says, what it remembers, and that it was done, in one transaction; why that cannot be. */
    private suspend fun commitOf(job: BotJob): Exception? = refusalOf { bot.commit(null, job, job.answers) }
}
