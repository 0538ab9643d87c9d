import Foundation
import Windlass
import XCTest

/// One of four programs in four languages that talk in a group; see `xtask/src/talk.rs` and `tests/languages/talk.py`.
final class TalkTests: XCTestCase {
    private func hex(_ bytes: Data) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }

    private func group(of client: Client) throws -> Conversation {
        let summary = try client.conversations().first { $0.groupName != nil }
        return try client.conversation(address: XCTUnwrap(summary).address)
    }

    private func line(_ message: Message, _ names: [String: String]) throws -> String {
        let what: String
        switch message.body {
        case .text(let text): what = "text \(text)"
        case .data(let mediaType, let data): what = "data \(mediaType) \(hex(data))"
        case .opaque(let data): what = "opaque \(hex(data))"
        case .attachment(let info): what = "attachment \(info.mediaType) \(info.name) \(info.size) \(info.location)"
        case .disappearingTimer(let after): what = "timer \(Int(after ?? 0))"
        case .group(let change):
            let kinds: [GroupChangeKind: String] = [
                .created: "created", .renamed: "renamed", .membersAdded: "members_added", .joined: "joined", .left: "left",
                .membersRemoved: "members_removed", .adminsAdded: "admins_added", .adminsRemoved: "admins_removed",
                .described: "described", .pictureChanged: "picture_changed", .permissionChanged: "permission_changed",
            ]
            let about = change.members.compactMap { names[$0] }.sorted().joined(separator: ",")
            what = "group \(try XCTUnwrap(kinds[change.kind])) \(change.name ?? "-") \(about)"
        case .identityChange: what = "identity"
        case .unknown: what = "unknown"
        }
        let reply = message.replyTo.map { " re \($0)" } ?? ""
        let marks = (message.edited ? " edited" : "") + (message.deleted ? " deleted" : "")
        let reactions = message.reactions.map { " \(names[$0.by] ?? "?"):\($0.emoji)" }.joined()
        return "\(message.id) \(try XCTUnwrap(names[message.author])) \(what)\(reply)\(marks)\(reactions)"
    }

    private func talk(_ client: Client, round: Int) throws {
        if round == 2 { try group(of: client).join() }
        if round == 3 {
            let group = try group(of: client)
            let first = try XCTUnwrap(group.messages().first { $0.text == "from python" })
            _ = try group.send(text: "from swift")
            _ = try group.react(message: first, emoji: "⚓")
        }
        if round == 5 {
            let group = try group(of: client)
            try group.rename(name: "Four languages")
            try group.markRead()
        }
    }

    func testARoundOfTheTalk() throws {
        let set = ProcessInfo.processInfo.environment["WINDLASS_TALK"] ?? ""
        let folder = URL(fileURLWithPath: set)
        guard !set.isEmpty, let text = try? String(contentsOf: folder.appendingPathComponent("round"), encoding: .utf8),
            let round = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return }
        let files = FileManager.default
        let key = try StoreKey.fromBytes(key: Data(repeating: 7, count: 32))
        let path = folder.appendingPathComponent("swift.wl").path
        let client = try files.fileExists(atPath: path) ? Client.open(path: path, key: key) : Client.create(path: path, key: key)
        try client.bundle().toUri().write(to: folder.appendingPathComponent("swift.uri"), atomically: true, encoding: .utf8)
        if round == 1 {
            // Groups are joined at the invitation of people one knows.
            let uri = try String(contentsOf: folder.appendingPathComponent("python.uri"), encoding: .utf8)
            _ = try client.addContact(bundle: Bundle.fromUri(uri: uri))
        }
        let box = folder.appendingPathComponent("mail/\(client.address())")
        for name in ((try? files.contentsOfDirectory(atPath: box.path)) ?? []).sorted() {
            let envelope = box.appendingPathComponent(name)
            _ = try client.receive(envelope: Data(contentsOf: envelope))
            try files.removeItem(at: envelope)
        }
        try talk(client, round: round)
        for envelope in try client.outbox() {
            let to = folder.appendingPathComponent("mail/\(envelope.to)")
            try files.createDirectory(at: to, withIntermediateDirectories: true)
            let name = String(format: "%02d-3-swift-%06d", round, Int(envelope.id))
            try envelope.bytes.write(to: to.appendingPathComponent(name))
            try client.markSent(ids: [envelope.id])
        }
        if round >= 3 {
            var names: [String: String] = [:]
            let languages = try String(contentsOf: folder.appendingPathComponent("languages"), encoding: .utf8)
            for name in languages.split(separator: "\n") {
                let uri = try String(contentsOf: folder.appendingPathComponent("\(name).uri"), encoding: .utf8)
                names[try Bundle.fromUri(uri: uri).identity().address()] = String(name)
            }
            let lines = try group(of: client).messages(limit: 1000).map { try line($0, names) }
            let all = lines.joined(separator: "\n") + "\n"
            try all.write(to: folder.appendingPathComponent("swift.txt"), atomically: true, encoding: .utf8)
        }
        try client.close()
    }
}
