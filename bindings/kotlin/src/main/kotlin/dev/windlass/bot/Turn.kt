package dev.windlass.bot

import dev.windlass.Body
import dev.windlass.OutgoingFile
import dev.windlass.OutgoingMessage
import dev.windlass.StateChange
import dev.windlass.StateOwner
import dev.windlass.WindlassException
import kotlinx.coroutines.currentCoroutineContext
import java.nio.file.Path
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext

internal const val STATE = "state"

/** A person, as the bot knows them. */
public class User internal constructor(private val turn: Turn, public val address: String) {
    /** What the bot remembers of them, in whatever conversation: see [BotMessage.state]. It is erased with the contact. */
    public val state: Document get() = turn.remember(StateOwner.Person(address), STATE).document

    override fun toString(): String = "User($address)"
}

/** What comes of one event, a message or a job. What is said and remembered because of it becomes durable together, in one transaction. */
public abstract class Turn internal constructor(
    /** To which it belongs. */
    public val bot: Bot,
) {
    private val written = mutableListOf<OutgoingMessage>()
    private val remembered = linkedMapOf<Pair<StateOwner, String>, Remembered>()

    /** Whether it still takes anything. */
    internal var open = true
        private set

    /** Whether what is written says that a program answers. */
    internal abstract val isAnswer: Boolean

    internal val answers: List<OutgoingMessage> get() = synchronized(written) { written.toList() }

    /** What the bot remembers of a conversation: see [BotMessage.state]. */
    public fun stateOf(conversation: String): Document = remember(StateOwner.Conversation(conversation), STATE).document

    /** A person, and what the bot remembers of them. */
    public fun user(address: String): User = User(this, address)

    /** Writes to somebody, or to a group. Sent when what was called has returned, and only if it has not failed. */
    public fun send(to: String, text: String): Unit = send(to, Body.Text(text))

    /** The same with another body than a text. */
    public fun send(to: String, body: Body): Unit = write(OutgoingMessage(to, body, isAnswer = isAnswer))

    /** The same with a file: see [BotMessage.replyFile]. */
    public suspend fun sendFile(to: String, path: Path, mediaType: String? = null): Unit = write(to, uploaded(bot.files(), path, mediaType), null)

    internal fun write(to: String, file: OutgoingFile, replyTo: String?): Unit =
        write(OutgoingMessage(to, Body.Attachment(file.attachment.info()), replyTo, isAnswer, file))

    internal fun write(answer: OutgoingMessage) {
        answer.checkText()
        synchronized(written) {
            check(open) { "the handler of this message has returned; Bot.send writes at any time" }
            written += answer
        }
    }

    /** A document of the store; the same one each time. */
    internal fun remember(owner: StateOwner, name: String): Remembered = synchronized(written) {
        remembered.getOrPut(owner to name) {
            check(open) { "the handler has returned; what it changed now would be lost" }
            Remembered(bot.client, owner, name)
        }
    }

    /** What is changed in it becomes durable with this turn. */
    internal fun enter(owner: StateOwner, record: Remembered): Unit = synchronized(written) {
        remembered[owner to record.name] = record
    }

    internal fun rememberedOf(owner: StateOwner): List<Remembered> =
        synchronized(written) { remembered.filterKeys { it.first == owner }.values.toList() }

    /** What is to be written of what was remembered. */
    internal fun changes(): List<Pair<Remembered, StateChange>> =
        synchronized(written) { remembered.values.toList() }.mapNotNull { one -> one.change()?.let { one to it } }

    /** The answers so far will never be sent, and nothing that was changed is remembered. */
    internal fun drop(): Unit = synchronized(written) {
        written.clear()
        remembered.clear()
    }

    internal fun close(): Unit = synchronized(written) { open = false }
}

/** By which a call finds out what it belongs to. */
internal class InTurn(val turn: Turn) : AbstractCoroutineContextElement(InTurn) {
    companion object Key : CoroutineContext.Key<InTurn>
}

/** What a change belongs to that is made because of a message or a job; nothing elsewhere. */
internal suspend fun turnOf(bot: Bot): Turn? = currentCoroutineContext()[InTurn]?.turn?.takeIf { it.bot === bot && it.open }

/** Strings of Java may hold halves of characters. Refused where it is said: later nobody would know which call was wrong. */
private fun OutgoingMessage.checkText() {
    val texts = listOfNotNull(to, replyTo, (body as? Body.Text)?.text, (body as? Body.Data)?.mediaType)
    if (!texts.all(Charsets.UTF_8.newEncoder()::canEncode)) {
        throw WindlassException.InvalidContent("a text ends or goes on in the middle of a character")
    }
}
