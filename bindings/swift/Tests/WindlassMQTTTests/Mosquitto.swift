import Foundation
import XCTest

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A broker of its own on the loopback.
final class Mosquitto {
    private let home: URL
    private let port: UInt16
    private let tls: Bool
    private var process = Process()

    /// With `name`, as a certificate has it ("IP:127.0.0.1"), it speaks TLS.
    init(_ home: URL, name: String? = nil, settings: String = "") throws {
        (self.home, tls, port) = (home, name != nil, try freePort())
        var config = """
            listener \(port) 127.0.0.1
            allow_anonymous true
            persistence true
            persistence_location \(home.path)/
            max_queued_messages 0
            user root
            \(settings)

            """
        if let name {
            try call(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=broker",
                "-addext", "subjectAltName=\(name)", "-keyout", "\(home.path)/broker.key", "-out", certificate)
            config += "certfile \(certificate)\nkeyfile \(home.path)/broker.key\n"
        }
        try config.write(to: home.appendingPathComponent("mosquitto.conf"), atomically: true, encoding: .utf8)
        try start()
    }

    deinit { stop() }

    /// Of the broker, which is its own authority.
    var certificate: String { "\(home.path)/broker.pem" }

    var url: String { "\(tls ? "mqtts" : "mqtt")://127.0.0.1:\(port)" }

    func start() throws {
        process = Process()
        (process.executableURL, process.arguments) = (try program("mosquitto"), ["-c", home.appendingPathComponent("mosquitto.conf").path])
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        // Swift's own threads take no signals, and what they start would inherit that.
        var (none, former) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        try process.run()
        while !listens(port) {
            guard process.isRunning else { throw TestFailure(said: "mosquitto ended") }
            usleep(10_000)
        }
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}

struct TestFailure: Error {
    let said: String
}

/// Where it is not installed the test is skipped, but not in continuous integration.
private func program(_ name: String) throws -> URL {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin", "/opt/homebrew/bin"]
    let found = places.map { URL(fileURLWithPath: "\($0)/\(name)") }.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    if let found { return found }
    let inCi = ProcessInfo.processInfo.environment["CI"].map { !$0.isEmpty } ?? false
    throw inCi ? TestFailure(said: "\(name) is not installed") : XCTSkip("\(name) is not installed")
}

func call(_ name: String, _ arguments: String...) throws {
    let process = Process()
    (process.executableURL, process.arguments) = (try program(name), arguments)
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw TestFailure(said: "\(name) failed") }
}

/// A socket on the loopback, with which `use` does something.
private func socketOn<T>(_ port: UInt16, _ use: (Int32, inout sockaddr_in) throws -> T) throws -> T {
    #if canImport(Glibc)
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
        let socket = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    defer { close(socket) }
    var address = sockaddr_in()
    (address.sin_family, address.sin_port, address.sin_addr.s_addr) = (sa_family_t(AF_INET), port.bigEndian, UInt32(0x7F00_0001).bigEndian)
    return try use(socket, &address)
}

private func named<T>(_ address: inout sockaddr_in, _ call: (UnsafeMutablePointer<sockaddr>) -> T) -> T {
    withUnsafeMutablePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, call) }
}

/// While `work` lasts, a port that takes connections and says nothing.
func silent(_ work: (UInt16) async throws -> Void) async throws {
    let (socket, port) = try listening()
    defer { close(socket) }
    try await work(port)
}

private func listening() throws -> (Int32, UInt16) {
    #if canImport(Glibc)
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
        let socket = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    (address.sin_family, address.sin_addr.s_addr) = (sa_family_t(AF_INET), UInt32(0x7F00_0001).bigEndian)
    guard named(&address, { bind(socket, $0, length) }) == 0, listen(socket, 5) == 0, named(&address, { getsockname(socket, $0, &length) }) == 0 else {
        close(socket)
        throw TestFailure(said: "no port is free")
    }
    return (socket, UInt16(bigEndian: address.sin_port))
}

func freePort() throws -> UInt16 {
    let (socket, port) = try listening()
    close(socket)
    return port
}

private func listens(_ port: UInt16) -> Bool {
    let found = try? socketOn(port) { socket, address in
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return named(&address) { connect(socket, $0, length) } == 0
    }
    return found ?? false
}
