package dev.windlass.bot

import dev.windlass.Attachment
import dev.windlass.Body
import dev.windlass.Message
import dev.windlass.OutgoingFile
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URI
import java.net.URLConnection
import java.nio.file.Files.copy
import java.nio.file.Files.createDirectories
import java.nio.file.Files.createTempDirectory
import java.nio.file.Files.isDirectory
import java.nio.file.Files.isRegularFile
import java.nio.file.Files.move
import java.nio.file.Files.newInputStream
import java.nio.file.Files.newOutputStream
import java.nio.file.Files.size
import java.nio.file.LinkOption.NOFOLLOW_LINKS
import java.nio.file.Path
import java.nio.file.StandardCopyOption.REPLACE_EXISTING
import java.nio.file.StandardOpenOption.APPEND
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.TRUNCATE_EXISTING
import java.util.UUID

/** Bytes of a file that is saved unless the program says otherwise. */
internal const val LARGEST = 64L * 1024 * 1024
private const val PIECE = 64 * 1024
private const val KIB = 1024

/** How often a transfer is taken up again that broke off. */
private const val TRIES = 5
private const val PATIENT = 60_000

/** A file cannot be put there, or fetched from there. */
public open class FilesException(message: String) : IOException(message)

/** It would be the same again. */
private class RefusedException(message: String) : FilesException(message)

/** A place for files that are encrypted already: it learns their sizes, and nothing of what they say. */
public interface Files {
    /** Puts a file there under a name that nobody guesses; its location, by which others fetch it. */
    public suspend fun put(encrypted: Path, name: String): String

    /**
     * Fetches a file of at most so many bytes to a new file. A [FilesException] for one that is larger, and for a location anywhere else:
     * whoever writes to a bot does not choose what it connects to.
     */
    public suspend fun get(location: String, to: Path, limit: Long)
}

/** A folder, which some server shows under [url]; without one, for those who have the same disk. */
public class DirectoryFiles(folder: Path, url: String? = null) : Files {
    private val folder = folder.toAbsolutePath()
    private val url = (url ?: this.folder.toUri().toString().replace(Regex("^file:/+"), "file:///")).trimEnd('/') + "/"

    /** Copies it there. It has its name only when it is whole. */
    override suspend fun put(encrypted: Path, name: String): String = withContext(Dispatchers.IO) {
        createDirectories(folder)
        val part = folder.resolve("$name.part")
        copy(encrypted, part, REPLACE_EXISTING)
        move(part, folder.resolve(name), REPLACE_EXISTING)
        url + name
    }

    override suspend fun get(location: String, to: Path, limit: Long): Unit = withContext(Dispatchers.IO) {
        val path = folder.resolve(nameIn(url, location))
        if (!isRegularFile(path, NOFOLLOW_LINKS) || size(path) > limit) throw FilesException("there is no such file, or it is too large")
        copy(path, to, REPLACE_EXISTING)
    }
}

/** A server that takes files by PUT and gives them by GET, and goes on where a transfer broke off if it knows ranges. */
public class HttpFiles(url: String, private val token: String? = null) : Files {
    private val url = url.trimEnd('/') + "/"

    init {
        val to = URI(url)
        require(to.scheme == "https" || to.scheme == "http" && to.host in setOf("localhost", "127.0.0.1", "[::1]")) {
            "files go by https, or by http on this machine alone"
        }
    }

    override suspend fun put(encrypted: Path, name: String): String {
        insistingOn {
            asked("PUT", url + name) { connection ->
                connection.doOutput = true
                connection.setFixedLengthStreamingMode(size(encrypted))
                connection.setRequestProperty("Content-Type", "application/octet-stream")
                connection.outputStream.use { out -> newInputStream(encrypted).use { it.copyTo(out, PIECE) } }
                need(connection)
            }
        }
        return url + name
    }

    override suspend fun get(location: String, to: Path, limit: Long) {
        val from = url + nameIn(url, location)
        insistingOn {
            asked("GET", from) { connection ->
                val there = if (isRegularFile(to)) size(to) else 0L
                if (there > 0) connection.setRequestProperty("Range", "bytes=$there-")
                // What is compressed on the way has another length than it says.
                connection.setRequestProperty("Accept-Encoding", "identity")
                need(connection)
                val goesOn = there > 0 && connection.responseCode == HttpURLConnection.HTTP_PARTIAL
                take(connection, to, limit, if (goesOn) there else 0)
            }
        }
    }

    private fun take(connection: HttpURLConnection, to: Path, limit: Long, there: Long) {
        var now = there
        newOutputStream(to, CREATE, if (there > 0) APPEND else TRUNCATE_EXISTING).use { out ->
            connection.inputStream.use { body ->
                val piece = ByteArray(PIECE)
                while (true) {
                    val read = body.read(piece).takeIf { it >= 0 } ?: break
                    now += read
                    if (now > limit) throw RefusedException("the file is too large")
                    out.write(piece, 0, read)
                }
            }
        }
        if (connection.contentLengthLong >= 0 && now - there < connection.contentLengthLong) throw FilesException("the file broke off")
    }

    private fun asked(method: String, url: String, call: (HttpURLConnection) -> Unit) {
        val connection = URI(url).toURL().openConnection() as HttpURLConnection
        try {
            connection.requestMethod = method
            // A server does not send us to others.
            connection.instanceFollowRedirects = false
            connection.connectTimeout = PATIENT
            connection.readTimeout = PATIENT
            token?.let { connection.setRequestProperty("Authorization", "Bearer $it") }
            call(connection)
        } finally {
            connection.disconnect()
        }
    }

    private fun need(connection: HttpURLConnection) {
        val code = connection.responseCode
        if (code in HttpURLConnection.HTTP_OK until HttpURLConnection.HTTP_MULT_CHOICE) return
        val told = "the server answers $code"
        throw if (code < HttpURLConnection.HTTP_INTERNAL_ERROR) RefusedException(told) else FilesException(told)
    }

    private suspend fun insistingOn(transfer: () -> Unit): Unit = withContext(Dispatchers.IO) {
        for (left in TRIES - 1 downTo 0) {
            try {
                return@withContext transfer()
            } catch (refused: RefusedException) {
                throw refused
            } catch (failure: IOException) {
                if (left > 0) continue
                throw failure as? FilesException ?: FilesException("cannot reach the server: ${failure::class.java.simpleName}")
            }
        }
    }
}

/** The name of a file whose location is ours. */
private fun nameIn(url: String, location: String): String {
    val name = location.removePrefix(url)
    val isName = name.isNotEmpty() && name.all { it in 'a'..'z' || it in 'A'..'Z' || it in '0'..'9' || it == '-' }
    if (!location.startsWith(url) || !isName) throw FilesException("this file is not at the place of this bot's files")
    return name
}

/** A file, encrypted, where others can fetch it: what a message says of it. */
internal suspend fun uploaded(files: Files, path: Path, mediaType: String?): OutgoingFile {
    val kind = mediaType ?: URLConnection.guessContentTypeFromName(path.fileName.toString()) ?: "application/octet-stream"
    return inFolder { folder ->
        val encrypted = folder.resolve("encrypted")
        val attachment = io { Attachment.encrypt(path.toString(), encrypted.toString(), kind) }
        OutgoingFile(attachment, files.put(encrypted, UUID.randomUUID().toString()))
    }
}

/** Fetches the file of a message and decrypts it to a new file; which one that is. */
internal suspend fun saved(bot: Bot, message: Message, path: Path, limit: Long): Path {
    val info = requireNotNull(message.body as? Body.Attachment) { "this message is no file" }.attachment
    if (info.size > limit.toULong()) throw FilesException("the file has ${info.size} bytes, and may have $limit")
    val to = if (isDirectory(path)) path.resolve(info.name) else path
    inFolder { folder ->
        val encrypted = folder.resolve("encrypted")
        // With what encrypting adds to each 64 KiB.
        bot.files().get(info.location, encrypted, limit + limit / KIB + KIB)
        io { bot.client.conversation(message.conversation).use { it.saveAttachment(message, encrypted.toString(), to.toString()) } }
    }
    return to
}

private suspend fun <T> inFolder(work: suspend (Path) -> T): T {
    val folder = io { createTempDirectory("windlass") }
    try {
        return work(folder)
    } finally {
        folder.toFile().deleteRecursively()
    }
}
