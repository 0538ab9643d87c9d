package dev.windlass.bot

import dev.windlass.Event
import dev.windlass.foldText
import kotlin.time.Duration

/** What is registered: by a bot, or by a module of it, a [Router]. */
public abstract class Registrations internal constructor() {
    internal val listeners = mutableListOf<suspend BotMessage.() -> Unit>()
    internal val commands = sortedMapOf<String, Command>()
    internal val steps = hashMapOf<String, suspend BotMessage.() -> Unit>()
    internal val jobHandlers = hashMapOf<String, suspend BotJob.() -> Unit>()
    internal val planned = linkedMapOf<String, Repeat>()
    internal val middleware = mutableListOf<suspend BotMessage.(next: suspend () -> Unit) -> Unit>()
    internal val errors = mutableListOf<suspend (BotMessage?, Throwable) -> Unit>()
    internal val events = mutableListOf<suspend (Event) -> Unit>()
    internal val requests = mutableListOf<suspend (String) -> Unit>()
    internal val reactions = mutableListOf<suspend (Event.Reacted) -> Unit>()
    internal val invitations = mutableListOf<suspend (GroupInvitation) -> Unit>()
    internal val background = mutableListOf<Pair<Duration, suspend () -> Unit>>()

    /**
     * Called for each message that is no command, attachments too: their text is empty; or for those that [filter] lets through. In groups for
     * those alone that concern the bot ([GroupMessages]). Several are called in their order.
     */
    public fun onMessage(filter: Filter? = null, handler: suspend BotMessage.() -> Unit) {
        listeners += if (filter == null) handler else { { if (filter.matches(this)) handler() } }
    }

    /**
     * Called when a message begins with the prefix and this name.
     *
     * @param aliases further names.
     * @param role whom it is for, as [Bot.roles] says. Others are told that it is not for them.
     * @param hidden whether `/help` leaves it out, as it does what is not for whoever asks.
     */
    public fun command(
        name: String,
        description: String = "",
        aliases: List<String> = emptyList(),
        role: Role? = null,
        hidden: Boolean = false,
        handler: suspend BotMessage.() -> Unit,
    ): Unit = add(name, Shown(description, aliases, role, hidden), emptyList()) { handler() }

    /**
     * The same with an argument. What does not fit is answered with a sentence.
     *
     * ```kotlin
     * bot.command("add", integer("a"), integer("b").orElse(1)) { a, b -> reply("${a + b}") }
     * ```
     */
    public fun <A> command(
        name: String,
        a: Parameter<A>,
        description: String = "",
        aliases: List<String> = emptyList(),
        role: Role? = null,
        hidden: Boolean = false,
        handler: suspend BotMessage.(A) -> Unit,
    ): Unit = add(name, Shown(description, aliases, role, hidden), listOf(a)) { read -> handler(read.at(0)) }

    /** The same with two. */
    public fun <A, B> command(
        name: String,
        a: Parameter<A>,
        b: Parameter<B>,
        description: String = "",
        aliases: List<String> = emptyList(),
        role: Role? = null,
        hidden: Boolean = false,
        handler: suspend BotMessage.(A, B) -> Unit,
    ): Unit = add(name, Shown(description, aliases, role, hidden), listOf(a, b)) { read -> handler(read.at(0), read.at(1)) }

    /** The same with three. */
    public fun <A, B, C> command(
        name: String,
        a: Parameter<A>,
        b: Parameter<B>,
        c: Parameter<C>,
        description: String = "",
        aliases: List<String> = emptyList(),
        role: Role? = null,
        hidden: Boolean = false,
        handler: suspend BotMessage.(A, B, C) -> Unit,
    ): Unit = add(name, Shown(description, aliases, role, hidden), listOf(a, b, c)) { read -> handler(read.at(0), read.at(1), read.at(2)) }

    // Each was read by the parameter of its place, whose type it has.
    @Suppress("UNCHECKED_CAST")
    private fun <T> List<Any?>.at(place: Int): T = this[place] as T

    private fun add(name: String, shown: Shown, parameters: List<Parameter<*>>, handler: suspend BotMessage.(List<Any?>) -> Unit) =
        add(Command(foldText(name), shown, parameters, handler))

    internal fun add(command: Command) {
        for (name in listOf(command.name) + command.shown.aliases.map(::foldText)) {
            checkName(name)
            require(commands.putIfAbsent(name, command) == null) { "there is a command $name already" }
        }
    }

    internal open fun checkName(name: String): Unit =
        require(name.isNotEmpty() && name.none(Char::isWhitespace)) { "the name of a command is one word" }

    /**
     * Called with the answer to what [BotMessage.ask] asked for this step. The question is answered then, unless the step asks again, or fails.
     * [UsageException] says what was wrong with the answer, and waits for another.
     */
    public fun step(name: String, handler: suspend BotMessage.() -> Unit): Unit = steps.add(name, "step", handler)

    /**
     * Called when a job of this name is due, as [Bot.jobs] planned it:
     *
     * ```kotlin
     * bot.job("remind") { send(data.string("to")!!, data.string("text")!!) }
     * ```
     *
     * With [every], or with five fields as cron has them in UTC, the bot plans one by itself: `bot.job("digest", cron = "0 9 * * mon-fri")`.
     * What a job sends and changes becomes durable together with the fact that it was done, so it is done once whenever the process dies.
     */
    public fun job(name: String, every: Duration? = null, cron: String? = null, handler: suspend BotJob.() -> Unit) {
        val repeat = if (every == null && cron == null) null else Repeat(every, cron)
        jobHandlers.add(name, "job", handler)
        if (repeat != null) planned[name] = repeat
    }

    /** Called around the handling of each message: `next()` goes on; without it, that was all. */
    public fun middleware(handler: suspend BotMessage.(next: suspend () -> Unit) -> Unit) {
        middleware += handler
    }

    /**
     * Takes in what a module registered. Its middleware goes around its own handlers of messages, that of the bot around all. All else is as
     * if the bot had registered it.
     */
    public fun include(router: Router) {
        require(router !== this) { "a router does not include itself" }
        val within = router.middleware.toList()
        router.commands.values.toSet().forEach { add(it.within(within)) }
        router.steps.forEach { (name, handler) -> step(name) { surrounded(within) { handler() } } }
        router.listeners.mapTo(listeners) { handler -> { surrounded(within) { handler() } } }
        router.jobHandlers.forEach { (name, handler) -> jobHandlers.add(name, "job", handler) }
        planned += router.planned
        errors += router.errors
        events += router.events
        requests += router.requests
        reactions += router.reactions
        invitations += router.invitations
        background += router.background
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

    /** Called when the bot has started, and again so long after it returned. It may take as long as it likes. */
    public fun background(every: Duration, work: suspend () -> Unit) {
        require(every.isPositive() && every.isFinite()) { "between two rounds of background work is some time, which ends" }
        background += every to work
    }
}

private fun <H> MutableMap<String, H>.add(name: String, what: String, handler: H) {
    require(name.isNotEmpty()) { "a $what has a name" }
    require(putIfAbsent(name, handler) == null) { "there is a $what $name already" }
}

/** Goes through what surrounds a handler, the first outermost. */
internal suspend fun BotMessage.surrounded(outer: List<suspend BotMessage.(suspend () -> Unit) -> Unit>, inner: suspend () -> Unit) {
    val first = outer.firstOrNull() ?: return inner()
    first { surrounded(outer.drop(1), inner) }
}

/**
 * What a module of a bot does, until [Registrations.include] takes it in:
 *
 * ```kotlin
 * val orders = Router()
 * orders.command("ping") { reply("pong") }
 * bot.include(orders)
 * ```
 */
public class Router : Registrations()
