package dev.windlass

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

class StoreTest {
    @TempDir
    lateinit var home: Path

    private val people by lazy { People(home) }
    private val key = StoreKey.fromBytes(ByteArray(32) { 7 })

    @Test
    fun `use closes the store also while something of it is still held`() {
        val address = Identity.generate().address()
        val kept = people.open("alice").use { alice -> alice to alice.conversation(address) }
        assertThrows(WindlassException.StoreClosed::class.java) { kept.first.contacts() }
        assertThrows(WindlassException.StoreClosed::class.java) { kept.second.messages() }
        // A second time does nothing.
        kept.first.close()
        people.open("alice").use { assertTrue(it.contacts().isEmpty()) }
        EncryptedStore.open(people.path("alice"), key).use { assertFalse(it.inspect().passphrase) }
        people.open("alice").close()
    }

    @Test
    fun `the secret of a transport follows from the store alone, as in the other languages`() {
        val secrets = List(2) { people.open("alice").use { it.transportSecret().toList() } } + people.open("bob").use { it.transportSecret().toList() }
        assertEquals(secrets[0], secrets[1])
        assertFalse(secrets[0] == secrets[2])
        val id = Path.of("${people.path("alice")}.keys").readBytes().copyOfRange(12, 28)
        val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(id, algorithm)) }
        assertEquals(mac.doFinal("windlass transport secret".toByteArray()).toList(), secrets[0])
    }

    @Test
    fun `a store that was carried to another place is there alone`() {
        val address = people.open("alice").use { it.address() }
        var last = 0uL to 0uL
        val told = object : ProgressListener {
            override fun advance(done: ULong, total: ULong) {
                last = done to total
            }
        }
        EncryptedStore.copy(people.path("alice"), people.path("there"), key, told).close()
        assertTrue(last.first == last.second && last.first > 0uL)
        val moved = assertThrows(WindlassException.StoreMoved::class.java) { people.open("alice") }
        assertEquals("store_moved", moved.code)
        people.open("there").use { assertEquals(address, it.address()) }
    }

    @Test
    fun `a store that is open is locked`() = people.open("alice").use {
        val locked = assertThrows(WindlassException.StoreLocked::class.java) { people.open("alice") }
        assertTrue(locked.retry)
        assertTrue(it.contacts().isEmpty())
    }

    @Test
    fun `what is no store, or not a whole one, is told apart`() {
        people.open("alice").close()
        val bytes = Path.of(people.path("alice")).readBytes()
        Windlass.create(people.path("other"), "right").close()
        assertThrows(WindlassException.WrongKey::class.java) { Windlass.open(people.path("other"), "wrong") }
        assertThrows(WindlassException.StoreExists::class.java) { Windlass.create(people.path("alice"), key) }
        home.resolve("text.wl").writeText("not a store")
        assertThrows(WindlassException.NotAStore::class.java) { people.open("text") }
        home.resolve("alone.wl").writeBytes(bytes)
        assertThrows(WindlassException.KeySlotsMissing::class.java) { people.open("alone") }
        Path.of(people.path("alice")).writeBytes(bytes.copyOf(bytes.size / 2))
        assertThrows(WindlassException::class.java) { people.open("alice") }
    }

    @Test
    fun `what cannot be read is an event with its cause`() {
        val (alice, bob) = people.open("alice") to people.open("bob")
        alice.addContact(bob.bundle())
        val envelope = alice.send(bob.address(), "ahoy").envelopes.single().bytes
        val changed = envelope.copyOf().also { it[it.size - 1] = (it.last() + 1).toByte() }
        val event = assertInstanceOf(Event.Undecryptable::class.java, bob.receive(changed).single())
        assertEquals(UndecryptableCause.AUTHENTICATION, event.cause)
        assertEquals(listOf("envelope_malformed", null), bob.receiveMany(listOf(byteArrayOf(1), envelope)).map { it.refused })
        assertThrows(WindlassException.NotForThisDevice::class.java) { alice.receive(envelope) }
        alice.close()
        bob.close()
    }

    @Test
    fun `a bundle that was changed, cut or used is refused`() {
        val (alice, bob, carol) = listOf("alice", "bob", "carol").map(people::open)
        val invitation = bob.singleUseBundle()
        val bytes = invitation.encode()
        assertThrows(WindlassException.BundleMalformed::class.java) { Bundle.decode(bytes.copyOf(bytes.size / 2)) }
        assertThrows(WindlassException.UriDamaged::class.java) { Bundle.fromUri(invitation.toUri().dropLast(9) + "QQQQQQQQQ") }
        assertThrows(WindlassException.UriNotWindlass::class.java) { Bundle.fromUri("https://example.org") }
        assertThrows(WindlassException.OwnBundle::class.java) { bob.addContact(invitation) }
        listOf(alice, carol).forEach { it.addContact(invitation) }
        bob.receive(alice.send(bob.address(), "first").envelopes.single().bytes)
        val second = bob.receive(carol.send(bob.address(), "second").envelopes.single().bytes)
        assertEquals(UndecryptableCause.INVITATION_USED, assertInstanceOf(Event.Undecryptable::class.java, second.last()).cause)
        listOf(alice, bob, carol).forEach(Client::close)
    }

    @Test
    fun `the environment names the store, and secrets are not quoted`() {
        val environment = mapOf("WINDLASS_STORE" to people.path("bot"), "WINDLASS_KEY" to "07".repeat(32))
        for (never in listOf("false", "No", "0")) {
            assertThrows(WindlassException.StoreNotFound::class.java) { Windlass.fromEnvironment(environment + ("WINDLASS_CREATE" to never)) }
        }
        val address = Windlass.fromEnvironment(environment + ("WINDLASS_CREATE" to "TRUE")).use { it.address() }
        for (may in listOf("yes", "1")) Windlass.fromEnvironment(environment + ("WINDLASS_CREATE" to may)).close()
        people.open("bot").use { assertEquals(address, it.address()) }
        val file = home.resolve("key").apply { writeText("07".repeat(32) + "\n") }
        val byFile = mapOf("WINDLASS_STORE" to people.path("bot"), "WINDLASS_KEY_FILE" to "$file")
        Windlass.fromEnvironment(byFile).use { assertEquals(address, it.address()) }
        // The same bytes as Python and the command line read them.
        for (kept in listOf(ByteArray(32) { 7 }, ("\uFEFF" + "07".repeat(32) + "\r\n").toByteArray())) {
            file.writeBytes(kept)
            Windlass.fromEnvironment(byFile).use { assertEquals(address, it.address()) }
        }
        for (unclear in listOf("07".repeat(32).drop(1), "0x" + "07".repeat(32), "\"" + "07".repeat(32) + "\"", "two\nlines", "")) {
            file.writeText(unclear)
            assertThrows(IllegalArgumentException::class.java) { Windlass.fromEnvironment(byFile) }
        }
        val senseless = listOf("WINDLASS_KEY" to "hush", "WINDLASS_CREATE" to "hush").map { environment + it }
        for (wrong in senseless + listOf(environment - "WINDLASS_KEY", environment - "WINDLASS_STORE", environment + byFile)) {
            val refused = assertThrows(IllegalArgumentException::class.java) { Windlass.fromEnvironment(wrong) }
            assertFalse("hush" in refused.message.orEmpty())
        }
    }
}
