package dev.windlass

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable
import java.io.File

/** One of four programs in four languages that talk in a group; see `xtask/src/talk.rs` and `tests/languages/talk.py`. */
@EnabledIfEnvironmentVariable(named = "WINDLASS_TALK", matches = ".+")
class TalkTest {
    private val folder = File(System.getenv("WINDLASS_TALK") ?: "")
    private val round = File(folder, "round").takeIf { it.exists() }?.readText()?.trim()?.toInt() ?: 0
    private val key = StoreKey.fromBytes(ByteArray(32) { 7 })

    private fun hex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }

    private fun groupOf(client: Client) =
        client.conversation(client.conversations().first { it.groupName != null }.address)

    private fun addressOf(name: String) = Bundle.fromUri(File(folder, "$name.uri").readText()).identity().address()

    private fun line(message: Message, names: Map<String, String>): String {
        val what = when (val body = message.body) {
            is Body.Text -> "text ${body.text}"
            is Body.Data -> "data ${body.mediaType} ${hex(body.data)}"
            is Body.Opaque -> "opaque ${hex(body.data)}"
            is Body.Attachment -> with(body.attachment) { "attachment $mediaType $name $size $location" }
            is Body.DisappearingTimer -> "timer ${body.after?.seconds ?: 0}"
            is Body.Group -> with(body.change) {
                val about = members.map { names.getValue(it) }.sorted().joinToString(",")
                "group ${kind.name.lowercase()} ${name ?: "-"} $about"
            }
            is Body.IdentityChange -> "identity"
            is Body.Unknown -> "unknown"
        }
        val reply = message.replyTo?.let { " re $it" } ?: ""
        val marks = (if (message.edited) " edited" else "") + (if (message.deleted) " deleted" else "")
        val reactions = message.reactions.joinToString("") { " ${names.getValue(it.by)}:${it.emoji}" }
        return "${message.id} ${names.getValue(message.author)} $what$reply$marks$reactions"
    }

    private fun talk(client: Client) {
        if (round == 2) groupOf(client).join()
        if (round == 3) {
            val group = groupOf(client)
            val first = group.messages().first { it.text == "from python" }
            group.sendBody(Body.Text("from kotlin"), first.id)
            group.sendBody(Body.Opaque(byteArrayOf(1, 2, 3)))
            val file = File(folder, "anchor.txt").apply { writeText("anchor".repeat(20_000)) }
            val sealed = Attachment.encrypt(file.path, File(folder, "anchor.sealed").path, "text/plain")
            group.sendAttachment(sealed, "anchor.sealed")
        }
        if (round == 4) {
            val group = groupOf(client)
            group.delete(group.messages().first { it.body is Body.Opaque })
            group.markRead()
        }
    }

    @Test
    fun `a round of the talk`() {
        val path = File(folder, "kotlin.wl").path
        val client = if (File(path).exists()) Windlass.open(path, key) else Windlass.create(path, key)
        client.use {
            File(folder, "kotlin.uri").writeText(client.bundle().toUri())
            // Groups are joined at the invitation of people one knows.
            if (round == 1) client.addContact(Bundle.fromUri(File(folder, "python.uri").readText()))
            val box = File(folder, "mail/${client.address()}").listFiles().orEmpty().sortedBy { it.name }
            for (envelope in box) {
                client.receive(envelope.readBytes())
                envelope.delete()
            }
            talk(client)
            for (envelope in client.outbox()) {
                val to = File(folder, "mail/${envelope.to}").apply { mkdirs() }
                File(to, "%02d-2-kotlin-%06d".format(round, envelope.id.toLong())).writeBytes(envelope.bytes)
                client.markSent(listOf(envelope.id))
            }
            if (round >= 3) {
                val names = File(folder, "languages").readText().trim().lines().associateBy { addressOf(it) }
                val lines = groupOf(client).messages(1000u).map { line(it, names) }
                File(folder, "kotlin.txt").writeText(lines.joinToString("\n", postfix = "\n"))
            }
        }
    }
}
