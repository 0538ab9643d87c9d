private let firstPause = Duration.milliseconds(500)
private let longestPause = Duration.seconds(60)

/// Calls the client, again as long as the reason not to is one that passes: a disk that is full, say.
func insist<T: Sendable>(
    unless refused: String = "", log: @Sendable (String) -> Void, _ call: @escaping @Sendable () throws -> T
) async throws -> T {
    var pause = firstPause
    while true {
        do {
            return try await onQueue(call)
        } catch let passing as WindlassError where passing.retry && passing.code != refused {
            log("cannot write: \(kind(of: passing)); again in \(pause)")
            try await Task.sleep(for: pause)
            pause = min(pause * 2, longestPause)
        }
    }
}

extension Bot {
    /// The same, told where the bot's lines go.
    func insisting<T: Sendable>(
        unless refused: String = "", _ call: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await insist(unless: refused, log: log, call)
    }
}
