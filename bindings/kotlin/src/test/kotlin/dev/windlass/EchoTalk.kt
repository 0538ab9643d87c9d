package dev.windlass

import dev.windlass.transport.Transport
import echoBot
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals

private const val MESSAGES = 40

/** Somebody writes to an echo bot of the examples, which is stopped and started anew in between, until each message is answered. */
class EchoTalk(private val people: People) {
    fun over(transport: () -> Transport) = within {
        var client = people.open("bot")
        val address = client.address()
        var running: Job = launch(Dispatchers.Default) { echoBot(client, transport()).run() }
        val user = Person(people.open("user"), transport(), this)
        user.client.addContact(client.bundle())
        val door = transport().also { it.start("door", 1u) }
        until { door.fetchBundle(address) != null && door.fetchBundle(user.client.address()) != null }
        door.close()
        repeat(MESSAGES) { number ->
            user.say(address, "$number")
            if (number % 10 == 9) {
                running.cancelAndJoin()
                client.close()
                client = people.open("bot")
                running = launch(Dispatchers.Default) { echoBot(client, transport()).run() }
            }
        }
        until { user.heard(address).size >= MESSAGES }
        assertEquals((0 until MESSAGES).map { "$it" }.toSet(), user.heard(address).toSet())
        assertEquals(MESSAGES, user.heard(address).size)
        user.leave()
        running.cancelAndJoin()
        client.close()
    }
}
