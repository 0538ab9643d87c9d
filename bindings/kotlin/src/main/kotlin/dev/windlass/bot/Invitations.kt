package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.WindlassException
import kotlinx.coroutines.sync.Mutex

/** Somebody wants the bot in a group. Messages of the group wait until that is decided. */
public class GroupInvitation internal constructor(
    private val bot: Bot,
    /** Address of the group. */
    public val group: String,
    public val name: String,
    /** Address of the person who invites. */
    public val by: String,
) {
    /** Takes part. */
    public suspend fun join(): Unit = bot.change(group) { join() }

    /** Does not. */
    public suspend fun decline(): Unit = bot.change(group) { leave() }
}

/** Reads from the store which invitations wait: so none is lost by a crash. */
internal class Invitations(private val bot: Bot, private val client: Client, private val listening: Listening) {
    /** Groups that the handlers were told of, and whether they left it to us. */
    private val told = mutableMapOf<String, Boolean>()
    private val busy = Mutex()

    @Volatile
    private var again = false

    /** There is a new invitation to this group. */
    suspend fun came(group: String) {
        synchronized(told) { told.remove(group) }
        answer()
    }

    /** Tells the handlers, and joins where that was left to us and the person who invites is accepted. */
    suspend fun answer() {
        again = true
        // A handler accepts somebody: the loop that called it goes on with that.
        while (again && busy.tryLock()) {
            try {
                again = false
                io { waiting() }.forEach { answer(it) }
            } finally {
                busy.unlock()
            }
        }
    }

    private suspend fun answer(invitation: GroupInvitation) {
        val leftToUs = synchronized(told) { told[invitation.group] }
            // A handler that failed may have been about to decline.
            ?: bot.callEach(bot.invitations, invitation).also { synchronized(told) { told[invitation.group] = it } }
        try {
            if (leftToUs && io { mayJoin(invitation) }) invitation.join()
        } catch (refused: WindlassException) {
            if (refused is WindlassException.StoreClosed) throw refused
            bot.failed(null, refused)
        }
    }

    // Not any more, if a handler has declined.
    private fun mayJoin(invitation: GroupInvitation): Boolean =
        waiting().any { it.group == invitation.group } && listening.follows(invitation.by)

    private fun waiting(): List<GroupInvitation> = client.conversations().mapNotNull { summary ->
        val name = summary.groupName ?: return@mapNotNull null
        client.conversation(summary.address).use { group ->
            val invited = group.members().any { it.address == client.address() && !it.joined }
            group.invitedBy()?.takeIf { invited }?.let { GroupInvitation(bot, summary.address, name, it) }
        }
    }
}
