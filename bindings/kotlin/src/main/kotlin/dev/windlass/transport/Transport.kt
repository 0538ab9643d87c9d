package dev.windlass.transport

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap

/** An envelope that came. [acknowledge] is to be called when what `Client.receive` made of it is durable; until then it comes again. */
public class Incoming(public val envelope: ByteArray, public val acknowledge: suspend () -> Unit)

/** The transport could not do it. Trying again later may help. */
public open class TransportException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** Nobody keeps mail for this address, at least not yet. */
public class NoMailboxException(message: String) : TransportException(message)

/** The transport carries no envelope of this size. It takes the others. */
public class TooLargeException(message: String) : TransportException(message)

/**
 * What carries envelopes. It may reorder, delay, repeat and lose them; what makes it a good one is that [deliver] returns only when the
 * envelope is kept somewhere, and that what was not acknowledged comes again.
 *
 * A bot takes whatever [deliver], [publishBundle], [fetchBundle] and [Incoming.acknowledge] throw for something that passes, and tries again
 * later; only an envelope of a [TooLargeException] stays where it is. [receive] is collected anew after a [TransportException] or an
 * [IOException]. What else it throws, and what [start] throws, ends the bot.
 */
public interface Transport {
    /**
     * 32 bytes that nobody else has, the same at each start of this store: to name a mailbox by, so that nobody else can. A bot calls it before
     * [start].
     */
    public fun useSecret(secret: ByteArray): Unit = Unit

    /**
     * Makes it the way of one of several processes that share the mailbox: each gets its part of what comes. [worker] is a word that each of them
     * has for itself, the same after a restart. A bot that is one of several calls it before [start].
     *
     * @throws TransportException if it brings mail to one process alone.
     */
    public fun useWorker(worker: String): Unit =
        throw TransportException("this transport brings mail to one process alone; several workers need another one")

    /** Opens the mailbox of a device. Does not wait for a connection; what needs one waits, or throws. */
    public suspend fun start(address: String, device: UInt)

    /** Puts our bundle where others find it by our address. */
    public suspend fun publishBundle(address: String, bundle: ByteArray)

    /** Somebody's bundle, or nothing. Anybody may have put it there, so its address is to be compared. */
    public suspend fun fetchBundle(address: String): ByteArray?

    /** Returns when the transport has the envelope for good. */
    public suspend fun deliver(address: String, envelope: ByteArray)

    /** What comes, until [close]. */
    public fun receive(): Flow<Incoming>

    /** Ends. Mail that comes from now on waits. */
    public suspend fun close()
}

/** Mail within one process, for tests. What was not acknowledged comes again with the next start of the device. */
public class MemoryPost {
    private val boxes = ConcurrentHashMap<Pair<String, UInt>, MutableList<ByteArray>>()
    private val open = ConcurrentHashMap<Pair<String, UInt>, Channel<ByteArray>>()
    private val bundles = ConcurrentHashMap<String, ByteArray>()

    /** A transport by this post. */
    public fun transport(): Transport = object : Transport {
        private var box: Pair<String, UInt>? = null

        override suspend fun start(address: String, device: UInt) {
            val mine = address to device
            box = mine
            val waiting = boxes.computeIfAbsent(mine) { mutableListOf() }
            val channel = Channel<ByteArray>(Channel.UNLIMITED)
            synchronized(waiting) {
                open[mine] = channel
                waiting.forEach { channel.trySend(it) }
            }
        }

        override suspend fun publishBundle(address: String, bundle: ByteArray) {
            bundles[address] = bundle
        }

        override suspend fun fetchBundle(address: String): ByteArray? = bundles[address]

        override suspend fun deliver(address: String, envelope: ByteArray) {
            val mine = boxes.entries.filter { it.key.first == address }
            if (mine.isEmpty()) throw NoMailboxException("nobody has a mailbox there")
            for ((to, waiting) in mine) {
                synchronized(waiting) {
                    waiting += envelope
                    open[to]?.trySend(envelope)
                }
            }
        }

        override fun receive(): Flow<Incoming> = flow {
            val mine = box ?: throw TransportException("the transport is not started")
            val waiting = boxes.getValue(mine)
            for (envelope in open[mine] ?: return@flow) {
                emit(Incoming(envelope) { synchronized(waiting) { waiting.removeAll { it === envelope } } })
            }
        }

        override suspend fun close() {
            box?.let { open.remove(it)?.close() }
        }
    }
}
