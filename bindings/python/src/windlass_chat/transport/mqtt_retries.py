"""`Retries`: when to connect again. It knows no clock and no broker."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = 0.5
LONGEST = 60.0
LIVED = 120.0
"""Seconds after which a connection has shown that it lives. That one was accepted says nothing: the next thing may end it."""
QUICK = 30.0
"""One that ends sooner and without a reason may have been taken over by somebody with our session."""
QUICK_ONES = 3
"""So many in a row have been."""
TAKEN_OVER = 60.0
LONGEST_TAKEN_OVER = 600.0
IN_PEACE = 3_600.0
"""Seconds after which nobody fights for the mailbox any more."""


class Retries:
    """Hears what became of connections, and says how long to wait before the next one."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._delay, self._fight = FIRST, TAKEN_OVER
        self._quick = 0
        self.fighting = False
        """Whether somebody else seems to have our session."""

    def _about(self, seconds: float) -> float:
        # Not all together, when a broker comes back that had thousands; nor two that fight.
        return seconds * (0.75 + self._chance() / 2)

    def lived(self, seconds: float) -> None:
        """A connection over which mail could come has ended, after so long."""
        if seconds >= LIVED:
            self._delay, self._quick = FIRST, 0
        if seconds >= IN_PEACE:
            self._fight, self.fighting = TAKEN_OVER, False

    def failed(self) -> float:
        """There was no connection, or it ended and we know why."""
        self._quick = 0
        delay, self._delay = self._delay, min(2 * self._delay, LONGEST)
        return self._about(delay)

    def probed(self) -> float:
        """It ended because of what we sent to find out."""
        return FIRST

    def taken_over(self) -> float:
        """The broker said that somebody else has our session now."""
        self.fighting = True
        rest, self._fight = self._fight, min(2 * self._fight, LONGEST_TAKEN_OVER)
        return self._about(rest)

    def lost(self, lived: float, kept: bool) -> float:
        """It ended, and nobody said why. `kept` if the broker knew our session: one that was restarted may not."""
        quick = self._quick + 1 if lived < QUICK and kept else 0
        if self.fighting or quick >= QUICK_ONES:
            return self.taken_over()
        delay = self.failed()
        self._quick = quick
        return delay
