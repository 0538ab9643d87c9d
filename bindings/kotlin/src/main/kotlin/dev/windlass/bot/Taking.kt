package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.Received
import dev.windlass.WindlassException
import dev.windlass.transport.Transport
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** After so long the client has given up waiting for an answer to go with a receipt. */
private val RECEIPTS = 1_200.milliseconds

/** Takes in what the transport brings, and tells the handlers of events. */
internal class Taking(private val bot: Bot, private val client: Client, private val transport: Transport, private val listening: Listening) {
    suspend fun run(now: Parts): Unit = coroutineScope {
        val events = Events(client, bot.claims, bot.handlesEvents, ::wants)
        val old = events.endOfOld()
        val telling = launch { events.tell(old, { heard(now, it) }, { heardAgain(it) }, { now.invited.answer().also { bot.recheckTrust() } }) }
        // What is not answered soon gets its receipt without an answer: see `Client.setBot`.
        val came = Channel<Unit>(Channel.CONFLATED)
        val looking = launch {
            while (true) {
                came.receive()
                delay(RECEIPTS)
                now.post.look()
            }
        }
        transport.takenTogether { batch ->
            val answers = received(now, batch.map { it.envelope })
            now.handling.look()
            now.post.look()
            came.trySend(Unit)
            // What could not be acknowledged comes again, and is known then.
            for (incoming in batch) bot.passing("acknowledge") { incoming.acknowledge() }
            answers.forEach { it.events.forEach(::note) }
            events.put(answers)
        }
        looking.cancel()
        events.end()
        telling.join()
    }

    /** When too much waits for its handlers nothing is taken in, and nothing acknowledged: it waits at the transport. */
    private suspend fun received(now: Parts, envelopes: List<ByteArray>): List<Received> {
        var told = false
        while (true) {
            try {
                return insisting({ it !is WindlassException.BacklogFull }) { client.receiveMany(envelopes) }
            } catch (_: WindlassException.BacklogFull) {
                if (!told) log.warning("too much waits to be handled: nothing is taken in before there is room")
                told = true
                now.handling.look()
                withTimeoutOrNull(1.seconds) { now.handling.finished.receive() }
            }
        }
    }

    /** Logs what the bot's operator may want to know. */
    private fun note(event: Event) {
        when (event) {
            is Event.Undecryptable -> log.warning("cannot read an envelope: ${event.cause}")
            is Event.Missed -> log.warning("${event.events} events were dropped before they were handled")
            else -> Unit
        }
    }

    /** Whether it is told to anybody. */
    private fun wants(event: Event): Boolean = bot.listensTo(event) || event is Event.GroupInvitation || event is Event.GroupChanged

    private suspend fun heard(now: Parts, event: Event) {
        tellHandlers(event)
        when (event) {
            is Event.GroupInvitation -> now.invited.came(event.group)
            // Of a group that we are not in any more nothing waits.
            is Event.GroupChanged -> bot.recheckTrust()
            else -> Unit
        }
    }

    /** A process told this, and died. What else it calls for is done at each start. */
    private suspend fun heardAgain(event: Event) {
        note(event)
        if (event !is Event.ContactRequest || !bot.asksAboutStrangers()) tellHandlers(event)
    }

    private suspend fun tellHandlers(event: Event) {
        bot.tell(event)
        if (event is Event.Reacted && event.by != client.address()) {
            if (io { bot.hears(event.by) && listening.listensTo(event.by, event.conversation) == true }) bot.callEach(bot.reactions, event)
        }
    }
}
