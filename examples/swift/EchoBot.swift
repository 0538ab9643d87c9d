import Foundation
import Windlass

/// Answers each message with what it says.
func echoBot(client: Client, transport: any Transport) -> Bot {
    let bot = Bot(client: client, transport: transport)
    bot.onMessage { message in message.reply(message.text) }
    return bot
}

/// With WINDLASS_STORE and WINDLASS_KEY (64 hexadecimal digits), by the server of `examples/python/http_transport.py`.
func runEchoBot(server: URL) async throws {
    let client = try Client.fromEnvironment()
    defer { try? client.close() }
    let bot = echoBot(client: client, transport: HttpTransport(url: server))
    print(try bot.invite())
    try await bot.run()
}
