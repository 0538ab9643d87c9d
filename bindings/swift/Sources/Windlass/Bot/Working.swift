import Foundation

/// Jobs that are done at the same time.
private let atOnce = 10
/// After that the clock is looked at again: it may have been set.
private let lookAgain = Duration.seconds(60)

/// Does the jobs that are due, and commits what each says with the fact that it was done.
actor Working {
    private let bot: Bot
    private let broken: @Sendable (any Error) -> Void
    private let slots = Turns(atOnce)
    private let changed = Signal()
    private var running: [String: Task<Void, Never>] = [:]
    /// Jobs that may have been begun when the process ended.
    private var possiblyStarted: Set<String> = []

    init(_ bot: Bot, broken: @escaping @Sendable (any Error) -> Void) {
        (self.bot, self.broken) = (bot, broken)
    }

    /// Before the first is begun.
    func prepare() async throws {
        let (jobs, handlers) = (bot.jobs, bot.handlers.use { $0 })
        try await jobs.load()
        let due = jobs.due()
        possiblyStarted.formUnion(due.map(\.id))
        // It waits for a version of the program that has it.
        for task in Set(due.map(\.task)) where handlers.jobs[task] == nil { bot.log("there is no job \(task) any more") }
        for (task, repeats) in handlers.planned { try await jobs.declare(task, repeats) }
    }

    /// Never ends by itself.
    func run() async throws {
        let (bot, changed) = (bot, changed)
        bot.waitingJobs.use { $0.changed = changed }
        while true {
            try Task.checkCancellation()
            _ = begin()
            let due = bot.jobs.nextDue(but: Set(running.keys))
            let rest = due.map { Duration.seconds($0.timeIntervalSince(bot.client.now()) + 0.001) } ?? lookAgain
            let timer = Task {
                try await Task.sleep(for: max(.zero, min(rest, lookAgain)))
                changed.raise()
            }
            defer { timer.cancel() }
            _ = await changed.next()
        }
    }

    /// Does what is due, and returns how many that were.
    func runDue() async -> Int {
        var done = 0
        while true {
            done += begin()
            guard let task = running.values.first else { return done }
            await task.value
        }
    }

    /// Lets jobs finish; what was not done by then comes again at the next start.
    func finish(within grace: Duration) async {
        let tasks = Array(running.values)
        let stopping = Task {
            try await Task.sleep(for: grace)
            tasks.forEach { $0.cancel() }
        }
        for task in tasks { await task.value }
        stopping.cancel()
    }

    /// At once.
    func cancel() async {
        for task in running.values { task.cancel() }
        for task in running.values { await task.value }
    }

    /// Begins what is due; how many that were.
    private func begin() -> Int {
        let tasks = bot.handlers.use { $0.jobs }
        let new = bot.jobs.due().filter { tasks[$0.task] != nil && running[$0.id] == nil }
        for (id, _) in new { running[id] = Task { await perform(id) } }
        return new.count
    }

    private func perform(_ id: String) async {
        await slots.take()
        let suspect = possiblyStarted.contains(id)
        do {
            if !Task.isCancelled {
                try await performOnce(id, suspect ? try await countAttempt(id) : nil)
                possiblyStarted.remove(id)
            }
        } catch {
            if Task.isCancelled {
                // The bot was stopped, and did not die of it.
                if suspect { await Task { try? await note(id, bot.jobs.attempts(id) - 1) }.value }
            } else {
                broken(error)
            }
        }
        slots.give()
        running[id] = nil
        changed.raise()
    }

    /// As of a message: with what the process died again and again, is set aside.
    private func countAttempt(_ id: String) async throws -> PoisonMessage? {
        let attempts = try await bot.jobs.attempts(id)
        if attempts >= bot.retries {
            bot.log("a job is set aside: the process died \(attempts) times with it")
            return PoisonMessage(attempts: attempts)
        }
        try await note(id, attempts + 1)
        return nil
    }

    private func note(_ id: String, _ attempts: Int) async throws {
        do {
            try await bot.jobs.noteAttempts(id, attempts)
        } catch WindlassError.StateChanged {
            // Somebody planned it anew.
        }
    }

    private func performOnce(_ id: String, _ poison: PoisonMessage?) async throws {
        var failure: (any Error)? = poison
        if failure == nil { failure = try await self.failure(id) }
        guard let failure else { return }
        try Task.checkCancellation()
        await bot.handlers.use { $0 }.failed(nil, failure)
        // It was done, as a message counts as handled whose handler fails.
        while let (_, record) = try await bot.jobs.begin(id) {
            do {
                _ = try await bot.commit(nil, [], [record])
                return
            } catch WindlassError.StateChanged {
                continue
            }
        }
    }

    /// Does it; why nothing came of it.
    private func failure(_ id: String) async throws -> (any Error)? {
        var failure: (any Error)?
        for _ in 0..<Bot.timesAnew {
            guard let (job, record) = try await bot.jobs.begin(id) else { return nil }
            let handlers = bot.handlers.use { $0 }
            guard let handler = handlers.jobs[job.task] else { return nil }
            failure = try await Turn.$current.withValue(job) {
                try await handlers.callbacks.attempt("a job", handlers.callbacks.handlerTimeout) { try await handler(job) }
            }
            let (answers, remembered) = job.close()
            if failure == nil {
                failure = try await bot.refusal { bot in
                    try job.keepData(in: record)
                    _ = try await bot.commit(nil, answers, remembered)
                }
            }
            // Others changed what it read.
            guard case WindlassError.StateChanged? = failure else { return failure }
        }
        return failure
    }
}

extension Bot {
    /// Why something cannot be written, whatever it is; thrown is alone what ends the bot.
    func refusal(_ write: @Sendable (Bot) async throws -> Void) async throws -> (any Error)? {
        do {
            try await write(self)
            return nil
        } catch {
            if Task.isCancelled || (error as? WindlassError)?.code == "store_closed" { throw error }
            return error
        }
    }
}
