import Foundation
import Windlass
import XCTest

/// The screens of the examples, by two people at once.
final class ScreensTests: PeopleTestCase {
    private struct Seat {
        let client: Client
        let shown = Notes<String>()
        let lines: AsyncStream<String>.Continuation
        let running: Task<Void, any Error>

        init(_ client: Client, _ transport: any Transport) {
            let (typed, lines) = AsyncStream.makeStream(of: String.self)
            let shown = shown
            (self.client, self.lines) = (client, lines)
            running = Task { try await screens(client: client, transport: transport, lines: typed) { await shown.add($0) } }
        }

        var name: String { String(client.address().prefix(8)) }

        func types(_ line: String, until wanted: String) async throws {
            lines.yield(line)
            try await sees(wanted)
        }

        func sees(_ wanted: String) async throws {
            do {
                try await until { await shown.last == wanted }
            } catch {
                let last = await shown.last
                XCTAssertEqual(last, wanted)
                throw error
            }
        }

        func leaves() async throws {
            lines.finish()
            try await running.value
            try client.close()
        }
    }

    func testAListAChatAGroupAndTheDevices() async throws {
        let (anne, bert) = (Seat(try open("anne"), post.transport()), Seat(try open("bert"), post.transport()))
        for one in [anne, bert] {
            let post = post
            try await until { try await post.transport().fetchBundle(address: one.client.address()) != nil }
        }
        _ = try anne.client.addContact(bundle: bert.client.bundle())
        _ = try bert.client.addContact(bundle: anne.client.bundle())
        try await anne.types("/chat \(bert.client.address())", until: "CHAT")
        try await anne.types("ahoy", until: "CHAT\nyou: ahoy ✓")
        try await bert.sees("CHATS\n1. \(anne.name) (1)  ahoy")
        try await bert.types("1", until: "CHAT\n\(anne.name): ahoy")
        try await anne.sees("CHAT\nyou: ahoy ✓✓")
        try await bert.types("aye", until: "CHAT\n\(anne.name): ahoy\nyou: aye ✓✓")
        try await anne.sees("CHAT\nyou: ahoy ✓✓\n\(bert.name): aye")
        try await anne.types("/chats", until: "CHATS\n1. \(bert.name)  aye")
        try await anne.types("/new crew 1", until: "CHAT")
        try await bert.types("/chats", until: "CHATS\n1. crew  \n2. \(anne.name)  aye")
        try await bert.types("1", until: "CHAT\nYou are invited: /join")
        try await bert.types("/join", until: "CHAT")
        let members = ["\(anne.name) admin", bert.name].sorted().joined(separator: "\n")
        try await anne.types("/group", until: "GROUP\n\(members)")
        try await anne.types("/devices", until: "DEVICES\n\(anne.client.deviceId()) (this one)")
        for one in [anne, bert] { try await one.leaves() }
    }
}
