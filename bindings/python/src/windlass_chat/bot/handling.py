"""Brings each message that waits to the handlers, and commits what they answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

from windlass_chat._native import Body, TrustPolicy, UnhandledMessage, WaitingMessage, WindlassError
from windlass_chat.bot.answering import answering
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.committing import TIMES_ANEW, commit, commit_turn
from windlass_chat.bot.logs import report, short
from windlass_chat.bot.measures import Measures
from windlass_chat.bot.message import Message, PoisonMessage
from windlass_chat.bot.rate import Rate
from windlass_chat.bot.tasks import end, happens, insisting
from windlass_chat.bot.trust import listened_to
from windlass_chat.client import Client

PAGE = 1_000
"""How many messages are looked at at once."""

LOOK_AGAIN = 0.25
"""Seconds, more or less, after which a worker looks again for what others took in, or left behind."""

LANES_AT_ONCE = 128
"""Conversations that a worker has at a time. A process has 256 claims; the others are for what it sends."""

STRANGERS_REST = 5.0
"""Seconds after which a worker looks again whether another one accepted somebody."""

AHEAD = 64
"""So many of a page are fetched together with it."""

FOR_HANDLERS = (Body.TEXT, Body.DATA, Body.OPAQUE, Body.ATTACHMENT)
"""What somebody said. The rest of a conversation is told by events."""

log = logging.getLogger("windlass_chat.bot")


class Handling:
    """One lane for each conversation: in it one message at a time, in the order they came. What a message says is fetched when it is its turn."""

    def __init__(
        self,
        client: Client,
        trust: TrustPolicy,
        handle: Callable[
            [UnhandledMessage, Callable[[Message], Awaitable[None]], PoisonMessage | None], Awaitable[Message]
        ],
        failed: Callable[[BaseException, Message | None], Awaitable[None]],
        find: Callable[[str], Awaitable[bool]],
        broken: Callable[[BaseException], None],
        concurrency: int,
        retries: int,
        rate: Rate,
        measures: Measures,
        claims: Claims,
        debug: bool = False,
    ) -> None:
        self._client = client
        self._trust = trust
        self._handle = handle
        self._failed = failed
        self._find = find
        self._broken = broken
        self._debug = debug
        self._claims = claims
        self._claimed = asyncio.Semaphore(LANES_AT_ONCE)
        self.rate = rate
        self._measures = measures
        self.on_handled: Callable[[], None] = lambda: None
        """Called when a message was handled."""
        self._stopping = asyncio.Event()
        self._slots = asyncio.Semaphore(concurrency)
        # A message that was begun nowhere cannot be what the process died of.
        self._retries = max(retries, 1)
        self._alone = asyncio.Lock()
        """Had by a message with which the process died: so that it is known which one it was, if it dies again."""
        self._starting = True
        self._possibly_started: set[int] = set()
        """Messages that may have been begun when a process ended: the first of each conversation."""
        self._strangers: dict[str, float] = {}
        """Until when the lanes rest of those whom nobody accepted yet. Of a worker alone: others accept, too."""
        self._lanes: dict[str, deque[WaitingMessage]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Lanes that were to go while they ran."""
        self._ahead: dict[int, UnhandledMessage] = {}
        """What was fetched together with the page that it is on, and has not got its turn."""
        self._last = 0
        self.taken_up = 0
        """How many messages came into the lanes."""
        self._news = asyncio.Event()

    def look(self) -> None:
        """Something may wait."""
        self._news.set()

    def recheck_trust(self) -> None:
        """Somebody may be trusted now who was not before."""
        self._strangers.clear()
        for address in self._lanes:
            self._go(address)

    async def run(self) -> None:
        """Never ends."""
        ours, looked = True, time.monotonic()
        while True:
            self._news.clear()
            while await self.take_up(ours) == PAGE:
                pass
            if not self._claims.shared:
                await self._news.wait()
                continue
            # Not all at the same moment.
            ours = await happens(self._news, LOOK_AGAIN * random.uniform(0.75, 1.25))
            if time.monotonic() - looked >= LOOK_AGAIN / 2:
                await self._look_after_others()
                looked = time.monotonic()

    async def take_up(self, ours: bool = True) -> int:
        """Puts what waits into the lanes; how much of it was new. `ours` if it was this process that took it in, most likely."""
        # Numbers only grow, and are to be seen in their order.
        new, self._ahead = await insisting(self._page, set(self._running))
        for item in new:
            self._last = item.number
            self.taken_up += 1
            if (self._starting or not ours) and item.conversation not in self._lanes:
                self._possibly_started.add(item.number)
            self._put(item)
        self._starting = self._starting and len(new) == PAGE
        return len(new)

    def _page(self, busy: set[str]) -> tuple[list[WaitingMessage], dict[int, UnhandledMessage]]:
        """What waits, and what the first of it says where nothing else is busy: in one thread, for the way into one is longer than what is asked there."""
        new = self._client.waiting(self._last, PAGE)
        ahead: dict[int, UnhandledMessage] = {}
        # Whoever has a claim may have handled it by the time that we have it.
        for item in [] if self._claims.shared else new[:AHEAD]:
            if item.conversation not in busy:
                busy.add(item.conversation)
                _, message = self._look_at(item)
                if message is not None:
                    ahead[item.number] = message
        return new, ahead

    async def _look_after_others(self) -> None:
        """Of lanes that were another worker's: forgets what was handled there, and takes what was left behind."""
        now = time.monotonic()
        idle = [address for address in self._lanes if address not in self._running and self._strangers.get(address, 0) <= now]
        if not idle:
            return
        first = min(self._lanes[address][0].number for address in idle)
        there = await insisting(self._client.waiting, first - 1, PAGE)
        waits = {item.number: item for item in there}
        # Behind the last one of a full page nothing is known.
        known = there[-1].number if len(there) == PAGE else self._last
        for address in idle:
            lane = self._lanes.get(address)
            if lane is None or address in self._running:
                continue
            left = [waits.get(item.number, item) for item in lane if item.number in waits or item.number > known]
            lane.clear()
            lane.extend(left)
            if lane:
                self._possibly_started.add(lane[0].number)
                self._go(address)
            else:
                del self._lanes[address]

    def _put(self, item: WaitingMessage) -> None:
        self._lanes.setdefault(item.conversation, deque()).append(item)
        self._go(item.conversation)

    def waiting(self) -> int:
        """How many messages are in the lanes."""
        return sum(map(len, self._lanes.values()))

    async def idle(self, timeout: float | None = None) -> bool:
        """Waits until no lane runs; false if one still does by then."""
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=timeout)
        return not self._running

    async def stop(self, grace: float) -> None:
        """Lets handlers finish; what was not handled by then comes again at the next start."""
        self._stopping.set()
        for lane in self._lanes.values():
            while len(lane) > 1:
                lane.pop()
        tasks = list(self._running.values())
        if not await self.idle(grace):
            log.warning("%d handlers were stopped", len(tasks), extra={"event": "stopped", "count": len(tasks)})
            await end(tasks)

    def _go(self, address: str) -> None:
        if address in self._running:
            self._again.add(address)
            return
        task = asyncio.create_task(self._lane(address))
        self._running[address] = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken(error)

    async def _lane(self, address: str) -> None:
        # A loop may begin tasks before it answers who they are.
        await asyncio.sleep(0)
        try:
            await self._walk_alone(address, self._lanes[address])
        finally:
            # At once, and not when the task has ended: what is taken up in between would wait for ever.
            del self._running[address]
            if not self._lanes[address]:
                del self._lanes[address]

    async def _walk_alone(self, address: str, lane: deque[WaitingMessage]) -> None:
        """Nothing comes of it if another worker has the conversation."""
        if not self._claims.shared:
            await self._walk(address, lane)
            return
        async with self._claimed:
            if await self._claims.take_one(f"lane {address}"):
                try:
                    await self._walk(address, lane)
                finally:
                    await self._claims.give_back([f"lane {address}"])

    async def _walk(self, address: str, lane: deque[WaitingMessage]) -> None:
        while lane:
            self._again.discard(address)
            item = lane[0]
            message = self._ahead.pop(item.number, None)
            if self.rate.rest(address) or item.attempts or self._slots.locked():
                # It waits, and by then nobody may listen to its author any more.
                message = None
            if not await self._is_even(address):
                return
            async with self._alone if item.attempts else contextlib.nullcontext(), self._slots:
                allowed, message = (True, message) if message else await insisting(self._look_at, item)
                if allowed is None:
                    if address in self._again:
                        # Maybe accepted while we looked.
                        continue
                    # A stranger: waits until `recheck_trust`.
                    if self._claims.shared:
                        self._strangers[address] = time.monotonic() + STRANGERS_REST
                    return
                if message is not None and isinstance(message.message.body, FOR_HANDLERS):
                    await self._attempt(message)
                else:
                    await self._pass_over(item.number)
                lane.popleft()
                self.on_handled()

    async def _is_even(self, address: str) -> bool:
        """Waits until a conversation may be answered again, and holds up nobody else; false if the bot stops meanwhile."""
        rest = self.rate.rest(address)
        if not rest:
            return True
        extra = {"event": "rate", "address": address, "seconds": rest}
        log.info("%s was answered so often that it waits for %.0f s", short(address), rest, extra=extra)
        return not await happens(self._stopping, rest)

    def _look_at(self, item: WaitingMessage) -> tuple[bool | None, UnhandledMessage | None]:
        """Whether it is listened to, and then what it says; nothing if it was deleted meanwhile, or dropped."""
        allowed = listened_to(self._client, self._trust, item.author, item.conversation)
        return allowed, self._client.unhandled_message(item.number) if allowed else None

    async def _attempt(self, item: UnhandledMessage) -> None:
        """Hands a message over; one that was left by a process that died only so often.

        A message that has just come costs no sync more than its answer does: that it may have been begun is known from
        its place. From then on it is counted what was begun.
        """
        if item.number not in self._possibly_started and not item.attempts:
            await self._hand_over(item, None)
            return
        poison: PoisonMessage | None = None
        if item.attempts >= self._retries:
            poison = PoisonMessage(f"the process died {item.attempts} times with this message")
            told = {"event": "set_aside", "address": item.message.author, "message_id": item.message.id}
            log.error("a message of %s is set aside: %s", short(item.message.author), poison, extra=told)
            if item.attempts > self._retries:
                # The error handlers did not survive it either.
                await self._pass_over(item.number)
                return
        try:
            await insisting(self._client.set_attempts, item.number, item.attempts + 1)
        except WindlassError.UnknownMessage:
            return  # It was deleted meanwhile.
        try:
            await self._hand_over(item, poison)
        except asyncio.CancelledError:
            # The bot was stopped, and did not die of it.
            with contextlib.suppress(WindlassError.UnknownMessage):
                await insisting(self._client.set_attempts, item.number, item.attempts)
            raise

    async def _hand_over(self, item: UnhandledMessage, poison: PoisonMessage | None) -> None:
        began = time.monotonic()
        await self._hand_over_once(item, poison)
        self._measures.handled.add(time.monotonic() - began)

    async def _hand_over_once(self, item: UnhandledMessage, poison: PoisonMessage | None) -> None:
        for _ in range(TIMES_ANEW):
            message = await self._handle(item, lambda message: self._commit_now(item, message), poison)
            if not message._outdated:
                await self._commit(item, message)
            if not message._outdated:
                return
        message._outdated = False
        with answering(message):
            await self._failed(WindlassError.StateChanged("others change what the handler reads, again and again"), message)
        await self._commit(item, message, told=True)

    async def _commit(self, item: UnhandledMessage, message: Message, told: bool = False) -> None:
        """The answers, what is remembered, and that it was handled, in one transaction."""
        if message._committed and not message._remembered:
            return
        try:
            await self._commit_now(item, message)
        except Exception as error:
            if isinstance(error, WindlassError.StateChanged) and not (message._committed or told):
                message._drop()
                message._outdated = True
                return
            if isinstance(error, WindlassError.StoreClosed) or not (message.answers or message._remembered):
                raise
            # An answer that cannot be sent, or a document that cannot be kept, now or ever. The others of this message are not either.
            message._drop()
            if told:
                # It was the error handlers' own.
                report(error, message.stored, self._debug)
            else:
                with answering(message):
                    await self._failed(error, message)
            await self._commit(item, message, told=True)

    async def _commit_now(self, item: UnhandledMessage, message: Message) -> None:
        """The same; an answer that cannot be sent is told to the caller, and nothing is committed."""
        for answer in await commit_turn(self._client, self._find, item.number, message):
            self.rate.charge(answer.outgoing.to, 1)
            self._measures.answers += 1

    async def _pass_over(self, number: int) -> None:
        """It counts as handled, and nothing comes of it."""
        await commit(self._client, self._find, number, [], [])
