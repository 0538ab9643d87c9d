package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.StateChange

/** What somebody is to the bot. Most people have none. */
public enum class Role {
    /** May all that the bot lets anybody do. */
    ADMIN,

    /** May use a bot whose `access` is [Access.ALLOWED]. */
    ALLOWED,

    /** What they write is not handled. They are not told. [Bot.block] refuses their messages before that. */
    BLOCKED,
    ;

    /** Whether whoever has this role may do what is for the other. */
    public fun includes(wanted: Role): Boolean = this == wanted || this == ADMIN && wanted == ALLOWED

    internal companion object {
        fun named(name: String?): Role? = entries.find { it.name.lowercase() == name }
    }
}

/** Whom a bot hears. */
public enum class Access {
    /** All but the blocked. */
    EVERYBODY,

    /** The allowed and admins. */
    ALLOWED,
}

/** So many people have a role that nobody else can be given one. */
public class TooManyRolesException internal constructor() : Exception("too many people have a role")

/** The roles that a bot gave: [Bot.roles]. In a handler a change becomes durable with the answer, elsewhere at once. */
public class Roles internal constructor(private val bot: Bot, client: Client, private val admins: Set<String>) {
    /** Guarded by itself. */
    private val given = hashMapOf<String, Role>()
    private val records = Records(client, "roles", ::learn, ::note)

    /** What somebody is. Whom the bot's `admins` name is an admin, whatever the store says. */
    public suspend fun of(address: String): Role? {
        val turn = turnOf(bot)
        return io { of(address, turn) }
    }

    internal fun of(address: String, turn: Turn?): Role? {
        if (address in admins) return Role.ADMIN
        turn?.let { records.changed(it)[address] }?.let { return roleIn(it.document) }
        records.load()
        return synchronized(given) { given[address] }
    }

    /** Everybody who was given a role. */
    public suspend fun all(): Map<String, Role> = io {
        records.load()
        synchronized(given) { given.toMap() }
    }

    /** Gives somebody a role, in place of the one that they had; `null` takes it away. */
    public suspend fun set(address: String, role: Role?) {
        val turn = turnOf(bot)
        io { records.load() }
        val new = synchronized(given) { role != null && address !in given && given.size >= MOST }
        if (new) throw TooManyRolesException()
        val record = io { records.record(turn, address) }
        record.document.clear()
        if (role != null) record.document["role"] = role.name.lowercase()
        records.write(turn, record)
    }

    /** Learns which roles other workers gave. */
    internal suspend fun reload() = records.reload()

    private fun learn(all: Map<String, Document>): Unit = synchronized(given) {
        given.clear()
        all.forEach { (address, document) -> note(address, document) }
    }

    private fun note(address: String, document: Document?): Unit = synchronized(given) {
        val role = document?.let(::roleIn)
        if (role == null) given.remove(address) else given[address] = role
    }

    private fun roleIn(document: Document) = Role.named(document.string("role"))

    private companion object {
        /** People with a role. */
        const val MOST = 10_000
    }
}

/** A list that a bot keeps in its store: its jobs, the roles that it gave. [known] hears of all that is durable, and then [kept] of each change. */
internal class Records(
    private val client: Client,
    area: String,
    private val known: (Map<String, Document>) -> Unit,
    private val kept: (String, Document?) -> Unit,
) {
    val owner: dev.windlass.StateOwner = dev.windlass.StateOwner.Program(area)
    private val lock = Any()
    private val all = lazy { synchronized(lock) { known(states().toMap()) } }

    /** What was changed since it began to be read anew. Guarded by `lock`. */
    private var meanwhile: MutableMap<String, Document?>? = null

    private inner class Record(name: String) : Remembered(client, owner, name) {
        override fun kept(change: StateChange) {
            val document = change.after?.let { Document(it) }
            synchronized(lock) {
                meanwhile?.put(name, document)
                kept(name, document)
            }
        }
    }

    /** Reads what there is, if that is not known yet. */
    fun load() = all.value

    /** Reads anew what there is: another worker may have changed it. What we changed meanwhile is not forgotten for that. */
    suspend fun reload() {
        io { load() }
        val ours = linkedMapOf<String, Document?>()
        synchronized(lock) { meanwhile = ours }
        try {
            val found = insisting { states().toMap() }
            synchronized(lock) {
                val now: Map<String, Document?> = found + ours
                known(now.mapNotNull { (name, document) -> document?.let { name to it } }.toMap())
            }
        } finally {
            synchronized(lock) { meanwhile = null }
        }
    }

    fun states(): List<Pair<String, Document>> = client.states(owner).map { it.name to Document(it.document) }

    /** One of the list, in a turn as that has it. */
    fun record(turn: Turn?, name: String): Remembered =
        turn?.let { changed(it)[name] } ?: Record(name).also { turn?.enter(owner, it) }

    /** Those that a turn has. */
    fun changed(turn: Turn): Map<String, Remembered> = turn.rememberedOf(owner).associateBy { it.name }

    /** At once, where it belongs to nothing. */
    suspend fun write(turn: Turn?, record: Remembered) {
        if (turn != null) return
        val change = record.change() ?: return
        insisting { client.commit(null, emptyList(), listOf(change)) }
        record.kept(change)
    }
}
