import Foundation

private let fields = [("minute", 0...59), ("hour", 0...23), ("day", 1...31), ("month", 1...12), ("day of the week", 0...7)]
private let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
private let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
private let day = 86_400.0
/// Days within which the 29th of February comes again, whatever the century.
private let farthest = 366 * 8 + 2

/// Five fields that are none, or a day that never comes.
public struct CronError: LocalizedError, Equatable {
    public let errorDescription: String?
}

/// `minute hour day month weekday`, each `*`, a number, a range, a list, with a step: `0 9 * * mon-fri`. In UTC.
struct Cron: Sendable {
    private let minutes: [Int]
    private let hours: [Int]
    private let days: Set<Int>
    private let months: Set<Int>
    private let weekdays: Set<Int>
    /// As cron has it: where both are given, either will do.
    private let either: Bool

    init(_ line: String) throws {
        let parts = line.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
        guard parts.count == fields.count else {
            throw CronError(errorDescription: "\(line) has not the five fields of minute, hour, day, month, day of the week")
        }
        let read = try zip(parts, fields).map { try values(of: $0, $1.0, $1.1) }
        (minutes, hours, days, months) = (read[0].sorted(), read[1].sorted(), read[2], read[3])
        weekdays = Set(read[4].map { $0 % 7 })
        either = !(parts[2].hasPrefix("*") || parts[4].hasPrefix("*"))
        _ = try next(after: Date(timeIntervalSince1970: 0))
    }

    /// The next time behind another.
    func next(after time: Date) throws -> Date {
        let first = (time.timeIntervalSince1970 / 60).rounded(.down) * 60 + 60
        let midnight = (first / day).rounded(.down) * day
        for number in 0..<farthest {
            let begin = midnight + Double(number) * day
            guard isOn(begin) else { continue }
            for hour in hours {
                for minute in minutes {
                    let found = begin + Double(hour * 3600 + minute * 60)
                    if found >= first { return Date(timeIntervalSince1970: found) }
                }
            }
        }
        throw CronError(errorDescription: "there is no such day")
    }

    private func isOn(_ begin: Double) -> Bool {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        let on = calendar.dateComponents([.day, .month, .weekday], from: Date(timeIntervalSince1970: begin))
        let (byDate, byWeek) = (days.contains(on.day ?? 0), weekdays.contains((on.weekday ?? 1) - 1))
        return (either ? byDate || byWeek : byDate && byWeek) && months.contains(on.month ?? 0)
    }
}

private func values(of text: String, _ name: String, _ range: ClosedRange<Int>) throws -> Set<Int> {
    var all: Set<Int> = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let halves = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let ends = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let whole = halves[0] == "*"
        let first = whole ? range.lowerBound : try number(ends[0], name, range)
        let last =
            whole || (halves.count > 1 && ends.count == 1) ? range.upperBound : try number(ends[ends.count - 1], name, range)
        let step = halves.count > 1 ? try number(halves[1], name, 1...range.upperBound) : 1
        if first > last { throw CronError(errorDescription: "\(part) is no range of the \(name)") }
        all.formUnion(stride(from: first, through: last, by: step))
    }
    return all
}

private func number(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws -> Int {
    let named: Int? =
        switch name {
        case "month": months.firstIndex(of: text).map { $0 + 1 }
        case "day of the week": days.firstIndex(of: text)
        default: nil
        }
    let isNumber = text.utf8.allSatisfy { (48...57).contains($0) }
    guard let number = named ?? (isNumber ? Int(text) : nil), range.contains(number) else {
        throw CronError(errorDescription: "\(text) is no \(name)")
    }
    return number
}

/// When a job is due again that was due at a time; nothing if it is not. What was missed meanwhile is not made up for.
func nextRun(due: Double, now: Double, every: Double?, cron: String?) throws -> Double? {
    if let cron { return try Cron(cron).next(after: Date(timeIntervalSince1970: max(now, due))).timeIntervalSince1970 }
    guard let every else { return nil }
    // The clock was wrong.
    if due > now + every { return now + every }
    return due + every * (1 + max(0, ((now - due) / every).rounded(.down)))
}
