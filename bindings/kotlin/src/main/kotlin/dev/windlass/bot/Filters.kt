package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.foldText

/**
 * Says whether a message is for a handler:
 *
 * ```kotlin
 * bot.onMessage(Filters.regex(Regex("order (\\d+)")) and !Filters.inGroup) { reply(match!!.groupValues[1]) }
 * ```
 */
public fun interface Filter {
    public fun matches(message: BotMessage): Boolean
}

/** Both. */
public infix fun Filter.and(other: Filter): Filter = Filter { matches(it) && other.matches(it) }

/** One of the two. */
public infix fun Filter.or(other: Filter): Filter = Filter { matches(it) || other.matches(it) }

/** The opposite. */
public operator fun Filter.not(): Filter = Filter { !matches(it) }

/** Which messages a handler is for. A [Filter] of one's own goes with them. */
public object Filters {
    /** What was written in a group. */
    public val inGroup: Filter = Filter { it.inGroup }

    /** What means the bot: by a mention, by `@` and its name, or by its address. */
    public val mentioned: Filter = Filter { it.bot.isMentionedIn(it.message) }

    /** What is a text. */
    public val hasText: Filter = Filter { it.message.body is Body.Text }

    /** What is a picture or another file. */
    public val hasFile: Filter = Filter { it.message.body is Body.Attachment }

    /** What says one of these and nothing else, however a telephone writes it. */
    public fun text(vararg texts: String): Filter {
        val wanted = texts.map { foldText(it).trim() }.toSet()
        return Filter { foldText(it.text).trim() in wanted }
    }

    /** What has the pattern anywhere in its text; [BotMessage.match] is what was found. */
    public fun regex(pattern: Regex): Filter = Filter { message ->
        pattern.find(message.text).also { message.match = it } != null
    }

    /** What one of these people wrote. */
    public fun author(vararg addresses: String): Filter = Filter { it.author in addresses }

    /** What was written in one of these conversations. */
    public fun conversation(vararg addresses: String): Filter = Filter { it.conversation in addresses }

    /** What somebody wrote who has this role; an admin has that of the allowed too. */
    public fun role(wanted: Role): Filter = Filter { it.role?.includes(wanted) == true }
}
