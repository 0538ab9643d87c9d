package dev.windlass

import dev.windlass.transport.MemoryPost
import dev.windlass.transport.NoMailboxException
import dev.windlass.transport.Transport
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import java.io.File
import java.nio.file.Path

/** A folder of stores, and people in it. */
class People(private val home: Path) {
    private val key = StoreKey.fromBytes(ByteArray(32) { 7 })

    fun path(name: String): String = home.resolve("$name.wl").toString()

    /** Opened, or made where nothing is yet. */
    fun open(name: String): Client = if (File(path(name)).exists()) Windlass.open(path(name), key) else Windlass.create(path(name), key)
}

/** Somebody with a mailbox who takes in what comes. */
class Person(val client: Client, private val transport: Transport, scope: CoroutineScope) {
    private val receiving = scope.launch(Dispatchers.Default) {
        transport.start(client.address(), client.deviceId())
        transport.publishBundle(client.address(), client.bundle().encode())
        transport.receive().collect {
            client.receive(it.envelope)
            it.acknowledge()
            carry()
        }
    }

    /** Carries the outbox. Waits for a mailbox that is about to be opened: of a bot that has just been started. */
    suspend fun carry() {
        for (envelope in client.outbox()) {
            until { delivered(envelope) }
            client.markSent(listOf(envelope.id))
        }
    }

    private suspend fun delivered(envelope: OutgoingEnvelope): Boolean = try {
        transport.deliver(envelope.to, envelope.bytes)
        true
    } catch (_: NoMailboxException) {
        false
    }

    suspend fun say(to: String, text: String) {
        client.send(to, text)
        carry()
    }

    /** What others said in a conversation. */
    fun heard(address: String): List<String> =
        client.conversation(address).use { it.messages(1000u) }.filter { !it.outgoing }.mapNotNull { it.text }

    suspend fun leave() {
        receiving.cancelAndJoin()
        transport.close()
        client.close()
    }
}

suspend fun until(condition: suspend () -> Boolean) {
    while (!condition()) yield()
}

/** For what would go on for ever if it failed. */
fun within(test: suspend CoroutineScope.() -> Unit): Unit = runBlocking { withTimeout(120_000, test) }

fun CoroutineScope.person(people: People, post: MemoryPost, name: String): Person = Person(people.open(name), post.transport(), this)
