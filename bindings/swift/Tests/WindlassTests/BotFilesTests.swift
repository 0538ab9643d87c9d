import Foundation
import Windlass
import XCTest

/// A place for files behind a server.
final class BotFilesTests: PeopleTestCase {
    func testAServerIsAskedAgainWhereATransferBrokeOffAndNeverForAnotherPlace() async throws {
        let server = try HalfServer()
        let files = HttpFiles(try XCTUnwrap(URL(string: "http://127.0.0.1:\(server.port)")), token: "secret")
        let bytes = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0) })
        let (from, to) = (home.appendingPathComponent("from"), home.appendingPathComponent("to"))
        try bytes.write(to: from)
        let location = try await files.put(from, name: "name")
        try await files.get(location, to: to, limit: bytes.count)
        XCTAssertEqual(try Data(contentsOf: to), bytes)
        XCTAssertEqual(server.asked.all, ["PUT /name - Bearer secret", "GET /name - Bearer secret", "GET /name bytes=100000- Bearer secret"])
        let elsewhere = location.replacingOccurrences(of: "name", with: "elsewhere")
        let refused = [(location, bytes.count - 1), (elsewhere, 10), ("http://127.0.0.1:1/name", 10), (location + "/../x", 10)]
        for (number, (location, limit)) in refused.enumerated() {
            do {
                try await files.get(location, to: home.appendingPathComponent("refused \(number)"), limit: limit)
                XCTFail("\(number) was fetched")
            } catch is FilesError {
                // As it should be.
            }
        }
        XCTAssertFalse(server.asked.all.contains { $0.hasPrefix("GET /there") })
    }
}

/// Keeps what is put there, gives half of it to who asks first, and the rest to who asks for the rest.
private final class HalfServer: @unchecked Sendable {
    let port: UInt16
    let asked = Lines()
    private let listening: Int32
    // Used by the one thread that serves.
    private var kept: [String: Data] = [:]

    init() throws {
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = Int32(SOCK_STREAM.rawValue)
        #endif
        listening = socket(AF_INET, kind, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = listening
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listening, $0, size) == 0 && getsockname(listening, $0, &size) == 0 }
        }
        guard bound, listen(listening, 8) == 0 else { throw NeverCame() }
        port = UInt16(bigEndian: address.sin_port)
        // Ends with the process.
        Thread { self.serve() }.start()
    }

    private func serve() {
        while case let connection = accept(listening, nil, nil), connection >= 0 {
            answer(FileHandle(fileDescriptor: connection, closeOnDealloc: true))
        }
    }

    private func answer(_ connection: FileHandle) {
        guard let (head, body) = request(connection) else { return }
        let lines = head.components(separatedBy: "\r\n")
        func header(_ name: String) -> String? {
            lines.first { $0.lowercased().hasPrefix("\(name.lowercased()): ") }.map { String($0.dropFirst(name.count + 2)) }
        }
        let words = lines[0].split(separator: " ").map(String.init)
        asked.add("\(words[0]) \(words[1]) \(header("Range") ?? "-") \(header("Authorization") ?? "-")")
        let there = kept[words[1]] ?? Data()
        if words[1] == "/elsewhere" {
            say(connection, "302 Found", "Location: http://127.0.0.1:\(port)/there\r\n", 0, Data())
        } else if words[0] == "PUT" {
            kept[words[1]] = body
            say(connection, "201 Created", "", 0, Data())
        } else if let from = header("Range").flatMap({ Int($0.filter(\.isNumber)) }) {
            say(connection, "206 Partial Content", "", there.count - from, there.dropFirst(from))
        } else {
            say(connection, "200 OK", "", there.count, there.prefix(there.count / 2))
        }
    }

    private func request(_ connection: FileHandle) -> (String, Data)? {
        var came = Data()
        while true {
            if let end = came.range(of: Data("\r\n\r\n".utf8)) {
                let head = String(decoding: came[..<end.lowerBound], as: UTF8.self)
                let length = head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("content-length: ") }
                let wanted = length.flatMap { Int($0.dropFirst(16)) } ?? 0
                if came.count - end.upperBound >= wanted { return (head, Data(came[end.upperBound...])) }
            }
            // What is there, and not as much as was asked for.
            let more = connection.availableData
            if more.isEmpty { return nil }
            came += more
        }
    }

    private func say(_ connection: FileHandle, _ status: String, _ headers: String, _ length: Int, _ body: Data) {
        let head = "HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(length)\r\nConnection: close\r\n\r\n"
        try? connection.write(contentsOf: Data(head.utf8) + body)
    }
}
