import Foundation

#if canImport(CryptoKit)
    import CryptoKit

    private func hmacSha256(key: Data, _ text: Data) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: key)))
    }
#else
    import windlassOpenSSL

    private func hmacSha256(key: Data, _ text: Data) -> Data {
        let (key, text) = (Array(key), Array(text))
        return Data(
            [UInt8](unsafeUninitializedCapacity: 32) { code, count in
                var length: UInt32 = 0
                _ = HMAC(EVP_sha256(), key, Int32(key.count), text, text.count, code.baseAddress, &length)
                count = Int(length)
            })
    }
#endif

/// The name of a device's mailbox at a broker: nobody else knows it. 23 characters are what every broker takes.
func mailboxName(secret: Data, address: String, device: UInt32) -> String {
    let hash = hmacSha256(key: secret, Data("mqtt client id \(address)/\(device)".utf8))
    return "wl" + hash.map { String(format: "%02x", $0) }.joined().prefix(21)
}
