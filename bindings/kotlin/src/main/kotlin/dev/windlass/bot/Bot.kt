package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Bundle
import dev.windlass.Client
import dev.windlass.Contact
import dev.windlass.Conversation
import dev.windlass.Event
import dev.windlass.OutboxListener
import dev.windlass.Received
import dev.windlass.Sent
import dev.windlass.TrustPolicy
import dev.windlass.WindlassException
import dev.windlass.code
import dev.windlass.findContact
import dev.windlass.retry
import dev.windlass.transport.Transport
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.time.Instant
import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.thread
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** After so long the client has given up waiting for an answer to go with a receipt. */
private val RECEIPTS = 1_200.milliseconds

/**
 * A program that answers.
 *
 * ```kotlin
 * Windlass.open("echo.wl", key).use { client ->
 *     val bot = Bot(client, MqttTransport("mqtt://localhost"))
 *     bot.onMessage { reply(text) }
 *     println(bot.invite())
 *     bot.run()
 * }
 * ```
 *
 * Settings are checked here: what makes no sense is an [IllegalArgumentException].
 *
 * @param trust whom it listens to. Messages of others wait until they are accepted or verified.
 * @param prefix what commands begin with.
 * @param retries after so many starts of the process during which it died with a message, error handlers are told by a [PoisonMessageException],
 *   and the message counts as handled.
 * @param handlerTimeout after which the handling of a message is given up, for its conversation waits for it: error handlers are told by a
 *   [HandlerTimeoutException]. A handler that does not even end when it is cancelled is left behind.
 * @param eventTimeout the same for each other callback. Background work may take as long as it likes.
 * @param grace what handlers and the outbox get to finish after [stop].
 * @param concurrency how many conversations are handled at the same time.
 * @param keepUpEvery between two rounds of resends, healing and new prekeys.
 * @param answersPerMinute how many answers are written in one conversation; over it, it waits until it is even.
 * @param joinGroups whose invitations into groups it follows by itself.
 * @param groupMessages what of a group comes to the handlers.
 * @param name what a mention in a group is: `@name`.
 * @param answerBots whether what other bots answered is answered, and what they write in groups is heard. Two bots that do so talk for ever.
 * @param handlersOn where handlers run. There they may block; the bot itself runs elsewhere.
 * @param debug whether failures are logged with their texts, which may quote messages.
 */
public class Bot(
    private val client: Client,
    private val transport: Transport,
    private val trust: TrustPolicy = TrustPolicy.ACCEPT_ALL,
    prefix: String = "/",
    private val retries: Int = 3,
    handlerTimeout: Duration = 5.minutes,
    eventTimeout: Duration = 1.minutes,
    private val grace: Duration = 10.seconds,
    private val concurrency: Int = 100,
    private val keepUpEvery: Duration = 10.minutes,
    answersPerMinute: Int = 60,
    joinGroups: JoinGroups = JoinGroups.KNOWN,
    groupMessages: GroupMessages = GroupMessages.ADDRESSED,
    name: String = "",
    answerBots: Boolean = false,
    handlersOn: CoroutineDispatcher = Dispatchers.IO.limitedParallelism(concurrency + EVENTS_AT_ONCE),
    debug: Boolean = false,
) : Handlers(prefix, debug) {
    /** In the context of all that [run] calls: there [stop] would wait for itself. */
    private class Inside : CoroutineContext.Element, CoroutineContext.Key<Inside> {
        override val key get() = this
    }

    init {
        require(retries > 0) { "a message is begun at least once" }
        require(answersPerMinute > 0) { "a bot answers at least once a minute" }
        require(name.none(Char::isWhitespace)) { "the name of a bot is one word" }
        require(concurrency > 0) { "at least one conversation is handled at a time" }
        for ((name, time) in listOf("handlerTimeout" to handlerTimeout, "eventTimeout" to eventTimeout, "keepUpEvery" to keepUpEvery)) {
            require(time.isPositive() && time.isFinite()) { "$name is longer than nothing, and ends" }
        }
        require(!grace.isNegative() && grace.isFinite()) { "grace is not negative, and ends" }
        client.setBot(true)
    }

    internal override val callbacks = Callbacks(handlersOn, handlerTimeout, eventTimeout)
    private val listening = Listening(client, trust, joinGroups, groupMessages, name, answerBots)
    private val rates = Rates(answersPerMinute)
    internal val answersBots: Boolean get() = listening.answersBots
    private val inside = Inside()
    private val background = mutableListOf<Pair<Duration, suspend () -> Unit>>()
    private val current = AtomicReference<Running?>()
    private val parts: Parts? get() = current.get()?.parts

    /** How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret. */
    public fun invite(): String = client.bundle().use { "${it.qrTerminal()}\n${it.toUri()}" }

    /** Called when the bot has started, and again so long after it returned. It may take as long as it likes. */
    public fun background(every: Duration, work: suspend () -> Unit) {
        require(every.isPositive() && every.isFinite()) { "between two rounds of background work is some time, which ends" }
        background += every to work
    }

    /**
     * Runs until it is cancelled, asked to [stop], or the transport ends. Cancelled, it leaves at once: what was not handled by then comes
     * again at the next start. It returns though a handler or the transport does not.
     */
    public suspend fun run() {
        val now = Running(inside) { scope -> Parts(handlingIn(scope), Post(client, transport), Invitations(this, client, listening)) }
        check(current.compareAndSet(null, now)) { "the bot runs already" }
        try {
            runAll(now)
        } finally {
            withContext(NonCancellable) {
                client.setOutboxListener(null)
                now.leave { passing("close") { transport.close() } }
                current.set(null)
                now.ended.complete(Unit)
            }
        }
    }

    private suspend fun runAll(now: Running) {
        val starting = now.part {
            insisting { prepare() }
            client.setOutboxListener(OutboxLooker(now.parts.post))
            transport.useSecret(insisting { client.transportSecret() })
            transport.start(client.address(), client.deviceId())
        }
        if (!now.outlives(starting)) return
        val posting = now.part { now.parts.post.run() }
        val intake = now.part { takeIn(now.parts) }
        val others = mutableListOf(intake, now.part { now.parts.handling.run() }, now.part { keepUp(now.parts) })
        background.mapTo(others) { (every, work) -> now.part { repeatedly(every) { inBackground(work) } } }
        now.outlives(intake)
        others.forEach { it.cancel() }
        withTimeoutOrNull(LEAVING) { others.joinAll() }
        withTimeoutOrNull(grace) { now.parts.handling.finish() }
        withTimeoutOrNull(grace) { now.parts.post.emptied() }
        posting.cancel()
        if (now.broken.isCompleted) now.broken.await()
    }

    /**
     * The same for a program of its own, which it ends in order at SIGTERM and Ctrl+C: handlers and the outbox get to finish, and the process
     * ends when the caller's thread does, so when the store is closed too. Blocks the thread.
     */
    public fun runUntilTerminated() {
        val main = Thread.currentThread()
        val ending = thread(start = false) {
            requestStop()
            main.join((grace * 2 + LEAVING * 2).inWholeMilliseconds)
        }
        Runtime.getRuntime().addShutdownHook(ending)
        runBlocking { run() }
    }

    /**
     * Takes in nothing more, lets handlers finish and the outbox go out for the time of grace; [run] has returned then. Called by what the
     * bot itself calls, a handler say, it only asks, as [requestStop] does: [run] waits for the handler.
     */
    public suspend fun stop() {
        val now = current.get() ?: return
        now.asked.complete(Unit)
        if (currentCoroutineContext()[inside] == null) now.ended.await()
    }

    /** Asks the bot to [stop], and does not wait for it. For handlers, and for what the system calls at the end of the process. */
    public fun requestStop() {
        current.get()?.asked?.complete(Unit)
    }

    /**
     * Handles what waits, and answers how many messages that was. For tests that carry envelopes themselves, for example those of a
     * `Simulation`.
     */
    public suspend fun handleWaiting(): Int = coroutineScope {
        io { prepare() }
        Invitations(this@Bot, client, listening).answer()
        val handling = handlingIn(this)
        var found = 0
        while (true) {
            val new = handling.takeUp().also { found += it }
            handling.idle()
            if (new == 0) break
        }
        found - handling.waiting()
    }

    private fun prepare() {
        client.keepUnhandled(true)
        if (handlesEvents) client.keepEvents(true)
        if (client.trustPolicy() != trust) client.setTrustPolicy(trust)
    }

    private fun handlingIn(scope: CoroutineScope) = Handling(this, client, listening, rates, retries, concurrency, scope)

    /**
     * Writes to somebody, or to a group, at once. [to] may be an invitation, or a text with one in it. Somebody whom we do not know, or whose
     * invitation has expired, is looked for at the transport.
     */
    public suspend fun send(to: String, text: String): Sent = send(to, Body.Text(text))

    /** The same with another body than a text. */
    public suspend fun send(to: String, body: Body): Sent {
        val to = invited(to)
        val sent = try {
            io { client.sendBody(to, body) }
        } catch (unknown: WindlassException) {
            val findable = unknown is WindlassException.UnknownContact || unknown is WindlassException.NoBundle
            if (!findable || !find(to)) throw unknown
            io { client.sendBody(to, body) }
        }
        return sent
    }

    /** The address of whom an invitation invites to write to, whose bundle is added; any other text as it is. */
    private suspend fun invited(text: String): String {
        if (':' !in text) return text
        val found = try {
            findContact(text)
        } catch (_: WindlassException.UriNotWindlass) {
            return text
        }
        found.bundle?.use { bundle ->
            try {
                io { client.addContact(bundle) }
            } catch (_: WindlassException.InvitationUsed) {
                // By us: its owner is among our contacts.
            } catch (old: WindlassException.BundleExpired) {
                if (!find(found.address)) throw old
            }
        }
        return found.address
    }

    /** We want to talk with somebody who wrote first. */
    public suspend fun accept(address: String): Contact {
        val contact = io { client.acceptContact(address) }
        parts?.invited?.answer()
        recheckTrust()
        return contact
    }

    /** Nothing of theirs is taken in any more. */
    public suspend fun block(address: String): Contact = io { client.blockContact(address) }.also { recheckTrust() }

    /** What somebody has waiting counts as handled, unanswered; how many messages that were. */
    public suspend fun dropBacklog(address: String): ULong = insisting { client.dropBacklog(address) }.also {
        log.warning("$it messages of ${address.take(SHOWN)} were dropped before they were handled")
    }

    private fun recheckTrust() {
        parts?.handling?.recheckTrust()
    }

    internal suspend fun change(conversation: String, call: Conversation.() -> Unit) {
        io { client.conversation(conversation).use(call) }
        recheckTrust()
    }

    /** Adds the contact whose bundle the transport has; false if there is none. */
    internal suspend fun find(address: String): Boolean {
        val found = passing("look for a bundle") { transport.fetchBundle(address) } ?: return false
        return try {
            // Anybody may have put it there.
            io {
                Bundle.decode(found).use { bundle ->
                    (bundle.identity().address() == address).also { if (it) client.addContact(bundle) }
                }
            }
        } catch (refused: WindlassException) {
            if (refused is WindlassException.StoreClosed) throw refused
            false
        }
    }

    /** Calls the transport; nothing if it could not. Others write transports: whatever one throws passes. */
    private suspend fun <T : Any> passing(what: String, call: suspend () -> T?): T? = try {
        call()
    } catch (failure: Exception) {
        currentCoroutineContext().ensureActive()
        log.warning("cannot $what: ${failure::class.java.simpleName}")
        null
    }

    private suspend fun takeIn(now: Parts): Unit = coroutineScope {
        val events = Events(client, handlesEvents, ::wants)
        val old = events.endOfOld()
        val telling = launch { events.tell(old, { heard(now, it) }, { heardAgain(it) }, { now.invited.answer().also { recheckTrust() } }) }
        // What is not answered soon gets its receipt without an answer: see `Client.setBot`.
        val came = Channel<Unit>(Channel.CONFLATED)
        val looking = launch {
            while (true) {
                came.receive()
                delay(RECEIPTS)
                now.post.look()
            }
        }
        transport.takenTogether { batch ->
            val answers = received(now, batch.map { it.envelope })
            now.handling.look()
            now.post.look()
            came.trySend(Unit)
            // What could not be acknowledged comes again, and is known then.
            for (incoming in batch) passing("acknowledge") { incoming.acknowledge() }
            answers.forEach { it.events.forEach(::note) }
            events.put(answers)
        }
        looking.cancel()
        events.end()
        telling.join()
    }

    /** When too much waits for its handlers nothing is taken in, and nothing acknowledged: it waits at the transport. */
    private suspend fun received(now: Parts, envelopes: List<ByteArray>): List<Received> {
        var told = false
        while (true) {
            try {
                return insisting({ it !is WindlassException.BacklogFull }) { client.receiveMany(envelopes) }
            } catch (_: WindlassException.BacklogFull) {
                if (!told) log.warning("too much waits to be handled: nothing is taken in before there is room")
                told = true
                now.handling.look()
                withTimeoutOrNull(1.seconds) { now.handling.finished.receive() }
            }
        }
    }

    /** Logs what the bot's operator may want to know. */
    private fun note(event: Event) {
        when (event) {
            is Event.Undecryptable -> log.warning("cannot read an envelope: ${event.cause}")
            is Event.Missed -> log.warning("${event.events} events were dropped before they were handled")
            else -> Unit
        }
    }

    /** Whether it is told to anybody. */
    private fun wants(event: Event): Boolean = listensTo(event) || event is Event.GroupInvitation || event is Event.GroupChanged

    private suspend fun heard(now: Parts, event: Event) {
        tellHandlers(event)
        when (event) {
            is Event.GroupInvitation -> now.invited.came(event.group)
            // Of a group that we are not in any more nothing waits.
            is Event.GroupChanged -> recheckTrust()
            else -> Unit
        }
    }

    /** A process told this, and died. What else it calls for is done at each start. */
    private suspend fun heardAgain(event: Event) {
        note(event)
        if (event !is Event.ContactRequest || !asksAboutStrangers()) tellHandlers(event)
    }

    private suspend fun tellHandlers(event: Event) {
        tell(event)
        if (event is Event.Reacted && event.by != client.address()) {
            if (io { listening.listensTo(event.by, event.conversation) } == true) callEach(reactions, event)
        }
    }

    /** Every ten minutes what is due, and the bundle where others find it, again when it has changed. */
    private suspend fun keepUp(now: Parts) {
        askAboutStrangers()
        now.invited.answer()
        var published: ByteArray? = null
        repeatedly(keepUpEvery) {
            try {
                io { client.maintain() }
                val bundle = io { client.bundle().use { it.encode() } }
                recheckTrust()
                if (!bundle.contentEquals(published)) {
                    passing("publish the bundle") { transport.publishBundle(client.address(), bundle) }?.let { published = bundle }
                }
                renew()
            } catch (refused: WindlassException) {
                if (!refused.retry) throw refused
                log.warning("cannot keep up: ${refused.code}")
            }
        }
    }

    /** Looks for newer bundles of contacts whose own have run out: without one nothing heals. */
    private suspend fun renew() {
        val stale = io { client.contacts() }.filter { it.bundleExpiresAt?.isBefore(Instant.now()) == true && !it.blocked }
        stale.take(RENEWALS_PER_ROUND).forEach { find(it.address) }
    }

    private fun asksAboutStrangers() = requests.isNotEmpty() && trust != TrustPolicy.ACCEPT_ALL

    /** A request that was told when the process died is told again. */
    private suspend fun askAboutStrangers() {
        if (!asksAboutStrangers()) return
        val undecided = insisting { client.contacts() }.filterNot { it.accepted || it.blocked || it.addedByUs }
        undecided.forEach { callEach(requests, it.address) }
    }

    private suspend fun repeatedly(every: Duration, work: suspend () -> Unit) {
        while (true) {
            work()
            delay(every)
        }
    }

    private companion object {
        const val RENEWALS_PER_ROUND = 20
        
        /** Beside messages: events, reactions, background work. */
        const val EVENTS_AT_ONCE = 16
    }
}

/** What goes through the client, by whatever call and thread, leaves at once. */
private class OutboxLooker(private val post: Post) : OutboxListener {
    override fun onOutbox(): Unit = post.look()
}

internal suspend fun <T> io(call: () -> T): T = withContext(Dispatchers.IO) { call() }
