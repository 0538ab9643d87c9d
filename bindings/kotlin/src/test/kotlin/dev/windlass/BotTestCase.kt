package dev.windlass

import dev.windlass.bot.Bot
import dev.windlass.transport.MemoryPost
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path

/** A bot and a user, who writes to it and reads its answers. */
abstract class BotTestCase {
    @TempDir
    lateinit var home: Path

    protected val post = MemoryPost()
    protected val people by lazy { People(home) }
    protected val client by lazy { people.open("bot") }

    protected fun bot(trust: TrustPolicy = TrustPolicy.ACCEPT_ALL) = Bot(client, post.transport(), trust)

    protected fun CoroutineScope.start(bot: Bot): Job = launch(Dispatchers.Default) { bot.run() }

    protected fun CoroutineScope.user(name: String = "user") =
        person(people, post, name).also { it.client.addContact(client.bundle()) }
}
