package dev.windlass.bot

import dev.windlass.foldText
import dev.windlass.readNumber

/** What was typed does not fit. A command's handler may throw it too: its text is the answer. */
public class UsageException(message: String) : IllegalArgumentException(message)

/** One argument of a command: [word], [integer], [decimal], [yesOrNo], [choice] or [rest]. */
public class Parameter<out T> internal constructor(
    internal val shown: String,
    internal val read: (typed: ArrayDeque<String>, usage: String) -> T,
)

/** One word; quotation marks keep several together. */
public fun word(name: String): Parameter<String> = parameter(name, "a word") { it }

/** A whole number. */
public fun integer(name: String): Parameter<Long> = parameter(name, "a whole number") { typed -> readNumber(typed)?.toLongOrNull() }

/** A number. */
public fun decimal(name: String): Parameter<Double> =
    parameter(name, "a number") { typed -> readNumber(typed)?.toDoubleOrNull()?.takeIf(Double::isFinite) }

/** Yes or no, on or off. */
public fun yesOrNo(name: String): Parameter<Boolean> = parameter(name, "yes or no") { typed ->
    when (foldText(typed)) {
        "yes", "true", "on", "1" -> true
        "no", "false", "off", "0" -> false
        else -> null
    }
}

/** One of [values], by their names. */
public fun <E : Enum<E>> choice(name: String, values: List<E>): Parameter<E> =
    parameter(name, "one of ${values.joinToString { it.name.lowercase() }}") { typed ->
        values.find { foldText(it.name) == foldText(typed) }
    }

/** All words that are left, as the last argument. */
public fun rest(name: String): Parameter<List<String>> =
    Parameter("[$name...]") { typed, _ -> typed.toList().also { typed.clear() } }

/** It may be left out; then it is [default]. */
public fun <T> Parameter<T>.orElse(default: T): Parameter<T> =
    Parameter("[$shown]") { typed, usage -> if (typed.isEmpty()) default else read(typed, usage) }

private fun <T : Any> parameter(name: String, kind: String, convert: (String) -> T?): Parameter<T> =
    Parameter(name) { typed, usage ->
        val word = typed.removeFirstOrNull() ?: throw UsageException("$name is missing. Usage: $usage")
        convert(word) ?: throw UsageException("$name must be $kind, not ${shown(word)}. Usage: $usage")
    }

private const val LONGEST_TOLD = 40

/** The beginning of a word, in whole characters. */
private fun shown(word: String): String {
    val end = if (word.length > LONGEST_TOLD && word[LONGEST_TOLD - 1].isHighSurrogate()) LONGEST_TOLD - 1 else LONGEST_TOLD
    return word.take(end)
}

/** Who sees a command, and under which names. */
internal class Shown(val description: String, val aliases: List<String>, val role: Role?, val hidden: Boolean)

/** A handler with a name. */
internal class Command(
    val name: String,
    val shown: Shown,
    private val parameters: List<Parameter<*>>,
    private val handler: suspend BotMessage.(List<Any?>) -> Unit,
) {
    fun usage(prefix: String): String = (listOf(prefix + name) + parameters.map { it.shown }).joinToString(" ")

    fun help(prefix: String): String = if (shown.description.isEmpty()) usage(prefix) else "${usage(prefix)} - ${shown.description}"

    /** Whether somebody with a role may use it. */
    fun isFor(role: Role?): Boolean = shown.role == null || role?.includes(shown.role) == true

    /** The same with something around its handler. */
    fun within(outer: List<suspend BotMessage.(suspend () -> Unit) -> Unit>): Command =
        Command(name, shown, parameters) { read -> surrounded(outer) { handler(read) } }

    suspend fun call(message: BotMessage, words: List<String>, prefix: String) {
        val waiting = ArrayDeque(words)
        val arguments = parameters.map { it.read(waiting, usage(prefix)) }
        if (waiting.isNotEmpty()) throw UsageException("That is too much. Usage: ${usage(prefix)}")
        message.handler(arguments)
    }
}
