import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Bytes of a file that is saved unless the program says otherwise.
public let largestFile = 64 * 1024 * 1024
/// How often a transfer is taken up again that broke off.
private let tries = 5

/// A file cannot be put there, or fetched from there.
public struct FilesError: LocalizedError, Equatable {
    public let errorDescription: String?
    /// Whether it would be the same again.
    let isFinal: Bool

    init(_ description: String, isFinal: Bool = true) {
        (errorDescription, self.isFinal) = (description, isFinal)
    }
}

/// A place for files that are encrypted already: it learns their sizes, and nothing of what they say.
public protocol Files: Sendable {
    /// Puts a file there under a name that nobody guesses; its location, by which others fetch it.
    func put(_ encrypted: URL, name: String) async throws -> String

    /// Fetches a file of at most so many bytes to a new file. Throws a ``FilesError`` for one that is larger, and for a location anywhere else:
    /// whoever writes to a bot does not choose what it connects to.
    func get(_ location: String, to: URL, limit: Int) async throws
}

/// A folder, which some server shows under a URL; without one, for those who have the same disk.
public struct DirectoryFiles: Files {
    private let folder: URL
    private let url: String

    public init(_ folder: URL, url: String? = nil) {
        (self.folder, self.url) = (folder, withSlash(url ?? folder.absoluteURL.absoluteString))
    }

    /// Copies it there. It has its name only when it is whole.
    public func put(_ encrypted: URL, name: String) async throws -> String {
        let folder = folder
        try await onQueue {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let part = folder.appendingPathComponent("\(name).part")
            try FileManager.default.copyItem(at: encrypted, to: part)
            try FileManager.default.moveItem(at: part, to: folder.appendingPathComponent(name))
        }
        return url + name
    }

    public func get(_ location: String, to: URL, limit: Int) async throws {
        let path = folder.appendingPathComponent(try name(in: url, location))
        try await onQueue {
            // Of a link these are the link's own.
            let known = try? FileManager.default.attributesOfItem(atPath: path.path)
            guard known?[.type] as? FileAttributeType == .typeRegular, (known?[.size] as? NSNumber)?.intValue ?? .max <= limit else {
                throw FilesError("there is no such file, or it is too large")
            }
            try FileManager.default.copyItem(at: path, to: to)
        }
    }
}

/// A server that takes files by PUT and gives them by GET, and goes on where a transfer broke off if it knows ranges.
public struct HttpFiles: Files {
    private let url: String
    private let token: String?

    /// By https, or by http on this machine alone.
    public init(_ url: URL, token: String? = nil) {
        let isHere = url.scheme == "http" && ["localhost", "127.0.0.1", "::1", "[::1]"].contains(url.host ?? "")
        precondition(url.scheme == "https" || isHere, "files go by https, or by http on this machine alone")
        (self.url, self.token) = (withSlash(url.absoluteString), token)
    }

    public func put(_ encrypted: URL, name: String) async throws -> String {
        var request = try request("PUT", url + name)
        request.setValue("application/octet-stream", forHTTPHeaderField: "Content-Type")
        try await insisting { [request] in try await Transfer(upload: encrypted).run(request) }
        return url + name
    }

    public func get(_ location: String, to: URL, limit: Int) async throws {
        let plain = try request("GET", url + (try name(in: url, location)))
        try await insisting {
            var request = plain
            let there = (try? FileManager.default.attributesOfItem(atPath: to.path)[.size] as? NSNumber)?.intValue ?? 0
            if there > 0 { request.setValue("bytes=\(there)-", forHTTPHeaderField: "Range") }
            // What is compressed on the way has another length than it says.
            request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
            try await Transfer(to: to, there: there, limit: limit).run(request)
        }
    }

    private func request(_ method: String, _ location: String) throws -> URLRequest {
        guard let url = URL(string: location) else { throw FilesError("this is no location") }
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalAndRemoteCacheData)
        request.httpMethod = method
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        return request
    }

    private func insisting(_ transfer: @Sendable () async throws -> Void) async throws {
        for left in stride(from: tries - 1, through: 0, by: -1) {
            do {
                return try await transfer()
            } catch let refused as FilesError where refused.isFinal || left == 0 {
                throw refused
            } catch {
                try Task.checkCancellation()
                if left == 0 { throw FilesError("cannot reach the server") }
            }
        }
    }
}

/// One request; what it brings goes to a file as it comes.
private final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    // Used by the session's queue alone, once it runs.
    private let upload: URL?
    private let target: URL?
    private let limit: Int
    private var there: Int
    private var file: FileHandle?
    private var failure: (any Error)?
    private var expected: Int64 = -1
    private var came: Int64 = 0
    private var ended: CheckedContinuation<Void, any Error>?

    init(upload: URL) { (self.upload, target, there, limit) = (upload, nil, 0, 0) }

    init(to target: URL, there: Int, limit: Int) { (upload, self.target, self.there, self.limit) = (nil, target, there, limit) }

    func run(_ request: URLRequest) async throws {
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }
        let task = upload.map { session.uploadTask(with: request, fromFile: $0) } ?? session.dataTask(with: request)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                ended = continuation
                task.resume()
            }
        } onCancel: {
            task.cancel()
        }
    }

    // A server does not send us to others.
    func urlSession(
        _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse, newRequest _: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) { completionHandler(nil) }

    func urlSession(
        _: URLSession, dataTask _: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let code = (response as? HTTPURLResponse)?.statusCode ?? 0
        if !(200..<300).contains(code) { failure = FilesError("the server answers \(code)", isFinal: code < 500) }
        expected = response.expectedContentLength
        if code != 206 { there = 0 }
        do {
            if let target, failure == nil {
                if !FileManager.default.fileExists(atPath: target.path) { try Data().write(to: target) }
                file = try FileHandle(forWritingTo: target)
                try file?.truncate(atOffset: UInt64(there))
                try file?.seekToEnd()
            }
        } catch {
            failure = error
        }
        completionHandler(failure == nil ? .allow : .cancel)
    }

    func urlSession(_: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        came += Int64(data.count)
        guard failure == nil, target != nil else { return }
        do {
            if there + Int(came) > limit { throw FilesError("the file is too large") }
            try file?.write(contentsOf: data)
        } catch {
            failure = error
            dataTask.cancel()
        }
    }

    func urlSession(_: URLSession, task _: URLSessionTask, didCompleteWithError error: (any Error)?) {
        try? file?.close()
        var outcome = failure ?? error
        if outcome == nil, expected >= 0, came < expected { outcome = FilesError("the file broke off", isFinal: false) }
        if let outcome { ended?.resume(throwing: outcome) } else { ended?.resume() }
        ended = nil
    }
}

private func withSlash(_ url: String) -> String { url.hasSuffix("/") ? url : url + "/" }

/// The name of a file whose location is ours.
private func name(in url: String, _ location: String) throws -> String {
    let name = location.dropFirst(url.count)
    let isName = !name.isEmpty && name.utf8.allSatisfy { $0 == 45 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
    guard location.hasPrefix(url), isName else { throw FilesError("this file is not at the place of this bot's files") }
    return String(name)
}

/// A file, encrypted, where others can fetch it: what a message says of it.
func uploaded(_ files: any Files, _ path: URL, _ mediaType: String?) async throws -> OutgoingFile {
    try await inFolder { folder in
        let (encrypted, kind) = (folder.appendingPathComponent("encrypted"), mediaType ?? typeByName(path))
        let attachment = try await onQueue { try Attachment.encrypt(path: path.path, encrypted: encrypted.path, mediaType: kind) }
        return OutgoingFile(attachment: attachment, location: try await files.put(encrypted, name: UUID().uuidString))
    }
}

/// Fetches the file of a message and decrypts it to a new file; which one that is.
func saved(_ bot: Bot, _ message: Message, _ path: URL, _ limit: Int) async throws -> URL {
    guard case .attachment(let info) = message.body else { throw FilesError("this message is no file") }
    if info.size > UInt64(limit) { throw FilesError("the file has \(info.size) bytes, and may have \(limit)") }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder)
    let to = isFolder.boolValue ? path.appendingPathComponent(info.name) : path
    let (client, files) = (bot.client, bot.needFiles())
    try await inFolder { folder in
        let encrypted = folder.appendingPathComponent("encrypted")
        // With what encrypting adds to each 64 KiB.
        try await files.get(info.location, to: encrypted, limit: limit + limit / 1024 + 1024)
        try await onQueue {
            try client.conversation(address: message.conversation).saveAttachment(message: message, encrypted: encrypted.path, path: to.path)
        }
    }
    return to
}

private func inFolder<T>(_ work: (URL) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await work(folder)
}

/// By its name. What is not known is what it is: bytes.
private func typeByName(_ path: URL) -> String {
    let known = [
        "txt": "text/plain", "csv": "text/csv", "html": "text/html", "json": "application/json", "pdf": "application/pdf", "zip": "application/zip",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "heic": "image/heic",
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    ]
    return known[path.pathExtension.lowercased()] ?? "application/octet-stream"
}
