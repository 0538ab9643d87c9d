import dev.windlass.Windlass
import dev.windlass.qrPng
import dev.windlass.qrRead
import dev.windlass.qrTerminal
import java.io.File

/** Meet somebody: show a code, read a code, compare. */
fun meet(home: String) {
    val alice = Windlass.create("$home/alice.wl", "correct horse")
    val bob = Windlass.create("$home/bob.wl", "battery staple")

    // Show a code: in a terminal, as a picture, or as SVG on a page.
    val code = bob.inPersonCode()
    println(qrTerminal(code))
    val screen = File(home, "screen.png").apply { writeBytes(qrPng(code)) }

    // Read a code, as a camera sees it. Its owner is verified, for it was on their own screen.
    val contact = alice.meet(qrRead(screen.readBytes()).single())
    alice.send(contact.address, "Nice to meet you").envelopes.forEach { bob.receive(it.bytes) }
    bob.send(alice.address(), "You too").envelopes.forEach { alice.receive(it.bytes) }

    // Compare: the same digits and pictures on both sides, or one scans the other's safety code.
    val (ours, theirs) = alice.session(bob.address()) to bob.session(alice.address())
    println(ours.safetyNumber().chunked(5).joinToString(" "))
    println(theirs.safetyEmoji().joinToString(" ") { it.picture })
    theirs.verifyCode(ours.safetyCode())
    println("verified: ${alice.contact(bob.address()).verified} ${bob.contact(alice.address()).verified}")
}
