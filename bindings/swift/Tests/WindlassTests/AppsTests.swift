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
        let member = try XCTUnwrap(receipts.members.first)
        let device = try XCTUnwrap(alice.contact(address: bob.address()).devices.first)
        XCTAssertEqual(member.devices, [DeviceReceipt(deviceId: device, deliveredAt: member.deliveredAt)])
        let waits = try ours.send(text: "on its way").messageId
        let waiting = try ours.receipts(messageId: waits).members.first?.devices
        XCTAssertEqual(waiting, [DeviceReceipt(deviceId: device, deliveredAt: nil)])
        let answer = try theirs.sendBody(body: .text(text: "aye"), replyTo: ids[0]).messageId
        XCTAssertEqual(try theirs.answered(author: bob.address(), messageId: answer)?.id, ids[0])
        let unknown = String(repeating: "0", count: 32)
        XCTAssertEqual(failure(try ours.deleteMessage(messageId: unknown))?.code, "unknown_message")
    }

    func testATextOfPiecesMentionsWhomItMeansAndIsForwardedWithoutItsAuthor() throws {
        let (alice, bob, ours, theirs) = try talking()
        // Two characters of Swift, and five scalar values.
        let mention = TextRun(text: "@Bob", styles: [.mention(address: bob.address()), .bold])
        let pieces = [TextRun(text: "👩🏽\u{200d}🚀 "), mention, TextRun(text: "!")]
        var text = joinRuns(runs: pieces)
        XCTAssertEqual(text.spans.map(\.start), [5, 5])
        XCTAssertEqual(textRuns(text: text), pieces)
        text.suggestions = ["aye"]
        let sent = try ours.sendRich(text: text).messageId
        try exchange(alice, bob)
        let there = try XCTUnwrap(theirs.message(author: alice.address(), messageId: sent))
        XCTAssertTrue(there.mentionsMe)
        XCTAssertEqual(there.richText, text)
        let counted: () throws -> [UInt64?] = {
            try [bob.conversationPage().first?.unreadMentions, theirs.unreadMentions(), bob.unreadMentions()]
        }
        XCTAssertEqual(try counted(), [1, 1, 1])
        _ = try ours.editRich(messageId: sent, text: RichText(text: "nobody"))
        try exchange(alice, bob)
        XCTAssertEqual(try counted(), [0, 0, 0])
        XCTAssertEqual(try theirs.unread(), 1)
        _ = try ours.editRich(messageId: sent, text: text)
        try exchange(alice, bob)
        XCTAssertEqual(try counted(), [1, 1, 1])
        let again = try theirs.forward(author: alice.address(), messageId: sent).messageId
        _ = try ours.editRich(messageId: sent, text: RichText(text: "never mind"))
        try exchange(alice, bob)
        let forwarded = try XCTUnwrap(ours.message(author: bob.address(), messageId: again)?.richText)
        XCTAssertEqual(forwarded.forward, Forward(author: nil))
        XCTAssertEqual(forwarded.spans.map(\.style), [.bold])
        XCTAssertEqual(try theirs.message(author: alice.address(), messageId: sent)?.text, "never mind")
        let outside = RichText(text: "short", spans: [TextSpan(start: 3, length: 3, style: .italic)])
        XCTAssertEqual(failure(try ours.sendRich(text: outside))?.code, "invalid_content")
    }

    func testAPreviewGoesWithItsAddressAndIsForwardedWithIt() throws {
        let (alice, bob, ours, theirs) = try talking()
        let picture = Data([0xff, 0xd8, 0xff, 7])
        let preview = LinkPreview(url: "https://example.org/a", title: "Here be dragons", about: "A\nmap", image: picture)
        var text = RichText(text: "see https://example.org/a!", preview: preview)
        let sent = try ours.sendRich(text: text).messageId
        try exchange(alice, bob)
        XCTAssertEqual(try theirs.message(author: alice.address(), messageId: sent)?.richText, text)
        let again = try theirs.forward(author: alice.address(), messageId: sent).messageId
        try exchange(alice, bob)
        XCTAssertEqual(try ours.message(author: bob.address(), messageId: again)?.richText?.preview, preview)
        text.text = "see https://example.org/ab"
        XCTAssertEqual(failure(try ours.sendRich(text: text))?.code, "invalid_content")
    }

    func testWhatOnePutsAtTheTopIsThereForBoth() throws {
        let (alice, bob, ours, theirs) = try talking()
        let ids = try ["one", "two"].map { try ours.send(text: $0).messageId }
        try exchange(alice, bob)
        for id in ids { _ = try theirs.pinMessage(author: alice.address(), messageId: id) }
        try exchange(alice, bob)
        XCTAssertEqual(try ours.pinned().map(\.text), ["two", "one"])
        _ = try ours.unpinMessage(author: alice.address(), messageId: ids[1])
        try exchange(alice, bob)
        XCTAssertEqual(try theirs.pinned().map(\.text), ["one"])
    }

    func testWhoIsThereIsToldToAContactAndKeptNowhere() throws {
        let (alice, bob, ours, theirs) = try talking()
        _ = try ours.send(text: "ahoy")
        _ = try theirs.send(text: "ahoy")
        try exchange(alice, bob)
        try ours.setAvailable(available: true)
        let told = try alice.outbox().flatMap { try bob.receive(envelope: $0.bytes) }
        XCTAssertEqual(told, [.presence(address: alice.address(), available: true)])
        XCTAssertEqual(try theirs.messages().count, 2)
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

    func testAProfileReachesAContactAndSaysWhoIsShown() throws {
        let (alice, bob, ours, theirs) = try talking()
        _ = try ours.send(text: "ahoy")
        _ = try theirs.send(text: "ahoy")
        try exchange(alice, bob)
        let profile = Profile(name: "Ann", about: "two\nlines", picture: Data([0xff, 0xd8, 0xff, 7]))
        try alice.setProfile(profile: profile)
        _ = try ours.send(text: "again")
        try exchange(alice, bob)
        XCTAssertEqual(try bob.profileOf(address: alice.address()), profile)
        XCTAssertEqual(try bob.displayName(address: alice.address()), "Ann")
        XCTAssertFalse("\(profile)".contains("Ann"))
        let wrong = Profile(name: "two\nlines", about: "", picture: nil)
        XCTAssertEqual(failure(try alice.setProfile(profile: wrong))?.code, "invalid_content")
    }

    func testALoopCarriesMailBothWaysAndTellsWhatComes() async throws {
        let (alice, bob, _, _) = try talking()
        let post = MemoryPost()
        let theirs = Task {
            var said: [String] = []
            for try await case .message(let message) in bob.carried(by: post.transport()) {
                said.append(message.text ?? "")
                if said.count == 2 { break }
            }
            return said
        }
        // Whoever leaves a loop at once has perhaps not told the other side yet that the last message came: the next loop does.
        let goingOn = Task {
            _ = try await theirs.value
            for try await _ in bob.carried(by: post.transport()) {}
        }
        var sent = try await alice.send(to: bob.address(), text: "ahoy").messageId
        var again = false
        for try await case .delivered(_, let ids) in alice.carried(by: post.transport()) {
            XCTAssertEqual(ids, [sent])
            if again { break }
            // By a call that knows nothing of the loop.
            (sent, again) = (try await alice.send(to: bob.address(), text: "ahoy again").messageId, true)
        }
        let said = try await theirs.value
        XCTAssertEqual(said, ["ahoy", "ahoy again"])
        goingOn.cancel()
        try await goingOn.value
        // Cancelled, it lets go of the client and of the mailbox.
        let left = Task { for try await _ in alice.carried(by: post.transport()) {} }
        left.cancel()
        try await left.value
        try alice.close()
    }

    func testALoopTellsWhatItsOwnClientWrites() async throws {
        let (alice, bob, ours, _) = try talking()
        let post = MemoryPost()
        var heard: [String] = []
        // One of bob's begins it: by then it listens.
        _ = try await bob.send(to: alice.address(), text: "hello")
        let theirs = Task { for try await _ in bob.carried(by: post.transport()) {} }
        for try await event in alice.carried(by: post.transport()) {
            switch event {
            case .message(let message) where message.outgoing:
                heard.append(message.text ?? "")
                // The loop may write, and hears of that too.
                _ = try await ours.reactTo(author: alice.address(), messageId: message.id, emoji: "👍")
            case .message:
                _ = try await ours.send(text: "ahoy")
            case .reacted(_, _, let id, _, let emoji, _):
                heard.append(emoji)
                _ = try await ours.deleteMessage(messageId: id)
            default: break
            }
            if case .deleted = event { break }
        }
        theirs.cancel()
        XCTAssertEqual(heard, ["ahoy", "👍"])
    }

    func testWhatIsScheduledIsListedSentOnceAndTakenBack() throws {
        let (alice, bob, ours, theirs) = try talking()
        let now = alice.now()
        let text = RichText(text: "later", suggestions: ["aye"])
        let later = try ours.sendRichAt(at: now.addingTimeInterval(3_600), text: text)
        let first = try ours.sendAt(at: now.addingTimeInterval(-1), text: "first")
        XCTAssertEqual(try ours.scheduled(), [later])
        XCTAssertEqual(try alice.nextDue(), later.sendAt)
        XCTAssertFalse("\(later)".contains("later"))
        try exchange(alice, bob)
        XCTAssertEqual(try theirs.message(author: alice.address(), messageId: first.id)?.text, "first")
        XCTAssertTrue(try ours.cancelScheduled(messageId: later.id))
        XCTAssertFalse(try ours.cancelScheduled(messageId: later.id))
        XCTAssertNil(try alice.nextDue())
        let never = failure(try ours.sendAt(at: now.addingTimeInterval(400 * 86_400), text: "never"))
        XCTAssertEqual(never?.code, "invalid_content")
    }

    func testWhoeverFollowsALinkComesIntoTheGroup() throws {
        let (alice, bob, _, _) = try talking()
        let crew = try alice.createGroup(name: "crew", members: [])
        let link = try crew.createInvitationLink(uses: 1, expiresIn: 7 * 86_400)
        XCTAssertFalse("\(link)".contains(link.code))
        XCTAssertEqual(try bob.joinByLink(link: link.uri).address, alice.address())
        try exchange(alice, bob)
        XCTAssertTrue(try bob.conversation(address: crew.address()).isJoined())
        XCTAssertTrue(try bob.pendingJoins().isEmpty && crew.invitationLinks().isEmpty)
        XCTAssertEqual(failure(try crew.createInvitationLink(uses: 1, expiresIn: 15 * 86_400))?.code, "invalid_content")
    }

    func testWhatIsHandedOverShowsAPushThatTheAppReceivesLater() throws {
        let (alice, bob, ours, theirs) = try talking()
        _ = try ours.send(text: "ahoy")
        try exchange(alice, bob)
        try ours.setNickname(nickname: "Bosun")
        try ours.setMutedUntil(until: Date().addingTimeInterval(3_600))
        let key = try StoreKey.fromBytes(key: Data(repeating: 7, count: 32))
        let handedOver = try alice.handOver(key: key)
        _ = try theirs.send(text: "land ho")
        let pushed = try XCTUnwrap(bob.outbox().first { $0.to == alice.address() }).bytes
        let opened = try HandOver.open(handedOver: handedOver, key: key)
        for _ in 0..<2 {
            let seen = try opened.peek(envelope: pushed)
            guard case .message(let message) = seen else { return XCTFail("\(seen)") }
            XCTAssertEqual([message.text, message.authorName, message.conversation], ["land ho", "Bosun", bob.address()])
            XCTAssertTrue(message.muted && !message.inGroup)
            XCTAssertFalse("\(seen)".contains("land ho"))
        }
        try exchange(alice, bob)
        XCTAssertTrue(try ours.messages().contains { $0.text == "land ho" })
        let later = try HandOver.open(handedOver: alice.handOver(key: key), key: key)
        XCTAssertEqual(try later.peek(envelope: pushed), .quiet)
        let other = try StoreKey.fromBytes(key: Data(count: 32))
        XCTAssertEqual(failure(try HandOver.open(handedOver: handedOver, key: other))?.code, "hand_over_unreadable")
        XCTAssertEqual(failure(try HandOver.open(handedOver: Data(handedOver.dropLast()), key: key))?.code, "hand_over_unreadable")
        XCTAssertEqual(failure(try HandOver.open(handedOver: Data([2]) + handedOver.dropFirst(), key: key))?.code, "hand_over_newer")
        let passphrase = try StoreKey.fromPassphrase(passphrase: "correct horse")
        XCTAssertEqual(failure(try alice.handOver(key: passphrase))?.code, "key_unreadable")
    }

    func testAdminsSayWhoWritesToAGroup() throws {
        let (alice, bob, _, _) = try talking()
        let crew = try alice.createGroup(name: "crew", members: [bob.address()])
        try exchange(alice, bob)
        let theirs = try bob.conversation(address: crew.address())
        try theirs.join()
        try exchange(alice, bob)
        try crew.setForAdmins(permission: .write, adminsOnly: true)
        try crew.setDescription(description: "what it is about")
        try exchange(alice, bob)
        XCTAssertTrue(try theirs.isForAdmins(permission: .write))
        XCTAssertFalse(try theirs.may(permission: .write))
        XCTAssertEqual(try theirs.description(), "what it is about")
        XCTAssertEqual(failure(try theirs.send(text: "no"))?.code, "not_an_admin")
    }
}
