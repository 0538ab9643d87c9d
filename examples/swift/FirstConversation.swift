import Windlass

func firstConversation(home: String) throws {
    let alice = try Client.create(path: "\(home)/alice.wl", passphrase: "correct horse")
    let bob = try Client.create(path: "\(home)/bob.wl", passphrase: "battery staple")
    _ = try alice.addContact(bundle: bob.singleUseBundle())  // by QR code, link or mail
    for envelope in try alice.send(to: bob.address(), text: "Ahoy!").envelopes {  // over any transport
        _ = try bob.receive(envelope: envelope.bytes)
    }
    print(try bob.conversation(address: alice.address()).messages().last?.text ?? "")
}
