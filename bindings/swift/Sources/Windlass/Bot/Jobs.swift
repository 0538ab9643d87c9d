import Foundation

/// Jobs that wait.
private let most = 10_000
/// Jobs that wait because of what one person wrote.
private let mostOfOne = 100

/// So many jobs wait, in all or because of one person, that no other may.
public struct TooManyJobs: LocalizedError {
    public var errorDescription: String? { "too many jobs wait" }
}

/// A job that waits.
public struct ScheduledJob: Sendable, Identifiable {
    public let id: String
    /// Which ``Registrations/job(_:every:cron:_:)`` does it.
    public let task: String
    public let due: Date
    public let every: Duration?
    public let cron: String?
}

/// A job that is due, and what comes of it.
public final class BotJob: Turn, @unchecked Sendable {
    public let id: String
    /// Which ``Registrations/job(_:every:cron:_:)`` does it.
    public let task: String
    /// What it was given. What is changed in it is there at the next time, if it comes again.
    public let data: BotDocument
    /// When it was to be done. It is later now if the bot was away.
    public let due: Date

    fileprivate init(_ bot: Bot, _ id: String, _ record: BotDocument) throws {
        (self.id, task, data) = (id, record[json: "task"]?.text ?? "", try BotDocument(nil))
        if case .object(let given) = record[json: "data"] { data.all = given }
        due = Date(timeIntervalSince1970: record[json: "due"]?.number ?? 0)
        super.init(bot, isAnswer: false)
    }

    /// What it changed is there at the next time, if there is one.
    func keepData(in record: Remembered) throws {
        _ = try data.change()
        if !record.document.isEmpty { record.document[json: "data"] = .object(data.all) }
    }
}

extension BotJob: CustomStringConvertible {
    public var description: String { "BotJob(\(task) \(id))" }
}

/// The jobs that wait, in memory.
struct WaitingJobs: Sendable {
    struct One: Sendable {
        let due: Double
        let task: String
        let by: String
    }

    /// Nothing before it was read.
    var all: [String: One]?
    /// Told when a job was planned, done or taken away.
    var changed: Signal?
}

/// The jobs of a bot that wait: ``Bot/jobs``. In a handler what is planned becomes durable with the answer, elsewhere at once.
public struct Jobs: Sendable {
    let bot: Bot

    /// Once, at a time; its id. With an `id` that waits already the job takes the place of that one. `data` is whatever is `Codable` and has names.
    @discardableResult
    public func at(_ due: Date, _ task: String, _ data: some Codable = [String: String](), id: String? = nil) async throws -> String {
        try await plan(id, task, data, due.timeIntervalSince1970, [:])
    }

    /// Once, after some time.
    @discardableResult
    public func after(_ time: Duration, _ task: String, _ data: some Codable = [String: String](), id: String? = nil) async throws -> String {
        try await plan(id, task, data, now + time.inSeconds, [:])
    }

    /// Again and again. What was missed while the bot was away is done once.
    @discardableResult
    public func every(
        _ interval: Duration, _ task: String, _ data: some Codable = [String: String](), first: Date? = nil, id: String? = nil
    ) async throws -> String {
        precondition(interval >= .seconds(1), "a job is done once a second at most")
        let seconds = interval.inSeconds
        return try await plan(id, task, data, first?.timeIntervalSince1970 ?? now + seconds, ["every": .double(seconds)])
    }

    /// By five fields as cron has them, in UTC: `0 9 * * mon-fri`. What was missed while the bot was away is done once.
    @discardableResult
    public func cron(_ line: String, _ task: String, _ data: some Codable = [String: String](), id: String? = nil) async throws -> String {
        let due = try Cron(line).next(after: bot.client.now()).timeIntervalSince1970
        return try await plan(id, task, data, due, ["cron": .string(line)])
    }

    /// Takes a job away; whether it waited.
    @discardableResult
    public func cancel(_ id: String) async throws -> Bool {
        let turn = bot.currentTurn
        try await load()
        let record = try await records.record(turn, id)
        let was = !record.document.isEmpty
        record.document.removeAll()
        try await records.write(turn, record)
        return was
    }

    /// What waits, what is due first before the others; without what the handler plans that asks.
    public func waiting() async throws -> [ScheduledJob] {
        try await records.all().map { id, record in
            ScheduledJob(
                id: id, task: record[json: "task"]?.text ?? "", due: Date(timeIntervalSince1970: record[json: "due"]?.number ?? 0),
                every: record[json: "every"]?.number.map { .seconds($0) }, cron: record[json: "cron"]?.text)
        }.sorted { ($0.due, $0.id) < ($1.due, $1.id) }
    }

    // For the bot.

    /// Plans the job that a program has by its own, under the name of its task, unless it waits already.
    func declare(_ task: String, _ repeats: Repeat) async throws {
        let (record, wanted) = (try await records.record(nil, task), repeats.written)
        if wanted.allSatisfy({ name, value in record.document[json: name].map(value.isSame) ?? false }) { return }
        guard let due = try nextRun(due: now, now: now, every: repeats.every?.inSeconds, cron: repeats.cron) else { return }
        fill(record.document, task, [:], due, "", wanted)
        try await records.write(nil, record)
    }

    /// Reads what waits, if that is not known yet.
    func load() async throws {
        if bot.waitingJobs.use({ $0.all != nil }) { return }
        let read = try await records.all().compactMap { id, record in one(record).map { (id, $0) } }
        bot.waitingJobs.use { $0.all = $0.all ?? Dictionary(uniqueKeysWithValues: read) }
    }

    /// Ids and tasks of what is due, the first before the others.
    func due() -> [(id: String, task: String)] {
        let now = now
        let due = bot.waitingJobs.use { $0.all ?? [:] }.filter { $0.value.due <= now }
        return due.sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }.map { ($0.key, $0.value.task) }
    }

    /// When the next job is due that there is something for, apart from some.
    func nextDue(but: Set<String> = []) -> Date? {
        let tasks = bot.handlers.use { $0.jobs }
        let due = bot.waitingJobs.use { $0.all ?? [:] }.filter { tasks[$0.value.task] != nil && !but.contains($0.key) }
        return due.values.map(\.due).min().map { Date(timeIntervalSince1970: $0) }
    }

    /// A job that is to be done now, which says already that it was; nothing if it is not to be done any more.
    func begin(_ id: String) async throws -> (job: BotJob, record: Remembered)? {
        let record = try await records.record(nil, id)
        let (document, now) = (record.document, now)
        guard let due = document[json: "due"]?.number, due <= now else {
            note(id, document)
            return nil
        }
        let job = try BotJob(bot, id, document)
        if let again = try nextRun(due: due, now: now, every: document[json: "every"]?.number, cron: document[json: "cron"]?.text) {
            document[json: "due"] = .double(again)
            document.remove("attempts")
        } else {
            document.removeAll()
        }
        job.enter(record)
        return (job, record)
    }

    /// How often a job was begun with which the process died.
    func attempts(_ id: String) async throws -> Int {
        Int(try await records.record(nil, id).document[json: "attempts"]?.number ?? 0)
    }

    func noteAttempts(_ id: String, _ attempts: Int) async throws {
        let record = try await records.record(nil, id)
        if record.document.isEmpty { return }
        record.document[json: "attempts"] = .int(Int64(attempts))
        try await records.write(nil, record)
    }

    private var now: Double { bot.client.now().timeIntervalSince1970 }

    private var records: Records { Records(bot: bot, area: "jobs") { id, document in note(id, document) } }

    private func note(_ id: String, _ document: BotDocument?) {
        bot.waitingJobs.use { waiting in
            waiting.all?[id] = document.flatMap(one)
            return waiting.changed
        }?.raise()
    }

    private func plan(_ id: String?, _ task: String, _ data: some Codable, _ due: Double, _ repeats: [String: Json]) async throws -> String {
        precondition(bot.handlers.use { $0.jobs[task] } != nil, "there is no job \(task)")
        let (given, turn) = (try BotDocument(nil), bot.currentTurn)
        try given.write(data)
        try await load()
        let record = try await records.record(turn, id ?? UUID().uuidString)
        let by = (turn as? BotMessage)?.author ?? ""
        if record.document.isEmpty { try checkRoom(turn, by) }
        fill(record.document, task, given.all, due, by, repeats)
        try await records.write(turn, record)
        return record.name
    }

    private func checkRoom(_ turn: Turn?, _ by: String) throws {
        let all = bot.waitingJobs.use { $0.all ?? [:] }
        let planned = turn.map { records.changed($0).values.filter { !$0.document.isEmpty && all[$0.name] == nil }.count } ?? 0
        let ofOne = by.isEmpty ? 0 : all.values.filter { $0.by == by }.count + planned
        if all.count + planned >= most || ofOne >= mostOfOne { throw TooManyJobs() }
    }
}

private func one(_ document: BotDocument) -> WaitingJobs.One? {
    guard let due = document[json: "due"]?.number else { return nil }
    return WaitingJobs.One(due: due, task: document[json: "task"]?.text ?? "", by: document[json: "by"]?.text ?? "")
}

private func fill(_ record: BotDocument, _ task: String, _ data: [String: Json], _ due: Double, _ by: String, _ repeats: [String: Json]) {
    let common: [String: Json] = ["task": .string(task), "data": .object(data), "due": .double(due), "by": .string(by)]
    record.all = common.merging(repeats) { $1 }
}

/// When a job is due that a program has by its own.
struct Repeat: Sendable {
    let every: Duration?
    let cron: String?

    var written: [String: Json] {
        if let every { ["every": .double(every.inSeconds)] } else { ["cron": .string(cron ?? "")] }
    }
}
