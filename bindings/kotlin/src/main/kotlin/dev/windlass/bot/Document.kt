package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.StateChange
import dev.windlass.StateOwner

/**
 * What a bot remembers under names: what JSON can say, as `null`, `Boolean`, numbers, `String`, lists and maps, at most 16 KiB of it.
 * Read back, whole numbers are `Long`, others `Double`, and lists and maps may be changed in place. It is used by one thread at a time.
 *
 * ```kotlin
 * state["count"] = (state.long("count") ?: 0) + 1
 * state.list("things") += "mend the sail"
 * ```
 *
 * [json] is all of it as one text, for a library that makes data classes of that:
 * `val list = Json.decodeFromString<TodoList>(state.json)`.
 */
public class Document private constructor(private val all: MutableMap<String, Any?>) : MutableMap<String, Any?> by all {
    internal constructor(stored: ByteArray?) : this(if (stored == null) linkedMapOf() else objectOf(stored.decodeToString()))

    /** All of it. An [IllegalArgumentException] for a text that is no JSON object. */
    public var json: String
        get() = writeJson(all)
        set(text) {
            val read = objectOf(text)
            all.clear()
            all.putAll(read)
        }

    /** A text; nothing if there is none of this name. */
    public fun string(name: String): String? = this[name] as? String

    /** A whole number; nothing if there is none of this name. */
    public fun long(name: String): Long? = when (val value = this[name]) {
        is Long, is Int, is Short, is Byte -> (value as Number).toLong()
        else -> null
    }

    /** A number; nothing if there is none of this name. */
    public fun double(name: String): Double? = (this[name] as? Number)?.toDouble()

    /** Yes or no; nothing if there is none of this name. */
    public fun boolean(name: String): Boolean? = this[name] as? Boolean

    /** The texts in a list, to be read; none if there is no list of this name. */
    public fun strings(name: String): List<String> = (this[name] as? Iterable<*>)?.filterIsInstance<String>().orEmpty()

    /** A list to be changed, which is there from now on. An [IllegalStateException] if something else has this name. */
    public fun list(name: String): MutableList<Any?> {
        val found = this[name]
        check(found == null || found is Iterable<*>) { "there is something else than a list of this name" }
        // One that somebody put here may not be changed.
        return ArrayList(found?.toList().orEmpty()).also { this[name] = it }
    }

    // Without what it says: this ends up in logs.
    override fun toString(): String = "Document($size names)"

    private companion object {
        fun objectOf(text: String): MutableMap<String, Any?> {
            val read = readJson(text)
            require(read is Map<*, *>) { "a document is a JSON object" }
            @Suppress("UNCHECKED_CAST")
            return read as MutableMap<String, Any?>
        }
    }
}

/** A document as the store had it when it was read, and as it is now. */
internal open class Remembered(client: Client, private val owner: StateOwner, val name: String) {
    private val before: ByteArray? = client.state(owner, name)
    val document = Document(before)

    /** What is to be written; nothing if it says what it said. */
    fun change(): StateChange? {
        val after = if (document.isEmpty()) null else document.json.encodeToByteArray()
        return if (after.contentEquals(before)) null else StateChange(owner, name, before, after)
    }

    /** The change is durable. */
    open fun kept(change: StateChange) = Unit
}
