import Windlass

private let firstPause = Duration.milliseconds(500)
private let longestPause = Duration.seconds(60)
private let firstTakenOver = Duration.seconds(60)
private let longestTakenOver = Duration.seconds(600)
/// A connection that lived so long was one.
private let livedTime = Duration.seconds(120)
private let foughtTime = Duration.seconds(30)
private let peaceTime = Duration.seconds(3600)
private let shuttingDown: UInt8 = 0x8B
private let takenOver: UInt8 = 0x8E
/// So many connections that found their mailbox and were lost at once: perhaps somebody else takes it each time. Few brokers say so.
private let lostInARow = 3
private let taken = "another process uses this mailbox: a copy of this store, or the same bot started twice; end one of them"

/// How a connection ended.
enum MqttEnd: Sendable, Equatable {
    /// By ourselves.
    case ours
    /// Nobody is there, or nobody who speaks TLS; why.
    case unreachable(String)
    /// It took the connection and said nothing.
    case silent
    /// The broker does not want us.
    case refused(UInt8)
    /// Nothing came for too long.
    case asleep
    /// The broker said goodbye.
    case goodbye(UInt8)
    /// It was cut off.
    case lost
    /// What reads it failed: what came makes no sense, or what we need for it is not there.
    case broken(String)

    /// Whether what was under way may have ended the connection.
    var mayBeOurs: Bool {
        switch self {
        case .lost, .broken: true
        case .goodbye(let reason): reason != shuttingDown && reason != takenOver
        case .ours, .unreachable, .silent, .refused, .asleep: false
        }
    }
}

/// How long to wait before the next connection, and what to say about the last one.
struct MqttPauses {
    private let broker: String
    private let log: @Sendable (String) -> Void
    private let clock: @Sendable () -> ContinuousClock.Instant
    private var pause = firstPause
    private var rest = firstTakenOver
    private var lost = 0
    private var began: ContinuousClock.Instant

    init(
        _ broker: String, log: @escaping @Sendable (String) -> Void,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        (self.broker, self.log, self.clock, began) = (broker, log, clock, clock())
    }

    /// `kept` if the mailbox was there, `probed` as `MqttLetters.ended` says it; `again` if it is to be made anew at once.
    mutating func after(_ end: MqttEnd, kept: Bool, probed: Bool?, again: Bool) -> Duration {
        let lived = clock() - began
        if lived >= livedTime { pause = firstPause }
        if lived >= peaceTime { rest = firstTakenOver }
        lost = end == .lost && kept && probed == nil && lived < foughtTime ? lost + 1 : 0
        var wait = pause
        if end == .ours && again {
            wait = .zero
        } else if lost >= lostInARow || end == .goodbye(takenOver) {
            wait = rest
            rest = min(rest * 2, longestTakenOver)
        } else if probed != true {
            pause = min(pause * 2, longestPause)
        }
        wait = wait * Double.random(in: 0.75...1.25)
        if end != .ours { log("\(told(end)); again in \(wait.milliseconds) ms") }
        began = clock() + wait
        return wait
    }

    private func told(_ end: MqttEnd) -> String {
        switch end {
        case .unreachable(let cause): "cannot connect with \(broker): \(cause)"
        case .silent:
            "\(broker) took the connection and said nothing for 10 s: is it an MQTT broker, and is it mqtts:// (TLS) rather than mqtt://, or the "
                + "other way round?"
        case .refused(let reason): "\(broker) does not let us in: \(refusal(reason))"
        case .asleep: "\(broker) has said nothing for too long"
        case .goodbye(takenOver): taken
        case .goodbye(let reason): "\(broker) ended the connection, reason \(reason)"
        case .lost: lost >= lostInARow ? "perhaps \(taken)" : "the connection with \(broker) is gone"
        case .broken(let cause): "the connection with \(broker) failed: \(cause)"
        case .ours: "the connection with \(broker) was ended"
        }
    }

    private func refusal(_ reason: UInt8) -> String {
        switch reason {
        case 0x86, 0x04: "user name or password is wrong; see the URL, or the password file"
        case 0x87, 0x05: "not authorised; the broker's access rules must let this user read its mailbox"
        case 0x85, 0x02: "it does not take our client id"
        case 0x8A: "we are banned"
        case 0x97, 0x9B: "too much was asked of it"
        case 0x9C, 0x9D: "it says to use another server"
        default: "reason \(reason)"
        }
    }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
