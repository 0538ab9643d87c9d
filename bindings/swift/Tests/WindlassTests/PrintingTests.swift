import Foundation
import Windlass
import XCTest

/// A log quotes whatever it is given, and a message among it.
final class PrintingTests: BotTestCase {
    private let secret = "hunter2"

    /// Whatever shows a value: interpolation, what is around it, a debugger.
    private func shown(_ value: some Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \([value]) \(Optional(value) as Any) \(dumped)"
    }

    func testNothingThatIsPrintedSaysWhatPeopleWrote() throws {
        let user = try open("user")
        _ = try user.addContact(bundle: client.bundle())
        let group = try user.createGroup(name: secret, members: [client.address()])
        let bodies: [Body] = [.text(text: secret), .data(mediaType: "text/\(secret)", data: Data(secret.utf8)), .opaque(data: Data(secret.utf8))]
        let sent = try bodies.map { try user.sendBody(to: client.address(), body: $0) }
        let talk = try user.conversation(address: client.address())
        let first = try XCTUnwrap(talk.messages().first)
        _ = try talk.react(message: first, emoji: "⚓")
        _ = try talk.edit(message: first, text: "\(secret) again")
        try client.setTrustPolicy(policy: .acceptAll)
        let events = try user.outbox().flatMap { try client.receive(envelope: $0.bytes) }
        let reacted = Event.reacted(conversation: "c", author: "a", messageId: "m", by: "b", emoji: "⚓", removed: false)
        // Not `dump`, which shows an event's own fields as they are: the emoji of a reaction, the name of a group.
        var all = (events + [reacted]).map { "\($0) \([$0]) \(String(reflecting: $0))" }.joined()
        for case .message(let message) in events { all += shown(message) }
        all += shown(try client.conversations()) + shown(try user.conversations())
        all += shown(try client.conversation(address: user.address()).messages()) + shown(try talk.search(text: secret))
        all += shown(try group.messages()) + shown(sent) + shown(bodies) + shown(Reaction(emoji: "⚓", by: "by"))
        all += shown(readCommand(text: "/\(secret) \(secret)", prefix: "/") as Any) + shown(try user.outbox())
        all += shown(AttachmentInfo(mediaType: "text/\(secret)", name: secret, size: 1, location: "https://example.org/\(secret)"))
        let preview = LinkPreview(url: secret, title: secret)
        all += shown(preview) + shown(RichText(text: secret, suggestions: [secret], preview: preview)) + shown(TextRun(text: secret))
        all += shown(CodeProgress(have: 1, of: 1, uri: secret)) + shown(LinkCheck(address: "address", digits: secret, emoji: []))
        all += shown(GroupChange(
            kind: .renamed, by: "by", name: secret, members: [], about: secret, permission: nil, adminsOnly: false))
        XCTAssertFalse(all.contains(secret), all)
        XCTAssertTrue(events.contains { if case .groupInvitation = $0 { true } else { false } })
        XCTAssertGreaterThan(events.filter { if case .message = $0 { true } else { false } }.count, 2)
        for said in ["text(7 characters)", client.address(), first.id, "rollbackNoticed"] {
            XCTAssertTrue((all + "\(Event.rollbackNoticed)").contains(said), said)
        }
        XCTAssertEqual("\(Event.contactRequest(address: "a"))", "contactRequest(address: \"a\")")
    }
}
