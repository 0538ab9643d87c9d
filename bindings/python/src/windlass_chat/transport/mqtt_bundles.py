"""`Bundles`: the retained messages under which bundles are found, ours and those of others.

Where nothing but a name protects a topic anybody may write there. So what is no bundle of the address is passed over, and
our own is watched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from windlass_chat.transport.bundles import issued_at

FETCH_SECONDS = 5.0
"""How long to wait for a bundle. A broker does not say that there is none."""
NEWER_SECONDS = 0.3
"""How long a bundle that came waits for a newer one. An old one may have been put there, and is being replaced just now."""
LARGEST_BUNDLE = 18_432
"""`MAX_BUNDLE_LEN` of the core."""
REFUSED = 0x80
FIRST_REST = 10.0
LONGEST_REST = 600.0
"""How often our bundle is put back at most, when somebody does not stop."""

log = logging.getLogger("windlass_chat.transport.mqtt")


class Bundles:
    """Looks for bundles, and puts ours back. All calls come from the event loop."""

    def __init__(
        self,
        address: str,
        prefix: str,
        subscribe: Callable[[str], None],
        unsubscribe: Callable[[str], None],
        publish: Callable[[str, bytes], asyncio.Future[int]],
    ) -> None:
        self._address, self._prefix = address, prefix
        self._subscribe, self._unsubscribe, self._publish = subscribe, unsubscribe, publish
        self._wanted: dict[str, list[asyncio.Queue[bytes]]] = {}
        self._ours: tuple[str, bytes] | None = None
        self._before: bytes | None = None
        """What we had published, while the next one is on its way."""
        self._loop = asyncio.get_running_loop()
        self._rest, self._not_before = 0.0, 0.0
        self._due: asyncio.TimerHandle | None = None
        self._again: asyncio.Future[int] | None = None
        """What becomes of ours that was published once more. If the broker does not take it, it is left until there is a new one."""

    def connected(self) -> None:
        """Over a new connection: ours again, for a broker that lost its disk has lost it too; and whatever is looked for."""
        for address in self._wanted:
            self._subscribe(self._prefix + address)
        if self._ours is not None:
            if self._before is None:
                self._publish_again()
            self._subscribe(self._ours[0])

    @contextmanager
    def publishing(self, topic: str, bundle: bytes) -> Iterator[None]:
        """While our bundle is on its way. Afterwards it is watched."""
        if topic != self._prefix + self._address:
            yield
            return
        before, self._ours = self._ours, (topic, bundle)
        self._before = before[1] if before is not None else b""
        self._again = None
        try:
            yield
        except BaseException:
            self._ours = before
            raise
        finally:
            self._before = None
        if before is None:
            self._subscribe(topic)

    def found(self, address: str, bundle: bytes) -> None:
        """Something stands, or was written, where the bundle of an address belongs."""
        for waiting in self._wanted.get(address, []):
            waiting.put_nowait(bundle)
        if address == self._address and self._ours is not None:
            self._look_at_ours(bundle)

    def _look_at_ours(self, bundle: bytes) -> None:
        assert self._ours is not None
        if bundle in (self._ours[1], self._before):
            return
        theirs, ours = issued_at(bundle, self._address), issued_at(self._ours[1], self._address)
        if theirs is not None and ours is not None and theirs >= ours:
            return  # Of another device of ours.
        if self._due is None:
            what = "replaced" if bundle else "deleted"
            rest = max(0.0, self._not_before - self._loop.time())
            text = "somebody has %s our bundle at the broker; it is put back%s. The broker's access rules should forbid it"
            log.warning(text, what, f" in {rest:.0f} s" if rest else "", extra={"event": "bundle_replaced"})
            self._due = self._loop.call_later(rest, self._put_back)

    def _put_back(self) -> None:
        now = self._loop.time()
        if self._again is not None and not self._again.done():
            # It may have gone before what it is to replace.
            self._due = self._loop.call_later(FIRST_REST, self._put_back)
            return
        self._due = None
        quiet = now > self._not_before + LONGEST_REST
        self._rest = FIRST_REST if quiet else min(2 * self._rest, LONGEST_REST)
        self._not_before = now + self._rest
        self._publish_again()

    def _publish_again(self) -> None:
        if self._ours is not None and self._is_taken():
            self._again = self._publish(*self._ours)

    def _is_taken(self) -> bool:
        """Whether nothing of it is on its way, and the broker took it the last time."""
        again = self._again
        if again is None or again.cancelled():
            return True
        return again.done() and again.exception() is None and again.result() < REFUSED

    async def fetch(self, address: str) -> bytes | None:
        """The newest bundle of an address, as far as it comes in time; else the last thing that stands there instead."""
        came: asyncio.Queue[bytes] = asyncio.Queue()
        others = self._wanted.setdefault(address, [])
        others.append(came)
        topic = self._prefix + address
        self._subscribe(topic)
        newest, rubbish = None, None
        until = self._loop.time() + FETCH_SECONDS
        try:
            while True:
                try:
                    found = await asyncio.wait_for(came.get(), max(0.0, until - self._loop.time()))
                except asyncio.TimeoutError:
                    return newest[1] if newest is not None else rubbish
                issued = issued_at(found, address)
                if issued is None:
                    rubbish = found or rubbish
                elif newest is None:
                    newest = issued, found
                    until = min(until, self._loop.time() + NEWER_SECONDS)
                elif issued > newest[0]:
                    newest = issued, found
        finally:
            others.remove(came)
            if not others:
                self._wanted.pop(address, None)
                # Ours is watched all the time.
                if self._ours is None or address != self._address:
                    self._unsubscribe(topic)

    def close(self) -> None:
        """Puts nothing back any more."""
        if self._due is not None:
            self._due.cancel()
