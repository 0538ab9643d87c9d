package dev.windlass

import dev.windlass.bot.takenTogether
import dev.windlass.transport.Incoming
import dev.windlass.transport.MemoryPost
import dev.windlass.transport.Transport
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.IOException
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** What passes at a transport, by a clock that need not be waited for. */
@OptIn(ExperimentalCoroutinesApi::class)
class IntakeTest {
    /** Its connection is lost so often, each time after it brought so many envelopes; then it ends. */
    private class Shaky(private val losses: Int, private val brings: Int) : Transport by MemoryPost().transport() {
        private var connections = 0

        override fun receive(): Flow<Incoming> = flow {
            if (connections++ == losses) return@flow
            repeat(brings) { emit(Incoming(byteArrayOf()) {}) }
            throw IOException("lost")
        }
    }

    @Test
    fun `a transport that cannot be reached is tried later and later`() = runTest {
        Shaky(losses = 8, brings = 0).takenTogether {}
        assertEquals((1 + 2 + 4 + 8 + 16 + 32 + 60 + 60).seconds, currentTime.milliseconds)
    }

    @Test
    fun `one that brings something in between is tried again at once each time`() = runTest {
        var taken = 0
        Shaky(losses = 8, brings = 1).takenTogether { taken += it.size }
        assertEquals(8, taken)
        assertEquals(8.seconds, currentTime.milliseconds)
    }
}
