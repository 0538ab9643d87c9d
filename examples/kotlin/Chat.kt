import dev.windlass.Bundle
import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.StoreKey
import dev.windlass.Windlass
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File

/** Writes [lines] to an address, and shows what comes, until the lines end and [until] is content with what was shown. */
suspend fun chat(
    client: Client,
    transport: Transport,
    address: String,
    lines: Flow<String>,
    show: suspend (String) -> Unit,
    until: suspend () -> Unit = {},
) = coroutineScope {
    transport.start(client.address(), client.deviceId())
    transport.publishBundle(client.address(), client.bundle().encode())
    suspend fun sendOut() {
        for (envelope in client.outbox()) {
            transport.deliver(envelope.to, envelope.bytes)
            client.markSent(listOf(envelope.id))
        }
    }
    val receiving = launch(Dispatchers.IO) {
        transport.receive().collect { incoming ->
            for (event in client.receive(incoming.envelope)) {
                if (event is Event.Message) show(event.message.text ?: "(${event.message.body::class.simpleName})")
                if (event is Event.Delivered) show("✓")
            }
            incoming.acknowledge()
            sendOut()
        }
    }
    lines.collect {
        client.send(address, it)
        sendOut()
    }
    until()
    receiving.cancelAndJoin()
    transport.close()
}

/** `chat STORE BROKER INVITATION`, with the key in WINDLASS_KEY, 64 hexadecimal digits. */
fun main(arguments: Array<String>): Unit = runBlocking {
    val (path, broker, invitation) = arguments
    val bytes = System.getenv("WINDLASS_KEY").chunked(2).map { it.toInt(16).toByte() }.toByteArray()
    val key = StoreKey.fromBytes(bytes)
    (if (File(path).exists()) Windlass.open(path, key) else Windlass.create(path, key)).use { client ->
        val contact = client.addContact(Bundle.fromUri(invitation))
        println("you are ${client.address()}")
        val typed = flow { while (true) emit(readlnOrNull() ?: return@flow) }.flowOn(Dispatchers.IO)
        chat(client, MqttTransport(broker), contact.address, typed, ::println)
    }
}
