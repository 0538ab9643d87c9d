package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Bundle
import dev.windlass.Client
import dev.windlass.Contact
import dev.windlass.Conversation
import dev.windlass.Event
import dev.windlass.Sent
import dev.windlass.TrustPolicy
import dev.windlass.WindlassException
import dev.windlass.retry
import dev.windlass.transport.Transport
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.time.Instant
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private val ROUND = 10.minutes

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
 * @param trust whom it listens to. Messages of others wait until they are accepted or verified.
 * @param prefix what commands begin with.
 * @param retries after so many starts of the process during which it died with a message, error handlers are told by a [PoisonMessageException],
 *   and the message counts as handled.
 * @param handlerTimeout after which a handler is given up, for its conversation waits for it.
 * @param grace what handlers and the outbox get to finish after [stop].
 */
public class Bot(
    private val client: Client,
    private val transport: Transport,
    private val trust: TrustPolicy = TrustPolicy.ACCEPT_ALL,
    prefix: String = "/",
    private val retries: Int = 3,
    private val handlerTimeout: Duration = 5.minutes,
    private val grace: Duration = 10.seconds,
) : Handlers(prefix) {
    private class Running(val handling: Handling, val post: Post, val invited: Invitations) {
        val asked = CompletableDeferred<Unit>()
        val ended = CompletableDeferred<Unit>()
    }

    /** In the context of all that [run] calls: there [stop] would wait for itself. */
    private class Inside : CoroutineContext.Element, CoroutineContext.Key<Inside> {
        override val key get() = this
    }

    private val inside = Inside()
    private val background = mutableListOf<Pair<Duration, suspend () -> Unit>>()

    @Volatile
    private var running: Running? = null

    /** How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret. */
    public fun invite(): String = client.bundle().use { "${it.qrTerminal()}\n${it.toUri()}" }

    /** Called when the bot has started, and again so long after it returned. */
    public fun background(every: Duration, work: suspend () -> Unit) {
        background += every to work
    }

    /**
     * Runs until it is cancelled, asked to [stop], or the transport ends. Cancelled, it leaves at once: what was not handled by then comes
     * again at the next start.
     */
    public suspend fun run() {
        check(running == null) { "the bot runs already" }
        try {
            withContext(inside) {
                val now = Running(handlingIn(this), Post(client, transport), Invitations(this@Bot, client, trust))
                running = now
                io { prepare() }
                transport.start(client.address(), client.deviceId())
                runAll(now)
                coroutineContext.cancelChildren()
            }
        } finally {
            withContext(NonCancellable) { passing("close") { transport.close() } }
            running?.ended?.complete(Unit)
            running = null
        }
    }

    private suspend fun CoroutineScope.runAll(now: Running) {
        val posting = launch { now.post.run() }
        val intake = launch { takeIn(now) }
        val others = mutableListOf<Job>(launch { now.handling.run() }, launch { keepUp(now) })
        background.mapTo(others) { (every, work) -> launch { repeatedly(every) { guarded(null, work) } } }
        select {
            now.asked.onAwait {}
            intake.onJoin {}
        }
        others += intake
        others.forEach { it.cancelAndJoin() }
        withTimeoutOrNull(grace) { now.handling.finish() }
        withTimeoutOrNull(grace) { now.post.emptied() }
        posting.cancelAndJoin()
    }

    /**
     * Takes in nothing more, lets handlers finish and the outbox go out for the time of grace; [run] has returned then. Called by what the
     * bot itself calls, a handler say, it only asks, as [requestStop] does: [run] waits for the handler.
     */
    public suspend fun stop() {
        val now = running ?: return
        now.asked.complete(Unit)
        if (currentCoroutineContext()[inside] == null) now.ended.await()
    }

    /** Asks the bot to [stop], and does not wait for it. For handlers, and for what the system calls at the end of the process. */
    public fun requestStop() {
        running?.asked?.complete(Unit)
    }

    /**
     * Handles what waits, and answers how many messages that was. For tests that carry envelopes themselves, for example those of a
     * `Simulation`.
     */
    public suspend fun handleWaiting(): Int = coroutineScope {
        io { prepare() }
        Invitations(this@Bot, client, trust).answer()
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

    private fun handlingIn(scope: CoroutineScope) = Handling(this, client, trust, handlerTimeout, retries.coerceAtLeast(1), scope)

    /** Writes to somebody, or to a group, at once. Somebody whom we do not know is looked for at the transport. */
    public suspend fun send(to: String, text: String): Sent = send(to, Body.Text(text))

    /** The same with another body than a text. */
    public suspend fun send(to: String, body: Body): Sent {
        val sent = try {
            io { client.sendBody(to, body) }
        } catch (unknown: WindlassException) {
            val findable = unknown is WindlassException.UnknownContact || unknown is WindlassException.NoBundle
            if (!findable || !find(to)) throw unknown
            io { client.sendBody(to, body) }
        }
        lookAtOutbox()
        return sent
    }

    /** We want to talk with somebody who wrote first. */
    public suspend fun accept(address: String): Contact {
        val contact = io { client.acceptContact(address) }
        running?.invited?.answer()
        recheckTrust()
        return contact
    }

    /** Nothing of theirs is taken in any more. */
    public suspend fun block(address: String): Contact = io { client.blockContact(address) }.also { recheckTrust() }

    /** Carries what is in the outbox. To be called after the client was used for something that is sent. */
    public fun lookAtOutbox() {
        running?.post?.look()
    }

    private fun recheckTrust() {
        running?.handling?.recheckTrust()
        lookAtOutbox()
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

    private suspend fun takeIn(now: Running): Unit = coroutineScope {
        val events = Events(client)
        val telling = launch { events.tell({ heard(now, it) }, { heardAgain(it) }) }
        events.remember()
        transport.takenTogether { batch ->
            val answers = insisting { client.receiveMany(batch.map { it.envelope }) }
            now.handling.look()
            now.post.look()
            // What could not be acknowledged comes again, and is known then.
            for (incoming in batch) passing("acknowledge") { incoming.acknowledge() }
            events.put(answers)
        }
        events.end()
        telling.join()
    }

    private suspend fun heard(now: Running, event: Event) {
        tellHandlers(event)
        when (event) {
            is Event.GroupInvitation -> now.invited.came(event.group)
            // Of a group that we are not in any more nothing waits.
            is Event.GroupChanged -> recheckTrust()
            is Event.Undecryptable -> log.warning("cannot read an envelope: ${event.cause}")
            else -> Unit
        }
    }

    /** A process told this, and died. What else it calls for is done at each start. */
    private suspend fun heardAgain(event: Event) {
        if (event is Event.Missed) log.warning("${event.events} events were dropped before they were handled")
        if (event !is Event.ContactRequest || !asksAboutStrangers()) tellHandlers(event)
    }

    private suspend fun tellHandlers(event: Event) {
        tell(event)
        if (event is Event.Reacted && event.by != client.address()) {
            if (io { listenedTo(client, trust, event.by, event.conversation) } == true) callEach(reactions, event)
        }
    }

    /** Every ten minutes what is due, and the bundle where others find it, again when it has changed. */
    private suspend fun keepUp(now: Running) {
        askAboutStrangers()
        now.invited.answer()
        var published: ByteArray? = null
        repeatedly(ROUND) {
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
        val undecided = io { client.contacts() }.filterNot { it.accepted || it.blocked || it.addedByUs }
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
    }
}

internal suspend fun <T> io(call: () -> T): T = withContext(Dispatchers.IO) { call() }
