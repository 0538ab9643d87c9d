package dev.windlass

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** A log quotes whatever it is given, and a message among it. */
class PrintingTest : BotTestCase() {
    private val secret = "hunter2"

    private fun shownOf(events: List<Event>) = events.joinToString() + events.filterIsInstance<Event.Message>().joinToString { "${it.message}" }

    @Test
    fun `nothing that is printed says what people wrote`() {
        val user = people.open("user").apply { addContact(client.bundle()) }
        val group = user.createGroup(secret, listOf(client.address()))
        val sent = listOf(
            Body.Text(secret), Body.Data("text/$secret", secret.toByteArray()), Body.Opaque(secret.toByteArray()),
        ).map { user.sendBody(client.address(), it) }
        val talk = user.conversation(client.address())
        talk.react(talk.messages().first(), "⚓")
        talk.edit(talk.messages().first(), "$secret again")
        client.setTrustPolicy(TrustPolicy.ACCEPT_ALL)
        val events = user.outbox().flatMap { client.receive(it.bytes) }
        assertTrue(events.any { it is Event.GroupInvitation } && events.any { it is Event.Reacted } && events.count { it is Event.Message } >= 3, "$events")
        val shown = listOf(
            shownOf(events), client.conversations(), user.conversations(), client.conversation(user.address()).messages(), talk.search(secret),
            group.messages(), sent, Body.Text(secret), readCommand("/$secret $secret", "/"), Reaction("⚓", "by"), user.outbox(),
            RichText(secret, suggestions = listOf(secret), preview = LinkPreview(secret, secret, secret)), TextRun(secret),
            AttachmentInfo("text/$secret", secret, 1u, "https://example.org/$secret"), OutgoingMessage("to", Body.Text(secret), null, false),
            CodeProgress(1u, 1u, secret), LinkCheck("address", secret, emptyList()), GroupChange(GroupChangeKind.RENAMED, "by", secret, emptyList(), secret, null, false),
        ).joinToString("\n")
        assertFalse(secret in shown || "⚓" in shown, shown)
        for (said in listOf("Text(7 characters)", client.address(), events.filterIsInstance<Event.Message>().first().message.id)) assertTrue(said in shown, said)
        user.close()
    }

    @Test
    fun `what has the same bytes is the same`() {
        val (one, other) = List(2) { secret.toByteArray() }
        for ((a, b) in listOf(
            Body.Opaque(one) to Body.Opaque(other), Body.Data("a", one) to Body.Data("a", other),
            OutgoingEnvelope(1u, "to", one) to OutgoingEnvelope(1u, "to", other), StateDocument("a", one) to StateDocument("a", other),
            LinkPreview("a", image = one) to LinkPreview("a", image = other),
        )) {
            assertEquals(a, b)
            assertEquals(a.hashCode(), b.hashCode())
        }
        assertNotEquals(Body.Opaque(one), Body.Opaque(byteArrayOf(1)))
        assertNotEquals(Body.Data("a", one), Body.Data("b", one))
        assertNotEquals(OutgoingEnvelope(1u, "to", one), OutgoingEnvelope(2u, "to", one))
        // Records do not change: a setter would be found by its name.
        val setters = listOf(Message::class, Contact::class, OutgoingEnvelope::class, ConversationSummary::class).flatMap { it.java.methods.toList() }
        assertEquals(emptyList<String>(), setters.map { it.name }.filter { it.startsWith("set") })
    }
}
