package dev.windlass

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

// A disk sync takes milliseconds: these run on Dispatchers.IO and never hold up the caller's dispatcher.

/** [Client.send] without blocking the caller's dispatcher. */
public suspend fun Client.sendAwait(to: String, text: String): Sent =
    withContext(Dispatchers.IO) { send(to, text) }

/** [Client.sendBody] without blocking the caller's dispatcher. */
public suspend fun Client.sendBodyAwait(to: String, body: Body, replyTo: String? = null): Sent =
    withContext(Dispatchers.IO) { sendBody(to, body, replyTo) }

/** [Client.receive] without blocking the caller's dispatcher. */
public suspend fun Client.receiveAwait(envelope: ByteArray): List<Event> =
    withContext(Dispatchers.IO) { receive(envelope) }

/** [Client.receiveMany] without blocking the caller's dispatcher. */
public suspend fun Client.receiveManyAwait(envelopes: List<ByteArray>): List<Received> =
    withContext(Dispatchers.IO) { receiveMany(envelopes) }

/** [Client.linkDevice] without blocking the caller's dispatcher. */
public suspend fun Client.linkDeviceAwait(code: String): ByteArray = withContext(Dispatchers.IO) { linkDevice(code) }

/** [Client.keepUpNow] without blocking the caller's dispatcher. */
public suspend fun Client.keepUpNowAwait(): Unit = withContext(Dispatchers.IO) { keepUpNow() }

/** [Client.outbox] without blocking the caller's dispatcher. */
public suspend fun Client.outboxAwait(): List<OutgoingEnvelope> = withContext(Dispatchers.IO) { outbox() }

/** [Client.markSent] without blocking the caller's dispatcher. */
public suspend fun Client.markSentAwait(ids: List<ULong>): Unit = withContext(Dispatchers.IO) { markSent(ids) }
