package dev.windlass.transport

import java.io.ByteArrayOutputStream
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.IOException

/** The version of the protocol, as CONNECT says it. */
internal const val MQTT_5 = 5
internal const val MQTT_3 = 4

/** What a broker sends that makes no sense. */
internal class MqttMalformedException(message: String) : IOException(message)

/** What a broker sends. */
internal sealed interface MqttPacket {
    class Greeting(val kept: Boolean, val reason: Int, val properties: Map<Int, Long>) : MqttPacket

    /** [tooLong] if its payload was not kept. */
    class Publication(
        val topic: String, val payload: ByteArray, val qos: Int, val retained: Boolean, val number: Int, val tooLong: Boolean = false,
    ) : MqttPacket

    class Published(val number: Int, val reason: Int) : MqttPacket

    class Subscribed(val number: Int, val reason: Int) : MqttPacket

    class Unsubscribed(val number: Int) : MqttPacket

    object Pong : MqttPacket

    class Goodbye(val reason: Int) : MqttPacket
}

internal const val RECEIVE_MAXIMUM_PROPERTY = 0x21
internal const val MAXIMUM_QOS_PROPERTY = 0x24
internal const val MAXIMUM_PACKET_PROPERTY = 0x27
internal const val KEEP_ALIVE_PROPERTY = 0x13
private const val SESSION_EXPIRY_PROPERTY = 0x11
private const val MESSAGE_EXPIRY_PROPERTY = 0x02

/** MQTT 5 or 3.1.1, as far as mail needs it: OASIS MQTT 5.0, sections 2 and 3. */
internal class MqttPackets(private val version: Int) {
    private val five = version == MQTT_5

    /** A session that the broker keeps for so long; what it brings has at most so many bytes, and so much of it is under way. */
    fun connect(name: String, user: String?, password: ByteArray?, keepAlive: Int, expiry: Long, receive: Int, largest: Long): ByteArray = packet(0x10) {
        text("MQTT")
        writeByte(version)
        writeByte((if (user != null) 0x80 else 0) or (if (password != null) 0x40 else 0))
        writeShort(keepAlive)
        properties {
            writeByte(SESSION_EXPIRY_PROPERTY)
            writeInt(expiry.toInt())
            writeByte(RECEIVE_MAXIMUM_PROPERTY)
            writeShort(receive)
            writeByte(MAXIMUM_PACKET_PROPERTY)
            writeInt(largest.toInt())
        }
        text(name)
        user?.let { text(it) }
        password?.let { bytes(it) }
    }

    fun publish(topic: String, payload: ByteArray, number: Int, retain: Boolean, expiry: Long?): ByteArray = packet(0x32 or (if (retain) 1 else 0)) {
        text(topic)
        writeShort(number)
        properties {
            if (expiry != null) {
                writeByte(MESSAGE_EXPIRY_PROPERTY)
                writeInt(expiry.toInt())
            }
        }
        write(payload)
    }

    fun acknowledge(number: Int): ByteArray = packet(0x40) { writeShort(number) }

    /** Without `retained` the broker does not bring what it has retained there, if it speaks MQTT 5. */
    fun subscribe(topic: String, number: Int, retained: Boolean): ByteArray = packet(0x82) {
        writeShort(number)
        properties {}
        text(topic)
        writeByte(if (five && !retained) 0x21 else 1)
    }

    fun unsubscribe(topic: String, number: Int): ByteArray = packet(0xA2) {
        writeShort(number)
        properties {}
        text(topic)
    }

    fun ping(): ByteArray = packet(0xC0) {}

    fun disconnect(): ByteArray = packet(0xE0) {}

    private fun packet(first: Int, content: DataOutputStream.() -> Unit): ByteArray {
        val body = ByteArrayOutputStream().also { DataOutputStream(it).content() }.toByteArray()
        return ByteArrayOutputStream(body.size + 5).apply {
            write(first)
            writeLength(body.size)
            write(body)
        }.toByteArray()
    }

    private fun ByteArrayOutputStream.writeLength(length: Int) {
        var rest = length
        do {
            val digit = rest and 0x7F
            rest = rest ushr 7
            write(if (rest > 0) digit or 0x80 else digit)
        } while (rest > 0)
    }

    private fun DataOutputStream.properties(content: DataOutputStream.() -> Unit) {
        if (!five) return
        val body = ByteArrayOutputStream().also { DataOutputStream(it).content() }.toByteArray()
        write(ByteArrayOutputStream().apply { writeLength(body.size) }.toByteArray())
        write(body)
    }

    private fun DataOutputStream.text(text: String) = bytes(text.toByteArray())

    private fun DataOutputStream.bytes(bytes: ByteArray) {
        writeShort(bytes.size)
        write(bytes)
    }

    /** Waits for a packet of at most so many bytes. */
    fun read(from: DataInputStream, largest: Long): MqttPacket {
        val first = from.readUnsignedByte()
        val length = readLength { from.readUnsignedByte() }
        if (length > largest) return tooLong(first, length, from)
        val body = Reader(ByteArray(length).also(from::readFully))
        return when (first shr 4) {
            2 -> MqttPacket.Greeting(body.byte() and 1 == 1, body.byte(), body.properties())
            3 -> publication(first, body)
            4 -> MqttPacket.Published(body.short(), if (body.left > 0) body.byte() else 0)
            9 -> MqttPacket.Subscribed(body.short(), body.apply { properties() }.byte())
            11 -> MqttPacket.Unsubscribed(body.short())
            13 -> MqttPacket.Pong
            14 -> MqttPacket.Goodbye(if (body.left > 0) body.byte() else 0)
            else -> throw MqttMalformedException("a packet of kind ${first shr 4}")
        }
    }

    /** MQTT 3.1.1 cannot say what we take. Such a one is acknowledged, lest it comes again, and not kept. */
    private fun tooLong(first: Int, length: Int, from: DataInputStream): MqttPacket {
        if (first shr 4 != 3) throw MqttMalformedException("a packet of $length bytes")
        val topic = ByteArray(from.readUnsignedShort()).also(from::readFully)
        val qos = first shr 1 and 3
        val number = if (qos > 0) from.readUnsignedShort() else 0
        var rest = length - topic.size - if (qos > 0) 4 else 2
        if (rest < 0) throw MqttMalformedException("a packet that is cut off")
        val dropped = ByteArray(65_536)
        while (rest > 0) {
            val part = minOf(rest, dropped.size)
            from.readFully(dropped, 0, part)
            rest -= part
        }
        return MqttPacket.Publication(String(topic), ByteArray(0), qos, first and 1 == 1, number, tooLong = true)
    }

    private fun publication(first: Int, body: Reader): MqttPacket {
        val (qos, topic) = (first shr 1 and 3) to body.text()
        val number = if (qos > 0) body.short() else 0
        body.properties()
        return MqttPacket.Publication(topic, body.rest(), qos, first and 1 == 1, number)
    }

    /** A packet's content. Whoever reads beyond its end is told so. */
    private inner class Reader(private val bytes: ByteArray) {
        private var place = 0
        val left: Int get() = bytes.size - place

        fun byte(): Int {
            if (left == 0) throw MqttMalformedException("a packet that is cut off")
            return bytes[place++].toInt() and 0xFF
        }

        fun short(): Int = (byte() shl 8) or byte()

        private fun int(): Long = (short().toLong() shl 16) or short().toLong()

        private fun take(length: Int): ByteArray {
            if (length > left) throw MqttMalformedException("a packet that is cut off")
            return bytes.copyOfRange(place, place + length).also { place += length }
        }

        fun text(): String = String(take(short()))

        fun rest(): ByteArray = take(left)

        /** The numbers among them. */
        fun properties(): Map<Int, Long> {
            if (!five) return emptyMap()
            val end = left - readLength { byte() }.let { if (it > left) throw MqttMalformedException("properties that are cut off") else it }
            val found = mutableMapOf<Int, Long>()
            while (left > end) {
                when (val kind = byte()) {
                    0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A -> found[kind] = byte().toLong()
                    0x13, 0x21, 0x22, 0x23 -> found[kind] = short().toLong()
                    0x02, 0x11, 0x18, 0x27 -> found[kind] = int()
                    0x0B -> readLength { byte() }
                    0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F -> take(short())
                    0x26 -> repeat(2) { take(short()) }
                    else -> throw MqttMalformedException("a property of kind $kind")
                }
            }
            return found
        }
    }

    private companion object {
        fun readLength(next: () -> Int): Int {
            var length = 0
            for (shift in 0..21 step 7) {
                val digit = next()
                length = length or (digit and 0x7F shl shift)
                if (digit < 0x80) return length
            }
            throw MqttMalformedException("a length of five digits")
        }
    }
}
