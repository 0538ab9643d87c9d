package dev.windlass.bot

import dev.windlass.Event
import dev.windlass.Message
import dev.windlass.TypedCommand
import dev.windlass.readCommand
import java.util.logging.Logger
import kotlin.time.Duration

internal val log: Logger = Logger.getLogger("dev.windlass.bot")

/** The process died [attempts] times with a message, which is not begun again. */
public class PoisonMessageException internal constructor(public val attempts: Int) :
    Exception("the process died $attempts times with this message")

/** What a bot does: brings messages and events to what was registered. */
public abstract class Handlers internal constructor(private val prefix: String, private val debug: Boolean) : Registrations() {
    init {
        require(prefix.isNotEmpty() && prefix.none(Char::isWhitespace)) { "what commands begin with is at least one character, and no space" }
    }

    internal abstract val callbacks: Callbacks

    /** Whether there are handlers of what the store keeps of events; the rest is read from it at each start. */
    internal val handlesEvents: Boolean get() = events.isNotEmpty() || reactions.isNotEmpty()

    override fun checkName(name: String) {
        super.checkName(name)
        require(!name.startsWith(prefix)) { "the name of a command is given without $prefix" }
    }

    internal fun needStep(name: String): Unit = require(name in steps) { "there is no step $name: bot.step(\"$name\") { ... }" }

    internal fun doesJob(task: String): Boolean = task in jobHandlers

    internal suspend fun perform(job: BotJob): Unit = jobHandlers.getValue(job.task)(job)

    internal suspend fun dispatch(message: BotMessage): Unit = message.surrounded(middleware) { route(message) }

    private suspend fun route(message: BotMessage) {
        val typed = commandIn(message.message)
        val command = typed?.let { commands[it.name] }
        if (typed != null && command != null) {
            if (!command.isFor(message.role)) return message.reply("That is not for you.")
            return answering(message) { command.call(message, typed.words, prefix) }
        }
        val step = stepFor(message)
        when {
            step != null -> answering(message) { step(message) }
            typed == null -> listeners.forEach { it(message) }
            typed.name == HELP -> message.reply(help(message.role).ifEmpty { "Nothing is for you." })
            listeners.isEmpty() -> message.reply("There is no such command. $prefix$HELP lists them.")
            else -> listeners.forEach { it(message) }
        }
    }

    /** What takes the answer to a question, which is answered by that. */
    private fun stepFor(message: BotMessage): (suspend BotMessage.() -> Unit)? {
        if (steps.isEmpty()) return null
        val question = message.question()
        val name = stepOf(question, message.bot.client.now())
        question.clear()
        if (name != null && name !in steps) log.warning("there is no step $name any more")
        return steps[name]
    }

    private fun help(role: Role?): String =
        commands.values.toSet().sortedBy { it.name }.filter { !it.shown.hidden && it.isFor(role) }.joinToString("\n") { it.help(prefix) }

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
