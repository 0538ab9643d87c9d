package dev.windlass

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.time.Duration

class GroupTest {
    @TempDir
    lateinit var home: Path

    private val people by lazy { People(home) }

    /** Carries everything that waits to whom it is for, until nothing waits any more. */
    private fun exchange(vararg clients: Client) {
        while (true) {
            val waiting = clients.flatMap { from -> from.outbox().map { from to it } }
            if (waiting.isEmpty()) return
            for ((from, envelope) in waiting) {
                clients.filter { it.address() == envelope.to }.forEach { it.receive(envelope.bytes) }
                from.markSent(listOf(envelope.id))
            }
        }
    }

    @Test
    fun `a group that is deleted is left, and nothing of it stays`() {
        val (alice, bob) = people.open("alice") to people.open("bob")
        alice.addContact(bob.bundle())
        bob.addContact(alice.bundle())
        val group = alice.createGroup("Crew", listOf(bob.address()))
        exchange(alice, bob)
        val theirs = bob.conversation(group.address())
        theirs.join()
        theirs.send("ahoy")
        exchange(alice, bob)
        theirs.deleteGroup()
        exchange(alice, bob)
        assertTrue(bob.conversations().none { it.address == group.address() })
        assertThrows(WindlassException.UnknownGroup::class.java) { theirs.members() }
        assertEquals(listOf(alice.address()), group.members().map { it.address })
        alice.close()
        bob.close()
    }

    @Test
    fun `who is met in a group is introduced, and no accepted contact`() {
        val (alice, bob, carol) = listOf("alice", "bob", "carol").map { people.open(it) }
        for (other in listOf(bob, carol)) {
            alice.addContact(other.bundle())
            other.addContact(alice.bundle())
        }
        val group = alice.createGroup("Crew", listOf(bob.address(), carol.address()))
        exchange(alice, bob, carol)
        bob.conversation(group.address()).join()
        exchange(alice, bob, carol)
        fun met() = bob.contacts().single { it.address == carol.address() }
        assertTrue(met().introduced)
        assertFalse(met().accepted)
        bob.conversation(group.address()).leave()
        assertTrue(bob.contacts().none { it.address == carol.address() && it.introduced })
        for (client in listOf(alice, bob, carol)) client.close()
    }

    @Test
    fun `a view that is incomplete is told without anybody writing, and when it is whole again`() = Simulation(1u).use { world ->
        val (carol, alice, bob) = List(3) { world.addPerson() }
        for (one in listOf(alice, bob)) world.introduce(carol, one)
        fun client(person: UInt) = world.client(person, 0u)
        val group = client(carol).createGroup("Crew", listOf(alice, bob).map { client(it).address() })
        world.run()
        for (one in listOf(alice, bob)) client(one).conversation(group.address()).join()
        world.run()
        world.setFaults(Faults(drop = 1000u, duplicate = 0u, delay = 0u, crash = 0u))
        group.removeMembers(listOf(client(bob).address()))
        world.run()
        world.setFaults(Faults(drop = 0u, duplicate = 0u, delay = 0u, crash = 0u))
        group.send("she is out")
        world.run()
        world.advance(Duration.ofMinutes(11))
        val events = world.run().filter { it.person == alice }.flatMap { it.events }
        val told = events.filterIsInstance<Event.GroupIncomplete>()
        assertEquals(listOf(group.address() to false, group.address() to true), told.map { it.group to it.resolved })
    }
}
