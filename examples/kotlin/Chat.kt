import dev.windlass.Bundle
import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.Windlass
import dev.windlass.io
import dev.windlass.transport.MqttTransport
import dev.windlass.transport.Transport
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** Writes [lines] to an address, and shows what comes, until the lines end and [until] is content with what was shown. */
suspend fun chat(
    client: Client,
    transport: Transport,
    address: String,
    lines: Flow<String>,
    show: suspend (String) -> Unit,
    until: suspend () -> Unit = {},
) = coroutineScope {
    transport.useSecret(client.io { transportSecret() })
    transport.start(client.address(), client.deviceId())
    suspend fun sendOut() {
        for (envelope in client.io { outbox() }) {
            transport.deliver(envelope.to, envelope.bytes)
            client.io { markSent(listOf(envelope.id)) }
        }
    }
    try {
        transport.publishBundle(client.address(), client.io { bundle().encode() })
        val receiving = launch {
            transport.receive().collect { incoming ->
                // Unlike `receive` it does not throw for an envelope that makes no sense: anybody can send one.
                for (event in client.io { receiveMany(listOf(incoming.envelope)) }.flatMap { it.events }) {
                    if (event is Event.Message) show(event.message.text ?: "(${event.message.body::class.simpleName})")
                    if (event is Event.Delivered) show("✓")
                }
                incoming.acknowledge()
                sendOut()
            }
        }
        lines.collect {
            client.io { send(address, it) }
            sendOut()
        }
        until()
        receiving.cancelAndJoin()
    } finally {
        withContext(NonCancellable) { transport.close() }
    }
}

/** `chat BROKER INVITATION`, with WINDLASS_STORE and WINDLASS_KEY, 64 hexadecimal digits. */
fun main(arguments: Array<String>): Unit = runBlocking {
    val (broker, invitation) = arguments
    Windlass.fromEnvironment().use { client ->
        val contact = client.addContact(Bundle.fromUri(invitation))
        println("you are ${client.address()}")
        val typed = flow { while (true) emit(readlnOrNull() ?: return@flow) }.flowOn(Dispatchers.IO)
        chat(client, MqttTransport(broker), contact.address, typed, ::println)
    }
}
