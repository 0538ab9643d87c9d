import dev.windlass.Windlass

fun firstConversation(home: String) {
    val alice = Windlass.create("$home/alice.wl", "correct horse")
    val bob = Windlass.create("$home/bob.wl", "battery staple")
    alice.addContact(bob.singleUseBundle()) // by QR code, link or mail
    for (envelope in alice.send(bob.address(), "Ahoy!").envelopes) { // over any transport
        bob.receive(envelope.bytes)
    }
    println(bob.conversation(alice.address()).messages().last().text)
}
