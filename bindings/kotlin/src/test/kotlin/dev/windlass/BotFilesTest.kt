package dev.windlass

import com.sun.net.httpserver.HttpServer
import dev.windlass.bot.Bot
import dev.windlass.bot.DirectoryFiles
import dev.windlass.bot.Files
import dev.windlass.bot.FilesException
import dev.windlass.bot.Filters
import dev.windlass.bot.HttpFiles
import dev.windlass.testing.BotTestClient
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import java.net.InetSocketAddress
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap
import kotlin.io.path.createDirectories
import kotlin.io.path.readBytes
import kotlin.io.path.readText
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

/** Files that a bot sends and receives. */
class BotFilesTest : BotTestCase() {
    @Test
    fun `a file is saved, and one is an answer, in its place among the others`() = within {
        val (there, incoming) = home.resolve("there") to home.resolve("incoming").createDirectories()
        val files = DirectoryFiles(there)
        val failures = mutableListOf<Throwable>()
        val anne = BotTestClient { client, transport ->
            Bot(client, transport, files = files).also { bot ->
                bot.onError { _, failure -> failures += failure }
                bot.onMessage(Filters.hasFile) {
                    val path = save(incoming, limit = 100)
                    reply("saved")
                    val report = home.resolve("report.txt").apply { writeText("${path.fileName}: ${path.readText()}") }
                    replyFile(report)
                    reply("reported")
                }
            }
        }
        suspend fun send(name: String, text: String, at: String? = null) {
            val (plain, encrypted) = home.resolve(name) to home.resolve("encrypted")
            plain.writeText(text)
            encrypted.toFile().delete()
            val sealed = Attachment.encrypt(plain.toString(), encrypted.toString(), "text/plain")
            val location = at ?: files.put(encrypted, name.filter(Char::isLetter))
            anne.client.conversation(anne.bot.client.address()).use { it.sendAttachment(sealed, location) }
            anne.settle()
        }
        send("note.txt", "ahoy")
        val heard = anne.heard()
        assertEquals(listOf("saved", "", "reported"), heard.map { it.text.orEmpty() })
        val info = (heard[1].body as Body.Attachment).attachment
        assertEquals("report.txt" to "text/plain", info.name to info.mediaType)
        val (fetched, opened) = home.resolve("fetched") to home.resolve("opened.txt")
        files.get(info.location, fetched, 10_000)
        anne.client.conversation(anne.bot.client.address()).use { it.saveAttachment(heard[1], fetched.toString(), opened.toString()) }
        assertEquals("note.txt: ahoy", opened.readText())
        // Elsewhere, out of the folder, too large, and under a name that is taken.
        for (at in listOf("http://127.0.0.1:1/x", "${files.put(fetched, "x")}/../../home", null)) send("more.txt", "x".repeat(101), at)
        send("note.txt", "other")
        assertEquals(4, failures.size)
        assertEquals("ahoy", incoming.resolve("note.txt").readText())
    }

    @Test
    fun `a server is asked again where a transfer broke off, and never for another place`() = within {
        val (kept, asked) = ConcurrentHashMap<String, ByteArray>() to mutableListOf<String>()
        val server = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
        server.createContext("/") { exchange ->
            val range = exchange.requestHeaders.getFirst("Range")
            asked += "${exchange.requestMethod} $range ${exchange.requestHeaders.getFirst("Authorization")}"
            val name = exchange.requestURI.path
            if (exchange.requestMethod == "PUT") kept[name] = exchange.requestBody.readBytes()
            val body = kept[name].takeIf { exchange.requestMethod == "GET" } ?: ByteArray(0)
            when {
                name == "/elsewhere" -> {
                    exchange.responseHeaders.add("Location", "http://127.0.0.1:1/")
                    exchange.sendResponseHeaders(302, -1)
                }
                exchange.requestMethod == "PUT" -> exchange.sendResponseHeaders(201, -1)
                range == null -> {
                    exchange.sendResponseHeaders(200, body.size.toLong())
                    exchange.responseBody.write(body, 0, body.size / 2)
                    exchange.responseBody.flush()
                }
                else -> {
                    val from = range.filter(Char::isDigit).toInt()
                    exchange.sendResponseHeaders(206, body.size.toLong() - from)
                    exchange.responseBody.write(body, from, body.size - from)
                }
            }
            runCatching { exchange.close() }
        }
        server.start()
        val files: Files = HttpFiles("http://127.0.0.1:${server.address.port}", token = "secret")
        val bytes = ByteArray(200_000) { it.toByte() }
        val (from, to) = home.resolve("from") to home.resolve("to")
        from.writeBytes(bytes)
        val location = files.put(from, "name")
        files.get(location, to, 200_000)
        assertArrayEquals(bytes, to.readBytes())
        assertEquals(listOf("PUT null Bearer secret", "GET null Bearer secret", "GET bytes=100000- Bearer secret"), asked)
        val refused = listOf<suspend (Path) -> Unit>(
            { files.get(location, it, 199_999) },
            { files.get(location.replace("name", "elsewhere"), it, 10) },
            { files.get("http://127.0.0.1:1/name", it, 10) },
        )
        for ((number, call) in refused.withIndex()) {
            assertEquals(true, runCatching { call(home.resolve("refused $number")) }.exceptionOrNull() is FilesException, "$number")
        }
        server.stop(0)
        assertThrows(IllegalArgumentException::class.java) { HttpFiles("http://files.example") }
    }
}
