"""`Outgoing`: what is on its way to a broker, over all connections.

The client library would send again, with each new connection, what had ended the one before. So it gets a letter once, and
what has to be sent again is said here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from windlass_chat.transport.base import TooLarge, TransportError

WINDOW = 20
"""Letters that wait for the broker's answer at the same time."""
PROBE_SECONDS = 30.0
"""How long the others wait for a letter that is tried alone."""
ANSWER_SECONDS = 60.0
SLOWEST = 16_384
"""Bytes a second that a line carries at least: a letter has so much longer to be answered."""
REFUSED = 0x80
"""Reason codes from here on are refusals."""
TRIES = 3
"""So often a letter is tried alone whose size cannot be the reason: the broker may just have been restarted each time."""


@dataclass(eq=False)
class Letter:
    """Something to publish."""

    topic: str
    payload: bytes
    retain: bool
    answer: asyncio.Future[int]
    """The broker's reason code, or why it does not take it."""
    suspect: bool = False
    """Whether a connection ended while it was on its way."""
    alone: bool = False
    """Whether nothing else was on its way with it."""
    deaths: int = 0
    """How many connections ended while it was tried alone."""
    due: float = 0.0
    """When it should have been answered."""


class Outgoing:
    """Letters that no broker has confirmed yet. All calls come from the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Letter] = deque()
        self._sent: dict[int, Letter] = {}
        self._send: Callable[[Letter], int | None] | None = None
        self._window = WINDOW
        self._others_after = 0.0
        self._taken = 0
        """Size of the largest one that a broker has taken."""

    def add(self, letter: Letter) -> None:
        """It goes out when there is a connection, and again in the next one until it was confirmed."""
        self._waiting.append(letter)
        self._pump()

    def connected(self, send: Callable[[Letter], int | None], window: int) -> None:
        """From now on letters go out by `send`, which answers with the number by which they are confirmed, if it could."""
        self._send, self._window = send, max(1, min(window, WINDOW))
        self._pump()

    def confirmed(self, number: int, reason: int) -> None:
        """The broker has taken it, or said that it does not."""
        letter = self._sent.pop(number, None)
        if letter is not None and not letter.answer.done():
            letter.answer.set_result(reason)
            if reason < REFUSED:
                self._taken = max(self._taken, len(letter.payload))
        self._pump()

    def lost(self, suspicious: bool) -> bool:
        """The connection is gone. True if that was because of what was sent to find out.

        `suspicious` if it may have ended because of what was on its way. Each of that is tried alone in the next one, after
        the others; and with what ends that one too we have found it.
        """
        probed = False
        again: list[Letter] = []
        fresh = [letter for letter in self._waiting if not letter.suspect]
        suspects = [letter for letter in self._waiting if letter.suspect]
        for letter in self._sent.values():
            if letter.answer.done():
                continue
            if suspicious and letter.suspect and letter.alone:
                probed = True
                if self._is_found(letter):
                    continue
            letter.suspect = letter.suspect or suspicious
            (suspects if letter.suspect else again).append(letter)
        suspects.sort(key=lambda letter: len(letter.payload))
        self._waiting = deque([*again, *fresh, *suspects])
        self._sent, self._send = {}, None
        return probed

    def _is_found(self, letter: Letter) -> bool:
        """Whether it is what ends connections; then whoever waits for it is told."""
        letter.deaths += 1
        size = len(letter.payload)
        if size > self._taken:
            text = f"the broker does not answer this message of {size} bytes, or ends the connection when it gets it"
            letter.answer.set_exception(TooLarge(text))
        elif letter.deaths >= TRIES:
            letter.answer.set_exception(TransportError("the broker does not answer, or ends the connection each time"))
        else:
            return False
        letter.answer.exception()  # Nobody may be waiting for it.
        return True

    def is_overdue(self) -> bool:
        """Whether the broker leaves something without an answer. Then another connection is due, and over that one it is a suspect."""
        overdue = [letter for letter in self._sent.values() if letter.due < time.monotonic() and not letter.answer.done()]
        for letter in overdue:
            if letter.suspect:
                self._is_found(letter)
            letter.suspect = True
        return bool(overdue)

    def fail(self, error: Exception) -> None:
        """Nothing goes out any more."""
        for letter in [*self._waiting, *self._sent.values()]:
            if not letter.answer.done():
                letter.answer.set_exception(error)
                letter.answer.exception()  # Nobody may be waiting any more.
        self._waiting.clear()
        self._sent, self._send = {}, None

    def _pump(self) -> None:
        while self._send is not None and self._waiting and len(self._sent) < self._window:
            letter = self._waiting[0]
            if letter.answer.done():
                self._waiting.popleft()
                continue
            if self._sent and (letter.suspect or time.monotonic() < self._others_after):
                return
            number = self._send(letter)
            if number is None:
                return
            self._waiting.popleft()
            for other in self._sent.values():
                other.alone = False
            letter.alone = not self._sent
            letter.due = time.monotonic() + ANSWER_SECONDS + len(letter.payload) / SLOWEST
            self._sent[number] = letter
            self._others_after = 0.0
            if letter.suspect:
                self._others_after = time.monotonic() + PROBE_SECONDS
                asyncio.get_running_loop().call_later(PROBE_SECONDS + 0.1, self._pump)
