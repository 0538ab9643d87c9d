import Foundation
import Windlass
import XCTest

final class StoreTests: PeopleTestCase {
    func testAStoreThatIsOpenIsLockedAndOneThatIsClosedSaysSo() throws {
        let alice = try open("alice")
        let conversation = try alice.conversation(address: Identity.generate().address())
        let locked = failure(try open("alice"))
        XCTAssertEqual(locked?.code, "store_locked")
        XCTAssertEqual(locked?.retry, true)
        try alice.close()
        // A second time does nothing.
        try alice.close()
        XCTAssertEqual(failure(try conversation.messages())?.code, "store_closed")
        try open("alice").close()
    }

    func testAStoreThatWasCarriedToAnotherPlaceIsThereAlone() throws {
        let alice = try open("alice")
        let address = alice.address()
        try alice.close()
        try EncryptedStore.copy(source: path("alice"), target: path("there"), key: key()).close()
        XCTAssertEqual(failure(try open("alice"))?.code, "store_moved")
        XCTAssertEqual(try open("there").address(), address)
    }

    func testWhatIsNoStoreOrNotAWholeOneIsToldApart() throws {
        try open("alice").close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path("alice")))
        XCTAssertEqual(failure(try Client.create(path: path("alice"), key: key()))?.code, "store_exists")
        try bytes.write(to: URL(fileURLWithPath: path("alone")))
        XCTAssertEqual(failure(try open("alone"))?.code, "key_slots_missing")
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path("alice")))
        XCTAssertNotNil(failure(try open("alice")))
    }

    func testWhatCannotBeReadIsAnEventWithItsCause() throws {
        let (alice, bob) = (try open("alice"), try open("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let envelope = try alice.send(to: bob.address(), text: "ahoy").envelopes[0].bytes
        var changed = envelope
        changed[changed.count - 1] ^= 1
        XCTAssertEqual(try bob.receive(envelope: changed), [.undecryptable(cause: .authentication, address: nil)])
        XCTAssertEqual(try bob.receiveMany(envelopes: [Data([1]), envelope]).map(\.refused), ["envelope_malformed", nil])
        XCTAssertEqual(failure(try alice.receive(envelope: envelope))?.code, "not_for_this_device")
    }

    func testABundleThatWasChangedCutOrUsedIsRefused() throws {
        let (alice, bob, carol) = (try open("alice"), try open("bob"), try open("carol"))
        let invitation = try bob.singleUseBundle()
        let bytes = invitation.encode()
        XCTAssertEqual(failure(try Bundle.decode(bytes: bytes.prefix(bytes.count / 2)))?.code, "bundle_malformed")
        XCTAssertEqual(failure(try Bundle.fromUri(uri: invitation.toUri().dropLast(9) + "QQQQQQQQQ"))?.code, "uri_damaged")
        XCTAssertEqual(failure(try Bundle.fromUri(uri: "https://example.org"))?.code, "uri_not_windlass")
        XCTAssertEqual(failure(try bob.addContact(bundle: invitation))?.code, "own_bundle")
        for client in [alice, carol] { _ = try client.addContact(bundle: invitation) }
        _ = try bob.receive(envelope: alice.send(to: bob.address(), text: "first").envelopes[0].bytes)
        let second = try bob.receive(envelope: carol.send(to: bob.address(), text: "second").envelopes[0].bytes)
        guard case .undecryptable(.invitationUsed, _) = second.last else { return XCTFail("\(second)") }
    }

    func testTheEnvironmentNamesTheStoreAndSecretsAreNotQuoted() throws {
        let key = String(repeating: "07", count: 32)
        let environment = ["WINDLASS_STORE": path("bot"), "WINDLASS_KEY": key]
        let never = environment.merging(["WINDLASS_CREATE": "false"]) { $1 }
        XCTAssertEqual(failure(try Client.fromEnvironment(never))?.code, "store_not_found")
        let made = try Client.fromEnvironment(environment)
        try made.close()
        let file = home.appendingPathComponent("key")
        try (key + "\n").write(to: file, atomically: true, encoding: .utf8)
        let byFile = ["WINDLASS_STORE": path("bot"), "WINDLASS_KEY_FILE": file.path]
        let again = try Client.fromEnvironment(byFile)
        XCTAssertEqual(again.address(), made.address())
        try again.close()
        // The same bytes as Python and the command line read them.
        for kept in [Data(repeating: 7, count: 32), Data(("\u{FEFF}" + key + "\r\n").utf8)] {
            try kept.write(to: file)
            let opened = try Client.fromEnvironment(byFile)
            XCTAssertEqual(opened.address(), made.address())
            try opened.close()
        }
        for unclear in [String(key.dropFirst()), "0x" + key, "\"" + key + "\"", "two\nlines", ""] {
            try Data(unclear.utf8).write(to: file)
            XCTAssertThrowsError(try Client.fromEnvironment(byFile)) { XCTAssertTrue($0 is EnvironmentError) }
        }
        for (said, makes) in ["0": false, "No": false, "FALSE": false, "1": true, "yes": true, "True": true] {
            let elsewhere = ["WINDLASS_STORE": path("made-\(said)"), "WINDLASS_KEY": key, "WINDLASS_CREATE": said]
            let refused = failure(try Client.fromEnvironment(elsewhere).close())
            XCTAssertEqual(refused?.code, makes ? nil : "store_not_found", said)
        }
        for unclear in ["perhaps", ""] {
            // Also where nothing is to be made.
            XCTAssertThrowsError(try Client.fromEnvironment(environment.merging(["WINDLASS_CREATE": unclear]) { $1 })) { error in
                XCTAssertEqual(
                    error.localizedDescription, "WINDLASS_CREATE is one of true, yes, 1, false, no and 0")
            }
        }
        let hush = environment.merging(["WINDLASS_KEY": "hush"]) { $1 }
        for wrong in [["WINDLASS_KEY": key], ["WINDLASS_STORE": path("bot")], environment.merging(byFile) { $1 }, hush] {
            XCTAssertThrowsError(try Client.fromEnvironment(wrong)) { error in
                XCTAssertTrue(error is EnvironmentError)
                XCTAssertFalse("\(error) \(error.localizedDescription)".contains("hush"))
            }
        }
    }
}
