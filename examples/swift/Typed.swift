import Windlass

/// What people type and paste, as an app compares it.
func typed(pasted: String) throws -> String {
    // The same to a reader, whatever the keyboard made of it.
    assert(foldText(text: "Straße ٢") == foldText(text: "STRASSE 2"))
    // Digits of every script and a comma; but nothing that may be one of two numbers.
    assert(readNumber(text: "−٨٫٥") == "-8.5" && readNumber(text: "1,000") == nil)
    assert(readEmoji(text: " ❤\n") == "❤\u{FE0F}" && readEmoji(text: "👍 nice") == nil)
    let command = readCommand(text: "／Add “two words” 2", prefix: "/")
    assert(command?.name == "add" && command?.words == ["two words", "2"])
    // An invitation or an address, wherever it stands in the text.
    return try findContact(text: pasted).address
}
