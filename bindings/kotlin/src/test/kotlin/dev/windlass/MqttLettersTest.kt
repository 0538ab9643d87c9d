package dev.windlass

import dev.windlass.transport.MQTT_3
import dev.windlass.transport.MqttEnd
import dev.windlass.transport.MqttLetter
import dev.windlass.transport.MqttLetters
import dev.windlass.transport.MqttMalformedException
import dev.windlass.transport.MqttPacket
import dev.windlass.transport.MqttPackets
import dev.windlass.transport.MqttPauses
import dev.windlass.transport.TooLargeException
import kotlinx.coroutines.ExperimentalCoroutinesApi
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.DataInputStream
import java.io.IOException
import kotlin.random.Random

/** What is sent again, what is found out to be too large, and what of a broker makes no sense. */
@OptIn(ExperimentalCoroutinesApi::class)
class MqttLettersTest {
    private var now = 0L
    private var number = 0
    private val letters = MqttLetters { now }

    private fun letter(name: String) = MqttLetter(name, ByteArray(10), false).also(letters::add)

    private fun sent(): List<String> = letters.next(this) { ++number }.first.map { it.topic }

    private fun refusal(letter: MqttLetter): Throwable? = letter.done.takeIf { it.isCompleted }?.getCompletionExceptionOrNull()

    @Test
    fun `the one with which connections end is found out, and the others go`() {
        val all = listOf("one", "the deadly one", "two").map(::letter)
        letters.begin(this, 20, Long.MAX_VALUE)
        assertEquals(listOf("one", "the deadly one", "two"), sent())
        assertEquals(false, letters.ended(true))
        letter("new")
        letters.begin(this, 20, Long.MAX_VALUE)
        // First what is not suspect.
        assertEquals(listOf("new"), sent())
        assertEquals(emptyList<String>(), sent())
        letters.confirmed(number, 0)
        // Then each alone.
        assertEquals(listOf("one"), sent())
        letter("behind")
        assertEquals(emptyList<String>(), sent())
        letters.confirmed(number, 0)
        assertEquals(listOf("behind"), sent())
        letters.confirmed(number, 0)
        assertEquals(listOf("the deadly one"), sent())
        assertEquals(true, letters.ended(true))
        assertInstanceOf(TooLargeException::class.java, refusal(all[1]))
        letters.begin(this, 20, Long.MAX_VALUE)
        assertEquals(listOf("two"), sent())
        letters.confirmed(number, 0)
        assertEquals(listOf(0, 0), listOf(all[0], all[2]).map { it.done.getCompleted() })
    }

    @Test
    fun `what ends for another reason makes nothing suspect`() {
        listOf("one", "two").forEach(::letter)
        letters.begin(this, 20, Long.MAX_VALUE)
        sent()
        assertNull(letters.ended(false))
        letters.begin(this, 20, Long.MAX_VALUE)
        assertEquals(listOf("one", "two"), sent())
        val ours = listOf(MqttEnd.Lost, MqttEnd.Goodbye(0x82), MqttEnd.Goodbye(0x95), MqttEnd.Broken(IOException()))
        val others = listOf(MqttEnd.Ours, MqttEnd.Asleep, MqttEnd.Silent, MqttEnd.Goodbye(0x8B), MqttEnd.Goodbye(0x8E), MqttEnd.Refused(0x87))
        assertTrue(ours.all(MqttPauses::mayBeOurs) && others.none(MqttPauses::mayBeOurs))
    }

    @Test
    fun `others wait for a probe that is not answered, for a while`() {
        letter("one")
        letters.begin(this, 20, Long.MAX_VALUE)
        sent()
        letters.ended(true)
        letters.begin(this, 20, Long.MAX_VALUE)
        assertEquals(listOf("one"), sent())
        letter("two")
        val (none, rest) = letters.next(this) { ++number }
        assertEquals(0 to 30_000L, none.size to rest)
        now = 30_000
        assertEquals(listOf("two"), sent())
    }

    @Test
    fun `a broker that is started again and again makes nothing too large`() {
        val (small, large) = letter("small") to letter("a larger one")
        letters.begin(this, 20, Long.MAX_VALUE)
        sent()
        letters.confirmed(2, 0)
        letters.ended(true)
        for (turn in 1..3) {
            letters.begin(this, 20, Long.MAX_VALUE)
            assertNull(refusal(small))
            assertEquals(listOf("small"), sent())
            letters.ended(true)
        }
        assertEquals("TransportException", refusal(small)!!::class.simpleName)
        assertEquals(0, large.done.getCompleted())
    }

    @Test
    fun `no more are under way than the broker takes, and none that is larger`() {
        val all = (1..5).map { letter("$it") }
        letters.begin(this, 2, Long.MAX_VALUE)
        assertEquals(listOf("1", "2"), sent())
        letters.confirmed(1, 0)
        assertEquals(listOf("3"), sent())
        letters.begin(this, 2, 20)
        all.drop(1).forEach { assertInstanceOf(TooLargeException::class.java, refusal(it)) }
        assertInstanceOf(TooLargeException::class.java, refusal(letter("new")))
    }

    @Test
    fun `a connection that has ended sends nothing more`() {
        letter("one")
        letters.begin("former", 20, Long.MAX_VALUE)
        letters.ended(false)
        assertEquals(0, letters.next("former") { 1 }.first.size)
        letters.begin("new", 20, Long.MAX_VALUE)
        assertEquals(0, letters.next("former") { 1 }.first.size)
        assertEquals(1, letters.next("new") { 1 }.first.size)
    }

    @Test
    fun `whatever a broker sends is read, or refused in order`() {
        val random = Random(7)
        for (version in listOf(4, 5)) repeat(20_000) {
            val bytes = random.nextBytes(random.nextInt(1, 40))
            // Mostly of a length that is right.
            if (random.nextBoolean() && bytes.size > 1) bytes[1] = (bytes.size - 2).toByte()
            try {
                MqttPackets(version).read(DataInputStream(bytes.inputStream()), 1_000)
            } catch (_: IOException) {
                // Malformed, or cut off.
            }
        }
        val long = byteArrayOf(0x20, -1, -1, -1, 0x7F)
        assertThrows(MqttMalformedException::class.java) { MqttPackets(5).read(DataInputStream(long.inputStream()), 1_000) }
    }

    @Test
    fun `an envelope that is too long is passed over, and what follows is read`() {
        val packets = MqttPackets(MQTT_3)
        val (long, short) = listOf(200_000 to 7, 2 to 8).map { (size, number) -> packets.publish("inbox", ByteArray(size) { 1 }, number, false, null) }
        val from = DataInputStream((long + short).inputStream())
        val (first, second) = List(2) { packets.read(from, 1_000) as MqttPacket.Publication }
        assertEquals(listOf(true, 7, "inbox", 1, 0), first.run { listOf(tooLong, number, topic, qos, payload.size) })
        assertEquals(listOf(false, 8, 2), second.run { listOf(tooLong, number, payload.size) })
        // No packet but an envelope may be so long.
        assertThrows(MqttMalformedException::class.java) { packets.read(DataInputStream(byteArrayOf(0x20, -1, 0x7F).inputStream()), 1_000) }
    }
}
