package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Bundle
import dev.windlass.Client
import dev.windlass.Contact
import dev.windlass.Conversation
import dev.windlass.Message
import dev.windlass.OutboxListener
import dev.windlass.Sent
import dev.windlass.TrustPolicy
import dev.windlass.WindlassException
import dev.windlass.findContact
import dev.windlass.transport.Transport
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.thread
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

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
 * @param access whom it hears: everybody but the blocked, or those whom [roles] allow.
 * @param admins people who are that whatever [roles] say: somebody has to be the first.
 * @param files where its files are: [BotMessage.replyFile] and [BotMessage.save].
 * @param worker the name of this process, where several are one bot on a store in a database: a word that each of them has for itself, the same after a restart.
 *   Its transport brings it a part of the mail ([Transport.useWorker]). Without one the bot is one process.
 * @param handlersOn where handlers run. There they may block; the bot itself runs elsewhere.
 * @param debug whether failures are logged with their texts, which may quote messages.
 */
public class Bot(
    internal val client: Client,
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
    private val access: Access = Access.EVERYBODY,
    admins: Set<String> = emptySet(),
    private val files: Files? = null,
    private val worker: String = "",
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
        require(worker.none(Char::isWhitespace)) { "the name of a worker is one word" }
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
    internal val claims = Claims(client, shared = worker.isNotEmpty())
    private val inside = Inside()
    private val current = AtomicReference<Running?>()
    private val parts: Parts? get() = current.get()?.parts

    /** Who may do what. */
    public val roles: Roles = Roles(this, client, admins)

    /** What is to be done at a time. */
    public val jobs: Jobs = Jobs(this, client, jobHandlers.keys)

    /** The bot's address. */
    public val address: String get() = client.address()

    /** How to reach the bot: a QR code for the terminal, and the URI under it. It is no secret. */
    public fun invite(): String = client.bundle().use { "${it.qrTerminal()}\n${it.toUri()}" }

    /**
     * Runs until it is cancelled, asked to [stop], or the transport ends. Cancelled, it leaves at once: what was not handled by then comes
     * again at the next start. It returns though a handler or the transport does not.
     */
    public suspend fun run() {
        val now = Running(inside) { scope -> Parts(handlingIn(scope), Post(client, transport, claims), Invitations(this, client, listening), workingIn(scope)) }
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
            now.parts.working.prepare()
            client.setOutboxListener(OutboxLooker(now.parts.post))
            if (worker.isNotEmpty()) transport.useWorker(worker)
            transport.useSecret(insisting { client.transportSecret() })
            transport.start(client.address(), client.deviceId())
        }
        if (!now.outlives(starting)) return
        val posting = now.part { now.parts.post.run() }
        val intake = now.part { Taking(this, client, transport, listening).run(now.parts) }
        val upkeep = Upkeep(this, client, transport, keepUpEvery)
        val others = mutableListOf(intake, now.part { now.parts.handling.run() }, now.part { upkeep.run(now.parts) })
        others += now.part { now.parts.working.run() }
        if (claims.shared) others += now.part { repeatedly(LEARNING) { learn() } }
        background.mapTo(others) { (every, work) -> now.part { repeatedly(every) { inBackground(work) } } }
        now.outlives(intake)
        others.forEach { it.cancel() }
        withTimeoutOrNull(LEAVING) { others.joinAll() }
        withTimeoutOrNull(grace) {
            now.parts.handling.finish()
            now.parts.working.finish()
        }
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
     * Handles what waits, does the jobs that are due, and answers how many that were. For tests that carry envelopes themselves, for example those of a
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
        val working = workingIn(this)
        working.prepare()
        found - handling.waiting() + working.runDue()
    }

    internal fun prepare() {
        client.keepUnhandled(true)
        if (handlesEvents) client.keepEvents(true)
        if (client.trustPolicy() != trust) client.setTrustPolicy(trust)
    }

    /** What other workers change of what we remember. */
    private suspend fun learn() {
        jobs.reload()
        roles.reload()
    }

    private fun handlingIn(scope: CoroutineScope) = Handling(this, client, listening, rates, claims, retries, concurrency, scope)

    private fun workingIn(scope: CoroutineScope) = Working(this, jobs, claims, retries, scope)

    /** Whether the bot hears somebody at all. */
    internal fun hears(address: String): Boolean = when (roles.of(address, null)) {
        Role.BLOCKED -> false
        null -> access == Access.EVERYBODY
        else -> true
    }

    /** Whether a message of a group is for the bot because of what it says, or was asked: a command, or the answer to a question. */
    internal fun expects(message: Message): Boolean = isCommand(message) || steps.isNotEmpty() && isAsked(message)

    private fun isAsked(message: Message): Boolean {
        val question = Remembered(client, questionOwner(message.conversation), questionName(message.author)).document
        return stepOf(question, client.now()) != null
    }

    internal fun isMentionedIn(message: Message): Boolean = listening.mentions(message)

    internal fun files(): Files = checkNotNull(files) { "there is no place for files: Bot(..., files = DirectoryFiles(folder))" }

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

    internal fun recheckTrust() {
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
    internal suspend fun <T : Any> passing(what: String, call: suspend () -> T?): T? = try {
        call()
    } catch (failure: Exception) {
        currentCoroutineContext().ensureActive()
        log.warning("cannot $what: ${failure::class.java.simpleName}")
        null
    }

    internal fun asksAboutStrangers() = requests.isNotEmpty() && trust != TrustPolicy.ACCEPT_ALL

    private companion object {
        /** Beside messages: events, reactions, background work. */
        const val EVENTS_AT_ONCE = 16

        /** After which a worker knows which jobs others planned, and which roles they gave. */
        val LEARNING = 5.seconds
    }
}

/** What goes through the client, by whatever call and thread, leaves at once. */
private class OutboxLooker(private val post: Post) : OutboxListener {
    override fun onOutbox(): Unit = post.look()
}

internal suspend fun <T> io(call: () -> T): T = withContext(Dispatchers.IO) { call() }
