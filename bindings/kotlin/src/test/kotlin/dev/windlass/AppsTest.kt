package dev.windlass

import dev.windlass.bot.carriedBy
import dev.windlass.transport.MemoryPost
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.flow.onStart
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.time.Duration.Companion.minutes

/** What an app needs beside messages. */
class AppsTest {
    @TempDir
    lateinit var home: Path

    @Test
    fun `messages are paged and changed by author and id`(): Unit = talking { alice, bob, ours, theirs ->
        val author = alice.address()
        val ids = (0..4).map { ours.send("$it").messageId }
        exchange(alice, bob)
        theirs.reactTo(author, ids[0], "👍")
        ours.editMessage(ids[1], "changed")
        theirs.markReadUpTo(author, ids[1])
        exchange(alice, bob)
        assertEquals(listOf("0", "changed", "2"), theirs.messagesAround(author, ids[1], 1u, 1u).map { it.text })
        assertEquals(ids.drop(2), theirs.messagesAfter(author, ids[1]).map { it.id })
        assertEquals(ids.take(1), ForJava.messagesBefore(theirs, author, ids[1]).map { it.id })
        assertEquals(3uL, theirs.unread())
        val member = ours.receipts(ids[1]).members.single()
        assertEquals(bob.address(), member.address)
        assertTrue(member.readAt != null && !ours.receipts(ids[2]).queued)
        val device = alice.contact(bob.address()).devices.single()
        assertEquals(listOf(DeviceReceipt(device, member.deliveredAt)), member.devices)
        val waits = ours.receipts(ours.send("on its way").messageId).members.single()
        assertEquals(listOf(DeviceReceipt(device, null)), waits.devices)
        val answer = theirs.sendBody(Body.Text("aye"), ids[0]).messageId
        assertEquals(ids[0], theirs.answered(bob.address(), answer)?.id)
        assertThrows(WindlassException.UnknownMessage::class.java) { ours.deleteMessage("0".repeat(32)) }
    }

    @Test
    fun `a text of pieces mentions whom it means and is forwarded without its author`(): Unit = talking { alice, bob, ours, theirs ->
        // Five scalar values and eight units of a string of Kotlin.
        val pieces = listOf(TextRun("👩🏽\u200d🚀 "), TextRun("@Bob", listOf(TextStyle.Mention(bob.address()), TextStyle.Bold)), TextRun("!"))
        val text = joinRuns(pieces)
        assertEquals(listOf(5u to 4u, 5u to 4u), text.spans.map { it.start to it.length })
        assertEquals(pieces, textRuns(text))
        val sent = ours.sendRich(text.copy(suggestions = listOf("aye"))).messageId
        exchange(alice, bob)
        val there = theirs.message(alice.address(), sent)!!
        assertTrue(there.mentionsMe && there.richText?.suggestions == listOf("aye"))
        val counted = { listOf(bob.conversationPage().single().unreadMentions, theirs.unreadMentions(), bob.unreadMentions()) }
        assertEquals(listOf(1uL, 1uL, 1uL), counted())
        ours.editRich(sent, RichText("nobody"))
        exchange(alice, bob)
        assertEquals(listOf(0uL, 0uL, 0uL), counted())
        assertEquals(1uL, theirs.unread())
        ours.editRich(sent, text)
        exchange(alice, bob)
        assertEquals(listOf(1uL, 1uL, 1uL), counted())
        assertEquals(text.spans, there.richText?.spans)
        val again = theirs.forward(alice.address(), sent).messageId
        ours.editRich(sent, RichText("never mind"))
        exchange(alice, bob)
        val forwarded = ours.message(bob.address(), again)!!.richText!!
        assertEquals(Forward(null), forwarded.forward)
        assertEquals(listOf(TextStyle.Bold), forwarded.spans.map { it.style })
        assertEquals("never mind", theirs.message(alice.address(), sent)?.text)
        val outside = RichText("short", listOf(TextSpan(3u, 3u, TextStyle.Italic)))
        assertThrows(WindlassException.InvalidContent::class.java) { ours.sendRich(outside) }
    }

    @Test
    fun `a preview goes with its address and is forwarded with it`(): Unit = talking { alice, bob, ours, theirs ->
        val preview = LinkPreview("https://example.org/a", "Here be dragons", "A\nmap", byteArrayOf(-1, -40, -1, 7))
        val text = RichText("see https://example.org/a!", preview = preview)
        val sent = ours.sendRich(text).messageId
        exchange(alice, bob)
        assertEquals(text, theirs.message(alice.address(), sent)?.richText)
        val again = theirs.forward(alice.address(), sent).messageId
        exchange(alice, bob)
        assertEquals(preview, ours.message(bob.address(), again)?.richText?.preview)
        val elsewhere = text.copy(text = "see https://example.org/ab")
        assertThrows(WindlassException.InvalidContent::class.java) { ours.sendRich(elsewhere) }
    }

    @Test
    fun `what one puts at the top is there for both`(): Unit = talking { alice, bob, ours, theirs ->
        val ids = listOf("one", "two").map { ours.send(it).messageId }
        exchange(alice, bob)
        ids.forEach { theirs.pinMessage(alice.address(), it) }
        exchange(alice, bob)
        assertEquals(listOf("two", "one"), ours.pinned().map { it.text })
        ours.unpinMessage(alice.address(), ids[1])
        exchange(alice, bob)
        assertEquals(listOf("one"), theirs.pinned().map { it.text })
    }

    @Test
    fun `who is there is told to a contact and kept nowhere`(): Unit = talking { alice, bob, ours, theirs ->
        ours.send("ahoy")
        theirs.send("ahoy")
        exchange(alice, bob)
        ours.setAvailable(true)
        val told = alice.outbox().flatMap { bob.receive(it.bytes) }
        assertEquals(listOf<Event>(Event.Presence(alice.address(), true)), told)
        assertEquals(2, theirs.messages().size)
    }

    @Test
    fun `what the user sets for a chat is said and not printed`(): Unit = talking { alice, _, ours, _ ->
        val until = Instant.parse("2100-01-01T00:00:00Z")
        ours.send("ahoy")
        ours.setMutedUntil(until)
        ours.setArchived(true)
        ours.setNickname("Captain")
        ours.markUnread()
        val settings = ours.settings()
        assertEquals(ChatSettings(until, archived = true, pinned = false, markedUnread = true, nickname = "Captain"), settings)
        assertEquals(settings, alice.conversationPage().single().settings)
        assertFalse("Captain" in "$settings")
        ours.markRead()
        assertFalse(ours.settings().markedUnread)
    }

    @Test
    fun `a profile reaches a contact, and says who is shown`(): Unit = talking { alice, bob, ours, theirs ->
        listOf(ours, theirs).forEach { it.send("ahoy") }
        exchange(alice, bob)
        val picture = byteArrayOf(-1, -40, -1, 7)
        alice.setProfile(Profile("Ann", "two\nlines", picture))
        ours.send("again")
        exchange(alice, bob)
        assertEquals(Profile("Ann", "two\nlines", picture), bob.profileOf(alice.address()))
        assertEquals("Ann", bob.displayName(alice.address()))
        assertFalse("Ann" in "${bob.profileOf(alice.address())}")
        assertThrows(WindlassException.InvalidContent::class.java) { alice.setProfile(Profile("two\nlines", "", null)) }
    }

    @Test
    fun `admins say who writes to a group`(): Unit = talking { alice, bob, _, _ ->
        val crew = alice.createGroup("crew", listOf(bob.address()))
        exchange(alice, bob)
        val theirs = bob.conversation(crew.address())
        theirs.join()
        exchange(alice, bob)
        crew.setForAdmins(GroupPermission.WRITE, true)
        crew.setDescription("what it is about")
        exchange(alice, bob)
        assertTrue(theirs.isForAdmins(GroupPermission.WRITE) && !theirs.may(GroupPermission.WRITE))
        assertEquals("what it is about", theirs.description())
        assertThrows(WindlassException.NotAnAdmin::class.java) { theirs.send("no") }
        assertThrows(WindlassException.NotAnAdmin::class.java) { theirs.setPicture(byteArrayOf(-1, -40, -1)) }
    }

    @Test
    fun `whoever follows a link comes into the group`(): Unit = talking { alice, bob, _, _ ->
        val crew = alice.createGroup("crew", emptyList())
        val link = crew.createInvitationLink(1u, Duration.ofDays(7))
        assertFalse(link.uri in "$link" || link.code in "$link")
        assertEquals(alice.address(), bob.joinByLink(link.uri).address)
        exchange(alice, bob)
        assertTrue(bob.conversation(crew.address()).isJoined() && bob.pendingJoins().isEmpty() && crew.invitationLinks().isEmpty())
        assertThrows(WindlassException.InvalidContent::class.java) { crew.createInvitationLink(1u, Duration.ofDays(15)) }
    }

    @Test
    fun `what is handed over shows a push that the app receives later`(): Unit = talking { alice, bob, ours, theirs ->
        ours.send("ahoy")
        exchange(alice, bob)
        ours.setNickname("Bosun")
        ours.setMutedUntil(Instant.now().plusSeconds(3600))
        val key = StoreKey.fromBytes(ByteArray(32) { 7 })
        val handedOver = alice.handOver(key)
        theirs.send("land ho")
        val pushed = bob.outbox().single { it.to == alice.address() }.bytes
        HandOver.open(handedOver, key).use { opened ->
            repeat(2) {
                val seen = opened.peek(pushed) as Peeked.Message
                assertEquals(listOf("land ho", "Bosun", bob.address()), seen.message.run { listOf(text, authorName, conversation) })
                assertTrue(seen.message.muted && !seen.message.inGroup)
                assertFalse("land ho" in "$seen")
            }
        }
        exchange(alice, bob)
        assertTrue(ours.messages().any { it.text == "land ho" })
        HandOver.open(alice.handOver(key), key).use { assertEquals(Peeked.Quiet, it.peek(pushed)) }
        assertThrows(WindlassException.HandOverUnreadable::class.java) { HandOver.open(handedOver, StoreKey.fromBytes(ByteArray(32))) }
        assertThrows(WindlassException.HandOverUnreadable::class.java) { HandOver.open(handedOver.copyOf(handedOver.size - 1), key) }
        assertThrows(WindlassException.HandOverNewer::class.java) { HandOver.open(byteArrayOf(2) + handedOver.drop(1), key) }
        assertThrows(WindlassException.KeyUnreadable::class.java) { alice.handOver(StoreKey.fromPassphrase("correct horse")) }
    }

    @Test
    fun `a flow carries mail both ways and tells what comes`(): Unit = runBlocking {
        val people = People(home)
        val (alice, bob) = people.open("alice") to people.open("bob")
        alice.use {
            bob.use {
                alice.addContact(bob.bundle())
                bob.addContact(alice.bundle())
                val post = MemoryPost()
                withTimeout(1.minutes) {
                    val delivered = CompletableDeferred<List<String>>()
                    val ours = launch {
                        alice.carriedBy(post.transport()).collect { if (it is Event.Delivered) delivered.complete(it.messageIds) }
                    }
                    // Written by a call that knows nothing of the flow.
                    val sent = alice.send(bob.address(), "ahoy")
                    val came = launch {
                        bob.carriedBy(post.transport()).collect { if (it is Event.Message) assertEquals("ahoy", it.message.text) }
                    }
                    assertEquals(listOf(sent.messageId), delivered.await())
                    came.cancel()
                    ours.cancel()
                }
            }
        }
    }

    @Test
    fun `a flow tells what its own client writes`(): Unit = runBlocking {
        val people = People(home)
        people.open("alice").use { alice ->
            people.open("bob").use { bob ->
                alice.addContact(bob.bundle())
                val ours = alice.conversation(bob.address())
                withTimeout(1.minutes) {
                    val heard = mutableListOf<String>()
                    val begun = CompletableDeferred<Unit>()
                    val stream = launch {
                        alice.carriedBy(MemoryPost().transport()).onStart { begun.complete(Unit) }.takeWhile { it !is Event.Deleted }.collect {
                            when (it) {
                                is Event.Message -> {
                                    assertTrue(it.message.outgoing)
                                    heard += "${it.message.text}"
                                    // A handler may write, and hears of that too.
                                    alice.io { ours.reactTo(alice.address(), it.message.id, "👍") }
                                }
                                is Event.Reacted -> {
                                    heard += it.emoji
                                    alice.io { ours.deleteMessage(it.messageId) }
                                }
                                else -> Unit
                            }
                        }
                    }
                    begun.await()
                    // The listener is set a moment after the flow begins; what was written before it is not told.
                    while (stream.isActive && heard.isEmpty()) {
                        alice.io { ours.send("ahoy") }
                        yield()
                    }
                    stream.join()
                    assertEquals(listOf("ahoy", "👍"), heard.distinct())
                }
                assertTrue(alice.takeChanges().isEmpty())
            }
        }
    }

    @Test
    fun `what is scheduled is listed, sent once and taken back`(): Unit = talking { alice, bob, ours, theirs ->
        val now = alice.now()
        val later = ours.sendRichAt(now.plusSeconds(3_600), RichText("later", suggestions = listOf("aye")))
        val first = ours.sendAt(now.minusSeconds(1), "first")
        assertEquals(listOf(later), ours.scheduled())
        assertEquals(later.sendAt, alice.nextDue())
        assertFalse("later" in "$later")
        exchange(alice, bob)
        assertEquals("first", theirs.message(alice.address(), first.id)?.text)
        assertTrue(ours.cancelScheduled(later.id) && !ours.cancelScheduled(later.id))
        assertEquals(null, alice.nextDue())
        assertThrows(WindlassException.InvalidContent::class.java) { ours.sendAt(now.plusSeconds(400L * 86_400), "never") }
    }

    private fun talking(talk: (Client, Client, Conversation, Conversation) -> Unit) {
        val people = People(home)
        people.open("alice").use { alice ->
            people.open("bob").use { bob ->
                alice.addContact(bob.bundle())
                bob.addContact(alice.bundle())
                alice.conversation(bob.address()).use { ours ->
                    bob.conversation(alice.address()).use { theirs -> talk(alice, bob, ours, theirs) }
                }
            }
        }
    }

    private fun exchange(a: Client, b: Client) {
        repeat(4) {
            for ((from, to) in listOf(a to b, b to a)) {
                for (envelope in from.outbox()) {
                    to.receive(envelope.bytes)
                    from.markSent(listOf(envelope.id))
                }
            }
        }
    }
}
