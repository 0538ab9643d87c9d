package dev.windlass.bot

import dev.windlass.Client
import dev.windlass.Event
import dev.windlass.KeptEvent
import dev.windlass.Received
import dev.windlass.WindlassException
import kotlinx.coroutines.channels.Channel

/** Events on their way to the handlers, in their order: each until its handlers have returned, whatever happens to the process. */
internal class Events(private val client: Client) {
    private sealed interface Step {
        class Tell(val event: Event) : Step

        class TellAgain(val kept: KeptEvent) : Step

        /** All events before this were told. */
        class Handled(val cursor: String) : Step
    }

    // Bounded, so that a flood waits at the transport.
    private val steps = Channel<Step>(WAITING)

    /** Before anything new comes: the events whose handlers had not returned when the process ended. */
    suspend fun remember() {
        var cursor: String? = null
        while (true) {
            val page = io { client.eventsAfter(cursor) }
            cursor = page.lastOrNull()?.cursor ?: return
            page.forEach { steps.send(Step.TellAgain(it)) }
        }
    }

    suspend fun put(answers: List<Received>) {
        answers.flatMap { it.events }.forEach { steps.send(Step.Tell(it)) }
        answers.mapNotNull { it.cursor }.lastOrNull()?.let { steps.send(Step.Handled(it)) }
    }

    /** Nothing comes after what was put. */
    fun end() {
        steps.close()
    }

    /** Tells one after the other. */
    suspend fun tell(event: suspend (Event) -> Unit, again: suspend (Event) -> Unit) {
        for (step in steps) when (step) {
            is Step.Tell -> event(step.event)
            is Step.TellAgain -> {
                // Before it is told: an event with which the process dies twice does not come a third time.
                handled(step.kept.cursor)
                again(step.kept.event)
            }
            is Step.Handled -> handled(step.cursor)
        }
    }

    private suspend fun handled(cursor: String) {
        try {
            insisting { client.eventsHandled(cursor) }
        } catch (_: WindlassException.UnknownCursor) {
            // Somebody else may read the events of the client.
        }
    }

    private companion object {
        const val WAITING = 1_000
    }
}
