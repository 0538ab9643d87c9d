import Foundation
import Windlass

/// The screens of a chat app, as text. What they show is read from the store each time: nothing is kept here but where the user is.
actor Screens {
    private enum Screen {
        case chats
        case chat(String)
        case group(String)
        case devices
    }

    private let client: Client
    private var screen = Screen.chats
    private var listed: [ListedConversation] = []

    init(_ client: Client) {
        self.client = client
    }

    /// What the user typed; answers the screen after it.
    func typed(_ line: String) async throws -> String {
        let words = line.split(separator: " ").map(String.init)
        switch (screen, words.first ?? "") {
        case (_, "/chats"): screen = .chats
        case (_, "/devices"): screen = .devices
        case (_, "/chat") where words.count == 2: screen = .chat(words[1])
        case (.chat(let address), "/group"): screen = .group(address)
        case (.chat(let address), "/join"): try await client.io { try $0.conversation(address: address).join() }
        case (_, "/new") where words.count > 1:
            let members = words.dropFirst(2).compactMap { row($0)?.address }
            let group = try await client.io { try $0.createGroup(name: words[1], members: members).address() }
            screen = .chat(group)
        case (.chat(let address), _) where !words.isEmpty: _ = try await client.send(to: address, text: line)
        case (.chats, let number): if let row = row(number) { screen = .chat(row.address) }
        default: break
        }
        return try await show()
    }

    /// The screen as it is now.
    func show() async throws -> String {
        switch screen {
        case .chats: try await chats()
        case .chat(let address): try await chat(address)
        case .group(let address): try await group(address)
        case .devices: try await devices()
        }
    }

    /// One call, however many there are; the next page begins after the last row's `position`.
    private func chats() async throws -> String {
        listed = try await client.conversationPage(limit: 20)
        let rows = listed.enumerated().map { place, one in
            let unread = one.unread > 0 ? " (\(one.unread))" : ""
            return "\(place + 1). \(one.groupName ?? short(one.address))\(unread)  \(one.lastMessage?.text ?? "")"
        }
        return (["CHATS"] + rows).joined(separator: "\n")
    }

    private func chat(_ address: String) async throws -> String {
        let conversation = try client.conversation(address: address)
        // A group that we were invited to is not read before we have joined it.
        if listed.contains(where: { $0.address == address && $0.groupName != nil }), try !conversation.isJoined() {
            return "CHAT\nYou are invited: /join"
        }
        try await conversation.markRead()
        let lines = try await conversation.messages(limit: 20).filter { $0.text != nil }.map { message in
            let state = !message.outgoing ? "" : !message.readBy.isEmpty ? " ✓✓" : message.deliveredAt != nil ? " ✓" : " …"
            return "\(message.outgoing ? "you" : short(message.author)): \(message.text ?? "")\(state)"
        }
        return (["CHAT"] + lines).joined(separator: "\n")
    }

    private func group(_ address: String) async throws -> String {
        let members = try await client.io { try $0.conversation(address: address).members() }
        let rows = members.map { one in "\(short(one.address))\(one.admin ? " admin" : "")\(one.joined ? "" : " invited")" }
        return (["GROUP"] + rows.sorted()).joined(separator: "\n")
    }

    private func devices() async throws -> String {
        let rows = try await client.io { try $0.devices() }.map { "\($0.deviceId)\($0.thisDevice ? " (this one)" : "")" }
        return (["DEVICES"] + rows).joined(separator: "\n")
    }

    private func row(_ number: String) -> ListedConversation? {
        Int(number).flatMap { listed.indices.contains($0 - 1) ? listed[$0 - 1] : nil }
    }
}

private func short(_ address: String) -> String { String(address.prefix(8)) }

/// Runs the screens over a transport, until the lines end: shown anew after each line, and after whatever comes.
func screens(
    client: Client, transport: any Transport, lines: AsyncStream<String>, show: @escaping @Sendable (String) async -> Void
) async throws {
    let screens = Screens(client)
    await transport.useSecret(try client.transportSecret())
    try await transport.start(address: client.address(), device: client.deviceId())
    try await transport.publishBundle(address: client.address(), bundle: client.io { try $0.bundle().encode() })
    // One after the other, so that what is shown last is the latest. Nothing stands for what came.
    let (happened, happen) = AsyncStream.makeStream(of: String?.self)
    let receiving = Task {
        for await incoming in await transport.receive() {
            _ = try? await client.receiveMany(envelopes: [incoming.envelope])
            await incoming.acknowledge()
            happen.yield(nil)
        }
    }
    let typing = Task {
        for await line in lines { happen.yield(line) }
        happen.finish()
    }
    await show(try await screens.show())
    for await line in happened {
        do {
            if let line { await show(try await screens.typed(line)) } else { await show(try await screens.show()) }
            for envelope in try await client.outbox() {
                try await transport.deliver(address: envelope.to, envelope: envelope.bytes)
                try await client.markSent(ids: [envelope.id])
            }
        } catch {
            await show("(\(error))")
        }
    }
    typing.cancel()
    receiving.cancel()
    await transport.close()
}
