import Foundation
import Windlass
import XCTest

final class ConversationTests: PeopleTestCase {
    private func create(_ name: String) throws -> Client { try .create(path: path(name), key: key()) }

    /// Carries everything that waits, until nothing waits any more.
    private func exchange(_ a: Client, _ b: Client) throws {
        while true {
            let (fromA, fromB) = (try a.outbox(), try b.outbox())
            if fromA.isEmpty && fromB.isEmpty { return }
            for envelope in fromA { _ = try b.receive(envelope: envelope.bytes) }
            try a.markSent(ids: fromA.map(\.id))
            for envelope in fromB { _ = try a.receive(envelope: envelope.bytes) }
            try b.markSent(ids: fromB.map(\.id))
        }
    }

    private func texts(_ client: Client, with address: String) throws -> [String?] {
        try client.conversation(address: address).messages().map(\.text)
    }

    func testABackupBringsTheHistoryToANewDeviceAndCanBeStopped() throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.singleUseBundle())
        _ = try alice.send(to: bob.address(), text: "ahoy")
        try exchange(alice, bob)
        let (device, address) = (alice.deviceId(), bob.address())
        let progress = Told()
        XCTAssertEqual(try alice.exportBackup(path: path("backup"), key: key(), progress: progress), 6)
        XCTAssertEqual(progress.last, 6)
        progress.stop = true
        try alice.close()
        let store = try EncryptedStore.open(path: path("alice"), key: key())
        XCTAssertEqual(failure(try store.exportBackup(path: path("stopped"), key: key(), progress: progress))?.code, "cancelled")
        try store.close()
        let restored = try EncryptedStore.importBackup(
            backup: path("backup"), backupKey: key(), path: path("new"), key: key())
        let again = try Client.open(store: restored)
        XCTAssertNotEqual(again.deviceId(), device)
        XCTAssertEqual(try texts(again, with: address), ["ahoy"])
        try again.close()
    }

    func testWhatIsDeletedForOneSideStaysOnTheOther() throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.singleUseBundle())
        for said in ["one", "two"] { _ = try alice.send(to: bob.address(), text: said) }
        try exchange(alice, bob)
        XCTAssertEqual(try bob.unread(), 2)
        let conversation = try bob.conversation(address: alice.address())
        try conversation.deleteForMe(message: XCTUnwrap(conversation.messages().first))
        XCTAssertEqual(try texts(bob, with: alice.address()), ["two"])
        try bob.deleteConversation(address: alice.address())
        XCTAssertEqual(try bob.conversations().count, 0)
        XCTAssertEqual(try texts(alice, with: bob.address()), ["one", "two"])
    }

    func testPeopleMeetByCodesAndTheCodesAreLeftForAnotherReader() throws {
        try meet(home: home.path)
        let left = ProcessInfo.processInfo.environment["WINDLASS_CODES"].map { URL(fileURLWithPath: $0) }
        let folder: URL = left ?? home
        let client = try create("shown")
        var codes = try client.singleUseBundles(count: 10).map { $0.toUri() }
        codes += [try client.inPersonCode()]
        for (number, code) in codes.enumerated() {
            try qrPng(uri: code).write(to: folder.appendingPathComponent("\(number).png"))
            try code.write(to: folder.appendingPathComponent("\(number).txt"), atomically: true, encoding: .utf8)
            XCTAssertEqual(try qrRead(picture: qrPng(uri: code, dark: true)), [code])
        }
        XCTAssertEqual(failure(try client.meet(code: codes[0]))?.code, "not_in_person")
    }

    func testAHistoryIsASequenceAndAStream() async throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let conversation = try alice.conversation(address: bob.address())
        for number in 0..<120 { _ = try await conversation.send(text: "\(number)") }
        let expected = (0..<120).reversed().map { "\($0)" }
        XCTAssertEqual(conversation.history.map(\.text), expected)
        var streamed: [String?] = []
        for try await message in conversation.historyStream { streamed.append(message.text) }
        XCTAssertEqual(streamed, expected)
    }

    func testTheCallsOfAScreenWaitInNoneOfSwiftsThreads() async throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let conversation = try alice.conversation(address: bob.address())
        for text in ["one", "two"] { _ = try await conversation.sendBody(body: .text(text: text)) }
        let sent = try await conversation.messages()
        _ = try await conversation.edit(message: sent[0], text: "first")
        for emoji in ["👍", "⚓"] { _ = try await conversation.react(message: sent[0], emoji: emoji) }
        _ = try await conversation.unreact(message: sent[0], emoji: "👍")
        _ = try await conversation.delete(message: sent[1])
        try await conversation.markRead()
        let now = try await conversation.messages()
        XCTAssertEqual(now.map(\.text), ["first", nil])
        XCTAssertEqual(now[0].reactions.map(\.emoji), ["⚓"])
        let (found, before) = (try await conversation.search(text: "FIRST"), try await conversation.messages(limit: 1, before: sent[1]))
        XCTAssertEqual([found.messages.map(\.id), before.map(\.id)], [[sent[0].id], [sent[0].id]])
        let chats = try await alice.conversations()
        XCTAssertEqual(chats.map(\.address), [bob.address()])
    }

    func testWhatTheReadmeShowsWorks() throws {
        try firstConversation(home: home.path)
    }

    func testAConversationGoesOnAfterBothStoresWereClosedAndOpened() throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        let (toAlice, toBob) = (alice.address(), bob.address())
        _ = try alice.addContact(bundle: bob.singleUseBundle())
        _ = try alice.send(to: toBob, text: "ahoy")
        try exchange(alice, bob)
        try alice.close()
        try bob.close()
        XCTAssertEqual(failure(try alice.contacts())?.code, "store_closed")

        let a = try Client.open(path: path("alice"), key: key())
        let b = try Client.open(path: path("bob"), key: key())
        _ = try b.send(to: toAlice, text: "and back")
        try exchange(a, b)
        XCTAssertEqual(try texts(a, with: toBob), ["ahoy", "and back"])
        XCTAssertEqual(try texts(b, with: toAlice), ["ahoy", "and back"])
        XCTAssertNotNil(try a.conversation(address: toBob).messages().first?.deliveredAt)
    }

    func testAnInvitationTravelsAsUriAndAsPicture() throws {
        let bob = try create("bob")
        let bundle = try bob.singleUseBundle()
        XCTAssertEqual(try Bundle.fromUri(uri: bundle.toUri().lowercased()).toUri(), bundle.toUri())
        XCTAssertEqual(try Bundle.fromQrImage(picture: bundle.qrPng()).toUri(), bundle.toUri())
        XCTAssertTrue(bundle.singleUse())
        XCTAssertTrue(try bundle.qrSvg().contains("<svg"))
        XCTAssertEqual(bundle.identity().address(), bob.address())
    }

    func testAnEnvelopeThatComesAgainIsADuplicate() throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let sent = try alice.send(to: bob.address(), text: "once")
        _ = try bob.receive(envelope: sent.envelopes[0].bytes)
        XCTAssertEqual(
            try bob.receive(envelope: sent.envelopes[0].bytes), [.duplicate(messageId: sent.messageId)])
    }

    func testEachFailureIsAnErrorOfItsOwnAndTheNextCallWorks() throws {
        try Client.create(path: path("locked"), passphrase: "right").close()
        let wrong = failure(try Client.open(path: path("locked"), passphrase: "wrong"))
        XCTAssertEqual(wrong?.code, "wrong_key")
        XCTAssertEqual(wrong?.retry, false)
        XCTAssertEqual(wrong?.localizedDescription, "the key or passphrase is wrong")
        XCTAssertFalse(wrong?.advice.isEmpty ?? true)
        try Client.open(path: path("locked"), passphrase: "right").close()

        try "not a store".write(toFile: path("text"), atomically: true, encoding: .utf8)
        XCTAssertEqual(failure(try Client.open(path: path("text"), key: key()))?.code, "not_a_store")
        XCTAssertEqual(failure(try Client.open(path: path("none"), key: key()))?.code, "store_not_found")

        let alice = try create("alice")
        let stranger = try Identity.generate().address()
        XCTAssertEqual(failure(try alice.send(to: stranger, text: "?"))?.code, "unknown_contact")
        XCTAssertEqual(failure(try alice.receive(envelope: Data([1, 2, 3])))?.code, "envelope_malformed")
        var changed = try alice.bundle().encode()
        // In the signature; behind it is the ML-KEM key.
        changed[changed.startIndex + 150] ^= 1
        XCTAssertEqual(failure(try Bundle.decode(bytes: changed))?.code, "bundle_signature")
        XCTAssertFalse(try alice.bundle().devices().isEmpty)
    }

    func testEveryCodeIsKnown() {
        for info in errors() {
            XCTAssertEqual(errorInfo(code: info.code), info)
        }
        XCTAssertNil(errorInfo(code: "no_such_code"))
    }

    func testASecondDeviceIsLinkedAndHasTheHistory() throws {
        let (phone, bob) = (try create("phone"), try create("bob"))
        _ = try phone.addContact(bundle: bob.bundle())
        _ = try phone.send(to: bob.address(), text: "before")
        try exchange(phone, bob)
        let link = try DeviceLink(path: path("tablet"), key: key())
        let check = try link.takeAnswer(answer: phone.linkDevice(code: link.toUri()))
        XCTAssertEqual(try phone.checkLink(reply: link.reply()), check)
        XCTAssertEqual(check.address, phone.address())
        let tablet = try link.finish(transfer: phone.confirmLink())
        try exchange(phone, tablet)
        XCTAssertEqual(tablet.address(), phone.address())
        XCTAssertEqual(try texts(tablet, with: bob.address()), ["before"])
        XCTAssertEqual(try phone.devices().map(\.thisDevice), [true, false])
        XCTAssertEqual(failure(try phone.removeDevice(deviceId: 7))?.code, "unknown_device")
    }

    func testALostMessageComesAgainInASimulation() throws {
        let world = Simulation(seed: 1)
        let (alice, bob) = (try world.addPerson(), try world.addPerson())
        try world.introduce(a: alice, b: bob)
        world.setFaults(faults: Faults(drop: 1000, duplicate: 0, delay: 0, crash: 0))
        _ = try world.send(person: alice, device: 0, to: bob, text: "lost")
        XCTAssertEqual(try world.run(), [])
        world.setFaults(faults: Faults(drop: 0, duplicate: 0, delay: 0, crash: 0))
        try world.advance(time: 7200)
        let delivered = try world.run()
        XCTAssertEqual(delivered.first?.person, bob)
        let with = try world.client(person: alice, device: 0).address()
        XCTAssertEqual(try texts(world.client(person: bob, device: 0), with: with), ["lost"])
    }

    func testABareSessionCarriesTheApplicationsOwnBytes() throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let session = try alice.session(address: bob.address())
        let sent = try session.encrypt(data: Data([0, 255, 7]))
        let opened = try bob.session(address: alice.address()).decrypt(envelope: sent.envelopes[0].bytes)
        XCTAssertEqual(opened, Data([0, 255, 7]))
        XCTAssertEqual(try session.state(), .pending)
        XCTAssertEqual(try session.postQuantum(), .kem)
    }

    func testTasksSendAtOnceAndNothingIsLost() async throws {
        let (alice, bob) = (try create("alice"), try create("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        let address = bob.address()
        try await withThrowingTaskGroup(of: Sent.self) { group in
            for i in 1...20 {
                group.addTask { try await alice.send(to: address, text: "\(i)") }
            }
            for try await sent in group {
                _ = try await bob.receive(envelope: sent.envelopes[0].bytes)
            }
        }
        XCTAssertEqual(Set(try texts(bob, with: alice.address())), Set((1...20).map { "\($0)" }))
    }
}

/// Remembers what it was told, and stops the work if it is asked to.
private final class Told: ProgressListener, @unchecked Sendable {
    var last: UInt64 = 0
    var stop = false

    func advance(done: UInt64, total: UInt64) throws {
        last = done
        if stop { throw ProgressError.Stopped }
    }
}
