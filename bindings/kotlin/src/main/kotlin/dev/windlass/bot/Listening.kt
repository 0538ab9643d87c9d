package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.Contact
import dev.windlass.Message
import dev.windlass.MessageOrigin
import dev.windlass.TrustPolicy
import dev.windlass.WindlassException
import dev.windlass.foldText

/** Whose invitations into groups a bot follows by itself. Others wait for a handler, or until the person is accepted. */
public enum class JoinGroups {
    NONE,

    /** Of people who are verified, whom the bot added itself, or who are accepted where that is asked ([Bot]'s trust). */
    KNOWN,

    /** Of everybody to whom the bot listens. */
    ALL,
}

/** What of a group comes to the handlers. */
public enum class GroupMessages {
    /** Commands that there are, mentions of the bot's name or address, and replies to what it said. */
    ADDRESSED,
    ALL,
}

/** To whom a bot listens, and to what. */
internal class Listening(
    private val client: Client,
    private val trust: TrustPolicy,
    private val joins: JoinGroups,
    private val groups: GroupMessages,
    private val name: String,
    val answersBots: Boolean,
) {
    /** Whether what an author writes in a conversation is handled; nothing if that is not decided yet. */
    fun listensTo(author: String, conversation: String): Boolean? {
        val inGroup = conversation != author
        if (inGroup) {
            client.conversation(conversation).use { group ->
                // Perhaps we join; or it is over.
                if (!group.isJoined()) return if (group.members().any { it.address == client.address() }) null else false
            }
        }
        if (trust == TrustPolicy.ACCEPT_ALL) return true
        val contact = contact(author) ?: return false
        if (contact.blocked) return false
        val verified = contact.verified || trust != TrustPolicy.VERIFIED_ONLY
        // An admin let them in. Nobody's word waits for a decision here, for everybody's would wait behind it.
        if (inGroup) return verified
        return if (contact.accepted && verified) true else null
    }

    /** Whether the bot joins by itself when they invite it. */
    fun follows(inviter: String): Boolean = when (joins) {
        JoinGroups.NONE -> false
        JoinGroups.ALL -> listensTo(inviter, inviter) == true
        JoinGroups.KNOWN -> listensTo(inviter, inviter) == true && contact(inviter)?.let(::isKnown) == true
    }

    private fun isKnown(contact: Contact) =
        contact.verified || contact.addedByUs || trust != TrustPolicy.ACCEPT_ALL && contact.accepted

    private fun contact(address: String): Contact? = try {
        client.contact(address)
    } catch (_: WindlassException.UnknownContact) {
        null
    }

    /** Whether a message is for the bot, which may expect it in any case. */
    fun concerns(message: Message, expected: Boolean): Boolean {
        if (message.conversation == message.author) return true
        // Two bots in a group would talk to each other for ever.
        if (!answersBots && message.origin != MessageOrigin.PERSON) return false
        return groups == GroupMessages.ALL || expected || mentions(message) || answersUs(message)
    }

    /** Whether a message means the bot: by a mention, by its name or by its address. */
    fun mentions(message: Message): Boolean = message.mentionsMe || isNamedIn(message.text.orEmpty())

    private fun isNamedIn(text: String): Boolean {
        if (client.address() in text.lowercase()) return true
        if (name.isEmpty()) return false
        val words = foldText(text).split(Regex("[^\\p{L}\\p{M}\\p{N}_@]+"))
        return "@${foldText(name)}" in words
    }

    private fun answersUs(message: Message): Boolean {
        val id = message.replyTo ?: return false
        return client.conversation(message.conversation).use { it.message(client.address(), id) } != null
    }
}
