import Foundation
import Windlass
import XCTest

@testable import WindlassMQTT

/// What was said where nobody can wait.
final class Said: Sendable {
    private let lines = Locked<[String]>([])

    func add(_ line: String) { lines.use { $0.append(line) } }

    var all: [String] { lines.use { $0 } }

    func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }
}

/// Waits for what comes; what never does fails after a minute, instead of going on for ever.
func until(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        if ContinuousClock.now > end { throw TestFailure(said: "it never came") }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Two who write to each other, and a real broker.
final class MqttTransportTests: XCTestCase {
    private var home = URL(fileURLWithPath: NSTemporaryDirectory())
    private let told = Said()

    override func setUpWithError() throws {
        home.appendPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    }

    override func tearDownWithError() throws { try FileManager.default.removeItem(at: home) }

    private func transport(_ url: String, bounds: MqttTransport.Bounds = .init()) throws -> MqttTransport {
        try MqttTransport(url: url, bounds: bounds, connect: connectOnLinux) { [told] in told.add($0) }
    }

    /// The broker has the mailbox when it has taken the bundle.
    private func mailbox(_ url: String, _ address: String, bounds: MqttTransport.Bounds = .init()) async throws -> MqttTransport {
        let transport = try transport(url, bounds: bounds)
        try await transport.start(address: address, device: 1)
        try await transport.publishBundle(address: address, bundle: Data(address.utf8))
        return transport
    }

    private func open(_ name: String) throws -> Client {
        let (path, key) = (home.appendingPathComponent("\(name).wl").path, try StoreKey.fromBytes(key: Data(repeating: 7, count: 32)))
        return try FileManager.default.fileExists(atPath: path) ? .open(path: path, key: key) : .create(path: path, key: key)
    }

    /// The next so many envelopes, acknowledged.
    private func take(_ count: Int, from transport: MqttTransport) async -> [Data] {
        var came: [Data] = []
        for await incoming in await transport.receive() {
            came.append(incoming.envelope)
            await incoming.acknowledge()
            if came.count == count { break }
        }
        return came
    }

    private func error(_ work: () async throws -> Void) async -> TransportError? {
        do { try await work() } catch { return error as? TransportError }
        return nil
    }

    func testTwoClientsTalkThroughABrokerThatIsStartedAgain() async throws {
        let broker = try Mosquitto(home)
        let people = try ["alice", "bob"].map { (client: try open($0), transport: try transport(broker.url)) }
        for (client, transport) in people {
            await transport.useSecret(try client.transportSecret())
            try await transport.start(address: client.address(), device: client.deviceId())
            try await transport.publishBundle(address: client.address(), bundle: client.bundle().encode())
        }
        let (alice, bob) = (people[0], people[1])
        let found = try await alice.transport.fetchBundle(address: bob.client.address())
        _ = try alice.client.addContact(bundle: .decode(bytes: XCTUnwrap(found)))
        let receiving = people.map { client, transport in
            Task {
                for await incoming in await transport.receive() {
                    _ = try await client.receive(envelope: incoming.envelope)
                    await incoming.acknowledge()
                    try await carry(client, transport)
                }
            }
        }
        @Sendable func carry(_ client: Client, _ transport: MqttTransport) async throws {
            for envelope in try await client.outbox() {
                try await transport.deliver(address: envelope.to, envelope: envelope.bytes)
                try await client.markSent(ids: [envelope.id])
            }
        }
        func heard(_ by: Client, _ from: Client) async throws -> [String?] {
            try await by.conversation(address: from.address()).messages().map(\.text)
        }
        _ = try await alice.client.send(to: bob.client.address(), text: "before")
        try await carry(alice.client, alice.transport)
        try await until { try await heard(bob.client, alice.client) == ["before"] }
        broker.stop()
        _ = try await bob.client.send(to: alice.client.address(), text: "meanwhile")
        let waiting = Task { try await carry(bob.client, bob.transport) }
        try broker.start()
        try await waiting.value
        try await until { try await heard(alice.client, bob.client) == ["before", "meanwhile"] }
        receiving.forEach { $0.cancel() }
        for (client, transport) in people {
            await transport.close()
            try client.close()
        }
    }

    func testABotAnswersOverTheBrokerAlsoWhenItWasAwayAndATooLargeAnswerHoldsUpNoOther() async throws {
        let broker = try Mosquitto(home, settings: "max_packet_size 20000")
        let client = try open("bot")
        func start() throws -> (Bot, Task<Void, any Error>) {
            let bot = Bot(client: client, transport: try transport(broker.url)) { [told] in told.add($0) }
            bot.onMessage { message in
                if message.text == "much" { message.reply(String(repeating: "x", count: 30_000)) }
                message.reply(message.text)
            }
            return (bot, Task { try await bot.run() })
        }
        let (user, door) = (try open("user"), try transport(broker.url))
        try await door.start(address: user.address(), device: user.deviceId())
        try await door.publishBundle(address: user.address(), bundle: user.bundle().encode())
        var (bot, running) = try start()
        try await until { try await door.fetchBundle(address: client.address()) != nil }
        _ = try user.addContact(bundle: client.bundle())
        let heard = Said()
        let receiving = Task {
            for await incoming in await door.receive() {
                for case .message(let message) in try await user.receive(envelope: incoming.envelope) { heard.add(message.text ?? "") }
                await incoming.acknowledge()
            }
        }
        func say(_ text: String) async throws {
            for envelope in try await user.send(to: client.address(), text: text).envelopes {
                try await door.deliver(address: envelope.to, envelope: envelope.bytes)
            }
        }
        try await say("much")
        try await say("one")
                try await until { heard.all == ["much", "one"] }
        bot.stop()
        try await running.value
        // Its mailbox is there while it is not.
        try await say("two")
        (bot, running) = try start()
        try await until { heard.all == ["much", "one", "two"] }
        XCTAssertTrue(told.contains("is too large"))
        running.cancel()
        _ = await running.result
        receiving.cancel()
        await door.close()
    }

    func testWhatWasNotAcknowledgedComesAgainAndAMailboxThatNobodyHasIsTold() async throws {
        let broker = try Mosquitto(home)
        let (alice, bob) = (try await mailbox(broker.url, "alice"), try await mailbox(broker.url, "bob"))
        try await alice.deliver(address: "bob", envelope: Data("once".utf8))
        for await _ in await bob.receive() { break }
        await bob.close()
        try await bob.start(address: "bob", device: 1)
        var came = await take(1, from: bob)
        XCTAssertEqual(came, [Data("once".utf8)])
        let mail = (0..<300).map { Data("\($0)".utf8) }
        for envelope in mail { try await alice.deliver(address: "bob", envelope: envelope) }
        came = await take(mail.count, from: bob)
        XCTAssertEqual(came, mail)
        let nobody = await error { try await alice.deliver(address: "nobody", envelope: Data([1])) }
        XCTAssertEqual(nobody, .noMailbox)
        let other = try await mailbox("\(broker.url)?prefix=other", "carol")
        let apart = await error { try await other.deliver(address: "alice", envelope: Data([1])) }
        XCTAssertEqual(apart, .noMailbox)
        for transport in [alice, bob, other] { await transport.close() }
        // Else it would be a filter that reads everybody's mail.
        for wrong in ["+", "a/b", "", "#"] {
            let refused = await error { _ = try await alice.fetchBundle(address: wrong) }
            XCTAssertNotNil(refused)
        }
    }

    func testAnEnvelopeThatTheBrokerRefusesWithoutAWordHoldsUpNoOther() async throws {
        let broker = try Mosquitto(home, settings: "message_size_limit 20000")
        let (alice, bob) = (try await mailbox(broker.url, "alice"), try await mailbox(broker.url, "bob"))
        let refused = await error { try await alice.deliver(address: "bob", envelope: Data(count: 60_000)) }
        XCTAssertEqual(refused, .tooLarge)
        try await alice.deliver(address: "bob", envelope: Data("small".utf8))
        let came = await take(1, from: bob)
        XCTAssertEqual(came, [Data("small".utf8)])
        for transport in [alice, bob] { await transport.close() }
    }

    func testMailGoesByTheFormerVersionAndWhatIsTooLongForUsIsPassedOver() async throws {
        let broker = try Mosquitto(home, settings: "max_inflight_messages 5")
        var bounds = MqttTransport.Bounds()
        bounds.largestPacket = 50_000
        let alice = try await mailbox("\(broker.url)?version=3", "alice")
        let bob = try await mailbox("\(broker.url)?version=3.1.1", "bob", bounds: bounds)
        try await alice.deliver(address: "bob", envelope: Data(count: 100_000))
        let mail = (0..<50).map { Data("\($0)".utf8) }
        let writing = Task { for envelope in mail { try await alice.deliver(address: "bob", envelope: envelope) } }
        let came = await take(mail.count, from: bob)
        XCTAssertEqual(came, mail)
        try await writing.value
        for transport in [alice, bob] { await transport.close() }
    }

    func testWhatNobodyAcknowledgesIsHeldUpToABoundAndComesAgainWhenThereIsRoom() async throws {
        let broker = try Mosquitto(home, settings: "max_inflight_messages 0")
        var bounds = MqttTransport.Bounds()
        bounds.waitingBytes = 1024 * 1024
        let (alice, bob) = (try await mailbox(broker.url, "alice"), try await mailbox(broker.url, "bob", bounds: bounds))
        for number in 0..<12 { try await alice.deliver(address: "bob", envelope: Data(repeating: UInt8(number), count: 200_000)) }
        var came: Set<UInt8> = []
        for await incoming in await bob.receive() {
            came.insert(try XCTUnwrap(incoming.envelope.first))
            await incoming.acknowledge()
            if came.count == 12 { break }
        }
        XCTAssertEqual(came, Set(0..<12))
        for transport in [alice, bob] { await transport.close() }
    }

    func testAMailboxIsNamedByASecretAndWhoeverTakesItIsToldOf() async throws {
        let broker = try Mosquitto(home)
        let (one, other, stranger) = (try transport(broker.url), try transport(broker.url), try transport(broker.url))
        for transport in [one, other] { await transport.useSecret(Data(repeating: 1, count: 32)) }
        // The same in every language.
        XCTAssertEqual(mailboxName(secret: Data(repeating: 1, count: 32), address: "alice", device: 1), "wl5eec837ca33e21a135f03")
        for transport in [one, stranger] { try await transport.start(address: "alice", device: 1) }
        // Both have a mailbox at the address, each its own.
        try await one.publishBundle(address: "alice", bundle: Data([1]))
        try await stranger.publishBundle(address: "alice", bundle: Data([2]))
        await stranger.close()
        XCTAssertFalse(told.contains("another process"))
        try await other.start(address: "alice", device: 1)
        try await other.publishBundle(address: "alice", bundle: Data([3]))
        try await until { told.contains("another process uses this mailbox") }
        for transport in [one, other] { await transport.close() }
    }

    func testOurBundleIsPutThereAgainWhenSomebodyReplacesItAndOthersAreNotTakenForOne() async throws {
        let broker = try Mosquitto(home)
        let (client, mallory) = (try open("client"), try open("mallory"))
        let (alice, attacker) = (try transport(broker.url), try await mailbox(broker.url, "mallory"))
        try await alice.start(address: client.address(), device: 1)
        try await alice.publishBundle(address: client.address(), bundle: client.bundle().encode())
        try await attacker.publishBundle(address: client.address(), bundle: mallory.bundle().encode())
        try await until { told.contains("somebody replaced our bundle") }
        let ours = try client.bundle().encode()
        try await until { try await attacker.fetchBundle(address: client.address()) == ours }
        for transport in [alice, attacker] { await transport.close() }
    }

    func testABrokerIsTrustedByItsCertificateAndItsName() async throws {
        let broker = try Mosquitto(home, name: "IP:127.0.0.1")
        let alice = try await mailbox("\(broker.url)?ca=\(broker.certificate)", "alice")
        let envelope = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0) })
        try await alice.deliver(address: "alice", envelope: envelope)
        let came = await take(1, from: alice)
        XCTAssertEqual(came, [envelope])
        await alice.close()
        XCTAssertEqual(told.all, [])
        // Of no authority that the machine knows.
        let stranger = try transport(broker.url)
        try await stranger.start(address: "bob", device: 1)
        try await until { told.contains("TLS failed: self-signed certificate") }
        await stranger.close()
    }

    func testABrokerWithACertificateOfAnotherNameIsRefused() async throws {
        let broker = try Mosquitto(home, name: "DNS:elsewhere.example")
        let alice = try transport("\(broker.url)?ca=\(broker.certificate)")
        try await alice.start(address: "alice", device: 1)
        try await until { told.contains("TLS failed: IP address mismatch") }
        await alice.close()
    }

    func testWhoeverTakesTheConnectionAndIsNoBrokerIsToldInWordsAndNoPasswordIs() async throws {
        var bounds = MqttTransport.Bounds()
        bounds.greeting = .milliseconds(200)
        try await silent { port in
            for scheme in ["mqtt", "mqtts"] {
                let alice = try transport("\(scheme)://bot:se%3Acret@127.0.0.1:\(port)", bounds: bounds)
                try await alice.start(address: "alice", device: 1)
                let before = told.all.count
                try await until { told.all.dropFirst(before).contains { $0.contains("said nothing for 10 s: is it an MQTT broker") } }
                await alice.close()
                XCTAssertEqual(alice.description, "MqttTransport(127.0.0.1:\(port))")
            }
        }
        let alice = try transport("mqtt://bot:se%3Acret@127.0.0.1:\(freePort())")
        let waiting = Task {
            try await alice.start(address: "alice", device: 1)
            try await alice.publishBundle(address: "alice", bundle: Data([1]))
        }
        try await until { told.contains("Connection refused") }
        waiting.cancel()
        _ = await waiting.result
        await alice.close()
        XCTAssertFalse(told.contains("cret") || told.contains("bot"))
    }

    func testTheUserNameWithAPasswordFileIsOurAddressAndAWrongPasswordIsTold() async throws {
        let passwords = home.appendingPathComponent("passwords").path
        try call("mosquitto_passwd", "-b", "-c", passwords, "alice", "s: cr%t")
        let broker = try Mosquitto(home, settings: "allow_anonymous false\npassword_file \(passwords)")
        let files = try ["s: cr%t\n", "other"].map { text in
            let file = home.appendingPathComponent("secret\(text.count)")
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
        await (try await mailbox("\(broker.url)?password_file=\(files[0])", "alice")).close()
        let wrong = try transport("\(broker.url)?password_file=\(files[1])")
        try await wrong.start(address: "alice", device: 1)
        try await until { told.contains("user name or password is wrong") || told.contains("not authorised") }
        await wrong.close()
        XCTAssertFalse(told.contains("other"))
    }

    func testAnAddressThatMakesNoSenseIsRefusedWithoutBeingQuoted() throws {
        let wrong = [
            "http://bot:secret@host", "mqtts://bot:sec ret@host", "mqtt:secret", "mqtts://host?secret=1&version=3", "mqtts://host?version=4",
            "mqtt://bot:sret@broker.example", "mqtt://10.0.0.1", "mqtt://127.0.0.1.example", "mqtt://127.0.0.1@host", "mqtt://host?cleartext=no",
            "mqtt://localhost?ca=ca.pem", "mqtts://host?prefix=a/%23", "mqtts://bot:sret@host?password_file=/tmp/x", "mqtts://host:0", "mqtts://",
            "mqtts://bot:sret%ff@host", "",
        ]
        for url in wrong {
            XCTAssertThrowsError(try transport(url), url) { error in
                XCTAssertFalse("\(error)".contains("ret@") || !(error is TransportError), url)
            }
        }
        for url in ["mqtt://localhost", "mqtt://127.0.0.1:1", "mqtt://[::1]", "mqtt://broker.example?cleartext=yes", "mqtts://broker.example"] {
            _ = try transport(url)
        }
    }
}
