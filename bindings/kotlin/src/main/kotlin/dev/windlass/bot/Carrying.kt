@file:JvmName("Carrying")

package dev.windlass.bot

import dev.windlass.ChangeListener
import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.OutboxListener
import dev.windlass.WindlassException
import dev.windlass.code
import dev.windlass.retry
import dev.windlass.transport.Transport
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.channelFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.toKotlinDuration

/** After which it is looked again what is due, whatever that was: the clock may have been set. */
private val LONGEST_WAIT = 10.minutes
private val SHORTEST_WAIT = 50.milliseconds

/**
 * Carries a client's mail both ways as long as it is collected, and emits what comes: an envelope is acknowledged once what it brought is durable. What
 * the client writes meanwhile, by whatever call, goes out by itself, and is emitted too, as what another device of the user's would write: so one flow
 * keeps a screen right. What was scheduled is sent when it is time, bundles are published, and every [keepUpEvery] is done what is due.
 *
 * For several who listen: `client.carriedBy(transport).shareIn(scope, SharingStarted.Eagerly)`. Whoever collects slowly lets mail wait at the
 * transport, and hears [Event.Missed] of more than 1,000 writes. A bot does this itself.
 */
public fun Client.carriedBy(transport: Transport, keepUpEvery: Duration = 10.minutes): Flow<Event> = channelFlow {
    val client = this@carriedBy
    val post = Post(client, transport)
    val written = Channel<Unit>(Channel.CONFLATED)
    val scheduled = Channel<Unit>(Channel.CONFLATED)
    transport.useSecret(io { client.transportSecret() })
    try {
        transport.start(client.address(), client.deviceId())
        client.setOutboxListener(object : OutboxListener {
            override fun onOutbox(): Unit = post.look()
        })
        client.setChangeListener(object : ChangeListener {
            override fun onChange() {
                written.trySend(Unit)
            }
        })
        launch { post.run() }
        launch {
            while (true) {
                written.receive()
                tellWritten(client) {
                    if (it is Event.ScheduledChanged) scheduled.trySend(Unit)
                    send(it)
                }
            }
        }
        launch { keepTime(client, scheduled) }
        launch { keepUp(client, transport, keepUpEvery) }
        transport.takenTogether { batch ->
            val taken = insisting { client.receiveMany(batch.map { it.envelope }) }
            batch.forEach { passing("acknowledge") { it.acknowledge() } }
            for (answer in taken) answer.events.forEach { send(it) }
        }
    } finally {
        client.setOutboxListener(null)
        client.setChangeListener(null)
        withContext(NonCancellable) { transport.close() }
    }
}

/** What this client wrote since it was last asked. */
private suspend fun tellWritten(client: Client, tell: suspend (Event) -> Unit) {
    while (true) {
        val events = insisting { client.takeChanges() }
        if (events.isEmpty()) return
        events.forEach { tell(it) }
    }
}

/** A call sends what is due, so it is enough to make one then. */
private suspend fun keepTime(client: Client, scheduled: Channel<Unit>) {
    while (true) {
        val due = insisting { client.nextDue() }
        val wait = due?.let { java.time.Duration.between(client.now(), it).toKotlinDuration() } ?: LONGEST_WAIT
        withTimeoutOrNull(wait.coerceIn(SHORTEST_WAIT, LONGEST_WAIT)) { scheduled.receive() }
    }
}

private suspend fun keepUp(client: Client, transport: Transport, every: Duration) {
    var published: ByteArray? = null
    while (true) {
        try {
            io { client.maintain() }
            val bundle = io { client.bundle().use { it.encode() } }
            if (!bundle.contentEquals(published)) {
                passing("publish the bundle") { transport.publishBundle(client.address(), bundle) }?.let { published = bundle }
            }
        } catch (refused: WindlassException) {
            if (!refused.retry) throw refused
            log.warning("cannot keep up: ${refused.code}")
        }
        delay(every)
    }
}

/** Nothing if the transport, which may be somebody's and throw anything, could not do it. It is asked again later. */
private suspend fun <T : Any> passing(what: String, call: suspend () -> T?): T? = try {
    call()
} catch (failure: Exception) {
    currentCoroutineContext().ensureActive()
    log.warning("cannot $what: ${failure::class.java.simpleName}")
    null
}
