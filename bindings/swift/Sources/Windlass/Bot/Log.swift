import Foundation

/// Where a line goes that a bot's operator may want to read, unless they want it elsewhere.
public func logToStandardError(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\(line)\n".utf8))
}

/// What an error is, without its text, which may quote a message or a URL.
func kind(of error: any Error) -> String {
    if let refused = error as? WindlassError { return refused.code }
    return error as? TransportError == .noMailbox ? "no mailbox" : "\(type(of: error))"
}
