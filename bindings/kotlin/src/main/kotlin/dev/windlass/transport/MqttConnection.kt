package dev.windlass.transport

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.DataInputStream
import java.io.IOException
import java.net.InetSocketAddress
import java.net.Socket
import java.net.SocketTimeoutException
import java.util.concurrent.atomic.AtomicInteger
import javax.net.ssl.SSLSocket
import kotlin.concurrent.thread

private const val KEEP_ALIVE_SECONDS = 60

/** How a connection ended. */
internal sealed interface MqttEnd {
    /** By ourselves. */
    object Ours : MqttEnd

    /** Nobody is there, or nobody who speaks TLS; the kind of the error. */
    class Unreachable(val cause: String) : MqttEnd

    /** It took the connection and said nothing. */
    object Silent : MqttEnd

    /** The broker does not want us. */
    class Refused(val reason: Int) : MqttEnd

    /** Nothing came for too long. */
    object Asleep : MqttEnd

    /** The broker said goodbye. */
    class Goodbye(val reason: Int) : MqttEnd

    /** It was cut off. */
    object Lost : MqttEnd

    /** What reads it failed: what came makes no sense, or our own code does not. */
    class Broken(val failure: Throwable) : MqttEnd
}

/** One connection with a broker, from the greeting on; nothing in it outlives it. */
internal class MqttConnection(
    private val broker: MqttBroker,
    version: Int,
    private val largest: Long,
    private val patience: Int,
    private val came: (MqttPacket) -> Unit,
) {
    private val packets = MqttPackets(version)
    private val greeting = CompletableDeferred<MqttPacket.Greeting?>()
    private val numbers = AtomicInteger()

    @Volatile
    private var plain: Socket? = null

    @Volatile
    private var socket: Socket? = null

    /** The broker hangs up when it was told. */
    @Volatile
    private var leaving = false

    @Volatile
    private var pinging: Thread? = null

    /** Completes once. */
    val ended = CompletableDeferred<MqttEnd>()

    fun number(): Int = numbers.updateAndGet { if (it == 0xFFFF) 1 else it + 1 }

    /** Nothing if it ended before the broker greeted. */
    suspend fun greet(name: String, user: String?, password: ByteArray?, expiry: Long, receive: Int): MqttPacket.Greeting? {
        withContext(Dispatchers.IO) { open() } ?: return null
        thread(name = "windlass-mqtt", isDaemon = true) { read() }
        send { connect(name, user, password, KEEP_ALIVE_SECONDS, expiry, receive, largest) }
        val said = withTimeoutOrNull(patience.toLong()) { greeting.await() }
        if (said == null) end(MqttEnd.Silent) else keepAlive(said)
        return said
    }

    private fun keepAlive(greeting: MqttPacket.Greeting) {
        val seconds = greeting.properties[KEEP_ALIVE_PROPERTY]?.toInt()?.takeIf { it > 0 } ?: KEEP_ALIVE_SECONDS
        // A broker answers a ping at once. Whoever says nothing for that long is not there any more.
        socket?.soTimeout = seconds * 1_500
        pinging = thread(name = "windlass-mqtt-ping", isDaemon = true) {
            try {
                while (!ended.isCompleted) {
                    Thread.sleep(seconds * 500L)
                    write(packets.ping())
                }
            } catch (_: InterruptedException) {
                // It has ended.
            }
        }
    }

    private fun open(): Socket? = try {
        val plain = Socket()
        this.plain = plain
        plain.connect(InetSocketAddress(broker.host, broker.port), patience)
        plain.soTimeout = patience
        plain.tcpNoDelay = true
        val speaking = broker.secured(plain)
        if (speaking is SSLSocket) {
            speaking.sslParameters = speaking.sslParameters.apply { endpointIdentificationAlgorithm = "HTTPS" }
            speaking.startHandshake()
        }
        speaking.also { socket = it }
    } catch (failure: IOException) {
        end(if (failure is SocketTimeoutException && plain?.isConnected == true) MqttEnd.Silent else MqttEnd.Unreachable(failure::class.java.simpleName))
        null
    }

    private fun read() {
        try {
            val from = DataInputStream(socket!!.getInputStream().buffered())
            while (true) {
                when (val packet = packets.read(from, largest)) {
                    // Here, for the connection is cut next.
                    is MqttPacket.Greeting -> if (packet.reason == 0) greeting.complete(packet) else return end(MqttEnd.Refused(packet.reason))
                    is MqttPacket.Goodbye -> return end(MqttEnd.Goodbye(packet.reason))
                    else -> came(packet)
                }
            }
        } catch (failure: MqttMalformedException) {
            end(MqttEnd.Broken(failure))
        } catch (_: SocketTimeoutException) {
            end(if (pinging != null) MqttEnd.Asleep else MqttEnd.Silent)
        } catch (_: IOException) {
            end(if (leaving) MqttEnd.Ours else MqttEnd.Lost)
        } catch (failure: Throwable) {
            // Never in silence: this thread is the only one who hears what comes.
            end(MqttEnd.Broken(failure))
        }
    }

    /** Writes a packet; whether the connection was there still. */
    suspend fun send(packet: MqttPackets.() -> ByteArray): Boolean = withContext(Dispatchers.IO) { write(packets.packet()) }

    @Synchronized
    private fun write(packet: ByteArray): Boolean {
        try {
            socket?.getOutputStream()?.run {
                write(packet)
                flush()
            }
        } catch (_: IOException) {
            // Who reads finds out why; what the broker said last may still be on its way.
            return false
        }
        return !ended.isCompleted
    }

    fun end(how: MqttEnd) {
        if (!ended.complete(how)) return
        // Nobody waits for the greeting any more, nor for the time of a ping.
        greeting.complete(null)
        pinging?.interrupt()
        try {
            // Not the one of TLS, which waits for its turn to say goodbye.
            plain?.close()
        } catch (_: IOException) {
            // It is closed.
        }
    }

    suspend fun goodbye() {
        leaving = true
        if (pinging != null && !ended.isCompleted) send { disconnect() }
        end(MqttEnd.Ours)
    }
}
