package dev.windlass.bot

import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.TimeSource

/** How many conversations are remembered before those are forgotten that owe nothing. */
private const val REMEMBERED = 1_000

/** How fast a bot answers in one conversation: a bucket of so many answers, filled again in a minute. */
internal class Rates(private val perMinute: Int, private val time: TimeSource.WithComparableMarks = TimeSource.Monotonic) {
    private class Bucket(var left: Double, var at: kotlin.time.ComparableTimeMark)

    private val buckets = HashMap<String, Bucket>()

    private fun fill(bucket: Bucket) {
        val now = time.markNow()
        bucket.left = (bucket.left + (now - bucket.at) / 1.minutes * perMinute).coerceAtMost(perMinute.toDouble())
        bucket.at = now
    }

    /** So many answers are written. */
    @Synchronized
    fun spend(conversation: String, answers: Int) {
        if (buckets.size >= REMEMBERED) {
            buckets.values.forEach(::fill)
            buckets.values.removeIf { it.left >= perMinute }
        }
        val bucket = buckets.getOrPut(conversation) { Bucket(perMinute.toDouble(), time.markNow()) }
        fill(bucket)
        bucket.left -= answers
    }

    /** How long a conversation is not handled, until it owes nothing any more. */
    @Synchronized
    fun rest(conversation: String): Duration {
        val bucket = buckets[conversation] ?: return Duration.ZERO
        fill(bucket)
        return if (bucket.left >= 0) Duration.ZERO else 1.minutes * (-bucket.left / perMinute)
    }
}
