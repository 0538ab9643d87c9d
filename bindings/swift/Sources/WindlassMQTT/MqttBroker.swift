import Foundation
import Windlass

private let options: Set = ["ca", "prefix", "version", "password_file", "cleartext"]
private let longestPassword = 65_535
private let inUrls = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%".utf8)

/// Where a broker is, and how it is spoken to, as a URL says it. No error quotes it, for it may have a password.
struct MqttBroker: Sendable, CustomStringConvertible {
    let host: String
    let port: UInt16
    let tls: Bool
    let prefix: String
    /// The version of MQTT that was asked for by name.
    let version: MqttVersion?
    let authorities: String?
    private let user: String?
    private let password: [UInt8]?
    private let passwordFile: String?

    init(_ url: String) throws {
        // What is in no URL would be escaped in silence.
        guard url.utf8.allSatisfy(inUrls.contains), let parts = URLComponents(string: url), let scheme = parts.scheme, let named = parts.host,
            !named.isEmpty, ["mqtt", "mqtts"].contains(scheme), parts.port.map({ (1...65_535).contains($0) }) ?? true
        else { throw TransportError("an address of a broker is mqtt://host:port or mqtts://host:port") }
        host = named.hasPrefix("[") ? String(named.dropFirst().dropLast()) : named
        tls = scheme == "mqtts"
        port = UInt16(parts.port ?? (tls ? 8883 : 1883))
        let settings = try Self.settings(parts.percentEncodedQuery ?? "")
        let (prefix, cleartext) = (settings["prefix"] ?? "windlass/v1", settings["cleartext"])
        (self.prefix, authorities, passwordFile) = (prefix, settings["ca"], settings["password_file"])
        user = try parts.percentEncodedUser.map(Self.decoded)
        password = try parts.percentEncodedPassword.map(Self.decoded).flatMap { $0.isEmpty ? nil : Array($0.utf8) }
        version = try settings["version"].map(Self.version)
        if authorities != nil && !tls { throw TransportError("the option ca needs mqtts://") }
        if cleartext ?? "yes" != "yes" { throw TransportError("the option cleartext is yes, or is left out") }
        if prefix.isEmpty || prefix.contains(where: { "+#\0".contains($0) }) { throw TransportError("the option prefix is a topic, without + and #") }
        if !tls && cleartext == nil && !Self.isLoopback(host) {
            throw TransportError(
                "mqtt:// to \(host) is not encrypted: everybody on the way sees the password and who talks with whom. Say mqtts://, or "
                    + "mqtt://...?cleartext=yes if the network is yours alone")
        }
        if password != nil && passwordFile != nil { throw TransportError("a broker's URL has a password or a password_file, not both") }
    }

    private static func settings(_ query: String) throws -> [String: String] {
        var settings: [String: String] = [:]
        for setting in query.split(separator: "&") {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(String(parts[0]))
            guard options.contains(name) else { throw TransportError("of a broker's URL there is no \(name)") }
            settings[name] = try decoded(parts.count > 1 ? String(parts[1]) : "")
        }
        return settings
    }

    private static func version(_ said: String) throws -> MqttVersion {
        switch said {
        case "5": .five
        case "3", "3.1.1": .three
        default: throw TransportError("the option version is 5 or 3")
        }
    }

    /// Unlike in a form, a plus is a plus.
    private static func decoded(_ text: String) throws -> String {
        guard let decoded = text.removingPercentEncoding else { throw TransportError("a broker's URL has percent signs that escape nothing") }
        return decoded
    }

    /// Asks no name server: a name is what its owner makes of it.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return ["localhost", "::1"].contains(host) || parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
    }

    /// User name and password. With a password file alone the user name is our address, as the access rules of a broker have it.
    func credentials(address: String) throws -> (user: String?, password: [UInt8]?) {
        guard let path = passwordFile else { return (user, password) }
        let file: FileHandle
        let read: Data
        do {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            read = try file.read(upToCount: longestPassword + 3) ?? Data()
            try file.close()
        } catch {
            throw TransportError("the password file \(path) cannot be read")
        }
        // An editor ends the last line.
        var bytes = Array(read)
        if bytes.last == 10 { bytes.removeLast() }
        if bytes.last == 13 { bytes.removeLast() }
        guard (1...longestPassword).contains(bytes.count) else {
            throw TransportError("the password file \(path) is \(bytes.isEmpty ? "empty" : "too long")")
        }
        return (user ?? address, bytes)
    }

    /// Without user and password.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
