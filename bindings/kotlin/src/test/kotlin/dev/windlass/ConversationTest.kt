package dev.windlass

import firstConversation
import meet
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

class ConversationTest {
    @TempDir
    lateinit var home: Path

    private val key = StoreKey.fromBytes(ByteArray(32) { 7 })

    private fun path(name: String) = home.resolve("$name.wl").toString()

    private fun create(name: String): Client = Windlass.create(path(name), key)

    /** Carries everything that waits, until nothing waits any more. */
    private fun exchange(a: Client, b: Client) {
        while (true) {
            val waiting = a.outbox().map { a to it } + b.outbox().map { b to it }
            if (waiting.isEmpty()) return
            for ((from, envelope) in waiting) {
                (if (from === a) b else a).receive(envelope.bytes)
                from.markSent(listOf(envelope.id))
            }
        }
    }

    private fun texts(client: Client, with: String): List<String?> =
        client.conversation(with).messages().map { it.text }

    @Test
    fun `a backup brings the history to a new device and can be stopped`() {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.singleUseBundle())
        alice.send(bob.address(), "ahoy")
        exchange(alice, bob)
        val device = alice.deviceId()
        var last = 0uL
        val told = object : ProgressListener {
            override fun advance(done: ULong, total: ULong) {
                last = done
            }
        }
        val stopping = object : ProgressListener {
            override fun advance(done: ULong, total: ULong) = error("enough")
        }
        assertEquals(6uL, alice.exportBackup(path("backup"), key, told))
        assertEquals(6uL, last)
        alice.close()
        val store = EncryptedStore.open(path("alice"), key)
        assertThrows(WindlassException.Cancelled::class.java) { store.exportBackup(path("stopped"), key, stopping) }
        store.close()
        Client.open(EncryptedStore.importBackup(path("backup"), key, path("new"), key)).use {
            assertFalse(device == it.deviceId())
            assertEquals(listOf("ahoy"), texts(it, bob.address()))
        }
    }

    @Test
    fun `what is deleted for one side stays on the other`() {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.singleUseBundle())
        alice.send(bob.address(), "one")
        alice.send(bob.address(), "two")
        exchange(alice, bob)
        assertEquals(2uL, bob.unread())
        bob.conversation(alice.address()).use { it.deleteForMe(it.messages().first()) }
        assertEquals(listOf("two"), texts(bob, alice.address()))
        bob.deleteConversation(alice.address())
        assertEquals(0, bob.conversations().size)
        assertEquals(0uL, bob.unread())
        assertEquals(listOf("one", "two"), texts(alice, bob.address()))
    }

    @Test
    fun `a second device is linked and has the history`() {
        val (phone, bob) = create("phone") to create("bob")
        phone.addContact(bob.bundle())
        phone.send(bob.address(), "before")
        exchange(phone, bob)
        val link = deviceLink(path("tablet"), key)
        val check = link.takeAnswer(phone.linkDevice(link.toUri()))
        assertEquals(check, phone.checkLink(link.reply()))
        assertEquals(phone.address(), check.address)
        link.finish(phone.confirmLink()).use { tablet ->
            exchange(phone, tablet)
            assertEquals(phone.address(), tablet.address())
            assertEquals(listOf<String?>("before"), texts(tablet, bob.address()))
            assertEquals(listOf(true, false), phone.devices().map { it.thisDevice })
            assertThrows(WindlassException.UnknownDevice::class.java) { phone.removeDevice(7u) }
        }
    }

    @Test
    fun `a lost message comes again in a simulation`() = Simulation(1u).use { world ->
        val (alice, bob) = world.addPerson() to world.addPerson()
        world.introduce(alice, bob)
        world.setFaults(Faults(drop = 1000u, duplicate = 0u, delay = 0u, crash = 0u))
        world.send(alice, 0u, bob, "lost")
        assertEquals(emptyList<Delivery>(), world.run())
        world.setFaults(Faults(drop = 0u, duplicate = 0u, delay = 0u, crash = 0u))
        world.advance(java.time.Duration.ofHours(2))
        assertEquals(bob, world.run().first().person)
        assertEquals(listOf<String?>("lost"), texts(world.client(bob, 0u), world.client(alice, 0u).address()))
    }

    @Test
    fun `people meet by codes, and the codes are left for another reader`() {
        meet(home.toString())
        val folder = System.getenv("WINDLASS_CODES")?.let(Path::of) ?: home
        create("shown").use { client ->
            val codes = client.singleUseBundles(10u).map { it.toUri() } + client.inPersonCode()
            codes.forEachIndexed { number, code ->
                folder.resolve("$number.png").writeBytes(qrPng(code))
                folder.resolve("$number.txt").writeText(code)
                assertEquals(listOf(code), qrRead(qrPng(code, true)))
            }
            assertThrows(WindlassException.NotInPerson::class.java) { client.meet(codes.first()) }
        }
    }

    @Test
    fun `a history is a sequence and a flow`() {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.bundle())
        val conversation = alice.conversation(bob.address())
        repeat(120) { conversation.send("$it") }
        val expected = (119 downTo 0).map { "$it" }
        assertEquals(expected, conversation.history().map { it.text }.toList())
        assertEquals(expected, runBlocking { conversation.historyFlow().map { it.text }.toList() })
        conversation.edit(conversation.history().first(), "changed")
        assertEquals("changed", conversation.search("CHANGE").messages.single().text)
    }

    @Test
    fun `what the README shows works`() = firstConversation(home.toString())

    @Test
    fun `a conversation goes on after both stores were closed and opened`() {
        val (alice, bob) = create("alice") to create("bob")
        val (toAlice, toBob) = alice.address() to bob.address()
        alice.use {
            bob.use {
                alice.addContact(bob.singleUseBundle())
                alice.send(toBob, "ahoy")
                exchange(alice, bob)
            }
        }
        Windlass.open(path("alice"), key).use { a ->
            Windlass.open(path("bob"), key).use { b ->
                b.send(toAlice, "and back")
                exchange(a, b)
                assertEquals(listOf<String?>("ahoy", "and back"), texts(a, toBob))
                assertEquals(listOf<String?>("ahoy", "and back"), texts(b, toAlice))
                assertTrue(a.conversation(toBob).messages().first().deliveredAt != null)
            }
        }
    }

    @Test
    fun `an invitation travels as URI and as picture`() = create("bob").use { bob ->
        val bundle = bob.singleUseBundle()
        assertEquals(bundle.toUri(), Bundle.fromUri(bundle.toUri().lowercase()).toUri())
        assertEquals(bundle.toUri(), Bundle.fromQrImage(bundle.qrPng()).toUri())
        assertTrue(bundle.singleUse() && bundle.qrSvg().contains("<svg"))
        assertEquals(bob.address(), bundle.identity().address())
    }

    @Test
    fun `an envelope that comes again is a duplicate`() {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.bundle())
        val sent = alice.send(bob.address(), "once")
        bob.receive(sent.envelopes.single().bytes)
        assertEquals(listOf<Event>(Event.Duplicate(sent.messageId)), bob.receive(sent.envelopes.single().bytes))
        alice.close()
        bob.close()
    }

    @Test
    fun `each failure is an exception of its own and the next call works`() {
        Windlass.create(path("locked"), "right").close()
        val wrong = assertThrows(WindlassException.WrongKey::class.java) { Windlass.open(path("locked"), "wrong") }
        assertEquals("wrong_key", wrong.code)
        assertFalse(wrong.retry)
        assertTrue(wrong.advice.isNotEmpty() && wrong.message.orEmpty().contains("wrong"))
        Windlass.open(path("locked"), "right").close()

        home.resolve("text.wl").writeText("not a store")
        assertThrows(WindlassException.NotAStore::class.java) { Windlass.open(path("text"), key) }
        assertThrows(WindlassException.StoreNotFound::class.java) { Windlass.open(path("none"), key) }

        create("alice").use { alice ->
            val stranger = Identity.generate().address()
            assertThrows(WindlassException.UnknownContact::class.java) { alice.send(stranger, "?") }
            assertThrows(WindlassException.EnvelopeMalformed::class.java) { alice.receive(byteArrayOf(1, 2, 3)) }
            // In the signature; behind it is the ML-KEM key.
            val changed = alice.bundle().encode().also { it[150] = (it[150] + 1).toByte() }
            assertThrows(WindlassException.BundleSignature::class.java) { Bundle.decode(changed) }
            assertTrue(alice.bundle().devices().isNotEmpty())
        }
    }

    @Test
    fun `every code has its exception`() {
        val classes = WindlassException::class.java.declaredClasses.map { it.simpleName }.toSet()
        for (info in errors()) {
            val name = info.code.split("_").joinToString("") { part -> part.replaceFirstChar(Char::uppercase) }
            assertTrue(name in classes, info.code)
        }
        assertNull(errorInfo("no_such_code"))
    }

    @Test
    fun `a bare session carries the application's own bytes`() {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.bundle())
        val session = alice.session(bob.address())
        val sent = session.encrypt(byteArrayOf(0, -1, 7))
        val opened = bob.session(alice.address()).decrypt(sent.envelopes.single().bytes)
        assertEquals(listOf<Byte>(0, -1, 7), opened.toList())
        assertEquals(SessionState.PENDING, session.state())
        assertEquals(PostQuantum.KEM, session.postQuantum())
        alice.close()
        bob.close()
    }

    @Test
    fun `coroutines send at once and nothing is lost`() = runBlocking {
        val (alice, bob) = create("alice") to create("bob")
        alice.addContact(bob.bundle())
        val sent = (1..20).map { async { alice.sendAwait(bob.address(), "$it") } }.awaitAll()
        val events = sent.flatMap { bob.receiveAwait(it.envelopes.single().bytes) }
        assertEquals(20, events.count { it is Event.Message })
        assertInstanceOf(Event.ContactRequest::class.java, events.first())
        assertEquals((1..20).map { "$it" }.toSet(), texts(bob, alice.address()).toSet())
        alice.close()
        bob.close()
    }
}
