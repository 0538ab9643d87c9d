package dev.windlass

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

// A disk sync takes milliseconds: these run on Dispatchers.IO and never hold up the caller's dispatcher.

/** Any call of a client, without blocking the caller's dispatcher: `client.io { addContact(bundle) }`. */
public suspend fun <T> Client.io(call: Client.() -> T): T = withContext(Dispatchers.IO) { call() }

/** Any call of a conversation, without blocking the caller's dispatcher: `conversation.io { messages() }`. */
public suspend fun <T> Conversation.io(call: Conversation.() -> T): T = withContext(Dispatchers.IO) { call() }

/** [Client.send] without blocking the caller's dispatcher. */
public suspend fun Client.sendAwait(to: String, text: String): Sent = io { send(to, text) }

/** [Client.sendBody] without blocking the caller's dispatcher. */
public suspend fun Client.sendBodyAwait(to: String, body: Body, replyTo: String? = null): Sent = io { sendBody(to, body, replyTo) }

/** [Client.receive] without blocking the caller's dispatcher. */
public suspend fun Client.receiveAwait(envelope: ByteArray): List<Event> = io { receive(envelope) }

/** [Client.receiveMany] without blocking the caller's dispatcher. */
public suspend fun Client.receiveManyAwait(envelopes: List<ByteArray>): List<Received> = io { receiveMany(envelopes) }

/** [Client.eventsAfter] without blocking the caller's dispatcher. */
public suspend fun Client.eventsAfterAwait(cursor: String? = null): List<KeptEvent> = io { eventsAfter(cursor) }

/** [Client.eventsHandled] without blocking the caller's dispatcher. */
public suspend fun Client.eventsHandledAwait(upTo: String): Unit = io { eventsHandled(upTo) }

/** [Client.linkDevice] without blocking the caller's dispatcher. */
public suspend fun Client.linkDeviceAwait(code: String): String = io { linkDevice(code) }

/** [Client.checkLink] without blocking the caller's dispatcher. */
public suspend fun Client.checkLinkAwait(reply: String): LinkCheck = io { checkLink(reply) }

/** [Client.confirmLink] without blocking the caller's dispatcher. */
public suspend fun Client.confirmLinkAwait(): String = io { confirmLink() }

/** [Client.maintain] without blocking the caller's dispatcher. */
public suspend fun Client.maintainAwait(): Unit = io { maintain() }

/** [Client.outbox] without blocking the caller's dispatcher. */
public suspend fun Client.outboxAwait(): List<OutgoingEnvelope> = io { outbox() }

/** [Client.markSent] without blocking the caller's dispatcher. */
public suspend fun Client.markSentAwait(ids: List<ULong>): Unit = io { markSent(ids) }

/** [Client.search] without blocking the caller's dispatcher. */
public suspend fun Client.searchAwait(text: String, limit: UInt = 50u, before: Message? = null): SearchPage =
    io { search(text, limit, before) }
