package dev.windlass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program in Java, which says no word of Kotlin's. */
class JavaTest {
    @TempDir
    Path home;

    private static void carry(Client from, Client to) throws WindlassException {
        List<OutgoingEnvelope> waiting = ForJava.outbox(from);
        for (OutgoingEnvelope envelope : waiting) {
            assertEquals(to.address(), envelope.getTo());
            for (Event event : to.receive(envelope.getBytes())) {
                assertFalse(event.toString().contains("Ahoy"));
            }
        }
        ForJava.markSent(from, waiting);
        assertTrue(ForJava.outbox(from).isEmpty());
    }

    @Test
    void aConversationInJava() throws WindlassException {
        try (Client alice = Windlass.create(home.resolve("alice.wl").toString(), "correct horse");
                Client bob = Windlass.create(home.resolve("bob.wl").toString(), "battery staple")) {
            alice.addContact(bob.bundle());
            alice.send(bob.address(), "Ahoy!");
            carry(alice, bob);
            bob.send(alice.address(), "And back");
            carry(bob, alice);
            try (Conversation conversation = alice.conversation(bob.address())) {
                List<String> texts =
                        ForJava.messages(conversation).stream().map(Message::getText).collect(Collectors.toList());
                assertEquals(List.of("Ahoy!", "And back"), texts);
                Message last = ForJava.messages(conversation, 1).get(0);
                assertEquals("And back", last.getText());
                assertEquals("Ahoy!", ForJava.messages(conversation, 10, last).get(0).getText());
                assertEquals(1, ForJava.search(conversation, "AHOY").getMessages().size());
            }
            assertTrue(ForJava.deviceId(alice) >= 0);
            assertEquals(bob.address(), WindlassKt.findContact("I am " + bob.address() + ".").getAddress());
        }
        WindlassException wrong = assertThrows(
                WindlassException.WrongKey.class, () -> Windlass.open(home.resolve("bob.wl").toString(), "wrong"));
        assertEquals("wrong_key", Errors.getCode(wrong));
        assertFalse(Errors.getAdvice(wrong).isEmpty());
    }
}
