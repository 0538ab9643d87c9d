extension Bot {
    /// Whether what an author writes in a conversation is handled; nothing if that is not decided yet.
    func listens(to author: String, in conversation: String) throws -> Bool? {
        let inGroup = conversation != author
        if inGroup {
            let group = try client.conversation(address: conversation)
            // Perhaps we join; or it is over.
            if try !group.isJoined() {
                return try group.members().contains { $0.address == client.address() } ? nil : false
            }
        }
        if trust == .acceptAll { return true }
        let contact: Contact
        do {
            contact = try client.contact(address: author)
        } catch WindlassError.UnknownContact {
            return false
        }
        if contact.blocked { return false }
        let verified = contact.verified || trust != .verifiedOnly
        // An admin let them in. Nobody's word waits for a decision here, for everybody's would wait behind it.
        if inGroup { return verified }
        return contact.accepted && verified ? true : nil
    }
}
