import Foundation
import Windlass
import XCTest

/// What people type and paste, and what a telephone or a mail program makes of it.
final class TypedTests: BotTestCase {
    /// Somebody who can write to the bot's client, which is nobody's bot here.
    private func writer() throws -> (Client, Conversation) {
        let user = try open("user")
        _ = try user.addContact(bundle: client.bundle())
        return (user, try user.conversation(address: client.address()))
    }

    private func pieces(_ text: String, _ length: Int) -> [String] {
        stride(from: 0, to: text.count, by: length).map { String(text.dropFirst($0).prefix(length)) }
    }

    func testHalfACharacterIsMendedBySwiftAndATimeThatIsNoneIsRefused() throws {
        let (_, talk) = try writer()
        // Bytes and halves as other systems give them: Swift has made them whole before anybody sees them.
        let halves = [
            String(decoding: [0x31, 0xD83D] as [UInt16], as: UTF16.self), String(decoding: [0xDE00, 0xD83D] as [UInt16], as: UTF16.self),
            String(decoding: [0x31, 0xF0, 0x9F, 0x98] as [UInt8], as: UTF8.self),
        ]
        for half in halves {
            let sent = try talk.send(text: half)
            XCTAssertEqual(try talk.messages().last?.id, sent.messageId)
            XCTAssertEqual(try talk.messages().last?.text, half)
            XCTAssertEqual(try talk.search(text: half).messages.first?.id, sent.messageId)
            XCTAssertEqual(failure(try Bundle.fromUri(uri: half))?.code, "uri_not_windlass")
        }
        for time in [-1, -.infinity, .infinity, .nan, -.leastNonzeroMagnitude, .greatestFiniteMagnitude] as [TimeInterval] {
            XCTAssertNotNil(failure(try talk.setDisappearing(after: time))?.code, "\(time)")
        }
        XCTAssertNil(try talk.disappearing())
    }

    func testASearchFindsWhatLooksTheSame() throws {
        let (_, talk) = try writer()
        let nfd: (String) -> String = { $0.decomposedStringWithCanonicalMapping }
        let same = [
            ("Café at noon", "café"), (nfd("Café at noon"), "café"), ("Café at noon", nfd("CAFÉ")), ("Café at noon", "cafe"), ("Straße 4", "STRASSE"),
            ("STRASSE 4", "straße"), ("İstanbul", "istanbul"), ("ISTANBUL", "ıstanbul"), ("Ὀδυσσεύς", "ΟΔΥΣΣΕΎΣ"), ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            (nfd("감사"), "감사"), ("ＡＢＣ", "abc"), ("at ٢٣", "23"), ("👨‍👩‍👧 family", "👨‍👩‍👧"), ("a\0b", "A\0B"), ("ﬁsh", "fish"),
            ("re\u{AD}ceipt", "receipt"), ("receipt", "re\u{200B}ceipt"), ("❤\u{FE0F}", "❤"),
        ]
        for (written, sought) in same {
            let sent = try talk.send(text: written)
            XCTAssertEqual(try talk.search(text: sought).messages.map(\.id), [sent.messageId], "\(written), \(sought)")
            _ = try talk.delete(message: XCTUnwrap(talk.messages().first { $0.id == sent.messageId }))
        }
    }

    func testAReactionIsOneEmojiInOneForm() throws {
        let (_, talk) = try writer()
        _ = try talk.send(text: "ahoy")
        let message = try XCTUnwrap(talk.messages().first)
        for emoji in ["❤", "❤\u{FE0F}", "❤\u{FE0E}", " ❤\n", "👩🏽‍🚀", "🇸🇪", "1\u{20E3}"] { _ = try talk.react(message: message, emoji: emoji) }
        XCTAssertEqual(try talk.messages().first?.reactions.map(\.emoji), ["❤\u{FE0F}", "👩🏽‍🚀", "🇸🇪", "1\u{FE0F}\u{20E3}"])
        for none in ["", " ", "a", "+1", "👍👍", "👍 nice", "\u{202E}", "\0", "\u{1B}[31m", String(repeating: "👍", count: 65)] {
            XCTAssertEqual(failure(try talk.react(message: message, emoji: none))?.code, "invalid_content", none)
        }
    }

    func testCommandsWorkAsTelephonesTypeThem() async throws {
        let bot = bot()
        bot.command("say", .word("what"), .integer("times").orElse(1)) { message, what, times in
            message.reply(Array(repeating: what, count: times).joined(separator: "|"))
        }
        bot.command("half", .decimal("x")) { message, x in message.reply("\(x / 2)") }
        bot.command("café", .yesOrNo("sugar").orElse(false)) { message, sugar in message.reply("coffee \(sugar)") }
        bot.command("İPTAL") { message in message.reply("cancelled") }
        bot.command("straße") { message in message.reply("street") }
        let asked = [
            ("/say \"two words\" 2", "two words|two words"), ("/say “two words” 2", "two words|two words"),
            ("/say „two words“ 2", "two words|two words"), ("/say «\u{A0}two words\u{A0}» 2", "two words|two words"),
            ("/say hello ٢", "hello|hello"), ("/say hello ۲", "hello|hello"), ("/say hello ２", "hello|hello"), ("/say\u{A0}hello", "hello"),
            ("\u{200E}/say hello", "hello"), ("\u{FEFF}／SAY hello", "hello"), (" /say hello", "hello"), ("/half ٨", "4.0"),
            ("/half 8,5", "4.25"), ("/half −8", "-4.0"), ("/half 1,000", "x must be a number, not 1,000. Usage: /half x"),
            ("/Café", "coffee false"), ("/" + "CAFÉ".decomposedStringWithCanonicalMapping + " ＹＥＳ", "coffee true"), ("/iptal", "cancelled"),
            ("/IPTAL", "cancelled"), ("/ıptal", "cancelled"), ("/İptal", "cancelled"), ("/STRASSE", "street"),
        ]
        start(bot)
        let user = try await user()
        for (question, _) in asked { try await user.say(question, to: client.address()) }
        try await until { try user.heard(client.address()).count >= asked.count }
        XCTAssertEqual(try user.heard(client.address()), asked.map(\.1))
    }

    func testASafetyNumberIsReadInEveryScriptAndAMistypedOneIsNoAlarm() throws {
        let (user, _) = try writer()
        let session = try user.session(address: client.address())
        let number = session.safetyNumber()
        let short = String(number.dropLast())
        for none in [
            short, number + "1", "", " ", String(repeating: "x", count: 60), short + "x", String(repeating: "½", count: 60), "\u{200B}",
        ] {
            XCTAssertEqual(failure(try session.verify(number: none))?.code, "safety_number_invalid", none)
        }
        let first = try XCTUnwrap(number.first?.wholeNumberValue)
        let wrong = "\((first + 1) % 10)\(number.dropFirst())"
        XCTAssertEqual(failure(try session.verify(number: wrong))?.code, "safety_number_mismatch")
        XCTAssertFalse(try user.contact(address: client.address()).verified)
        for zero: UInt32 in [0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE] {
            let digits = number.unicodeScalars.map { digit in
                ("0"..."9").contains(digit) ? UnicodeScalar(zero + digit.value - 0x30)! : digit
            }
            try session.verify(number: String(String.UnicodeScalarView(digits)))
        }
        for between in [" ", "-", ".", "\n", "\u{200B}", "\u{A0}", " – "] {
            try session.verify(number: pieces(number.filter(\.isNumber), 5).joined(separator: between))
        }
        XCTAssertTrue(try user.contact(address: client.address()).verified)
    }

    func testAnInvitationIsReadAsItArrives() throws {
        let address = client.address()
        let link = try client.bundle().toLink(page: "https://example.org/i")
        for uri in [try client.bundle().toUri(), String(try XCTUnwrap(link.split(separator: "#").last))] {
            let (first, last) = (uri.prefix(uri.count / 2), uri.dropFirst(uri.count / 2))
            let link = "https://example.org/\(address)#\(uri)"
            let escape: (String) throws -> String = { try XCTUnwrap($0.addingPercentEncoding(withAllowedCharacters: .alphanumerics)) }
            let arrived = [
                uri, pieces(uri, 76).joined(separator: "\n"), pieces(uri, 70).map { "> \($0)" }.joined(separator: "\n"), "\(first)\u{200B}\(last)",
                "\u{2068}\u{FEFF}\(first)\u{AD}\(last)\u{2069}\u{A0}", "<\(uri)>", "“\(uri)”", "\(uri).", "Write to me here: \(uri) See you there",
                try escape(uri), pieces(uri, 75).joined(separator: "=\r\n"), link, "look: \(link)?fbclid=IwAR0x",
                link.replacingOccurrences(of: "#", with: "%23").replacingOccurrences(of: "WINDLASS:", with: "windlass%3A"),
                "https://example.org/away?to=\(try escape(link))", uri.replacingOccurrences(of: "WINDLASS:", with: "windlass://"),
            ]
            for text in arrived {
                XCTAssertEqual(try Bundle.fromUri(uri: text).identity().address(), address, text)
                let found = try findContact(text: text)
                XCTAssertEqual(found.address, address, text)
                XCTAssertNotNil(found.bundle, text)
                XCTAssertEqual(try typed(pasted: text), address)
            }
            let alike = try XCTUnwrap(uri.dropFirst(12).range(of: "A"))
            for broken in [uri.replacingCharacters(in: alike, with: "А"), String(uri.dropLast()), "Here: \(first)."] {
                XCTAssertEqual(failure(try findContact(text: broken))?.code, "uri_damaged", broken)
            }
        }
        let lasting = try Identity.fromAddress(address: address).toUri()
        for text in [address, address.uppercased(), lasting, "I am \(address).", "https://example.org/#\(address)"] {
            let found = try findContact(text: text)
            XCTAssertEqual(found.address, address, text)
            XCTAssertNil(found.bundle, text)
        }
        XCTAssertEqual(failure(try findContact(text: "write to me"))?.code, "uri_not_windlass")
        // What is shown to somebody in front of us stands alone.
        XCTAssertEqual(failure(try Bundle.fromUri(uri: "Scan this: \(client.inPersonCode())"))?.code, "uri_not_windlass")
    }
}
