package dev.windlass.bot

/** A document that is deeper is refused, instead of a stack that overflows. */
private const val DEEPEST = 64
private const val CONTROLS = 0x20
private const val HEX = 16
private const val ESCAPED = 4

/** Null, truth values, numbers, texts, lists, and maps with names, as JSON. Anything else is an [IllegalArgumentException]. */
internal fun writeJson(value: Any?): String = StringBuilder().also { it.put(value, 0) }.toString()

/** The opposite: whole numbers are `Long`, others `Double`. An [IllegalArgumentException] for what is no JSON. */
internal fun readJson(text: String): Any? = JsonReader(text).all()

private fun StringBuilder.put(value: Any?, depth: Int) {
    require(depth <= DEEPEST) { "a document is at most $DEEPEST lists and maps deep" }
    when (value) {
        null, is Boolean, is Byte, is Short, is Int, is Long -> append(value)
        is Float -> putNumber(value.toDouble(), value)
        is Double -> putNumber(value, value)
        is CharSequence -> quote(value)
        is Iterable<*> -> {
            value.forEachIndexed { place, one ->
                append(if (place == 0) '[' else ',')
                put(one, depth + 1)
            }
            append(if (value.none()) "[]" else "]")
        }
        is Map<*, *> -> {
            value.entries.forEachIndexed { place, (name, one) ->
                append(if (place == 0) '{' else ',')
                quote(requireNotNull(name as? CharSequence) { "what is in a document has a text as its name" })
                append(':')
                put(one, depth + 1)
            }
            append(if (value.isEmpty()) "{}" else "}")
        }
        else -> throw IllegalArgumentException("a document holds what JSON can say, and no ${value::class.java.simpleName}")
    }
}

private fun StringBuilder.putNumber(value: Double, written: Any) {
    require(value.isFinite()) { "JSON has no such number" }
    append(written)
}

private fun StringBuilder.quote(text: CharSequence) {
    append('"')
    for ((place, one) in text.withIndex()) {
        when {
            one == '"' || one == '\\' -> append('\\').append(one)
            // Half a character would be lost on the way.
            one.code < CONTROLS || isHalf(text, place) -> append("\\u%04x".format(one.code))
            else -> append(one)
        }
    }
    append('"')
}

private fun isHalf(text: CharSequence, place: Int): Boolean = when {
    text[place].isHighSurrogate() -> text.getOrNull(place + 1)?.isLowSurrogate() != true
    text[place].isLowSurrogate() -> text.getOrNull(place - 1)?.isHighSurrogate() != true
    else -> false
}

private class JsonReader(private val text: String) {
    private var at = 0

    fun all(): Any? {
        val value = value(0)
        skip()
        require(at == text.length) { wrong() }
        return value
    }

    private fun wrong() = "no JSON at character $at"

    private fun skip() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun takes(wanted: String): Boolean {
        skip()
        return text.startsWith(wanted, at).also { if (it) at += wanted.length }
    }

    private fun need(wanted: String) = require(takes(wanted)) { wrong() }

    private fun value(depth: Int): Any? {
        require(depth <= DEEPEST) { "a document is at most $DEEPEST lists and maps deep" }
        return when {
            takes("{") -> map(depth)
            takes("[") -> list(depth)
            takes("\"") -> string()
            takes("true") -> true
            takes("false") -> false
            takes("null") -> null
            else -> number()
        }
    }

    private fun map(depth: Int): MutableMap<String, Any?> {
        val found = linkedMapOf<String, Any?>()
        if (takes("}")) return found
        do {
            need("\"")
            val name = string()
            need(":")
            found[name] = value(depth + 1)
        } while (takes(","))
        need("}")
        return found
    }

    private fun list(depth: Int): MutableList<Any?> {
        val found = mutableListOf<Any?>()
        if (takes("]")) return found
        do found += value(depth + 1) while (takes(","))
        need("]")
        return found
    }

    private fun next(): Char = requireNotNull(text.getOrNull(at++)) { wrong() }

    private fun string(): String = buildString {
        while (true) {
            val one = next()
            require(one.code >= CONTROLS) { wrong() }
            when (one) {
                '"' -> return@buildString
                '\\' -> append(escaped(next()))
                else -> append(one)
            }
        }
    }

    private fun escaped(one: Char): Char = when (one) {
        'n' -> '\n'
        't' -> '\t'
        'r' -> '\r'
        'b' -> '\b'
        'f' -> '\u000c'
        '"', '\\', '/' -> one
        'u' -> {
            val digits = text.drop(at).take(ESCAPED)
            require(digits.length == ESCAPED && digits.all { it in "0123456789abcdefABCDEF" }) { wrong() }
            at += ESCAPED
            digits.toInt(HEX).toChar()
        }
        else -> throw IllegalArgumentException(wrong())
    }

    private fun number(): Any {
        val written = NUMBER.matchAt(text, at)?.value
        requireNotNull(written) { wrong() }
        at += written.length
        return written.toLongOrNull() ?: written.toDouble().also { require(it.isFinite()) { wrong() } }
    }

    private companion object {
        val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
    }
}
