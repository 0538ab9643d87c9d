package dev.windlass

import dev.windlass.bot.decimal
import dev.windlass.bot.integer
import dev.windlass.bot.orElse
import dev.windlass.bot.word
import dev.windlass.bot.yesOrNo
import kotlinx.coroutines.cancelAndJoin
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import typed
import java.net.URLEncoder
import java.text.Normalizer

/** What people type and paste, and what a telephone or a mail program makes of it. */
class TypedTest : BotTestCase() {
    private fun decomposed(text: String) = Normalizer.normalize(text, Normalizer.Form.NFD)

    @Test
    fun `a search finds what looks the same`() {
        val user = people.open("user").apply { addContact(client.bundle()) }
        val talk = user.conversation(client.address())
        val same = listOf(
            "Café at noon" to "café", decomposed("Café at noon") to "café", "Café at noon" to decomposed("CAFÉ"), "Café at noon" to "cafe",
            "Straße 4" to "STRASSE", "STRASSE 4" to "straße", "İstanbul" to "istanbul", "ISTANBUL" to "ıstanbul", "Ὀδυσσεύς" to "ΟΔΥΣΣΕΎΣ",
            "ΣΊΣΥΦΟΣ" to "σίσυφος", decomposed("감사") to "감사", "ＡＢＣ" to "abc", "at ٢٣" to "23", "👨‍👩‍👧 family" to "👨‍👩‍👧",
            "a\u0000b" to "A\u0000B", "ﬁsh" to "fish", "re\u00ADceipt" to "receipt", "receipt" to "re\u200Bceipt", "❤\uFE0F" to "❤",
        )
        for ((written, sought) in same) {
            val sent = talk.send(written)
            assertEquals(listOf(sent.messageId), talk.search(sought).messages.map { it.id }, "$written, $sought")
            talk.delete(talk.messages().single { it.id == sent.messageId })
        }
        user.close()
    }

    @Test
    fun `a reaction is one emoji in one form`() {
        val user = people.open("user").apply { addContact(client.bundle()) }
        val talk = user.conversation(client.address())
        talk.send("ahoy")
        for (emoji in listOf("❤", "❤\uFE0F", "❤\uFE0E", " ❤\n", "👩🏽‍🚀", "🇸🇪", "1\u20E3")) talk.react(talk.messages().single(), emoji)
        assertEquals(listOf("❤\uFE0F", "👩🏽‍🚀", "🇸🇪", "1\uFE0F\u20E3"), talk.messages().single().reactions.map { it.emoji })
        for (none in listOf("", " ", "a", "+1", "👍👍", "👍 nice", "\u202E", "\u0000", "\u001B[31m", "👍".repeat(65))) {
            assertThrows(WindlassException.InvalidContent::class.java, { talk.react(talk.messages().single(), none) }, none)
        }
        user.close()
    }

    @Test
    fun `commands work as telephones type them`() = within {
        val bot = bot()
        bot.command("say", word("what"), integer("times").orElse(1)) { what, times -> reply(List(times.toInt()) { what }.joinToString("|")) }
        bot.command("half", decimal("x")) { x -> reply("${x / 2}") }
        bot.command("café", yesOrNo("sugar").orElse(false)) { sugar -> reply("coffee $sugar") }
        bot.command("İPTAL") { reply("cancelled") }
        bot.command("straße") { reply("street") }
        val asked = mapOf(
            "/say \"two words\" 2" to "two words|two words", "/say “two words” 2" to "two words|two words",
            "/say „two words“ 2" to "two words|two words", "/say «\u00A0two words\u00A0» 2" to "two words|two words",
            "/say hello ٢" to "hello|hello", "/say hello ۲" to "hello|hello", "/say hello ２" to "hello|hello",
            "/say\u00A0hello" to "hello", "\u200E/say hello" to "hello", "\uFEFF／SAY hello" to "hello", " /say hello" to "hello",
            "/half ٨" to "4.0", "/half 8,5" to "4.25", "/half −8" to "-4.0",
            "/half 1,000" to "x must be a number, not 1,000. Usage: /half x",
            "/Café" to "coffee false", "/" + decomposed("CAFÉ") + " ＹＥＳ" to "coffee true",
            "/iptal" to "cancelled", "/IPTAL" to "cancelled", "/ıptal" to "cancelled", "/İptal" to "cancelled", "/STRASSE" to "street",
        )
        val running = start(bot)
        val user = user()
        for (question in asked.keys) user.say(client.address(), question)
        until { user.heard(client.address()).size == asked.size }
        assertEquals(asked.values.toList(), user.heard(client.address()))
        running.cancelAndJoin()
        user.leave()
    }

    @Test
    fun `a safety number is read in every script, and a mistyped one is no alarm`() {
        val user = people.open("user").apply { addContact(client.bundle()) }
        val session = user.session(client.address())
        val number = session.safetyNumber()
        for (none in listOf(number.dropLast(1), number + "1", "", " ", "x".repeat(60), number.dropLast(1) + "x", "½".repeat(60), "\u200B")) {
            assertThrows(WindlassException.SafetyNumberInvalid::class.java, { session.verify(none) }, none)
        }
        val wrong = "${(number[0].digitToInt() + 1) % 10}${number.drop(1)}"
        assertThrows(WindlassException.SafetyNumberMismatch::class.java) { session.verify(wrong) }
        assertFalse(user.contact(client.address()).verified)
        val scripts = listOf(0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE).map { zero ->
            number.map { if (it.isDigit()) String(Character.toChars(zero + it.digitToInt())) else "$it" }.joinToString("")
        }
        val groups = listOf(" ", "-", ".", "\n", "\u200B", "\u00A0", " – ").map { number.filter(Char::isDigit).chunked(5).joinToString(it) }
        for (right in scripts + groups + number) session.verify(right)
        assertTrue(user.contact(client.address()).verified)
        user.close()
    }

    @Test
    fun `an invitation is read as it arrives`() {
        val address = client.address()
        for (uri in listOf(client.bundle().toUri(), client.bundle().toLink("https://example.org/i").substringAfter("#"))) {
            val (first, last) = uri.take(uri.length / 2) to uri.drop(uri.length / 2)
            val link = "https://example.org/$address#$uri"
            val escaped = URLEncoder.encode(link, "UTF-8")
            val arrived = listOf(
                uri, uri.chunked(76).joinToString("\n"), uri.chunked(70).joinToString("\n") { "> $it" }, "$first\u200B$last",
                "\u2068\uFEFF$first\u00AD$last\u2069\u00A0", "<$uri>", "“$uri”", "$uri.", "Write to me here: $uri See you there",
                URLEncoder.encode(uri, "UTF-8"), uri.chunked(75).joinToString("=\r\n"), link, "look: $link?fbclid=IwAR0x",
                link.replace("#", "%23").replace("WINDLASS:", "windlass%3A"), "https://example.org/away?to=$escaped",
                uri.replace("WINDLASS:", "windlass://"),
            )
            for (text in arrived) {
                assertEquals(address, Bundle.fromUri(text).identity().address(), text)
                assertEquals(address to true, findContact(text).let { it.address to (it.bundle != null) }, text)
                assertEquals(address, typed(text))
            }
            for (broken in listOf(uri.take(12) + uri.drop(12).replaceFirst('A', 'А'), uri.dropLast(1), "Here: $first.")) {
                assertThrows(WindlassException.UriDamaged::class.java, { findContact(broken) }, broken)
            }
        }
        for (text in listOf(address, address.uppercase(), Identity.fromAddress(address).toUri(), "I am $address.", "https://example.org/#$address")) {
            assertEquals(address to null, findContact(text).let { it.address to it.bundle }, text)
        }
        assertThrows(WindlassException.UriNotWindlass::class.java) { findContact("write to me") }
        // What is shown to somebody in front of us stands alone.
        assertThrows(WindlassException.UriNotWindlass::class.java) { Bundle.fromUri("Scan this: ${client.inPersonCode()}") }
    }
}
