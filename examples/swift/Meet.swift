import Foundation
import Windlass

/// Meet somebody: show a code, read a code, compare.
func meet(home: String) throws {
    let alice = try Client.create(path: "\(home)/alice.wl", passphrase: "correct horse")
    let bob = try Client.create(path: "\(home)/bob.wl", passphrase: "battery staple")

    // Show a code: in a terminal, as a picture, or as SVG on a page.
    let code = try bob.inPersonCode()
    print(try qrTerminal(uri: code))
    let screen = URL(fileURLWithPath: "\(home)/screen.png")
    try qrPng(uri: code).write(to: screen)

    // Read a code, as a camera sees it. Its owner is verified, for it was on their own screen.
    let contact = try alice.meet(code: qrRead(picture: Data(contentsOf: screen))[0])
    for envelope in try alice.send(to: contact.address, text: "Nice to meet you").envelopes {
        _ = try bob.receive(envelope: envelope.bytes)
    }
    for envelope in try bob.send(to: alice.address(), text: "You too").envelopes {
        _ = try alice.receive(envelope: envelope.bytes)
    }

    // Compare: the same digits and pictures on both sides, or one scans the other's safety code.
    let (ours, theirs) = (try alice.session(address: bob.address()), try bob.session(address: alice.address()))
    print(ours.safetyNumber())
    print(theirs.safetyEmoji().map(\.picture).joined(separator: " "))
    try theirs.verifyCode(code: ours.safetyCode())
    print("verified: \(try alice.contact(address: bob.address()).verified) \(try bob.contact(address: alice.address()).verified)")
}
