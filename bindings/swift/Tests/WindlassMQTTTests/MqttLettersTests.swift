import Foundation
import Windlass
import XCTest

@testable import WindlassMQTT

/// What is sent again, what is found out to be too large, and what of a broker makes no sense.
final class MqttLettersTests: XCTestCase {
    private var clock = Clock()
    private var number: UInt16 = 0
    private var letters = MqttLetters()

    override func setUp() {
        letters = MqttLetters { [clock] in clock.now }
    }

    private func letter(_ name: String) -> MqttLetter {
        let letter = MqttLetter(topic: name, payload: Array(repeating: 0, count: 10), retain: false)
        letters.add(letter)
        return letter
    }

    private func next() -> (letters: [MqttLetter], again: Duration?) {
        letters.next(self) {
            number += 1
            return number
        }
    }

    private func sent() -> [String] { next().letters.map(\.topic) }

    private func begin(window: Int = 20, largest: Int = .max) { letters.begin(self, window: window, largest: largest) }

    private func refusal(_ letter: MqttLetter) -> TransportError? {
        guard case .failure(let error)? = letter.done.now else { return nil }
        return error as? TransportError
    }

    private func reason(_ letter: MqttLetter) -> UInt8? { try? letter.done.now?.get() }

    func testTheOneWithWhichConnectionsEndIsFoundOutAndTheOthersGo() {
        let all = ["one", "the deadly one", "two"].map(letter)
        begin()
        XCTAssertEqual(sent(), ["one", "the deadly one", "two"])
        XCTAssertEqual(letters.ended(mine: true), false)
        _ = letter("new")
        begin()
        // First what is not suspect.
        XCTAssertEqual(sent(), ["new"])
        XCTAssertEqual(sent(), [])
        letters.confirmed(number, reason: 0)
        // Then each alone.
        XCTAssertEqual(sent(), ["one"])
        _ = letter("behind")
        XCTAssertEqual(sent(), [])
        letters.confirmed(number, reason: 0)
        XCTAssertEqual(sent(), ["behind"])
        letters.confirmed(number, reason: 0)
        XCTAssertEqual(sent(), ["the deadly one"])
        XCTAssertEqual(letters.ended(mine: true), true)
        XCTAssertEqual(refusal(all[1]), .tooLarge)
        begin()
        XCTAssertEqual(sent(), ["two"])
        letters.confirmed(number, reason: 0)
        XCTAssertEqual([all[0], all[2]].map(reason), [0, 0])
    }

    func testWhatEndsForAnotherReasonMakesNothingSuspect() {
        let all = ["one", "two"].map(letter)
        begin()
        XCTAssertEqual(sent().count, all.count)
        XCTAssertNil(letters.ended(mine: false))
        begin()
        XCTAssertEqual(sent(), ["one", "two"])
        let ours: [MqttEnd] = [.lost, .goodbye(0x82), .goodbye(0x95), .broken("")]
        let others: [MqttEnd] = [.ours, .asleep, .silent, .goodbye(0x8B), .goodbye(0x8E), .refused(0x87), .unreachable("")]
        XCTAssertTrue(ours.allSatisfy(\.mayBeOurs) && !others.contains(where: \.mayBeOurs))
    }

    func testOthersWaitForAProbeThatIsNotAnsweredForAWhile() {
        _ = letter("one")
        begin()
        _ = sent()
        _ = letters.ended(mine: true)
        begin()
        XCTAssertEqual(sent(), ["one"])
        _ = letter("two")
        let waits = next()
        XCTAssertEqual(waits.letters.count, 0)
        XCTAssertEqual(waits.again, .seconds(30))
        clock.advance(.seconds(30))
        XCTAssertEqual(sent(), ["two"])
    }

    func testABrokerThatIsStartedAgainAndAgainMakesNothingTooLarge() {
        let (small, large) = (letter("small"), letter("a larger one"))
        begin()
        _ = sent()
        letters.confirmed(2, reason: 0)
        _ = letters.ended(mine: true)
        for _ in 1...3 {
            begin()
            XCTAssertNil(refusal(small))
            XCTAssertEqual(sent(), ["small"])
            _ = letters.ended(mine: true)
        }
        XCTAssertNotNil(refusal(small))
        XCTAssertNotEqual(refusal(small), .tooLarge)
        XCTAssertEqual(reason(large), 0)
    }

    func testNoMoreAreUnderWayThanTheBrokerTakesAndNoneThatIsLarger() {
        let all = (1...5).map { letter("\($0)") }
        begin(window: 2)
        XCTAssertEqual(sent(), ["1", "2"])
        letters.confirmed(1, reason: 0)
        XCTAssertEqual(sent(), ["3"])
        letters.confirmed(2, reason: 0x95)
        XCTAssertEqual(refusal(all[1]), .tooLarge)
        begin(window: 2, largest: 20)
        all.dropFirst().forEach { XCTAssertEqual(refusal($0), .tooLarge) }
        XCTAssertEqual(refusal(letter("new")), .tooLarge)
        letters.close()
        XCTAssertEqual(refusal(letter("late"))?.description, "the transport was closed")
    }

    func testAConnectionThatHasEndedSendsNothingMore() {
        _ = letter("one")
        let (former, new) = (NSObject(), NSObject())
        letters.begin(former, window: 20, largest: .max)
        _ = letters.ended(mine: false)
        XCTAssertEqual(letters.next(former) { 1 }.letters.count, 0)
        letters.begin(new, window: 20, largest: .max)
        XCTAssertEqual(letters.next(former) { 1 }.letters.count, 0)
        XCTAssertEqual(letters.next(new) { 1 }.letters.count, 1)
    }

    func testPausesGrowAndSomebodyElseInTheMailboxIsToldAndRestedFor() {
        let (told, clock) = (Said(), clock)
        var pauses = MqttPauses("broker", log: { told.add($0) }, clock: { clock.now })
        let waits = (0..<9).map { _ in pauses.after(.unreachable("?"), kept: false, probed: nil, again: false) }
        for (wait, expected) in zip(waits, [0.5, 1, 2, 4, 8, 16, 32, 60, 60]) {
            XCTAssertTrue((.seconds(expected * 0.75)...(.seconds(expected * 1.25))).contains(wait), "\(wait) \(expected)")
        }
        clock.advance(.seconds(300))
        XCTAssertLessThan(pauses.after(.lost, kept: true, probed: nil, again: false), .seconds(1))
        XCTAssertEqual(pauses.after(.ours, kept: true, probed: nil, again: true), .zero)
        // The broker was started again: nobody takes the mailbox.
        for _ in 0..<5 { _ = pauses.after(.lost, kept: false, probed: nil, again: false) }
        XCTAssertFalse(told.all.contains { $0.contains("another process") })
        for _ in 0..<3 { _ = pauses.after(.lost, kept: true, probed: nil, again: false) }
        XCTAssertTrue(told.all.last?.hasPrefix("perhaps another process uses this mailbox") ?? false)
        XCTAssertGreaterThan(pauses.after(.goodbye(0x8E), kept: true, probed: nil, again: false), .seconds(80))
    }

    func testWhateverABrokerSendsIsReadOrRefusedInOrder() throws {
        var random = Xorshift(state: 7)
        for version in [MqttVersion.three, .five] {
            for _ in 0..<5_000 {
                var bytes = (0..<Int.random(in: 1..<40, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
                // Mostly of a length that is right.
                if Bool.random(using: &random), bytes.count > 1 { bytes[1] = UInt8(bytes.count - 2) }
                _ = try? packets(bytes, version)
            }
        }
        XCTAssertThrowsError(try packets([0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], .five))
        XCTAssertThrowsError(try packets([0xD0, 0xFF, 0x7F], .five))
    }

    func testAnEnvelopeThatIsTooLongIsPassedOverAndWhatFollowsIsRead() throws {
        let sender = MqttPackets(version: .three)
        let long = sender.publish(topic: "inbox", payload: Array(repeating: 1, count: 200_000), number: 7, retain: false, expiry: nil)
        let short = sender.publish(topic: "inbox", payload: [1, 2], number: 8, retain: false, expiry: nil)
        let read = try packets(long + short + [0xD0, 0], .three)
        guard case .publication(let first) = read[0], case .publication(let second) = read[1], case .pong = read[2] else { return XCTFail("\(read)") }
        XCTAssertTrue(first.tooLong && first.number == 7 && first.topic == "inbox" && first.qos == 1 && first.payload.isEmpty)
        XCTAssertTrue(!second.tooLong && second.number == 8 && second.payload == [1, 2])
    }

    /// What is read of bytes that come a few at a time.
    private func packets(_ bytes: [UInt8], _ version: MqttVersion) throws -> [MqttPacket] {
        var rest = bytes[...]
        var reader = MqttReader(version: version, largest: 1_000) {
            defer { rest = rest.dropFirst(700) }
            return Array(rest.prefix(700))
        }
        var read: [MqttPacket] = []
        while let packet = try reader.next() { read.append(packet) }
        return read
    }
}

/// Time as a test has it.
private final class Clock: Sendable {
    private let time = Locked(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.use { $0 } }

    func advance(_ by: Duration) { time.use { $0 += by } }
}

private struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
