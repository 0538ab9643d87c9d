package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.WindlassException
import java.time.Instant
import java.util.UUID
import kotlin.time.Duration
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.Duration.Companion.seconds

/** Jobs that wait. */
private const val MOST = 10_000

/** Jobs that wait because of what one person wrote. */
private const val MOST_OF_ONE = 100
internal val SHORTEST = 1.seconds

/** So many jobs wait, in all or because of one person, that no other may. */
public class TooManyJobsException internal constructor() : Exception("too many jobs wait")

/**
 * A job that waits.
 *
 * @property task which [Handlers.job] does it.
 * @property data what it was given.
 */
public class ScheduledJob internal constructor(
    public val id: String,
    public val task: String,
    public val due: Instant,
    public val data: Map<String, Any?>,
    public val every: Duration?,
    public val cron: String?,
) {
    override fun toString(): String = "ScheduledJob($task $id)"
}

/** A job that is due, and what comes of it. */
public class BotJob internal constructor(bot: Bot, public val id: String, record: Document) : Turn(bot) {
    /** Which [Handlers.job] does it. */
    public val task: String = record.string("task").orEmpty()

    /** What it was given. What is changed in it is there at the next time, if it comes again. */
    public val data: Document = dataOf(record)

    /** When it was to be done. It is later now if the bot was away. */
    public val due: Instant = instantOf(record.double("due") ?: 0.0)

    override val isAnswer: Boolean get() = false

    override fun toString(): String = "BotJob($task $id)"
}

@Suppress("UNCHECKED_CAST")
private fun dataOf(record: Document) = Document(null).also { data ->
    data.putAll(record["data"] as? Map<String, Any?> ?: emptyMap())
}

/** The jobs of a bot that wait: [Bot.jobs]. In a handler what is planned becomes durable with the answer, elsewhere at once. */
public class Jobs internal constructor(private val bot: Bot, private val client: Client, private val tasks: Set<String>) {
    private class Waiting(val due: Double, val task: String, val by: String)

    private val records = Records(client, "jobs", ::learn, ::note)

    /** Guarded by itself. */
    private val waiting = hashMapOf<String, Waiting>()

    /** Called when a job was planned, done or taken away. */
    @Volatile
    internal var onChange: () -> Unit = {}

    /** Once, at a time; its id. With an [id] that waits already the job takes the place of that one. */
    public suspend fun at(due: Instant, task: String, data: Map<String, Any?> = emptyMap(), id: String? = null): String =
        plan(id, task, data, due.seconds(), emptyMap())

    /** Once, after some time. */
    public suspend fun at(after: Duration, task: String, data: Map<String, Any?> = emptyMap(), id: String? = null): String =
        plan(id, task, data, now() + after.inSeconds(), emptyMap())

    /** Again and again. What was missed while the bot was away is done once. */
    public suspend fun every(
        interval: Duration,
        task: String,
        data: Map<String, Any?> = emptyMap(),
        first: Instant? = null,
        id: String? = null,
    ): String {
        checkInterval(interval)
        return plan(id, task, data, first?.seconds() ?: (now() + interval.inSeconds()), mapOf("every" to interval.inSeconds()))
    }

    /** By five fields as cron has them, in UTC: `0 9 * * mon-fri`. What was missed while the bot was away is done once. */
    public suspend fun cron(line: String, task: String, data: Map<String, Any?> = emptyMap(), id: String? = null): String =
        plan(id, task, data, Cron(line).after(client.now()).seconds(), mapOf("cron" to line))

    /** Takes a job away; whether it waited. */
    public suspend fun cancel(id: String): Boolean {
        val turn = turnOf(bot)
        io { records.load() }
        val record = io { records.record(turn, id) }
        val was = record.document.isNotEmpty()
        record.document.clear()
        records.write(turn, record)
        return was
    }

    /** What waits, what is due first before the others; without what the handler plans that asks. */
    public suspend fun waiting(): List<ScheduledJob> = io { records.states() }.map { (id, record) ->
        val every = record.double("every")?.let { (it * SECOND).toLong().nanoseconds }
        ScheduledJob(id, record.string("task").orEmpty(), dueOf(record), dataOf(record), every, record.string("cron"))
    }.sortedWith(compareBy({ it.due }, { it.id }))

    // For the bot.

    /** Plans the job that a program has by its own, under the name of its task, unless it waits already. */
    internal suspend fun declare(task: String, repeat: Repeat) {
        while (true) {
            try {
                return declareOnce(task, repeat)
            } catch (_: WindlassException.StateChanged) {
                // By another worker that starts, too.
            }
        }
    }

    private suspend fun declareOnce(task: String, repeat: Repeat) {
        val record = io { records.record(null, task) }
        val wanted = repeat.written
        if (wanted.all { (name, value) -> record.document[name] == value }) return
        val due = requireNotNull(nextRun(now(), now(), repeat.every?.inSeconds(), repeat.cron))
        fill(record.document, task, emptyMap(), due, "", wanted)
        records.write(null, record)
    }

    internal suspend fun load() = insisting { records.load() }

    /** Learns what other workers planned and did. */
    internal suspend fun reload() = records.reload()

    /** Ids and tasks of what is due, the first before the others. */
    internal fun due(): List<Pair<String, String>> = synchronized(waiting) {
        val now = now()
        waiting.entries.filter { it.value.due <= now }.sortedBy { it.value.due }.map { (id, job) -> id to job.task }
    }

    /** When the next job is due that there is something for, apart from some. */
    internal fun nextDue(but: Set<String> = emptySet()): Instant? = synchronized(waiting) {
        waiting.entries.filter { (id, job) -> job.task in tasks && id !in but }.minOfOrNull { it.value.due }?.let(::instantOf)
    }

    /** A job that is to be done now, which says already that it was; nothing if it is not to be done any more. */
    internal fun begin(id: String): BotJob? {
        val record = records.record(null, id)
        val due = record.document.double("due")
        val now = now()
        if (due == null || due > now) {
            note(id, record.document)
            return null
        }
        val job = BotJob(bot, id, record.document)
        val again = nextRun(due, now, record.document.double("every"), record.document.string("cron"))
        record.document.remove("attempts")
        if (again == null) {
            record.document.clear()
        } else {
            record.document["due"] = again
            record.document["data"] = job.data
        }
        job.enter(records.owner, record)
        return job
    }

    /** How often a job was begun with which the process died. */
    internal fun attempts(id: String): Int = records.record(null, id).document.long("attempts")?.toInt() ?: 0

    internal suspend fun noteAttempts(id: String, attempts: Int) {
        val record = io { records.record(null, id) }
        if (record.document.isEmpty()) return
        record.document["attempts"] = attempts
        records.write(null, record)
    }

    private fun now() = client.now().seconds()

    private fun learn(all: Map<String, Document>) {
        synchronized(waiting) {
            waiting.clear()
            all.forEach { (id, record) -> waitingIn(record)?.let { waiting[id] = it } }
        }
        onChange()
    }

    private fun note(id: String, record: Document?) {
        synchronized(waiting) {
            val job = record?.let(::waitingIn)
            if (job == null) waiting.remove(id) else waiting[id] = job
        }
        onChange()
    }

    private fun waitingIn(record: Document): Waiting? =
        record.double("due")?.let { Waiting(it, record.string("task").orEmpty(), record.string("by").orEmpty()) }

    private suspend fun plan(id: String?, task: String, data: Map<String, Any?>, due: Double, repeat: Map<String, Any?>): String {
        require(task in tasks) { "there is no job $task: bot.job(\"$task\") { ... }" }
        val turn = turnOf(bot)
        load()
        val record = io { records.record(turn, id ?: UUID.randomUUID().toString()) }
        val by = (turn as? BotMessage)?.author.orEmpty()
        if (record.document.isEmpty()) checkRoom(turn, by)
        fill(record.document, task, data, due, by, repeat)
        records.write(turn, record)
        return record.name
    }

    private fun checkRoom(turn: Turn?, by: String): Unit = synchronized(waiting) {
        val new = turn?.let { records.changed(it).values.count { one -> one.document.isNotEmpty() && one.name !in waiting } } ?: 0
        val ofOne = if (by.isEmpty()) 0 else waiting.values.count { it.by == by } + new
        if (waiting.size + new >= MOST || ofOne >= MOST_OF_ONE) throw TooManyJobsException()
    }

    private companion object {
        const val SECOND = 1e9

        fun dueOf(record: Document) = instantOf(record.double("due") ?: 0.0)

        fun fill(record: Document, task: String, data: Map<String, Any?>, due: Double, by: String, repeat: Map<String, Any?>) {
            // A copy, so that it stays as it is.
            val given = readJson(writeJson(data))
            record.clear()
            record.putAll(mapOf("task" to task, "data" to given, "due" to due, "by" to by) + repeat)
        }
    }
}

/** When a job is due that a program has by its own. */
internal class Repeat(val every: Duration?, val cron: String?) {
    init {
        require(every == null || cron == null) { "a job is done either every so often, or by cron" }
        every?.let(::checkInterval)
        cron?.let { Cron(it) }
    }

    val written: Map<String, Any?> get() = if (every != null) mapOf("every" to every.inSeconds()) else mapOf("cron" to cron)
}

private fun checkInterval(interval: Duration) =
    require(interval >= SHORTEST && interval.isFinite()) { "a job is done once a second at most" }
