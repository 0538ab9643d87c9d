import Foundation
import XCTest

@testable import Windlass

/// What a bot does at a time, and its files.
final class BotJobsTests: BotTestCase {
    func testADayOfTheToDoBotWithCrashes() async throws {
        let anne = try BotTestClient { client, transport in todoBot(client: client, transport: transport) }
        var said: [String] = []
        for text in ["/add mend the sail", "/add rum", "/remind 5 1", "/remind 10 2"] { said.append(try await anne.say(text)) }
        try anne.crash()
        said.append(try await anne.say("/done 2"))
        said.append(try await anne.advance(.seconds(3600)))
        said.append(try await anne.advance(.seconds(2 * 86_400)))
        said.append(try await anne.say("/clear"))
        try anne.crash()
        for text in ["yes", "/list"] { said.append(try await anne.say(text)) }
        said.append(try await anne.friend().say("/done 1"))
        XCTAssertEqual(
            said,
            [
                "1. mend the sail", "2. rum", "In 5 minutes.", "In 10 minutes.", "Done: rum", "Remember: mend the sail",
                "Good morning. Things to do: 1.\nGood morning. Things to do: 1.", "All of it? Say yes.", "Aye.", "Nothing to do.",
                "There is no such number; /list shows them.",
            ])
    }

    private struct To: Codable {
        var to: String
        var number = 0
        var fails = false
    }

    func testWhatCameDueWhileTheBotWasAwayIsDoneOnceByABotThatRuns() async throws {
        let (done, address) = (Lines(), client.address())
        func counting() -> Bot {
            let bot = bot()
            bot.job("once") { job in
                guard let to = try job.data.read(To.self) else { return }
                done.add("once \(to.number)")
                job.send(to: to.to, text: "done \(to.number)")
            }
            bot.job("often") { job in
                job.data["times", default: 0] += 1
                done.add("often \(job.data["times", default: 0])")
            }
            return bot
        }
        let user = try await user()
        _ = try client.addContact(bundle: user.client.bundle())
        let first = counting()
        try await first.jobs.at(Date().addingTimeInterval(-60), "once", To(to: user.client.address(), number: 7))
        try await first.jobs.every(.seconds(3600), "often", first: Date().addingTimeInterval(-7 * 3600), id: "o")
        for _ in 0..<2 {
            start(counting())
            try await until { try user.heard(address) == ["done 7"] && done.all.contains("often 1") }
            try await until { try await first.jobs.waiting().map(\.id) == ["o"] }
            await halt()
        }
        XCTAssertEqual(done.all.sorted(), ["often 1", "once 7"])
        let left = try await first.jobs.waiting()
        XCTAssertEqual(left.map(\.every), [.seconds(3600)])
    }

    func testAPlanBelongsToTheAnswerAndAJobThatFailsSaysNothingAndIsDone() async throws {
        let failures = Lines()
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport)
            bot.onError { _, failure in failures.add((failure as? UsageError)?.errorDescription ?? "\(failure)") }
            bot.job("say") { job in
                guard let to = try job.data.read(To.self) else { return }
                job.send(to: to.to, text: "said")
                if to.fails { throw UsageError("job") }
            }
            bot.onMessage { message in
                let jobs = message.bot.jobs
                try await jobs.after(.seconds(60), "say", To(to: message.author, fails: message.text == "job"), id: message.text)
                if message.text == "handler" { throw CronError(errorDescription: "handler") }
                if message.text == "cancel" { try await jobs.cancel("well") }
                message.reply("planned")
            }
            return bot
        }
        var said: [String] = []
        for text in ["handler", "job", "well"] { said.append(try await anne.say(text)) }
        let waiting = try await anne.bot.jobs.waiting().map(\.id).sorted()
        XCTAssertEqual(waiting, ["job", "well"])
        said.append(try await anne.advance(.seconds(120)))
        for text in ["well", "cancel"] { said.append(try await anne.say(text)) }
        said.append(try await anne.advance(.seconds(120)))
        XCTAssertEqual(said, ["", "planned", "planned", "said", "planned", "planned", "said"])
        XCTAssertEqual(failures.all.count, 2)
        XCTAssertEqual(failures.all.last, "job")
        let left = try await anne.bot.jobs.waiting()
        XCTAssertTrue(left.isEmpty)
    }

    func testNobodyCanHaveMoreThanAHundredJobsWait() async throws {
        let failures = Lines()
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport)
            bot.onError { _, failure in failures.add("\(type(of: failure))") }
            bot.job("x") { _ in }
            bot.command("plan", .integer("many")) { message, many in
                for _ in 0..<many { try await message.bot.jobs.after(.seconds(86_400), "x") }
            }
            return bot
        }
        var counts: [Int] = []
        for many in [101, 100, 1] {
            try await anne.say("/plan \(many)")
            counts.append(try await anne.bot.jobs.waiting().count)
        }
        try await anne.friend().say("/plan 1")
        counts.append(try await anne.bot.jobs.waiting().count)
        XCTAssertEqual(counts, [0, 100, 100, 101])
        XCTAssertEqual(failures.all, ["TooManyJobs", "TooManyJobs"])
    }

    func testCronIsReadAsCronDoesInUtc() throws {
        func next(_ line: String, _ from: String = "2026-11-29T10:00:00Z") throws -> String {
            let format = ISO8601DateFormatter()
            return try format.string(from: Cron(line).next(after: XCTUnwrap(format.date(from: from))))
        }
        XCTAssertEqual(try next("0 9 * * mon-fri"), "2026-11-30T09:00:00Z")
        XCTAssertEqual(try next("0 0 29 2 *"), "2028-02-29T00:00:00Z")
        XCTAssertEqual(try next("*/5 9-17 * * *"), "2026-11-29T10:05:00Z")
        // Where both are given, either will do.
        XCTAssertEqual(try next("0 0 13 * mon"), "2026-11-30T00:00:00Z")
        XCTAssertEqual(try next("0 0 * * 7"), "2026-12-06T00:00:00Z")
        for wrong in ["", "* * * *", "60 * * * *", "* * * * mond", "0 0 31 2 *", "5-1 * * * *", "*/0 * * * *", "a,b * * * *", "1- * * * *"] {
            XCTAssertThrowsError(try Cron(wrong), wrong)
        }
        XCTAssertNil(try nextRun(due: 1, now: 2, every: nil, cron: nil))
        XCTAssertEqual(try nextRun(due: 0, now: 15, every: 10, cron: nil), 20)
        // The clock was wrong.
        XCTAssertEqual(try nextRun(due: 1e9, now: 15, every: 10, cron: nil), 25)
    }

    func testAFileIsSavedAndOneIsAnAnswerInItsPlaceAmongTheOthers() async throws {
        let (home, incoming) = (home, home.appendingPathComponent("incoming"))
        try FileManager.default.createDirectory(at: incoming, withIntermediateDirectories: true)
        let (files, failures) = (DirectoryFiles(home.appendingPathComponent("there")), Lines())
        let anne = try BotTestClient { client, transport in
            let bot = Bot(client: client, transport: transport, files: files)
            bot.onError { _, failure in failures.add("\(failure)") }
            bot.onMessage(.hasFile) { message in
                let path = try await message.save(to: incoming, limit: 100)
                message.reply("saved")
                let report = home.appendingPathComponent("report.txt")
                try Data("\(path.lastPathComponent): ".utf8 + Data(contentsOf: path)).write(to: report)
                try await message.replyFile(report)
                message.reply("reported")
            }
            return bot
        }
        func send(_ name: String, _ text: String, at: String? = nil) async throws {
            let (plain, encrypted) = (home.appendingPathComponent(name), home.appendingPathComponent(UUID().uuidString))
            try Data(text.utf8).write(to: plain)
            let sealed = try Attachment.encrypt(path: plain.path, encrypted: encrypted.path, mediaType: "text/plain")
            let location: String
            if let at { location = at } else { location = try await files.put(encrypted, name: UUID().uuidString) }
            _ = try anne.client().conversation(address: anne.bot.client.address()).sendAttachment(attachment: sealed, location: location)
            try await anne.settle()
        }
        try await send("note.txt", "ahoy")
        let heard = try await anne.heard()
        XCTAssertEqual(heard.map { $0.text ?? "" }, ["saved", "", "reported"])
        guard heard.count == 3, case .attachment(let info) = heard[1].body else { return XCTFail("no file came") }
        XCTAssertEqual([info.name, info.mediaType], ["report.txt", "text/plain"])
        let (fetched, opened) = (home.appendingPathComponent("fetched"), home.appendingPathComponent("opened.txt"))
        try await files.get(info.location, to: fetched, limit: 10_000)
        try anne.client().conversation(address: anne.bot.client.address())
            .saveAttachment(message: heard[1], encrypted: fetched.path, path: opened.path)
        XCTAssertEqual(try String(contentsOf: opened, encoding: .utf8), "note.txt: ahoy")
        // Elsewhere, out of the folder, too large, and under a name that is taken.
        let inside = try await files.put(fetched, name: "x")
        for at in ["http://127.0.0.1:1/x", "\(inside)/../../home", nil] { try await send("more.txt", String(repeating: "x", count: 101), at: at) }
        try await send("note.txt", "other")
        XCTAssertEqual(failures.all.count, 4)
        XCTAssertEqual(try String(contentsOf: incoming.appendingPathComponent("note.txt"), encoding: .utf8), "ahoy")
    }
}
