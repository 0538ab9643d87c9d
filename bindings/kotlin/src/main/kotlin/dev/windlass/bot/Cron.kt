package dev.windlass.bot

import java.time.Instant
import java.time.LocalDate
import java.time.ZoneOffset

private val FIELDS = listOf("minute" to 0..59, "hour" to 0..23, "day" to 1..31, "month" to 1..12, "day of the week" to 0..7)
private val DAYS = listOf("sun", "mon", "tue", "wed", "thu", "fri", "sat")
private val MONTHS = listOf("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
private const val DAYS_OF_A_WEEK = 7

/** Days within which the 29th of February comes again, whatever the century. */
private const val FARTHEST = 366L * 8 + 2

/**
 * `minute hour day month weekday`, each `*`, a number, a range, a list, with a step: `0 9 * * mon-fri`. In UTC.
 * An [IllegalArgumentException] for what is none, or never comes.
 */
internal class Cron(line: String) {
    private val fields = line.lowercase().trim().split(Regex("\\s+"))
    private val read = FIELDS.mapIndexed { place, (name, values) ->
        require(fields.size == FIELDS.size) { "$line has not the five fields of minute, hour, day, month, day of the week" }
        fieldOf(fields[place], name, values)
    }
    private val weekdays = read[4].map { it % DAYS_OF_A_WEEK }.toSet()

    // As cron has it: where both are given, either will do.
    private val either = !fields[2].startsWith("*") && !fields[4].startsWith("*")

    init {
        after(Instant.EPOCH)
    }

    /** The next time behind another. */
    fun after(time: Instant): Instant {
        val start = time.atOffset(ZoneOffset.UTC).withSecond(0).withNano(0).plusMinutes(1)
        for (days in 0..FARTHEST) {
            val day = start.toLocalDate().plusDays(days)
            if (!isOn(day)) continue
            val times = read[1].sorted().flatMap { hour -> read[0].sorted().map { day.atTime(hour, it).atOffset(ZoneOffset.UTC) } }
            times.find { it >= start }?.let { return it.toInstant() }
        }
        throw IllegalArgumentException("there is no such day")
    }

    private fun isOn(day: LocalDate): Boolean {
        val byDate = day.dayOfMonth in read[2]
        val byWeek = day.dayOfWeek.value % DAYS_OF_A_WEEK in weekdays
        return (if (either) byDate || byWeek else byDate && byWeek) && day.monthValue in read[3]
    }
}

private fun fieldOf(text: String, name: String, values: IntRange): Set<Int> = text.split(",").flatMap { part ->
    val (span, step) = part.substringBefore("/") to part.substringAfter("/", "")
    val isRange = "-" in span
    val first = if (span == "*") values.first else numberOf(span.substringBefore("-"), name, values)
    val last = when {
        span == "*" || "/" in part && !isRange -> values.last
        isRange -> numberOf(span.substringAfter("-"), name, values)
        else -> first
    }
    require(first <= last) { "$part is no range of the $name" }
    (first..last step if ("/" in part) numberOf(step, name, 1..values.last) else 1).toList()
}.toSet()

private fun numberOf(text: String, name: String, values: IntRange): Int {
    val named = when (name) {
        "month" -> MONTHS.indexOf(text).takeIf { it >= 0 }?.plus(1)
        "day of the week" -> DAYS.indexOf(text).takeIf { it >= 0 }
        else -> null
    }
    val number = named ?: text.takeIf { it.isNotEmpty() && it.all { one -> one in '0'..'9' } }?.toIntOrNull()
    require(number != null && number in values) { "$text is no $name" }
    return number
}

/** When a job is due again that was due at a time; nothing if it is not. What was missed meanwhile is not made up for. */
internal fun nextRun(due: Double, now: Double, every: Double?, cron: String?): Double? = when {
    cron != null -> Cron(cron).after(instantOf(maxOf(now, due))).seconds()
    every == null -> null
    // The clock was wrong.
    due > now + every -> now + every
    else -> due + every * (1 + maxOf(0.0, kotlin.math.floor((now - due) / every)))
}
