import Foundation

/// The environment does not say it, or what it says makes no sense. Does not quote it.
public struct EnvironmentError: LocalizedError, Equatable {
    public let errorDescription: String?

    init(_ description: String) {
        errorDescription = description
    }
}

extension Client {
    /// Opens the store that the environment names, or makes it where nothing is yet, unless WINDLASS_CREATE is `false`, `no` or `0`: then a
    /// wrong path is an error instead of a new identity.
    ///
    /// WINDLASS_STORE is its path. One of these opens it: WINDLASS_KEY, 64 hexadecimal digits; WINDLASS_PASSPHRASE; WINDLASS_KEY_FILE, the
    /// path of a file with 32 bytes or either, as `StoreKey.fromFile` reads it.
    public static func fromEnvironment(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Client {
        guard let path = environment["WINDLASS_STORE"] else { throw EnvironmentError("WINDLASS_STORE is the path of the store") }
        let (key, makes) = (try storeKey(environment), try mayCreate(environment))
        do {
            return try open(path: path, key: key)
        } catch WindlassError.StoreNotFound where makes {
            return try create(path: path, key: key)
        }
    }

    private static func mayCreate(_ environment: [String: String]) throws -> Bool {
        switch environment["WINDLASS_CREATE"]?.lowercased() {
        case nil, "true", "yes", "1": true
        case "false", "no", "0": false
        // Not guessed: the person who wrote it may have meant that nothing is made.
        default: throw EnvironmentError("WINDLASS_CREATE is one of true, yes, 1, false, no and 0")
        }
    }

    private static func storeKey(_ environment: [String: String]) throws -> StoreKey {
        let given = ["WINDLASS_KEY", "WINDLASS_PASSPHRASE", "WINDLASS_KEY_FILE"].filter { environment[$0] != nil }
        guard given.count == 1, let value = environment[given[0]] else {
            throw EnvironmentError("give one of WINDLASS_KEY, WINDLASS_PASSPHRASE and WINDLASS_KEY_FILE")
        }
        do {
            switch given[0] {
            case "WINDLASS_KEY": return try .fromHex(digits: value)
            case "WINDLASS_PASSPHRASE": return try .fromPassphrase(passphrase: value)
            default: return try .fromFile(path: value)
            }
        } catch let WindlassError.KeyUnreadable(message) {
            throw EnvironmentError("\(given[0]): \(message)")
        }
    }
}
