package dev.windlass.transport

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withTimeoutOrNull
import org.eclipse.paho.mqttv5.client.IMqttToken
import org.eclipse.paho.mqttv5.client.MqttActionListener
import org.eclipse.paho.mqttv5.client.MqttAsyncClient
import org.eclipse.paho.mqttv5.client.MqttCallback
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence
import org.eclipse.paho.mqttv5.common.MqttException
import org.eclipse.paho.mqttv5.common.MqttMessage
import org.eclipse.paho.mqttv5.common.packet.MqttProperties
import org.eclipse.paho.mqttv5.common.packet.MqttReturnCode
import java.security.MessageDigest
import java.util.concurrent.ConcurrentHashMap
import java.util.logging.Logger
import javax.net.SocketFactory
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** How long a broker keeps mail for a device that is away: less than prekeys are kept, so that it can be opened. */
private const val KEEP_MAIL_SECONDS = 28L * 24 * 3600

/** How long to wait for a bundle. A broker does not say that there is none. */
private const val FETCH_MILLISECONDS = 5_000L

/** How many envelopes a broker may bring that are not acknowledged: a flood waits there and not in memory. */
private const val RECEIVE_MAXIMUM = 256
private const val FIRST_PAUSE = 100L
private const val LONGEST_PAUSE = 60_000L
private const val GOODBYE_MILLISECONDS = 2_000L

/** What a packet is longer than its topic and its content, at most. */
private const val HEADERS = 32
private const val NO_SUBSCRIBERS = 0x10
private const val REFUSED = 0x80

private val log = Logger.getLogger("dev.windlass.transport.mqtt")

/**
 * Mail over any MQTT 5 broker: a persistent session is the mailbox, a retained message the bundle. The topics are those of the Python
 * package. Connects again by itself, later and later, up to a minute apart, while [receive] is collected or something is sent.
 *
 * Needs `org.eclipse.paho:org.eclipse.paho.mqttv5.client`, which applications add themselves.
 *
 * @param url `mqtt://host:port` or `mqtts://user:password@host`; `?ca=FILE` names the authorities to trust, `?prefix=` other topics than
 * `windlass/v1`.
 * @param sockets makes the connections instead, for example with a certificate of our own.
 */
public class MqttTransport(url: String, sockets: SocketFactory? = null) : Transport {
    private val broker = MqttBroker.of(url)
    private val wanted = ConcurrentHashMap<String, List<CompletableDeferred<ByteArray>>>()
    private val connecting = Mutex()
    private val options = MqttConnectionOptions().apply {
        isCleanStart = false
        sessionExpiryInterval = KEEP_MAIL_SECONDS
        receiveMaximum = RECEIVE_MAXIMUM
        isAutomaticReconnect = false
        isHttpsHostnameVerificationEnabled = true
        (sockets ?: broker.sockets)?.let { socketFactory = it }
        userName = broker.user
        password = broker.password
    }
    private var inbox = Channel<Came>(Channel.UNLIMITED)
    private var client: MqttAsyncClient? = null
    private var address = ""

    @Volatile
    private var bundle: Pair<String, ByteArray>? = null

    @Volatile
    private var connection = 0

    @Volatile
    private var ready = false

    /** The largest packet that the broker takes. */
    @Volatile
    private var largest = Long.MAX_VALUE

    /** A message of a connection, or nothing when the connection was lost. */
    private class Came(val message: MqttMessage?, val connection: Int)

    // Without user and password.
    override fun toString(): String = "MqttTransport(${broker.host})"

    override suspend fun start(address: String, device: UInt) {
        this.address = address
        inbox = Channel(Channel.UNLIMITED)
        // The same device has the same session after a restart, and another one than a program in Python.
        val hash = MessageDigest.getInstance("SHA-256").digest("$address/$device".toByteArray())
        val name = "wk" + hash.joinToString("") { "%02x".format(it) }.take(21)
        client = MqttAsyncClient(broker.server, name, MemoryPersistence()).apply {
            setManualAcks(true)
            setCallback(callback)
        }
    }

    private fun client(): MqttAsyncClient = client ?: throw TransportException("the transport is not started")

    private fun topic(kind: String, address: String): String {
        // Else somebody's address could be a filter for everybody's mail.
        require(address.isNotEmpty() && address.all { it in 'a'..'z' || it in '0'..'9' }) { "this is no address" }
        return "${broker.prefix}/$kind/$address"
    }

    /** Waits for what was begun; can be cancelled at any time. */
    private suspend fun done(begin: (MqttActionListener) -> IMqttToken): IMqttToken = suspendCancellableCoroutine { waiting ->
        val listener = object : MqttActionListener {
            override fun onSuccess(token: IMqttToken) = waiting.resume(token)

            override fun onFailure(token: IMqttToken?, failure: Throwable?) =
                waiting.resumeWithException(failure ?: MqttException(MqttException.REASON_CODE_CLIENT_EXCEPTION.toInt()))
        }
        try {
            begin(listener)
        } catch (failure: MqttException) {
            waiting.resumeWithException(failure)
        }
    }

    /** Connects, later and later, until it succeeds. */
    private suspend fun connect(): Unit = connecting.withLock {
        val client = client()
        var pause = FIRST_PAUSE
        while (!ready) {
            try {
                // Before anything can come by it. An acknowledgement of an earlier connection names another message now.
                connection++
                largest = done { client.connect(options, null, it) }.responseProperties?.maximumPacketSize ?: Long.MAX_VALUE
                done { client.subscribe(topic("inbox", address), 1, null, it) }
                // A broker that lost its disk has lost the bundle too.
                bundle?.let { (topic, bytes) ->
                    val message = retained(bytes)
                    if (fits(topic, message)) done { client.publish(topic, message, null, it) }
                }
                ready = true
            } catch (failure: MqttException) {
                val cause = failure.cause?.let { it::class.java.simpleName } ?: "reason ${failure.reasonCode}"
                log.warning("cannot connect with ${broker.host}: $cause; again in $pause ms")
                delay(pause)
                pause = (pause * 2).coerceAtMost(LONGEST_PAUSE)
                hangUp(client)
            }
        }
    }

    private suspend fun connected(work: (MqttAsyncClient, MqttActionListener) -> IMqttToken): IMqttToken {
        while (true) {
            connect()
            try {
                return done { work(client(), it) }
            } catch (failure: MqttException) {
                if (ready) throw TransportException("the broker does not take it, reason ${failure.reasonCode}", failure)
            }
        }
    }

    private fun fits(topic: String, message: MqttMessage) = topic.toByteArray().size + message.payload.size + HEADERS <= largest

    private suspend fun publish(topic: String, message: MqttMessage): IMqttToken = connected { client, listener ->
        // The broker would end the connection, and each later one, for it is sent again with each. Paho looks at the other limit.
        if (!fits(topic, message)) throw TooLargeException("the broker takes packets of at most $largest bytes")
        client.publish(topic, message, null, listener)
    }

    private val callback = object : MqttCallback {
        override fun messageArrived(topic: String, message: MqttMessage) {
            val bundle = topic.substringAfter("${broker.prefix}/bundle/", "")
            if (bundle.isEmpty()) {
                inbox.trySend(Came(message, connection))
            } else {
                // An empty one says that it was taken away.
                if (message.payload.isNotEmpty()) wanted[bundle]?.forEach { it.complete(message.payload) }
                acknowledge(message)
            }
        }

        override fun disconnected(response: MqttDisconnectResponse?) {
            ready = false
            inbox.trySend(Came(null, connection))
        }

        override fun mqttErrorOccurred(exception: MqttException?) = Unit

        override fun deliveryComplete(token: IMqttToken?) = Unit

        override fun connectComplete(reconnect: Boolean, serverURI: String?) = Unit

        override fun authPacketArrived(reasonCode: Int, properties: MqttProperties?) = Unit
    }

    private fun retained(bytes: ByteArray) = MqttMessage(bytes, 1, true, MqttProperties())

    override suspend fun publishBundle(address: String, bundle: ByteArray) {
        val topic = topic("bundle", address)
        this.bundle = topic to bundle
        publish(topic, retained(bundle))
    }

    override suspend fun fetchBundle(address: String): ByteArray? {
        val topic = topic("bundle", address)
        val found = CompletableDeferred<ByteArray>()
        wanted.compute(address) { _, others -> others.orEmpty() + found }
        try {
            connected { client, listener -> client.subscribe(topic, 1, null, listener) }
            return withTimeoutOrNull(FETCH_MILLISECONDS) { found.await() }
        } finally {
            val others = wanted.computeIfPresent(address) { _, all -> (all - found).ifEmpty { null } }
            if (others == null) quietly { client().unsubscribe(topic) }
        }
    }

    override suspend fun deliver(address: String, envelope: ByteArray) {
        val properties = MqttProperties().apply { messageExpiryInterval = KEEP_MAIL_SECONDS }
        val token = publish(topic("inbox", address), MqttMessage(envelope, 1, false, properties))
        val reason = token.reasonCodes?.firstOrNull() ?: 0
        // Nobody has a session for the topic, and so the broker has thrown the envelope away.
        if (reason == NO_SUBSCRIBERS) throw NoMailboxException("nobody keeps mail for this address")
        if (reason >= REFUSED) throw TransportException("the broker refused the envelope, reason $reason")
    }

    override fun receive(): Flow<Incoming> = flow {
        connect()
        for (came in inbox) {
            if (came.message == null) {
                connect()
            } else {
                emit(Incoming(came.message.payload) { if (came.connection == connection) acknowledge(came.message) })
            }
        }
    }

    // What could not be acknowledged comes again, and is a duplicate then.
    private fun acknowledge(message: MqttMessage) = quietly { client().messageArrivedComplete(message.id, message.qos) }

    private fun hangUp(client: MqttAsyncClient) = quietly { client.disconnectForcibly(0, 0, false) }

    private fun quietly(call: () -> Unit) {
        try {
            call()
        } catch (failure: MqttException) {
            log.fine("reason ${failure.reasonCode}")
        }
    }

    override suspend fun close() {
        inbox.close()
        val client = client ?: return
        this.client = null
        ready = false
        val left = withTimeoutOrNull(GOODBYE_MILLISECONDS) {
            try {
                // Without waiting for what is under way: the caller that waited for it is gone, and it is in the outbox.
                done { client.disconnect(0, null, it, MqttReturnCode.RETURN_CODE_SUCCESS, MqttProperties()) }
            } catch (_: MqttException) {
                null
            }
        }
        // Also where it was just about to connect.
        if (left == null) hangUp(client)
        quietly { client.close() }
    }
}
