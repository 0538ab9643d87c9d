package dev.windlass.transport

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import org.eclipse.paho.mqttv5.client.IMqttToken
import org.eclipse.paho.mqttv5.client.MqttAsyncClient
import org.eclipse.paho.mqttv5.client.MqttCallback
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence
import org.eclipse.paho.mqttv5.common.MqttException
import org.eclipse.paho.mqttv5.common.MqttMessage
import org.eclipse.paho.mqttv5.common.packet.MqttProperties
import java.net.URI
import java.security.MessageDigest
import java.util.concurrent.ConcurrentHashMap

private const val KEEP_MAIL_SECONDS = 28L * 24 * 3600
private const val FETCH_MILLISECONDS = 5_000L
private const val AT_ONCE = 256
private const val LONGEST_PAUSE = 60_000L

/**
 * Mail over any MQTT 5 broker: a persistent session is the mailbox, a retained message the bundle. The topics are those of the Python
 * package. Needs `org.eclipse.paho:org.eclipse.paho.mqttv5.client`, which applications add themselves.
 *
 * @param url `mqtt://host:port` or `mqtts://user:password@host`.
 */
public class MqttTransport(url: String) : Transport {
    private val uri = URI(url).also { require(it.scheme in setOf("mqtt", "mqtts") && it.host != null) { "mqtt://host:port" } }
    private val wanted = ConcurrentHashMap<String, CompletableDeferred<ByteArray>>()
    private val inbox = Channel<Pair<MqttMessage, Int>>(Channel.UNLIMITED)
    private lateinit var client: MqttAsyncClient
    private lateinit var address: String

    @Volatile
    private var connection = 0

    override suspend fun start(address: String, device: UInt) {
        this.address = address
        // The same device has the same session after a restart, and another one than a program in Python.
        val hash = MessageDigest.getInstance("SHA-256").digest("$address/$device".toByteArray())
        val name = "wk" + hash.joinToString("") { "%02x".format(it) }.take(21)
        val tls = uri.scheme == "mqtts"
        val port = if (uri.port > 0) uri.port else if (tls) 8883 else 1883
        client = MqttAsyncClient("${if (tls) "ssl" else "tcp"}://${uri.host}:$port", name, MemoryPersistence())
        client.setManualAcks(true)
        client.setCallback(callback)
        connect()
    }

    private val options = MqttConnectionOptions().apply {
        isCleanStart = false
        sessionExpiryInterval = KEEP_MAIL_SECONDS
        receiveMaximum = AT_ONCE
        isAutomaticReconnect = false
        uri.userInfo?.split(":", limit = 2)?.let {
            userName = it[0]
            password = it.getOrElse(1) { "" }.toByteArray()
        }
    }

    /** Connects, later and later, until it succeeds. */
    private suspend fun connect() {
        var pause = 100L
        while (true) {
            try {
                withContext(Dispatchers.IO) {
                    client.connect(options).waitForCompletion()
                    connection++
                    client.subscribe("windlass/v1/inbox/$address", 1).waitForCompletion()
                }
                return
            } catch (_: MqttException) {
                delay(pause)
                pause = (pause * 2).coerceAtMost(LONGEST_PAUSE)
            }
        }
    }

    private suspend fun <T> connected(work: () -> T): T {
        while (true) {
            try {
                return withContext(Dispatchers.IO) { work() }
            } catch (failure: MqttException) {
                if (client.isConnected) throw TransportException("the broker does not take it", failure)
                reconnect()
            }
        }
    }

    private suspend fun reconnect() {
        if (!client.isConnected) connect()
    }

    private val callback = object : MqttCallback {
        override fun messageArrived(topic: String, message: MqttMessage) {
            val bundle = topic.substringAfter("windlass/v1/bundle/", "")
            if (bundle.isEmpty()) {
                inbox.trySend(message to connection)
            } else {
                wanted[bundle]?.complete(message.payload)
                client.messageArrivedComplete(message.id, message.qos)
            }
        }

        override fun disconnected(response: MqttDisconnectResponse?) {
            inbox.trySend(MqttMessage() to -1)
        }

        override fun mqttErrorOccurred(exception: MqttException?) = Unit

        override fun deliveryComplete(token: IMqttToken?) = Unit

        override fun connectComplete(reconnect: Boolean, serverURI: String?) = Unit

        override fun authPacketArrived(reasonCode: Int, properties: MqttProperties?) = Unit
    }

    override suspend fun publishBundle(address: String, bundle: ByteArray): Unit = connected {
        client.publish("windlass/v1/bundle/$address", bundle, 1, true).waitForCompletion()
    }

    override suspend fun fetchBundle(address: String): ByteArray? {
        val found = wanted.computeIfAbsent(address) { CompletableDeferred() }
        try {
            connected { client.subscribe("windlass/v1/bundle/$address", 1).waitForCompletion() }
            // A broker does not say that there is none.
            return withTimeoutOrNull(FETCH_MILLISECONDS) { found.await() }
        } finally {
            wanted.remove(address)
        }
    }

    override suspend fun deliver(address: String, envelope: ByteArray): Unit = connected {
        client.publish("windlass/v1/inbox/$address", envelope, 1, false).waitForCompletion()
    }

    override fun receive(): Flow<Incoming> = flow {
        for ((message, from) in inbox) {
            if (from < 0) {
                reconnect()
                continue
            }
            // An acknowledgement of an earlier connection names another message now.
            emit(Incoming(message.payload) { if (from == connection) acknowledge(message) })
        }
    }

    private fun acknowledge(message: MqttMessage) {
        try {
            client.messageArrivedComplete(message.id, message.qos)
        } catch (_: MqttException) {
            // It comes again, and is a duplicate then.
        }
    }

    override suspend fun close() {
        inbox.close()
        withContext(Dispatchers.IO) {
            try {
                client.disconnect().waitForCompletion()
            } catch (_: MqttException) {
                client.disconnectForcibly(0, 0, false)
            }
            client.close()
        }
    }
}
