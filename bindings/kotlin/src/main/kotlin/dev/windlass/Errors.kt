@file:JvmName("Errors")

package dev.windlass

private val capital = Regex("(?<=.)([A-Z])")

/** The stable code, the same in every language: `wrong_key` for [WindlassException.WrongKey]. */
public val WindlassException.code: String
    // Not the simple name: a shrinker may take away what says which class this one is in.
    get() = this::class.java.name.substringAfterLast('$').replace(capital, "_$1").lowercase()

/** True when the same call may succeed later without anyone's doing. */
public val WindlassException.retry: Boolean
    get() = errorInfo(code)?.retry ?: false

/** What to do. */
public val WindlassException.advice: String
    get() = errorInfo(code)?.advice ?: ""
