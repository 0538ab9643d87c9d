package dev.windlass.bot

import dev.windlass.Event
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import java.util.logging.Level
import java.util.logging.Logger

internal val log: Logger = Logger.getLogger("dev.windlass.bot")

/** The process died [attempts] times with a message, which is not begun again. */
public class PoisonMessageException internal constructor(public val attempts: Int) :
    Exception("the process died $attempts times with this message")

/** What a bot does. Handlers run where [Bot.run] was called; what blocks belongs on another dispatcher. */
public abstract class Handlers internal constructor(private val prefix: String) {
    private val listeners = mutableListOf<suspend BotMessage.() -> Unit>()
    private val commands = sortedMapOf<String, Command>()
    private val errors = mutableListOf<suspend (BotMessage?, Exception) -> Unit>()
    private val events = mutableListOf<suspend (Event) -> Unit>()

    /** Whether there are handlers of what the store keeps of events; the rest is read from it at each start. */
    internal val handlesEvents: Boolean get() = events.isNotEmpty() || reactions.isNotEmpty()

    internal val requests = mutableListOf<suspend (String) -> Unit>()
    internal val reactions = mutableListOf<suspend (Event.Reacted) -> Unit>()
    internal val invitations = mutableListOf<suspend (GroupInvitation) -> Unit>()

    /** Called for each message that is no command, attachments too: their text is empty. Several are called in their order. */
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
        require(commands.put(name.lowercase(), Command(name.lowercase(), description, parameters, handler)) == null) {
            "there is a command $name already"
        }
    }

    /**
     * Called with what another handler threw, or why its answer cannot be sent, and the message if there was one, to which it may reply. The
     * message counts as handled, and nothing of its handler's answers is sent. Without an error handler the kind of the error is logged.
     */
    public fun onError(handler: suspend (BotMessage?, Exception) -> Unit) {
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
     * joins when the person who invites it is accepted, now or later; so it does without any handler.
     */
    public fun onGroupInvitation(handler: suspend (GroupInvitation) -> Unit) {
        invitations += handler
    }

    internal suspend fun dispatch(message: BotMessage) {
        val typed = message.text.takeIf { it.startsWith(prefix) }?.removePrefix(prefix)?.trim().orEmpty()
        if (typed.isNotEmpty() && commands.isNotEmpty()) {
            val name = typed.takeWhile { !it.isWhitespace() }
            val command = commands[name.lowercase()]
            when {
                command != null -> return answering(message) { command.call(message, typed.removePrefix(name), prefix) }
                name.lowercase() == "help" -> return message.reply(commands.values.joinToString("\n") { it.help(prefix) })
                listeners.isEmpty() -> return message.reply("There is no such command. ${prefix}help lists them.")
            }
        }
        listeners.forEach { it(message) }
    }

    private suspend fun answering(message: BotMessage, call: suspend () -> Unit) {
        try {
            call()
        } catch (wrong: UsageException) {
            message.drop()
            message.reply(wrong.message.orEmpty())
        }
    }

    internal suspend fun failed(message: BotMessage?, failure: Exception) {
        if (errors.isEmpty()) {
            // Without its text, which may quote the message.
            val place = failure.stackTrace.firstOrNull()
            log.log(Level.SEVERE, "a handler failed: {0} at {1}", arrayOf(failure::class.java.simpleName, place))
        }
        for (handler in errors) {
            try {
                handler(message, failure)
            } catch (another: Exception) {
                currentCoroutineContext().ensureActive()
                message?.drop()
                log.severe("an error handler failed: ${another::class.java.simpleName}")
            }
        }
    }

    internal suspend fun tell(event: Event) {
        callEach(events, event)
        if (event is Event.ContactRequest) callEach(requests, event.address)
    }

    /** Calls handlers one after the other; whether none of them failed. */
    internal suspend fun <T> callEach(handlers: List<suspend (T) -> Unit>, argument: T): Boolean =
        handlers.map { handler -> guarded(null) { handler(argument) } }.all { it }

    /** Runs what others wrote: whatever it throws is told and goes no further, unless the bot itself is being cancelled. */
    internal suspend fun guarded(message: BotMessage?, call: suspend () -> Unit): Boolean {
        try {
            call()
            return true
        } catch (failure: Exception) {
            // A handler's own `withTimeout`, or a job that it waited for, throws a cancellation that is none of ours.
            currentCoroutineContext().ensureActive()
            message?.drop()
            failed(message, failure)
            return false
        }
    }
}
