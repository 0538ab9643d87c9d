package dev.windlass.transport

import dev.windlass.Bundle
import dev.windlass.WindlassException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import java.security.SecureRandom
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import java.util.logging.Logger
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import javax.net.ssl.SSLSocketFactory

/** How long a broker keeps mail for a device that is away: less than prekeys are kept, so that it can be opened. */
private const val KEEP_MAIL_SECONDS = 28L * 24 * 3600

/** The same for one of several workers: brokers go on to give it its share, which nobody else gets. */
private const val KEEP_SHARE_SECONDS = 3600L

/** What workers of one address call themselves at the broker, all the same, in whatever language they are written. */
private const val GROUP = "windlass"

/** How long to wait for a bundle, and for others of the same address. A broker does not say that there is none. */
private const val FETCH_MILLISECONDS = 5_000L
private const val MORE_MILLISECONDS = 300L

/** How many envelopes a broker may bring that are not acknowledged, and how many bytes: a flood waits there and not in memory. */
private const val RECEIVE_MAXIMUM = 128
private const val WAITING_BYTES = 64L * 1024 * 1024
private const val GREETING_MILLISECONDS = 10_000

/** What an envelope costs beside its bytes. */
private const val OVERHEAD = 1_024L

/** More than the longest envelope and its packet. */
private const val LARGEST_PACKET = 16L * 1024 * 1024 + 65_536

/** How many letters are under way at once. */
private const val WINDOW = 20
private const val FIRST_REPAIR = 10_000L
private const val LONGEST_REPAIR = 600_000L
private const val GOODBYE_MILLISECONDS = 2_000L
private const val NO_SUBSCRIBERS = 0x10
private const val REFUSED = 0x80

internal val mqttLog: Logger = Logger.getLogger("dev.windlass.transport.mqtt")

/**
 * Mail over any MQTT broker, by version 5, or 3.1.1 where that is not spoken: a persistent session is the mailbox, a retained message the bundle.
 * The topics are those of the Python package. Connects again by itself, later and later, up to a minute apart, from [start] to [close].
 *
 * @param url `mqtts://user:password@host:port`; `?password_file=FILE` instead of a password, `?ca=FILE` names the authorities to trust,
 * `?version=3` or `5` the version, `?prefix=` other topics than `windlass/v1`. `mqtt://`, which is not encrypted, is for this machine alone, or
 * with `?cleartext=yes`.
 * @param sockets makes the connections secure instead, for example with a certificate of our own.
 */
public class MqttTransport(url: String, sockets: SSLSocketFactory? = null) : Transport {
    /** For tests, which need not fill as much, nor wait as long. */
    internal var waitingBytes = WAITING_BYTES
    internal var greetingMilliseconds = GREETING_MILLISECONDS

    private val broker = MqttBroker.of(url, sockets)
    private var secret = ByteArray(32).also(SecureRandom()::nextBytes)
    private val wanted = ConcurrentHashMap<String, List<Channel<ByteArray>>>()
    private val held = AtomicLong()
    private var scope: CoroutineScope? = null
    private var letters = MqttLetters()
    private var inbox = Channel<Result<Came>>(Channel.UNLIMITED)
    private var address = ""
    private var name = ""
    private var worker = ""

    @Volatile
    private var bundle: MqttLetter? = null

    @Volatile
    private var connection: MqttConnection? = null

    /** Greeted, and with our mailbox. */
    @Volatile
    private var alive = false

    /** Whether the broker had our mailbox; nothing as long as it has not greeted. */
    @Volatile
    private var kept: Boolean? = null

    /** Something was let go that did not fit in memory. */
    @Volatile
    private var letGo = false

    @Volatile
    private var keepsNoMail = false
    private val looking = Channel<Unit>(Channel.CONFLATED)
    private val foreign = Channel<ByteArray>(Channel.CONFLATED)

    private class Came(val publication: MqttPacket.Publication, val connection: MqttConnection)

    // Without user and password.
    override fun toString(): String = "MqttTransport($broker)"

    override fun useSecret(secret: ByteArray) {
        this.secret = secret.copyOf()
    }

    /** Takes part in the shared subscription of all workers of this address. What is for a worker that is away waits for one of its name, an hour. */
    override fun useWorker(worker: String) {
        if (broker.version == MQTT_3) throw TransportException("several workers share a mailbox by MQTT 5 alone: leave out ?version=3")
        this.worker = worker
    }

    override suspend fun start(address: String, device: UInt) {
        close()
        this.address = address
        // The same device has the same session after a restart; nobody else knows its name. 23 characters are what every broker takes.
        val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(secret, algorithm)) }
        val said = if (worker.isEmpty()) "$address/$device" else "$address/$device/$worker"
        val hash = mac.doFinal("mqtt client id $said".toByteArray())
        name = "wl" + hash.joinToString("") { "%02x".format(it) }.take(21)
        inbox = Channel(Channel.UNLIMITED)
        letters = MqttLetters()
        held.set(0)
        bundle = null
        scope = CoroutineScope(SupervisorJob() + Dispatchers.Default).apply {
            launch { stayConnected(MqttPauses(broker)) }
            launch { sendOut() }
            launch { guardBundle() }
        }
    }

    private fun topic(kind: String, address: String): String {
        // Else somebody's address could be a filter for everybody's mail.
        require(address.isNotEmpty() && address.all { it in 'a'..'z' || it in '0'..'9' }) { "this is no address" }
        return "${broker.prefix}/$kind/$address"
    }

    // --- connections -------------------------------------------------------------------------------------------------

    private suspend fun stayConnected(pauses: MqttPauses) {
        var version = broker.version ?: MQTT_5
        // There are no shared subscriptions in 3.1.1.
        val fixed = broker.version != null || worker.isNotEmpty()
        var ungreeted = 0
        while (true) {
            kept = null
            letGo = false
            val connection = MqttConnection(broker, version, LARGEST_PACKET, greetingMilliseconds, ::came)
            this.connection = connection
            try {
                live(connection)
            } catch (failure: TransportException) {
                connection.end(MqttEnd.Broken(failure))
            } finally {
                alive = false
                connection.end(MqttEnd.Ours)
            }
            val end = connection.ended.await()
            if (end is MqttEnd.Refused && end.reason in OTHER_VERSION && version == MQTT_5 && !fixed) {
                mqttLog.info("$broker does not speak MQTT 5; MQTT 3.1.1 from now on")
                version = MQTT_3
                continue
            }
            // Some brokers say nothing to a version that they do not know, or hang up.
            ungreeted = if (kept != null || end is MqttEnd.Unreachable) 0 else ungreeted + 1
            if (!fixed && (end == MqttEnd.Silent || ungreeted > 1)) version = if (version == MQTT_5) MQTT_3 else MQTT_5
            val probed = letters.ended(MqttPauses.mayBeOurs(end))
            if (end is MqttEnd.Broken) {
                mqttLog.severe("the connection with $broker failed: ${end.failure::class.java.simpleName}")
                inbox.send(Result.failure(TransportException("the connection failed", end.failure)))
            }
            delay(pauses.after(end, kept == true, probed, again = letGo))
        }
    }

    private suspend fun live(connection: MqttConnection) {
        val (user, password) = broker.credentials(address)
        val (expiry, inbox) = topic("inbox", address).let {
            if (worker.isEmpty()) KEEP_MAIL_SECONDS to it else KEEP_SHARE_SECONDS to "\$share/$GROUP/$it"
        }
        val greeting = connection.greet(name, user, password, expiry, RECEIVE_MAXIMUM) ?: return
        kept = greeting.kept
        subscribing = CompletableDeferred()
        connection.send { subscribe(inbox, SUBSCRIBE_INBOX, retained = false) }
        val granted = waitFor(subscribing, connection) ?: return
        if (granted >= REFUSED) return connection.end(MqttEnd.Refused(granted))
        keepsNoMail = granted == 0 || greeting.properties[MAXIMUM_QOS_PROPERTY] == 0L
        if (keepsNoMail) mqttLog.severe("$broker keeps no mail: it grants QoS 0 only; use another broker")
        val window = greeting.properties[RECEIVE_MAXIMUM_PROPERTY]?.toInt() ?: WINDOW
        letters.begin(connection, window.coerceIn(1, WINDOW), greeting.properties[MAXIMUM_PACKET_PROPERTY] ?: Long.MAX_VALUE)
        // A broker that lost its disk has lost the bundle too.
        bundle?.let { kept ->
            connection.send { subscribe(kept.topic, connection.number(), retained = true) }
            letters.add(kept)
        }
        wanted.keys.forEach { connection.send { subscribe(topic("bundle", it), connection.number(), retained = true) } }
        alive = true
        looking.trySend(Unit)
        connection.ended.await()
    }

    @Volatile
    private var subscribing = CompletableDeferred<Int>()

    /** Nothing if the connection ends before. */
    private suspend fun waitFor(answer: CompletableDeferred<Int>, connection: MqttConnection): Int? {
        connection.ended.invokeOnCompletion { answer.complete(-1) }
        return answer.await().takeIf { it >= 0 }
    }

    /** In the thread of the connection. */
    private fun came(packet: MqttPacket) {
        val connection = connection ?: return
        when (packet) {
            is MqttPacket.Publication -> came(packet, connection)
            is MqttPacket.Published -> {
                letters.confirmed(packet.number, packet.reason)
                looking.trySend(Unit)
            }
            is MqttPacket.Subscribed -> if (packet.number == SUBSCRIBE_INBOX) subscribing.complete(packet.reason)
            else -> Unit
        }
    }

    private fun came(publication: MqttPacket.Publication, connection: MqttConnection) {
        val came = Came(publication, connection)
        val bundle = publication.topic.substringAfter("${broker.prefix}/bundle/", "")
        val ours = publication.topic == "${broker.prefix}/inbox/$address"
        when {
            ours && !publication.retained && !publication.tooLong -> {
                val cost = publication.payload.size + OVERHEAD
                // Not acknowledged, and so it comes again.
                if (held.addAndGet(cost) > waitingBytes) letGo(cost) else inbox.trySend(Result.success(came))
            }
            else -> {
                // An empty one says that it was taken away.
                if (publication.payload.isNotEmpty()) wanted[bundle]?.forEach { it.trySend(publication.payload) }
                if (bundle == address) foreign.trySend(publication.payload)
                scope?.launch { acknowledge(came) }
            }
        }
    }

    private fun letGo(cost: Long) {
        letGo = true
        // All that was held may have been acknowledged just now, and nobody comes after it.
        if (held.addAndGet(-cost) < waitingBytes / 2) scope?.launch { connection?.goodbye() }
    }

    private suspend fun acknowledge(came: Came) {
        // A number means another envelope in the next connection.
        if (came.connection === connection && came.publication.qos > 0) came.connection.send { acknowledge(came.publication.number) }
    }

    private suspend fun handled(came: Came) {
        acknowledge(came)
        val left = held.addAndGet(-(came.publication.payload.size + OVERHEAD))
        // What was let go comes again with the next connection.
        if (letGo && left < waitingBytes / 2) connection?.goodbye()
    }

    // --- what goes out -----------------------------------------------------------------------------------------------

    private suspend fun sendOut() {
        var wait: Long? = null
        while (true) {
            val rest = wait
            if (rest == null) looking.receive() else withTimeoutOrNull(rest) { looking.receive() }
            val connection = connection
            if (!alive || connection == null) {
                wait = null
                continue
            }
            val (ready, again) = letters.next(connection, connection::number)
            wait = again
            for (letter in ready) {
                val expiry = if (letter.retain) null else KEEP_MAIL_SECONDS
                connection.send { publish(letter.topic, letter.payload, letter.number, letter.retain, expiry) }
            }
        }
    }

    private suspend fun publish(letter: MqttLetter): Int {
        if (scope == null) throw TransportException("the transport is not started")
        letters.add(letter)
        looking.trySend(Unit)
        try {
            return letter.done.await()
        } catch (cancelled: CancellationException) {
            letters.forget(letter)
            throw cancelled
        }
    }

    override suspend fun deliver(address: String, envelope: ByteArray) {
        if (keepsNoMail) throw TransportException("the broker keeps no mail")
        val reason = publish(MqttLetter(topic("inbox", address), envelope, retain = false))
        // Nobody has a session for the topic, and so the broker has thrown the envelope away.
        if (reason == NO_SUBSCRIBERS) throw NoMailboxException("nobody keeps mail for this address")
        if (reason >= REFUSED) throw TransportException("the broker refused the envelope, reason $reason")
    }

    // --- bundles -----------------------------------------------------------------------------------------------------

    override suspend fun publishBundle(address: String, bundle: ByteArray) {
        val letter = MqttLetter(topic("bundle", address), bundle, retain = true)
        this.bundle = letter
        val reason = publish(letter)
        if (reason >= REFUSED) throw TransportException("the broker refused the bundle, reason $reason")
        connection?.run { send { subscribe(letter.topic, number(), retained = true) } }
    }

    /** Anybody who may write there can replace our bundle, or take it away. */
    private suspend fun guardBundle() {
        var pause = 0L
        for (found in foreign) {
            val ours = bundle ?: continue
            // As new as ours, it may be another worker's.
            if (found.contentEquals(ours.payload) || issued(found, address) >= issued(ours.payload, address)) continue
            mqttLog.warning("somebody replaced our bundle at $broker, or took it away; it is put there again. Access rules would prevent it")
            delay(pause)
            pause = if (pause == 0L) FIRST_REPAIR else (pause * 2).coerceAtMost(LONGEST_REPAIR)
            letters.add(ours)
            looking.trySend(Unit)
        }
    }

    /** When the bundle of an address was issued, in seconds since 1970; before all if it is none of theirs. */
    private fun issued(bytes: ByteArray, address: String): Long = try {
        Bundle.decode(bytes).use { if (!it.singleUse() && it.identity().use { owner -> owner.address() } == address) it.issuedAt().epochSecond else Long.MIN_VALUE }
    } catch (_: WindlassException) {
        Long.MIN_VALUE
    }

    override suspend fun fetchBundle(address: String): ByteArray? {
        val topic = topic("bundle", address)
        if (scope == null) throw TransportException("the transport is not started")
        val found = Channel<ByteArray>(Channel.UNLIMITED)
        wanted.compute(address) { _, others -> others.orEmpty() + found }
        try {
            if (alive) connection?.run { send { subscribe(topic, number(), retained = true) } }
            return newest(found, address)
        } finally {
            val others = wanted.computeIfPresent(address) { _, all -> (all - found).ifEmpty { null } }
            if (others == null && address != this.address) scope?.launch { connection?.run { send { unsubscribe(topic, number()) } } }
        }
    }

    /** Of those that come the newest of this address; others are passed over, whoever put them there. */
    private suspend fun newest(found: Channel<ByteArray>, address: String): ByteArray? {
        val first = withTimeoutOrNull(FETCH_MILLISECONDS) {
            var valid = found.receive()
            while (issued(valid, address) == Long.MIN_VALUE) valid = found.receive()
            valid
        } ?: return null
        var newest = first
        withTimeoutOrNull(MORE_MILLISECONDS) {
            for (another in found) if (issued(another, address) > issued(newest, address)) newest = another
        }
        return newest
    }

    // --- what comes in -----------------------------------------------------------------------------------------------

    override fun receive(): Flow<Incoming> = flow {
        for (came in inbox) {
            val letter = came.getOrThrow()
            emit(Incoming(letter.publication.payload) { handled(letter) })
        }
    }

    override suspend fun close() {
        val scope = scope ?: return
        this.scope = null
        alive = false
        // Without waiting for what is under way: the caller that waited for it is gone, and it is in the outbox.
        withTimeoutOrNull(GOODBYE_MILLISECONDS) { connection?.goodbye() }
        scope.cancel()
        connection?.end(MqttEnd.Ours)
        letters.close()
        inbox.close()
    }

    private companion object {
        /** The first number of a connection is its own. */
        const val SUBSCRIBE_INBOX = 0xFFFF
        val OTHER_VERSION = setOf(0x84, 0x01)
    }
}
