package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.Message
import dev.windlass.MessageOrigin
import dev.windlass.OutgoingMessage
import dev.windlass.WindlassException

/** A message that came, and the answers to it. They are committed together with "this was handled", so each message is answered once. */
public class BotMessage internal constructor(private val bot: Bot, public val message: Message) {
    private val written = mutableListOf<OutgoingMessage>()
    private var open = true

    internal val answers: List<OutgoingMessage> get() = synchronized(written) { written.toList() }

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

    /** Answers in the conversation that it came in; [quote] refers to this message. Sent when the handler has returned. */
    public fun reply(text: String, quote: Boolean = true): Unit = reply(Body.Text(text), quote)

    /** The same with another body than a text. */
    public fun reply(body: Body, quote: Boolean = true): Unit =
        write(OutgoingMessage(conversation, body, message.id.takeIf { quote }))

    /** Writes to somebody else, or to a group, together with the answers. */
    public fun send(to: String, text: String): Unit = write(OutgoingMessage(to, Body.Text(text)))

    /** Puts a reaction to it, at once: it is no answer, and the same reaction twice is one. */
    public suspend fun react(emoji: String) {
        if (isAnswerOfBot) log.info("what another bot answered is not answered") else bot.change(conversation) { react(message, emoji) }
    }

    private fun write(answer: OutgoingMessage) {
        answer.checkText()
        synchronized(written) {
            check(open) { "the handler of this message has returned; Bot.send writes at any time" }
            written += answer
        }
    }

    /** The answers so far will never be sent. */
    internal fun drop(): Unit = synchronized(written) { written.clear() }

    internal fun close(): Unit = synchronized(written) { open = false }

    // Without what it says: this ends up in logs.
    override fun toString(): String = "BotMessage(${message.id})"
}

/** Strings of Java may hold halves of characters. Refused where it is said: later nobody would know which call was wrong. */
private fun OutgoingMessage.checkText() {
    val texts = listOfNotNull(to, replyTo, (body as? Body.Text)?.text, (body as? Body.Data)?.mediaType)
    if (!texts.all(Charsets.UTF_8.newEncoder()::canEncode)) {
        throw WindlassException.InvalidContent("a text ends or goes on in the middle of a character")
    }
}
