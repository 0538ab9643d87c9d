package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.WindlassException
import dev.windlass.code
import dev.windlass.retry
import dev.windlass.transport.Transport
import kotlinx.coroutines.delay
import java.time.Instant
import kotlin.time.Duration

private const val RENEWALS_PER_ROUND = 20

/** What a bot does by itself, now and then. */
internal class Upkeep(private val bot: Bot, private val client: Client, private val transport: Transport, private val every: Duration) {
    /** Every ten minutes what is due, and the bundle where others find it, again when it has changed. */
    suspend fun run(now: Parts) {
        askAboutStrangers()
        now.invited.answer()
        var published: ByteArray? = null
        repeatedly(every) {
            try {
                io { client.maintain() }
                val bundle = io { client.bundle().use { it.encode() } }
                bot.recheckTrust()
                if (!bundle.contentEquals(published)) {
                    bot.passing("publish the bundle") { transport.publishBundle(client.address(), bundle) }?.let { published = bundle }
                }
                renew()
            } catch (refused: WindlassException) {
                if (!refused.retry) throw refused
                log.warning("cannot keep up: ${refused.code}")
            }
        }
    }

    /** Looks for newer bundles of contacts whose own have run out: without one nothing heals. */
    private suspend fun renew() {
        val stale = io { client.contacts() }.filter { it.bundleExpiresAt?.isBefore(Instant.now()) == true && !it.blocked }
        stale.take(RENEWALS_PER_ROUND).forEach { bot.find(it.address) }
    }

    /** A request that was told when the process died is told again. */
    private suspend fun askAboutStrangers() {
        if (!bot.asksAboutStrangers()) return
        val undecided = insisting { client.contacts() }.filterNot { it.accepted || it.blocked || it.addedByUs }
        undecided.forEach { bot.callEach(bot.requests, it.address) }
    }
}

internal suspend fun repeatedly(every: Duration, work: suspend () -> Unit) {
    while (true) {
        work()
        delay(every)
    }
}
