"""Brings each message that waits to the handlers, and commits what they answer."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator

from windlass._native import Body, OutgoingMessage, Sent, TrustPolicy, UnhandledMessage, WindlassError
from windlass._threads import in_thread
from windlass.bot.logs import describe, short
from windlass.bot.message import Message, PoisonMessage
from windlass.bot.tasks import end, insisting
from windlass.bot.trust import listened_to
from windlass.client import Client

PAGE = 1_000
"""How many messages are looked at beside those that wait already."""

FOR_HANDLERS = (Body.TEXT, Body.DATA, Body.OPAQUE, Body.ATTACHMENT)
"""What somebody said. The rest of a conversation is told by events."""

log = logging.getLogger("windlass.bot")

current: contextvars.ContextVar[Message | None] = contextvars.ContextVar("current", default=None)
"""The message that is being handled."""


class Handling:
    """One lane for each conversation: in it one message at a time, in the order they came."""

    def __init__(
        self,
        client: Client,
        trust: TrustPolicy,
        handle: Callable[
            [UnhandledMessage, Callable[[Message], Awaitable[None]], PoisonMessage | None], Awaitable[Message]
        ],
        failed: Callable[[BaseException, Message | None], Awaitable[None]],
        find: Callable[[str], Awaitable[bool]],
        sent: Callable[[], None],
        broken: Callable[[BaseException], None],
        at_once: int,
        retries: int,
    ) -> None:
        self._client = client
        self._trust = trust
        self._handle = handle
        self._failed = failed
        self._find = find
        self._sent = sent
        self._broken = broken
        self._slots = asyncio.Semaphore(at_once)
        # A message that was begun nowhere cannot be what the process died of.
        self._retries = max(retries, 1)
        self._alone = asyncio.Lock()
        """Had by a message with which the process died: so that it is known which one it was, if it dies again."""
        self._starting = True
        self._left: set[int] = set()
        """Messages that may have been begun when the process ended: the first of each conversation."""
        self._lanes: dict[str, deque[UnhandledMessage]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Lanes that were to go while they ran."""
        self._last = 0
        self.taken_up = 0
        """How many messages came into the lanes."""
        self._news = asyncio.Event()

    def look(self) -> None:
        """Something may wait."""
        self._news.set()

    def look_again(self) -> None:
        """Somebody may be trusted now who was not before."""
        for address in self._lanes:
            self._go(address)

    async def run(self) -> None:
        """Never ends."""
        while True:
            self._news.clear()
            while await self.take_up():
                pass
            await self._news.wait()

    async def take_up(self) -> bool:
        """Puts what waits into the lanes; whether there was anything new."""
        found = await in_thread(self._client.unhandled, self.waiting() + PAGE)
        # Numbers only grow. By that, what a lane finished while we read is not taken for new.
        new = [one for one in found if one.number > self._last]
        for one in new:
            self._last = one.number
            self.taken_up += 1
            if self._starting and one.message.conversation not in self._lanes:
                self._left.add(one.number)
            self._put(one)
        self._starting = self._starting and bool(new)
        return bool(new)

    def _put(self, one: UnhandledMessage) -> None:
        self._lanes.setdefault(one.message.conversation, deque()).append(one)
        self._go(one.message.conversation)

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
        try:
            await self._walk(address, self._lanes[address])
        finally:
            # At once, and not when the task has ended: what is taken up in between would wait for ever.
            del self._running[address]
            if not self._lanes[address]:
                del self._lanes[address]

    async def _walk(self, address: str, lane: deque[UnhandledMessage]) -> None:
        while lane:
            self._again.discard(address)
            one = lane[0]
            async with self._alone if one.attempts else contextlib.nullcontext(), self._slots:
                author, conversation = one.message.author, one.message.conversation
                allowed = await in_thread(listened_to, self._client, self._trust, author, conversation)
                if allowed is None:
                    if address in self._again:
                        # Maybe accepted while we looked.
                        continue
                    # A stranger: waits until `look_again`.
                    return
                if allowed and isinstance(one.message.body, FOR_HANDLERS):
                    await self._attempt(one)
                else:
                    await self._write(one, [])
                lane.popleft()

    async def _attempt(self, one: UnhandledMessage) -> None:
        """Hands a message over; one that was left by a process that died only so often.

        A message that has just come costs no sync more than its answer does: that it may have been begun is known from
        its place. From then on it is counted what was begun.
        """
        if one.number not in self._left and not one.attempts:
            await self._hand_over(one, None)
            return
        poison: PoisonMessage | None = None
        if one.attempts >= self._retries:
            poison = PoisonMessage(f"the process died {one.attempts} times with this message")
            told = {"event": "set_aside", "address": one.message.author, "message_id": one.message.id}
            log.error("a message of %s is set aside: %s", short(one.message.author), poison, extra=told)
            if one.attempts > self._retries:
                # The error handlers did not survive it either.
                await self._write(one, [])
                return
        try:
            await insisting(self._client.set_attempts, one.number, one.attempts + 1)
        except WindlassError.UnknownMessage:
            return  # It was deleted meanwhile.
        try:
            await self._hand_over(one, poison)
        except asyncio.CancelledError:
            # The bot was stopped, and did not die of it.
            with contextlib.suppress(WindlassError.UnknownMessage):
                await insisting(self._client.set_attempts, one.number, one.attempts)
            raise

    async def _hand_over(self, one: UnhandledMessage, poison: PoisonMessage | None) -> None:
        message = await self._handle(one, lambda message: self._commit_now(one, message), poison)
        if not message._committed:
            await self._commit(one, message)

    async def _commit(self, one: UnhandledMessage, message: Message, told: bool = False) -> None:
        """The answers and that it was handled, in one transaction."""
        try:
            await self._commit_now(one, message)
        except Exception as error:
            if not message.answers or isinstance(error, WindlassError.StoreClosed):
                raise
            # An answer that cannot be sent, now or ever. The others of this message are not sent either.
            message._drop()
            if told:
                # It was the error handlers' own.
                report(error, message)
            else:
                with answering(message):
                    await self._failed(error, message)
            if not message._committed:
                await self._commit(one, message, told=True)

    async def _commit_now(self, one: UnhandledMessage, message: Message) -> None:
        """The same; an answer that cannot be sent is told to the caller, and nothing is committed."""
        answers = list(message.answers)
        try:
            sent = await self._write(one, [answer._seal() for answer in answers])
        except BaseException:
            for answer in answers:
                answer._sealed = False
            raise
        message._committed = True
        for answer, written in itertools.zip_longest(answers, sent):
            answer._settle(written.message_id if written is not None else None)

    async def _write(self, one: UnhandledMessage, answers: list[OutgoingMessage]) -> list[Sent]:
        """What was written; nothing if the message was handled before."""
        searched = False
        while True:
            try:
                sent = await insisting(self._client.handled, one.number, answers)
            except WindlassError.UnknownMessage:
                return []
            except WindlassError as error:
                if not searched and isinstance(error, (WindlassError.UnknownContact, WindlassError.NoBundle)):
                    searched = True
                    for address in {answer.to for answer in answers}:
                        await self._find(address)
                    continue
                raise
            if answers:
                self._sent()
            return sent


@contextlib.contextmanager
def answering(message: Message) -> Iterator[None]:
    """As long as it lasts the message takes answers, and `Bot.send` adds to them."""
    token = current.set(message)
    message._open = True
    try:
        yield
    finally:
        message._open = False
        current.reset(token)


async def run_handler(
    message: Message,
    handler: Callable[[Message], Awaitable[None]],
    failed: Callable[[BaseException, Message | None], Awaitable[None]],
    timeout: float,
) -> None:
    """Calls the handler. If it fails, nothing of what it replied is kept, but what the error handler replies is."""
    with answering(message):
        try:
            await asyncio.wait_for(handler(message), timeout)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # The bot stops; or the handler waited for something else that was cancelled.
            if task is None or _cancelling(task):
                raise
            message._drop()
            await failed(RuntimeError("the handler was cancelled"), message)
        except Exception as error:
            message._drop()
            await failed(error, message)


def _cancelling(task: asyncio.Task[None]) -> bool:
    cancelling = getattr(task, "cancelling", None)
    # Python 3.10 cannot tell the two apart; then the message is handled again at the next start.
    return cancelling is None or cancelling() > 0


def report(error: BaseException, message: Message | None) -> None:
    """Logs an error without its text, which may quote the message."""
    kind, where = describe(error)
    author = f" on a message of {short(message.author)}" if message is not None else ""
    extra: dict[str, object] = {"event": "handler_failed", "error": kind, "where": where}
    if message is not None:
        extra |= {"address": message.author, "message_id": message.id}
    log.error("a handler failed%s: %s at %s", author, kind, where, extra=extra)
