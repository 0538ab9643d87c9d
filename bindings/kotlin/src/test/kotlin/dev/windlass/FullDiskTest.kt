package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.transport.MemoryPost
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.io.OutputStream
import java.nio.file.Path
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger

/** A disk of a few megabytes, which is really full for a while. */
class FullDiskTest {
    @TempDir
    lateinit var home: Path

    @Test
    fun `a bot waits while its disk is full, and answers everybody when there is room`() {
        val disk = home.resolve("disk").toFile().apply { mkdir() }
        // In a namespace of its own: nothing is mounted when it has ended.
        val mounted = listOf("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
        val mount = "mount -t tmpfs -o size=24m none '$disk'"
        val possible = runCatching { ProcessBuilder(mounted + mount).start().waitFor() == 0 }.getOrDefault(false)
        assumeTrue(possible || System.getenv("CI") != null, "nothing can be mounted here")
        val java = "'${System.getProperty("java.home")}/bin/java' -cp '${System.getProperty("java.class.path")}'"
        val program = "$mount && exec $java ${FullDiskProgram::class.java.name} '$disk' '$home'"
        assertEquals(0, ProcessBuilder(mounted + program).inheritIO().start().waitFor())
    }
}

/** The bot of this test is on the small disk, who writes to it is not. */
object FullDiskProgram {
    private val file = ByteArray(65_536)

    @JvmStatic
    fun main(arguments: Array<String>): Unit = within {
        val (disk, elsewhere) = arguments.map(Path::of)
        val (post, full) = MemoryPost() to CompletableDeferred<Unit>()
        val client = People(disk).open("bot")
        fun bot() = Bot(client, post.transport()).apply { onMessage { reply(text.take(10)) } }
        val user = person(People(elsewhere), post, "user")
        user.client.addContact(client.bundle())
        val former = bot()
        val before = launch(Dispatchers.Default) { former.run() }
        user.say(client.address(), "before")
        until { user.heard(client.address()) == listOf("before") }
        former.stop()
        before.join()
        // Full from the first step on: the bot waits at its start too.
        val ballast = disk.resolve("ballast").toFile()
        fill(ballast)
        logger.addHandler(Listener { if ("cannot write: disk_full" in it) full.complete(Unit) })
        val bot = bot()
        val running = launch(Dispatchers.Default) { bot.run() }
        val texts = (10..49).map { "$it".repeat(20_000) }
        texts.forEach { user.say(client.address(), it) }
        full.await()
        check(running.isActive) { "the bot ended" }
        ballast.delete()
        until { user.heard(client.address()).size > texts.size }
        check(user.heard(client.address()) == listOf("before") + texts.map { it.take(10) }) { "${user.heard(client.address())}" }
        bot.stop()
        running.join()
        user.leave()
        client.close()
    }

    /** Held, for what is collected as garbage has no handlers. */
    private val logger = Logger.getLogger("dev.windlass.bot")

    private class Listener(private val heard: (String) -> Unit) : Handler() {
        override fun publish(record: LogRecord) = heard(record.message)

        override fun flush() = Unit

        override fun close() = Unit
    }

    private fun fill(ballast: File) {
        try {
            ballast.outputStream().use { fill(it) }
        } catch (_: IOException) {
            // That was the last byte.
        }
    }

    private fun fill(to: OutputStream) {
        while (true) to.write(file)
    }
}
