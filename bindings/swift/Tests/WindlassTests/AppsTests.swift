import Foundation
import Windlass
import XCTest

/// What an app needs beside messages.
final class AppsTests: PeopleTestCase {
    private func talking() throws -> (Client, Client, Conversation, Conversation) {
        let (alice, bob) = (try open("alice"), try open("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        _ = try bob.addContact(bundle: alice.bundle())
        let ours = try alice.conversation(address: bob.address())
        return (alice, bob, ours, try bob.conversation(address: alice.address()))
    }

    private func exchange(_ a: Client, _ b: Client) throws {
        for _ in 0..<4 {
            for (from, to) in [(a, b), (b, a)] {
                for envelope in try from.outbox() {
                    _ = try to.receive(envelope: envelope.bytes)
                    try from.markSent(ids: [envelope.id])
                }
            }
        }
    }

    func testMessagesArePagedAndChangedByAuthorAndId() throws {
        let (alice, bob, ours, theirs) = try talking()
        let author = alice.address()
        let ids = try (0..<5).map { try ours.send(text: "\($0)").messageId }
        try exchange(alice, bob)
        _ = try theirs.reactTo(author: author, messageId: ids[0], emoji: "👍")
        _ = try ours.editMessage(messageId: ids[1], text: "changed")
        try theirs.markReadUpTo(author: author, messageId: ids[1])
        try exchange(alice, bob)
        let around = try theirs.messagesAround(author: author, messageId: ids[1], before: 1, after: 1)
        XCTAssertEqual(around.map(\.text), ["0", "changed", "2"])
        XCTAssertEqual(try theirs.messagesAfter(author: author, messageId: ids[1]).map(\.id), Array(ids[2...]))
        XCTAssertEqual(try theirs.messagesBefore(author: author, messageId: ids[1]).map(\.id), [ids[0]])
        XCTAssertEqual(try theirs.unread(), 3)
        let receipts = try ours.receipts(messageId: ids[1])
        XCTAssertEqual(receipts.members.map(\.address), [bob.address()])
        XCTAssertNotNil(receipts.members.first?.readAt)
        let answer = try theirs.sendBody(body: .text(text: "aye"), replyTo: ids[0]).messageId
        XCTAssertEqual(try theirs.answered(author: bob.address(), messageId: answer)?.id, ids[0])
        let unknown = String(repeating: "0", count: 32)
        XCTAssertEqual(failure(try ours.deleteMessage(messageId: unknown))?.code, "unknown_message")
    }

    func testWhatTheUserSetsForAChatIsSaidAndNotPrinted() throws {
        let (alice, _, ours, _) = try talking()
        _ = try ours.send(text: "ahoy")
        let until = Date(timeIntervalSince1970: 4_102_444_800)
        try ours.setMutedUntil(until: until)
        try ours.setArchived(archived: true)
        try ours.setNickname(nickname: "Captain")
        try ours.markUnread()
        let settings = try ours.settings()
        XCTAssertEqual(
            settings,
            ChatSettings(mutedUntil: until, archived: true, pinned: false, markedUnread: true, nickname: "Captain"))
        XCTAssertEqual(try alice.conversationPage().map(\.settings), [settings])
        XCTAssertFalse("\(settings)".contains("Captain"))
        try ours.markRead()
        XCTAssertFalse(try ours.settings().markedUnread)
    }
}
