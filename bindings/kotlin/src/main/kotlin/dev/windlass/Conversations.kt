@file:JvmName("Conversations")

package dev.windlass

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.flowOn

private const val PAGE = 100u

/** The whole history, the latest message first, read as it is asked for. */
public fun Conversation.history(): Sequence<Message> = sequence {
    var before: Message? = null
    while (true) {
        val page = messages(PAGE, before)
        if (page.isEmpty()) return@sequence
        yieldAll(page.asReversed())
        before = page.first()
    }
}

/** The same as a flow that reads on [Dispatchers.IO]. */
public fun Conversation.historyFlow(): Flow<Message> = history().asFlow().flowOn(Dispatchers.IO)

/** [Conversation.send] without blocking the caller's dispatcher. */
public suspend fun Conversation.sendAwait(text: String): Sent = io { send(text) }

/** [Conversation.search] without blocking the caller's dispatcher. */
public suspend fun Conversation.searchAwait(text: String, limit: UInt = 50u, before: Message? = null): SearchPage =
    io { search(text, limit, before) }
