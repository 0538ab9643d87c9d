import dev.windlass.findContact
import dev.windlass.foldText
import dev.windlass.readCommand
import dev.windlass.readEmoji
import dev.windlass.readNumber

/** What people type and paste, as an app compares it. */
fun typed(pasted: String): String {
    // The same to a reader, whatever the keyboard made of it.
    check(foldText("Straße ٢") == foldText("STRASSE 2"))
    // Digits of every script and a comma; but nothing that may be one of two numbers.
    check(readNumber("−٨٫٥") == "-8.5" && readNumber("1,000") == null)
    check(readEmoji(" ❤\n") == "❤\uFE0F" && readEmoji("👍 nice") == null)
    val command = checkNotNull(readCommand("／Add “two words” 2", "/"))
    check(command.name == "add" && command.words == listOf("two words", "2"))
    // An invitation or an address, wherever it stands in the text.
    return findContact(pasted).address
}
