package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Message
import dev.windlass.MessageOrigin
import dev.windlass.OutgoingMessage
import dev.windlass.RichText
import java.nio.file.Path
import kotlin.time.Duration
import kotlin.time.Duration.Companion.days

/** A message that came, and the answers to it. They are committed together with "this was handled", so each message is answered once. */
public class BotMessage internal constructor(bot: Bot, public val message: Message) : Turn(bot) {
    override val isAnswer: Boolean get() = true

    /** What it says; empty if it is no text. */
    public val text: String get() = message.text ?: ""

    /** Address of its author. */
    public val author: String get() = message.author

    /** Address of the conversation that it is in: the author's, or that of a group. */
    public val conversation: String get() = message.conversation

    /** Another bot's answer, and this one does not answer these. */
    internal val isAnswerOfBot: Boolean get() = !bot.answersBots && message.origin == MessageOrigin.BOT_ANSWER

    /** Whether it was written in a group. Then answers go to the group. */
    public val inGroup: Boolean get() = conversation != author

    /** Its author, and what the bot remembers of them. */
    public val sender: User get() = user(author)

    /**
     * What the bot remembers of the conversation.
     *
     * What a handler changes in it becomes durable with its answer, in one transaction; if the handler fails, nothing does. It is erased with
     * the conversation. What is remembered of a person is `sender.state`; if two handlers change that at once, one of them is called again.
     */
    public val state: Document get() = stateOf(conversation)

    /** What its author is to the bot, as [Bot.roles] says. */
    public val role: Role? get() = bot.roles.of(author, this)

    /** What [Filters.regex] found in its text. */
    public var match: MatchResult? = null
        internal set

    /** Answers in the conversation that it came in; [quote] refers to this message. Sent when the handler has returned. */
    public fun reply(text: String, quote: Boolean = true): Unit = reply(Body.Text(text), quote)

    /** The same with another body than a text. */
    public fun reply(body: Body, quote: Boolean = true): Unit =
        write(OutgoingMessage(conversation, body, message.id.takeIf { quote }, isAnswer))

    /** The same with a text that mentions people, has looks, or suggests what to say next. */
    public fun reply(text: RichText, quote: Boolean = true): Unit =
        write(OutgoingMessage(conversation, Body.Text(text.text), message.id.takeIf { quote }, isAnswer, richText = text))

    /**
     * Answers with a file. It is encrypted, and put where the bot's `files` are, before this returns. The kind follows from the name if it is
     * not given. What an answer that is never sent left there says nothing to anybody.
     */
    public suspend fun replyFile(path: Path, mediaType: String? = null, quote: Boolean = true): Unit =
        write(conversation, uploaded(bot.files(), path, mediaType), message.id.takeIf { quote })

    /**
     * Fetches the file that this message is, and decrypts it to a new file, or into a folder under its own name; which one that is. Nothing
     * is overwritten, and nothing is fetched from anywhere but the place of the bot's `files`.
     *
     * @throws FilesException for more than [limit] bytes, and for a location anywhere else.
     */
    public suspend fun save(path: Path, limit: Long = LARGEST): Path = saved(bot, message, path, limit)

    /**
     * Asks the author something. Their next message in this conversation that is no command goes to the step [then]:
     *
     * ```kotlin
     * bot.command("register") { ask("How old are you?", then = "age") }
     * bot.step("age") { reply("So you are $text.") }
     * ```
     *
     * What was asked becomes durable with the question, so that the answer may come after a restart. A step that throws [UsageException] asks
     * again with its sentence. An answer is waited for so long as [within] says. Another question takes the place of this one.
     */
    public fun ask(question: String, then: String, within: Duration = 1.days, quote: Boolean = true) {
        bot.needStep(then)
        note(question(), bot.client.now(), then, within)
        reply(question, quote)
    }

    /** Takes back what the author was asked in this conversation; whether anything was. */
    public fun cancelQuestion(): Boolean {
        val asked = question()
        return (stepOf(asked, bot.client.now()) != null).also { asked.clear() }
    }

    internal fun question(): Document = remember(questionOwner(conversation), questionName(author)).document

    /** Puts a reaction to it, at once: it is no answer, and the same reaction twice is one. */
    public suspend fun react(emoji: String) {
        if (isAnswerOfBot) log.info("what another bot answered is not answered") else bot.change(conversation) { react(message, emoji) }
    }

    // Without what it says: this ends up in logs.
    override fun toString(): String = "BotMessage(${message.id})"
}
