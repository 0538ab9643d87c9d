package dev.windlass.transport

import kotlin.random.Random

private const val FIRST_PAUSE = 500L
private const val LONGEST_PAUSE = 60_000L
private const val FIRST_TAKEN_OVER = 60_000L
private const val LONGEST_TAKEN_OVER = 600_000L

/** A connection that lived so long was one. */
private const val LIVED_MILLISECONDS = 120_000L
private const val FOUGHT_MILLISECONDS = 30_000L
private const val PEACE_MILLISECONDS = 3_600_000L
private const val SHUTTING_DOWN = 0x8B
private const val TAKEN_OVER = 0x8E

/** So many connections that found their mailbox and were lost at once: perhaps somebody else takes it each time. Few brokers say so. */
private const val LOST_IN_A_ROW = 3
private const val TAKEN = "another process uses this mailbox: a copy of this store, or the same bot started twice; end one of them"

/** How long to wait before the next connection, and what to say about the last one. */
internal class MqttPauses(private val broker: MqttBroker, private val clock: () -> Long = { System.nanoTime() / 1_000_000 }) {
    private var pause = FIRST_PAUSE
    private var takenOver = FIRST_TAKEN_OVER
    private var lost = 0
    private var began = clock()

    /** In milliseconds. `kept` if the mailbox was there, `probed` as [MqttLetters.ended] says it; `again` if it is to be made anew at once. */
    fun after(end: MqttEnd, kept: Boolean, probed: Boolean?, again: Boolean): Long {
        val lived = clock() - began
        if (lived >= LIVED_MILLISECONDS) pause = FIRST_PAUSE
        if (lived >= PEACE_MILLISECONDS) takenOver = FIRST_TAKEN_OVER
        lost = if (end == MqttEnd.Lost && kept && probed == null && lived < FOUGHT_MILLISECONDS) lost + 1 else 0
        val taken = lost >= LOST_IN_A_ROW || end is MqttEnd.Goodbye && end.reason == TAKEN_OVER
        val rest = when {
            end == MqttEnd.Ours && again -> 0
            taken -> takenOver.also { takenOver = (takenOver * 2).coerceAtMost(LONGEST_TAKEN_OVER) }
            probed == true -> pause
            else -> pause.also { pause = (pause * 2).coerceAtMost(LONGEST_PAUSE) }
        }
        val waited = (rest * Random.nextDouble(0.75, 1.25)).toLong()
        if (end != MqttEnd.Ours) mqttLog.warning("${told(end)}; again in $waited ms")
        began = clock() + waited
        return waited
    }

    private fun told(end: MqttEnd): String = when (end) {
        is MqttEnd.Unreachable -> "cannot connect with $broker: ${end.cause}"
        MqttEnd.Silent -> "$broker took the connection and said nothing for 10 s: is it an MQTT broker, and is it mqtts:// (TLS) rather than mqtt://, or the " +
            "other way round?"
        is MqttEnd.Refused -> "$broker does not let us in: ${refusal(end.reason)}"
        MqttEnd.Asleep -> "$broker has said nothing for too long"
        is MqttEnd.Goodbye -> if (end.reason == TAKEN_OVER) TAKEN else "$broker ended the connection, reason ${end.reason}"
        MqttEnd.Lost -> if (lost >= LOST_IN_A_ROW) "perhaps $TAKEN" else "the connection with $broker is gone"
        is MqttEnd.Broken -> "the connection with $broker failed: ${(end.failure as? TransportException)?.message ?: end.failure::class.java.simpleName}"
        MqttEnd.Ours -> "the connection with $broker was ended"
    }

    private fun refusal(reason: Int): String = when (reason) {
        0x86, 0x04 -> "user name or password is wrong; see the URL, or the password file"
        0x87, 0x05 -> "not authorised; the broker's access rules must let this user read its mailbox"
        0x85, 0x02 -> "it does not take our client id"
        0x8A -> "we are banned"
        0x97, 0x9B -> "too much was asked of it"
        0x9C, 0x9D -> "it says to use another server"
        0x9E -> "it has no shared subscriptions, which several workers need"
        else -> "reason $reason"
    }

    companion object {
        /** Whether what was under way may have ended the connection. */
        fun mayBeOurs(end: MqttEnd): Boolean = when (end) {
            MqttEnd.Lost, is MqttEnd.Broken -> true
            is MqttEnd.Goodbye -> end.reason != SHUTTING_DOWN && end.reason != TAKEN_OVER
            else -> false
        }
    }
}
