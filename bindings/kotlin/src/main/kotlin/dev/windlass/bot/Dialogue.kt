package dev.windlass.bot

import dev.windlass.StateOwner
import java.time.Instant
import kotlin.time.Duration

// Questions that a bot asked, and the steps that take the answers. What was asked is in the store, so a dialogue survives a restart.

internal fun questionOwner(conversation: String): StateOwner = StateOwner.Conversation(conversation)

internal fun questionName(author: String): String = "asked $author"

/** Somebody is asked now. */
internal fun note(question: Document, now: Instant, then: String, within: Duration) {
    require(within.isPositive() && within.isFinite()) { "an answer is waited for some time, which ends" }
    question.clear()
    question["then"] = then
    question["until"] = now.seconds() + within.inSeconds()
}

/** The step that takes an answer now; nothing if nothing was asked, or too long ago. */
internal fun stepOf(question: Document, now: Instant): String? {
    val until = question.double("until")
    return if (until == null || now.seconds() > until) null else question.string("then")
}

private const val NANOS = 1e9

internal fun Instant.seconds(): Double = epochSecond + nano / NANOS

internal fun Duration.inSeconds(): Double = inWholeNanoseconds / NANOS

internal fun instantOf(seconds: Double): Instant {
    val whole = kotlin.math.floor(seconds)
    return Instant.ofEpochSecond(whole.toLong(), ((seconds - whole) * NANOS).toLong())
}
