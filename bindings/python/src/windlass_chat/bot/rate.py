"""`Rate`."""

from __future__ import annotations

import time
from collections.abc import Callable

KEPT = 1_000
"""Conversations of which more is remembered than can matter are looked through at so many."""


class Rate:
    """How many answers a conversation gets: so many a minute, and as many at once. Two programs that answer each other go on no faster."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._seconds = 60 / per_minute
        self._now = now
        self._even_at: dict[str, float] = {}
        """When a conversation may be answered again without a debt, if it got nothing meanwhile."""

    def charge(self, conversation: str, answers: int) -> None:
        """So many answers went there."""
        now = self._now()
        if len(self._even_at) >= KEPT:
            self._even_at = {name: at for name, at in self._even_at.items() if at > now}
        begun = max(self._even_at.get(conversation, 0.0), now)
        self._even_at[conversation] = begun + answers * self._seconds

    def rest(self, conversation: str) -> float:
        """Seconds until it gets another one."""
        even_at = self._even_at.get(conversation, 0.0)
        return max(0.0, even_at - self._now() - (self._most - 1) * self._seconds)
