"""Carries the outbox to the transport. What the transport has not taken stays in the outbox."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque

from windlass_chat._native import OutgoingEnvelope
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.logs import describe, short, trouble
from windlass_chat.bot.tasks import end, happens, insisting
from windlass_chat.client import Client
from windlass_chat.transport import NoMailbox, TooLarge, Transport

FIRST_REST = 1.0
LONGEST_REST = 600.0
FEW = 100
"""Fewer envelopes than that from `outbox` are all that there are: its pages are ten times as long."""
MOST = 1_000
MOST_BYTES = 16 * 1024 * 1024
"""So much is on its way before more of the outbox is read."""
LOOK_AGAIN = 1.0
"""Seconds after which it is looked again whether the outbox is empty, which somebody else may have emptied."""

ELSEWHERE = 0.05
"""The same for what another worker sends at this moment."""
REMEMBERED = 10_000
"""Of so many envelopes that were sent it is known that they were, if they are seen again on a page that was read before."""

log = logging.getLogger("windlass_chat.bot")


class _Lane:
    """What goes to one address, in its order: each is read most cheaply after the one before it."""

    def __init__(self) -> None:
        self.waiting: deque[OutgoingEnvelope] = deque()
        self.under_way = 0


class _Ours:
    """The addresses to which this worker sends, as long as anything is on its way there."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self.shared = claims.shared
        self._turn = asyncio.Lock()
        self._open: dict[str, set[int]] = {}
        """What is on its way to each."""
        self._to: dict[int, str] = {}
        self._sent: dict[int, None] = {}
        self._elsewhere: set[str] = set()
        """Addresses to which somebody else sends, as was found since the outbox was begun to be read."""
        self._new: set[str] = set()
        """Of which it is not known yet whether anything is to be sent there."""

    async def take(self, addresses: set[str]) -> bool:
        """Whether any of them is ours that was not."""
        async with self._turn:
            new = sorted(addresses - self._open.keys())
            taken = await self._claims.take([f"post {address}" for address in new])
            ours = {address for address, is_ours in zip(new, taken) if is_ours}
            self._open.update((address, set()) for address in ours)
            self._new |= ours
            self._elsewhere |= set(new) - ours
            return bool(ours)

    async def give_back(self) -> None:
        """Those to which nothing is on its way."""
        async with self._turn:
            idle = [address for address, under_way in self._open.items() if not under_way and address not in self._new]
            for address in idle:
                del self._open[address]
            await self._claims.give_back([f"post {address}" for address in idle])

    def look_anew(self) -> None:
        """The outbox is read from its beginning."""
        self._elsewhere.clear()

    def settled(self) -> None:
        """What of the page is for us is on its way."""
        self._new.clear()

    def has(self, envelope: OutgoingEnvelope) -> bool:
        """Whether it is for us to send."""
        return envelope.to in self._open and envelope.id not in self._sent

    def is_elsewhere(self, address: str) -> bool:
        """Whether another worker was sending there a moment ago."""
        return address in self._elsewhere

    def begin(self, envelope: OutgoingEnvelope) -> None:
        """It is on its way."""
        if self.shared:
            self._to[envelope.id] = envelope.to
            self._open[envelope.to].add(envelope.id)

    def end(self, number: int) -> None:
        """It is not any more."""
        if self.shared:
            self._open[self._to.pop(number)].discard(number)

    def sent(self, number: int) -> None:
        """It is out of the outbox."""
        if self.shared:
            self._sent[number] = None
            if len(self._sent) > REMEMBERED:
                del self._sent[next(iter(self._sent))]

    def pause(self, until_next: float | None) -> float:
        """After how many seconds the outbox is looked at again."""
        return min(ELSEWHERE if self._elsewhere else LOOK_AGAIN, LOOK_AGAIN if until_next is None else until_next)


class Post:
    """The way out. An address that cannot be reached rests, longer each time; the others do not wait for it."""

    def __init__(self, client: Client, transport: Transport, claims: Claims | None = None) -> None:
        self._client = client
        self._transport = transport
        self._ours = _Ours(claims or Claims(client, False))
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._lanes: dict[str, _Lane] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._held: dict[int, int] = {}
        """How long each is that was read and is still in the outbox."""
        self._held_bytes = 0
        self._fewer = asyncio.Event()
        self._taken: list[int] = []
        """What the transport took, to be removed from the outbox: all that there is by then in one commit."""
        self._some_taken = asyncio.Event()
        self._until: dict[str, float] = {}
        """When an address has rested."""
        self._rests: dict[str, float] = {}
        """How long it rested last."""
        self._too_large: set[int] = set()
        """What stays in the outbox until there is another transport."""

    def look(self) -> None:
        """There may be something in the outbox."""
        self._news.set()

    async def run(self) -> None:
        """Never ends. What is put into the outbox leaves at once, whichever thread writes it."""
        loop = asyncio.get_running_loop()

        def written() -> None:
            with contextlib.suppress(RuntimeError):
                # The loop may have ended; then it goes out at the next start.
                loop.call_soon_threadsafe(self.look)

        self._client.set_outbox_listener(written)
        works = [asyncio.create_task(self._read()), asyncio.create_task(self._remove())]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            self._client.set_outbox_listener(None)
            await end([*works, *self._deliveries])

    async def _read(self) -> None:
        after = 0
        while True:
            self._news.clear()
            page = await insisting(self._client.outbox, after)
            if page:
                ours = await self._of_us(page, after)
                after = page[-1].id
                for envelope in ours:
                    self._take(envelope)
                self._ours.settled()
                while len(self._held) >= MOST or self._held_bytes >= MOST_BYTES:
                    self._fewer.clear()
                    await self._fewer.wait()
            if len(page) >= FEW or (page and self._ours.shared):
                continue
            if self._ours.shared:
                await self._ours.give_back()
                await happens(self._news, self._ours.pause(self._until_next()))
                # Numbers of other processes are not to be seen in their order.
                after = 0
                self._ours.look_anew()
                self._forget_rests()
            elif not await happens(self._news, self._until_next()):
                # From the beginning: what was passed over for a resting address is there.
                after = 0
                self._forget_rests()

    async def _of_us(self, page: list[OutgoingEnvelope], after: int) -> list[OutgoingEnvelope]:
        """What no other worker sends."""
        if not self._ours.shared:
            return page
        if await self._ours.take({envelope.to for envelope in page if envelope.to not in self._until}):
            # Whoever had it before may have sent it since the page was read.
            page = await insisting(self._client.outbox, after)
        return [envelope for envelope in page if self._ours.has(envelope)]

    def _forget_rests(self) -> None:
        now = time.monotonic()
        self._until = {address: until for address, until in self._until.items() if until > now}

    def waiting(self) -> int:
        """How many envelopes were read that the transport has not taken yet, those apart that rest for their address."""
        return len(self._held)

    def _until_next(self) -> float | None:
        return max(0.0, min(self._until.values()) - time.monotonic()) if self._until else None

    def _take(self, envelope: OutgoingEnvelope) -> None:
        if envelope.to in self._until or envelope.id in self._too_large or envelope.id in self._held:
            return
        self._held[envelope.id] = len(envelope.bytes)
        self._ours.begin(envelope)
        self._held_bytes += len(envelope.bytes)
        lane = self._lanes.setdefault(envelope.to, _Lane())
        lane.waiting.append(envelope)
        self._go(envelope.to, lane)

    def _let_go(self, number: int) -> None:
        self._held_bytes -= self._held.pop(number)
        self._ours.end(number)
        self._fewer.set()

    def _go(self, address: str, lane: _Lane) -> None:
        """Begins to deliver what may be on its way at the same time."""
        while lane.waiting and lane.under_way < self._transport.at_once:
            lane.under_way += 1
            # Tasks begin in the order in which they were made.
            task = asyncio.create_task(self._deliver(address, lane, lane.waiting.popleft()))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)
        # A task that begins eagerly may have ended by now, and have come here itself.
        if not lane.under_way and self._lanes.get(address) is lane:
            del self._lanes[address]

    async def _deliver(self, address: str, lane: _Lane, envelope: OutgoingEnvelope) -> None:
        try:
            await self._transport.deliver(address, envelope.bytes)
            if address not in self._until:
                self._rests.pop(address, None)
            self._taken.append(envelope.id)
            self._some_taken.set()
        except TooLarge:
            # Those behind it do not wait for it.
            self._too_large.add(envelope.id)
            self._let_go(envelope.id)
            self._moved.set()
            size = len(envelope.bytes)
            extra = {"event": "too_large", "address": address, "count": size}
            log.error("an envelope for %s of %d bytes is too large", short(address), size, extra=extra)
        except Exception as error:
            self._rest(address, lane, error)
            self._let_go(envelope.id)
        lane.under_way -= 1
        self._go(address, lane)

    def _rest(self, address: str, lane: _Lane, error: Exception) -> None:
        """Nothing goes to an address for a while. What waits for it stays in the outbox, and is read again then."""
        for envelope in lane.waiting:
            self._let_go(envelope.id)
        lane.waiting.clear()
        if address in self._until:
            # Of those that were on their way together the first one counts.
            return
        rest = min(2 * self._rests.get(address, FIRST_REST / 2), LONGEST_REST)
        self._rests[address] = rest
        self._until[address] = time.monotonic() + rest
        # Whoever waits for news waits no longer than until then.
        self.look()
        kind, _ = describe(error)
        log.log(
            logging.INFO if isinstance(error, NoMailbox) else logging.WARNING,
            "cannot deliver to %s: %s; again in %.0f s",
            short(address),
            trouble(error),
            rest,
            extra={"event": "not_delivered", "address": address, "error": kind, "seconds": rest},
        )

    async def _remove(self) -> None:
        while True:
            await self._some_taken.wait()
            self._some_taken.clear()
            taken, self._taken = self._taken, []
            await insisting(self._client.mark_sent, taken)
            for number in taken:
                self._ours.sent(number)
                self._let_go(number)
            if self._ours.shared:
                await self._ours.give_back()
            self._moved.set()

    async def flush(self, timeout: float) -> bool:
        """Waits until the outbox is empty; false if it is not by then."""

        async def emptied() -> None:
            while True:
                self._moved.clear()
                page = await insisting(self._client.outbox)
                # What other workers send they send without us.
                if all(envelope.id in self._too_large or self._ours.is_elsewhere(envelope.to) for envelope in page):
                    return
                self._news.set()
                await happens(self._moved, LOOK_AGAIN)

        try:
            await asyncio.wait_for(emptied(), timeout)
        except asyncio.TimeoutError:
            return False
        return True
