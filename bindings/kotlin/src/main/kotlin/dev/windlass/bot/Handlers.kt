package dev.windlass.bot

import dev.windlass.Event
import dev.windlass.Message
import dev.windlass.TypedCommand
import dev.windlass.foldText
import dev.windlass.readCommand
import java.util.logging.Logger
import kotlin.time.Duration

internal val log: Logger = Logger.getLogger("dev.windlass.bot")

/** The process died [attempts] times with a message, which is not begun again. */
public class PoisonMessageException internal constructor(public val attempts: Int) :
    Exception("the process died $attempts times with this message")

/** What a bot does. */
public abstract class Handlers internal constructor(private val prefix: String, private val debug: Boolean) {
    init {
        require(prefix.isNotEmpty() && prefix.none(Char::isWhitespace)) { "what commands begin with is at least one character, and no space" }
    }

    internal abstract val callbacks: Callbacks
    private val listeners = mutableListOf<suspend BotMessage.() -> Unit>()
    private val commands = sortedMapOf<String, Command>()
    private val errors = mutableListOf<suspend (BotMessage?, Throwable) -> Unit>()
    private val events = mutableListOf<suspend (Event) -> Unit>()

    /** Whether there are handlers of what the store keeps of events; the rest is read from it at each start. */
    internal val handlesEvents: Boolean get() = events.isNotEmpty() || reactions.isNotEmpty()

    internal val requests = mutableListOf<suspend (String) -> Unit>()
    internal val reactions = mutableListOf<suspend (Event.Reacted) -> Unit>()
    internal val invitations = mutableListOf<suspend (GroupInvitation) -> Unit>()

    /**
     * Called for each message that is no command, attachments too: their text is empty. In groups for those alone that concern the bot
     * ([GroupMessages]). Several are called in their order.
     */
    public fun onMessage(handler: suspend BotMessage.() -> Unit) {
        listeners += handler
    }

    /** Called when a message begins with the prefix and this name. */
    public fun command(name: String, description: String = "", handler: suspend BotMessage.() -> Unit): Unit =
        add(name, description, emptyList()) { handler() }

    /**
     * The same with an argument. What does not fit is answered with a sentence.
     *
     * ```kotlin
     * bot.command("add", integer("a"), integer("b").orElse(1)) { a, b -> reply("${a + b}") }
     * ```
     */
    public fun <A> command(name: String, a: Parameter<A>, description: String = "", handler: suspend BotMessage.(A) -> Unit): Unit =
        add(name, description, listOf(a)) { read -> handler(read.at(0)) }

    /** The same with two. */
    public fun <A, B> command(
        name: String,
        a: Parameter<A>,
        b: Parameter<B>,
        description: String = "",
        handler: suspend BotMessage.(A, B) -> Unit,
    ): Unit = add(name, description, listOf(a, b)) { read -> handler(read.at(0), read.at(1)) }

    /** The same with three. */
    public fun <A, B, C> command(
        name: String,
        a: Parameter<A>,
        b: Parameter<B>,
        c: Parameter<C>,
        description: String = "",
        handler: suspend BotMessage.(A, B, C) -> Unit,
    ): Unit = add(name, description, listOf(a, b, c)) { read -> handler(read.at(0), read.at(1), read.at(2)) }

    // Each was read by the parameter of its place, whose type it has.
    @Suppress("UNCHECKED_CAST")
    private fun <T> List<Any?>.at(place: Int): T = this[place] as T

    private fun add(name: String, description: String, parameters: List<Parameter<*>>, handler: suspend BotMessage.(List<Any?>) -> Unit) {
        require(!name.startsWith(prefix)) { "the name of a command is given without $prefix" }
        require(commands.put(foldText(name), Command(foldText(name), description, parameters, handler)) == null) {
            "there is a command $name already"
        }
    }

    /**
     * Called with what another handler threw, or why its answer cannot be sent, and the message if there was one, to which it may reply. The
     * message counts as handled, and nothing of its handler's answers is sent. Without an error handler the kind of the error and its stack
     * are logged, without its text, which may quote a message.
     */
    public fun onError(handler: suspend (BotMessage?, Throwable) -> Unit) {
        errors += handler
    }

    /**
     * Called for each event, when it is durable; once more if the process died before it returned. Not for what [dev.windlass.Client.keepEvents]
     * does not keep, nor for messages, which come to [onMessage] again.
     */
    public fun onEvent(handler: suspend (Event) -> Unit) {
        events += handler
    }

    /** Called with the address of somebody who wrote first; and at each start for people who were neither accepted nor blocked. */
    public fun onContactRequest(handler: suspend (String) -> Unit) {
        requests += handler
    }

    /** Called when somebody to whom the bot listens put a reaction to a message, or took it away; once more if the process died meanwhile. */
    public fun onReaction(handler: suspend (Event.Reacted) -> Unit) {
        reactions += handler
    }

    /**
     * Called when the bot was invited into a group; and at each start for invitations that wait. If it neither joins nor declines, the bot
     * joins if it follows the person who invites it ([JoinGroups]), now or later; so it does without any handler.
     */
    public fun onGroupInvitation(handler: suspend (GroupInvitation) -> Unit) {
        invitations += handler
    }

    internal suspend fun dispatch(message: BotMessage) {
        val typed = commandIn(message.message) ?: return listeners.forEach { it(message) }
        val command = commands[typed.name]
        when {
            command != null -> answering(message) { command.call(message, typed.words, prefix) }
            typed.name == HELP -> message.reply(commands.values.joinToString("\n") { it.help(prefix) })
            listeners.isEmpty() -> message.reply("There is no such command. $prefix$HELP lists them.")
            else -> listeners.forEach { it(message) }
        }
    }

    /** Name and words of what may be a command; nothing if there are none, or it is something else. */
    private fun commandIn(message: Message): TypedCommand? =
        if (commands.isEmpty()) null else readCommand(message.text.orEmpty(), prefix)

    /** Whether it is a command that there is. */
    internal fun isCommand(message: Message): Boolean = commandIn(message)?.let { it.name in commands || it.name == HELP } == true

    private suspend fun answering(message: BotMessage, call: suspend () -> Unit) {
        try {
            call()
        } catch (wrong: UsageException) {
            message.drop()
            message.reply(wrong.message.orEmpty())
        }
    }

    /** Tells the error handlers; of what one that fails has answered nothing is kept. */
    internal suspend fun failed(message: BotMessage?, failure: Throwable) {
        if (errors.isEmpty() && failure !is PoisonMessageException) log.severe("a handler failed: ${told(failure)}")
        for (handler in errors) {
            val another = callbacks.attempt("an error handler", callbacks.eventTimeout) { handler(message, failure) } ?: continue
            message?.drop()
            log.severe("an error handler failed: ${told(another)}")
            if (another.isFatal) throw another
        }
    }

    /** Whether there are handlers of such an event. */
    internal fun listensTo(event: Event): Boolean = events.isNotEmpty() ||
        event is Event.ContactRequest && requests.isNotEmpty() || event is Event.Reacted && reactions.isNotEmpty()

    internal suspend fun tell(event: Event) {
        callEach(events, event)
        if (event is Event.ContactRequest) callEach(requests, event.address)
    }

    /** Calls handlers one after the other; whether none of them failed. */
    internal suspend fun <T> callEach(handlers: List<suspend (T) -> Unit>, argument: T): Boolean = handlers.map { handler ->
        tellIfFailed(callbacks.attempt("a handler of events", callbacks.eventTimeout) { handler(argument) })
    }.all { it }

    internal suspend fun inBackground(work: suspend () -> Unit) {
        tellIfFailed(callbacks.attempt("background work", Duration.INFINITE, work))
    }

    /** Whatever others wrote throws is told and goes no further. False if there is something. */
    private suspend fun tellIfFailed(failure: Throwable?): Boolean {
        if (failure == null) return true
        failed(null, failure)
        if (failure.isFatal) throw failure
        return false
    }

    /** What is logged of a failure. */
    internal fun told(failure: Throwable): String = if (debug) failure.stackTraceToString() else traceWithoutText(failure)

    private companion object {
        const val HELP = "help"
    }
}
