package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Client
import dev.windlass.OutgoingMessage
import dev.windlass.UnhandledMessage
import dev.windlass.WaitingMessage
import dev.windlass.WindlassException
import dev.windlass.code
import dev.windlass.retry
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.sync.withPermit
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlin.time.TimeSource

private val FIRST_PAUSE = 500.milliseconds
private val LONGEST_PAUSE = 1.minutes

/** How many messages are looked at at once. */
private const val PAGE = 1_000u

/** After which, more or less, a worker looks again for what others took in, or left behind. */
private val LOOK_AGAIN = 250.milliseconds

/** Conversations that a worker has at a time. A process has 256 claims; the others are for what it sends. */
private const val LANES_AT_ONCE = 128

/** After which a worker looks again whether another one accepted somebody. */
private val STRANGERS_REST = 5.seconds

/** Brings each message that waits to the handlers: one lane for each conversation, in it one message at a time, in the order they came. */
internal class Handling(
    private val bot: Bot,
    private val client: Client,
    private val listening: Listening,
    private val rates: Rates,
    private val claims: Claims,
    private val retries: Int,
    concurrency: Int,
    private val scope: CoroutineScope,
) {
    private class Lane {
        /** Without what they say, which may be a lot. */
        val waiting = ArrayDeque<WaitingMessage>()
        var again = false
        var job: Job? = null

        /** Of somebody whom nobody accepted yet: until when it is not looked at again for others' sake. */
        var rests: TimeMark? = null
    }

    /** Guarded by itself. */
    private val lanes = mutableMapOf<String, Lane>()
    private val slots = Semaphore(concurrency)
    private val claimed = Semaphore(LANES_AT_ONCE)

    /** Had by a message with which the process died: so that it is known which one it was, if it dies again. */
    private val alone = Mutex()

    /** Messages that may have been begun when the process ended: the first of each conversation. */
    private val possiblyStarted = mutableSetOf<ULong>()
    private var starting = true
    private val news = Channel<Unit>(Channel.CONFLATED)

    /** A message was handled: there is room for another. */
    val finished = Channel<Unit>(Channel.CONFLATED)
    private var last = 0uL

    /** Something may wait. */
    fun look() {
        news.trySend(Unit)
    }

    /** Somebody may be trusted now who was not before. */
    fun recheckTrust(): Unit = synchronized(lanes) { lanes.keys.forEach(::go) }

    /** Never ends. */
    suspend fun run() {
        var ours = true
        var looked = TimeSource.Monotonic.markNow()
        while (true) {
            do {
                val new = takeUp(ours)
            } while (new > 0)
            if (!claims.shared) {
                news.receive()
                continue
            }
            // Not all at the same moment.
            ours = withTimeoutOrNull(LOOK_AGAIN * Random.nextDouble(0.75, 1.25)) { news.receive() } != null
            if (looked.elapsedNow() < LOOK_AGAIN / 2) continue
            lookAfterOthers()
            looked = TimeSource.Monotonic.markNow()
        }
    }

    /** Puts what waits into the lanes; how much of it was new. [ours] if it was this process that took it in, most likely. */
    suspend fun takeUp(ours: Boolean = true): Int {
        // Numbers only grow. By that, what a lane finished while we read is not taken for new.
        val new = insisting { client.waiting(last, PAGE) }
        synchronized(lanes) {
            for (item in new) {
                last = item.number
                if ((starting || !ours) && item.conversation !in lanes) possiblyStarted += item.number
                lanes.getOrPut(item.conversation, ::Lane).waiting += item
                go(item.conversation)
            }
            starting = starting && new.isNotEmpty()
        }
        return new.size
    }

    /** Of lanes that were another worker's: forgets what was handled there, and takes what was left behind. */
    private suspend fun lookAfterOthers() {
        fun idle() = lanes.filterValues { it.job == null && it.rests?.hasPassedNow() != false }
        val (first, addresses) = synchronized(lanes) {
            val idle = idle()
            (idle.values.minOfOrNull { it.waiting.first().number } ?: return) to idle.keys
        }
        val there = insisting { client.waiting(first - 1uL, PAGE) }
        val waits = there.associateBy { it.number }
        // Behind the last one of a full page nothing is known.
        val known = if (there.size < PAGE.toInt()) last else there.last().number
        synchronized(lanes) {
            for ((address, lane) in idle().filterKeys { it in addresses }) {
                val left = lane.waiting.mapNotNull { waits[it.number] ?: it.takeIf { it.number > known } }
                lane.waiting.forEach { possiblyStarted -= it.number }
                lane.waiting.clear()
                lane.waiting += left
                if (left.isEmpty()) {
                    lanes.remove(address)
                } else {
                    possiblyStarted += left.first().number
                    go(address)
                }
            }
        }
    }

    /** How many messages are in the lanes. */
    fun waiting(): Int = synchronized(lanes) { lanes.values.sumOf { it.waiting.size } }

    /** Waits until no lane runs. */
    suspend fun idle() {
        while (true) synchronized(lanes) { lanes.values.mapNotNull { it.job } }.ifEmpty { return }.joinAll()
    }

    /** Lets handlers finish what they are at; what comes after it comes again at the next start. */
    suspend fun finish() {
        synchronized(lanes) { lanes.values.forEach { lane -> while (lane.waiting.size > 1) lane.waiting.removeLast() } }
        idle()
    }

    private fun go(address: String) {
        val lane = lanes.getValue(address)
        lane.again = true
        lane.rests = null
        if (lane.job == null) lane.job = scope.launch { walkAlone(address, lane) }
    }

    /** Nothing comes of it if another worker has the conversation. */
    private suspend fun walkAlone(address: String, lane: Lane) {
        if (!claims.shared) {
            do walk(address, lane) while (!leave(address, lane, ours = true))
            return
        }
        // The claim is given back before another walk may begin, which would find it had, and lose it then.
        do {
            val ours = claimed.withPermit { claims.having("lane $address") { walk(address, lane) } }
        } while (!leave(address, lane, ours))
    }

    /** Until there is nothing more to do, or nothing that may be done yet. */
    private suspend fun walk(address: String, lane: Lane) {
        while (true) {
            val item = synchronized(lanes) {
                lane.again = false
                lane.waiting.firstOrNull() ?: return
            }
            breathe(address)
            val done = if (item.attempts == 0u) begin(item) else alone.withLock { begin(item) }
            if (done) finished.trySend(Unit)
            synchronized(lanes) {
                if (done) {
                    possiblyStarted -= item.number
                    lane.waiting.removeFirstOrNull()
                } else if (!lane.again) {
                    // Of a stranger: waits until it is looked at again. Other workers accept, too.
                    if (claims.shared) lane.rests = TimeSource.Monotonic.markNow() + STRANGERS_REST
                    return
                }
            }
        }
    }

    /** False if something came in the last moment. What another worker has is looked at again later. */
    private fun leave(address: String, lane: Lane, ours: Boolean): Boolean = synchronized(lanes) {
        if (ours && lane.again && lane.waiting.isNotEmpty()) return false
        lane.job = null
        if (lane.waiting.isEmpty()) lanes.remove(address)
        true
    }

    /** A conversation in which too much was answered waits, and holds up no other. */
    private suspend fun breathe(conversation: String) {
        val rest = rates.rest(conversation)
        if (rest == Duration.ZERO) return
        log.info("too many answers in one conversation: it waits for $rest")
        delay(rest)
    }

    /** False if whether it is handled is not decided yet. */
    private suspend fun begin(waiting: WaitingMessage): Boolean = slots.withPermit {
        val allowed = insisting { listening.listensTo(waiting.author, waiting.conversation) } ?: return false
        // It was handled before, or its author deleted it.
        val item = insisting { client.unhandledMessage(waiting.number) } ?: return true
        val body = item.message.body
        val isSaid = body is Body.Text || body is Body.Attachment || body is Body.Data || body is Body.Opaque
        val handled = allowed && isSaid && insisting { bot.hears(item.message.author) && listening.concerns(item.message, bot.expects(item.message)) }
        if (handled) attempt(item) else passOver(item)
        true
    }

    /**
     * Hands a message over; one that was left by a process that died only so often. A message that has just come costs no sync more than its
     * answer does: that it may have been begun is known from its place. From then on it is counted what was begun.
     */
    private suspend fun attempt(item: UnhandledMessage) {
        val begun = item.attempts.toInt()
        if (begun == 0 && synchronized(lanes) { item.number !in possiblyStarted }) return handOver(item, null)
        val poison = if (begun < retries) null else PoisonMessageException(begun)
        if (poison != null) {
            log.severe("a message is set aside: ${poison.message}")
            // The error handlers did not survive it either.
            if (begun > retries) return passOver(item)
        }
        if (!count(item, item.attempts + 1u)) return
        try {
            handOver(item, poison)
        } catch (stopped: CancellationException) {
            // The bot was stopped, and did not die of it.
            withContext(NonCancellable) { withTimeoutOrNull(PATIENCE) { count(item, item.attempts) } }
            throw stopped
        }
    }

    /** False if there is nothing to count any more: its author deleted it. */
    private suspend fun count(item: UnhandledMessage, attempts: UInt): Boolean = try {
        insisting { client.setAttempts(item.number, attempts) }
        true
    } catch (_: WindlassException.UnknownMessage) {
        false
    }

    private suspend fun handOver(item: UnhandledMessage, poison: PoisonMessageException?) {
        val failure = poison ?: failureOf(item) ?: return
        apologise(item, failure)
        // It says that the process cannot go on; and the message, which may be the reason, does not come again.
        if (failure.isFatal) throw failure
    }

    /** Calls the handlers and commits what they answer; why nothing came of it. */
    private suspend fun failureOf(item: UnhandledMessage): Throwable? {
        var failure: Throwable? = null
        for (time in 1..TIMES_ANEW) {
            val message = BotMessage(bot, item.message)
            failure = bot.callbacks.attempt("a handler of messages", bot.callbacks.handlerTimeout) {
                withContext(InTurn(message)) { bot.dispatch(message) }
            }
            message.close()
            if (failure == null) failure = refusalOf { commit(item, message) }
            // Others changed what it read.
            if (failure !is WindlassException.StateChanged) return failure
        }
        return failure
    }

    /**
     * What error handlers answer is sent instead. Apart from what the handler said: one that was left behind may still speak. What cannot be
     * sent of it, now or ever, is left out with all else of this message.
     */
    private suspend fun apologise(item: UnhandledMessage, failure: Throwable) {
        val message = BotMessage(bot, item.message)
        withContext(InTurn(message)) { bot.failed(message, failure) }
        message.close()
        val refused = refusalOf { commit(item, message) } ?: return
        log.severe("what an error handler answered cannot be sent: ${bot.told(refused)}")
        passOver(item)
    }

    /** The answers, what is remembered, and that it was handled, in one transaction. */
    private suspend fun commit(item: UnhandledMessage, message: BotMessage) {
        val answers = answersOf(message)
        if (!bot.commit(item.number, message, answers)) return
        for ((conversation, written) in answers.groupBy { it.to }) rates.spend(conversation, written.size)
    }

    /** What may be sent of what was said: two bots that answered each other's answers would not end. */
    private fun answersOf(message: BotMessage): List<OutgoingMessage> {
        if (!message.isAnswerOfBot) return message.answers
        val (left, others) = message.answers.partition { it.to == message.conversation }
        if (left.isNotEmpty()) log.info("what another bot answered is not answered")
        return others
    }

    /** It counts as handled, and nothing comes of it. */
    private suspend fun passOver(item: UnhandledMessage) {
        bot.commit(item.number, null, emptyList())
    }
}

/** Calls the client, again as long as the reason not to is one that passes: a disk that is full, say. */
internal suspend fun <T> insisting(passes: (WindlassException) -> Boolean = { true }, call: () -> T): T {
    var pause = FIRST_PAUSE
    while (true) {
        try {
            return io(call)
        } catch (refused: WindlassException) {
            if (!refused.retry || !passes(refused)) throw refused
            log.severe("cannot write: ${refused.code}; again in $pause")
            delay(pause)
            pause = (pause * 2).coerceAtMost(LONGEST_PAUSE)
        }
    }
}
