package dev.windlass

/**
 * For programs in Java: the calls whose Kotlin form has unsigned numbers, which Java cannot name. Everything else is called as it is, and
 * `WindlassException` is a checked exception.
 */
public object ForJava {
    /** A page of the history, the latest message last; with [before] the one before that message. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun messages(conversation: Conversation, limit: Int = 50, before: Message? = null): List<Message> =
        conversation.messages(positive(limit), before)

    /** The messages before the one of this author and id, the latest last. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun messagesBefore(conversation: Conversation, author: String, messageId: String, limit: Int = 50): List<Message> =
        conversation.messagesBefore(author, messageId, positive(limit))

    /** The messages behind the one of this author and id, the latest last. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun messagesAfter(conversation: Conversation, author: String, messageId: String, limit: Int = 50): List<Message> =
        conversation.messagesAfter(author, messageId, positive(limit))

    /** The message of this author and id, with [around] before it and behind it. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun messagesAround(conversation: Conversation, author: String, messageId: String, around: Int = 25): List<Message> =
        conversation.messagesAround(author, messageId, positive(around), positive(around))

    /** Messages with a text in them. */
    @JvmStatic
    @JvmOverloads
    @Throws(WindlassException::class)
    public fun search(conversation: Conversation, text: String, limit: Int = 50, before: Message? = null): SearchPage =
        conversation.search(text, positive(limit), before)

    /** The oldest envelopes that wait for the transport. */
    @JvmStatic
    @Throws(WindlassException::class)
    public fun outbox(client: Client): List<OutgoingEnvelope> = client.outbox()

    /** The transport took these over for good. */
    @JvmStatic
    @Throws(WindlassException::class)
    public fun markSent(client: Client, envelopes: List<OutgoingEnvelope>): Unit = client.markSent(envelopes.map { it.id })

    /** The number of our device, without a sign. */
    @JvmStatic
    public fun deviceId(client: Client): Long = client.deviceId().toLong()

    private fun positive(limit: Int): UInt {
        require(limit > 0) { "a limit is positive" }
        return limit.toUInt()
    }
}
