"""`Tally`: what comes in masses is told in one line with its number."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

QUIET = 1.0
"""Seconds without any more of it, after which it is told."""
FIRST_LIMIT, LAST_LIMIT = 10.0, 640.0
"""Seconds after which it is told although it goes on: each time twice as many."""


class Tally:
    """Counts things by what they are, and tells each kind once it is quiet."""

    def __init__(self, tell: Callable[[str, int], None]) -> None:
        self._tell = tell
        self._counted: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._begun = 0.0
        self._limit = FIRST_LIMIT

    def add(self, what: str) -> None:
        """One more."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._timer is None:
            self._begun = now
        else:
            self._timer.cancel()
        self._counted[what] += 1
        ends = self._begun + self._limit
        self._timer = loop.call_at(min(now + QUIET, ends), self._due, now + QUIET < ends)

    def _due(self, quiet: bool) -> None:
        self._limit = FIRST_LIMIT if quiet else min(2 * self._limit, LAST_LIMIT)
        self.close()

    def close(self) -> None:
        """Tells what was not told yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counted, self._counted = self._counted, Counter()
        for what, number in counted.items():
            self._tell(what, number)
