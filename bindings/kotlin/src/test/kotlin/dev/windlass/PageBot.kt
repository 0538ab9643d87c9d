package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.bot.JoinGroups
import dev.windlass.transport.MqttTransport

/** One of three who talk in a group, with a web page and a bot in Python; see `bindings/javascript/test/together.test.js`. */
fun main(): Unit = Windlass.fromEnvironment().use { client ->
    val transport = MqttTransport(System.getenv("WINDLASS_TRANSPORT"))
    val bot = Bot(client, transport, joinGroups = JoinGroups.ALL, name = "kotlin")
    bot.onMessage { reply("Kotlin heard: $text") }
    println(bot.invite())
    bot.runUntilTerminated()
}
