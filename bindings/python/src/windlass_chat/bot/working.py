"""Does the jobs that are due, and commits what each says with the fact that it was done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from windlass_chat._native import WindlassError
from windlass_chat.bot.answering import answering
from windlass_chat.bot.calling import name_of, outcome_of
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.committing import TIMES_ANEW, commit_turn
from windlass_chat.bot.jobs import Job, Jobs
from windlass_chat.bot.message import Message, PoisonMessage
from windlass_chat.bot.settings import Settings
from windlass_chat.bot.tasks import end, happens, insisting
from windlass_chat.client import Client

AT_ONCE = 10
"""Jobs that are done at the same time."""

LOOK_AGAIN = 60.0
"""Seconds after which the clock is looked at again: it may have been set."""

ELSEWHERE = 1.0
"""Seconds after which it is looked again whether another worker has done a job."""

JobHandler = Callable[[Job], Awaitable[None]]

log = logging.getLogger("windlass_chat.bot")


class Working:
    """The jobs of a bot while it runs."""

    def __init__(
        self,
        client: Client,
        jobs: Jobs,
        handlers: Mapping[str, JobHandler],
        settings: Settings,
        failed: Callable[[BaseException, Message | None], Awaitable[None]],
        find: Callable[[str], Awaitable[bool]],
        call: JobHandler,
        claims: Claims,
    ) -> None:
        self._client = client
        self._jobs = jobs
        self._handlers = handlers
        self._settings = settings
        self._failed = failed
        self._find = find
        self._call_handler = call
        self._claims = claims
        self._changed = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._possibly_started: set[str] = set()
        """Jobs that may have been begun when the process ended."""
        self._broken: BaseException | None = None
        self.done = 0
        """How many were done."""
        jobs.load(client)
        self._loop = asyncio.get_running_loop()
        jobs.on_change = self._wake
        due = jobs.due(client.now().timestamp())
        self._possibly_started.update(id for id, _ in due)
        for task in {task for _, task in due if task not in handlers}:
            # It waits for a version of the program that has it.
            log.warning("there is no job %s any more", task, extra={"event": "no_job", "job": task})

    def _wake(self) -> None:
        """From any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def run(self) -> None:
        """Never ends."""
        while True:
            self._changed.clear()
            self._begin()
            due = self._jobs.next_due(self._handlers, self._running)
            rest = LOOK_AGAIN if due is None else due - self._client.now().timestamp()
            if rest > 0:
                await happens(self._changed, min(rest, LOOK_AGAIN))
            self._look_for_end()

    async def run_due(self) -> None:
        """Does what is due, and returns."""
        while self._begin() or self._running:
            await asyncio.wait(list(self._running.values()))
            await asyncio.sleep(0)
            self._look_for_end()

    async def stop(self, grace: float) -> None:
        """Lets jobs finish; what was not done by then comes again at the next start."""
        tasks = list(self._running.values())
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=max(grace, 0))
            await end(left)

    def _look_for_end(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _begin(self) -> bool:
        """Begins what is due; whether there was anything new."""
        due = self._jobs.due(self._client.now().timestamp())
        new = [id for id, task in due if task in self._handlers and id not in self._running]
        for id in new:
            self._running[id] = task = asyncio.create_task(self._do(id))
            task.add_done_callback(lambda task, id=id: self._ended(id, task))  # type: ignore[misc]
        return bool(new)

    def _ended(self, id: str, task: asyncio.Task[None]) -> None:
        del self._running[id]
        if not task.cancelled():
            self._broken = self._broken or task.exception()
        self._changed.set()

    async def _do(self, id: str) -> None:
        if not self._claims.shared:
            await self._do_alone(id)
        elif await self._claims.take_one(f"job {id}"):
            try:
                # It may have been done since we learned of it.
                if await insisting(self._jobs.begin, id) is not None:
                    await self._do_alone(id)
            finally:
                await self._claims.give_back([f"job {id}"])
        else:
            # Should another worker die of it, so might we.
            self._possibly_started.add(id)
            await asyncio.sleep(ELSEWHERE)

    async def _do_alone(self, id: str) -> None:
        async with self._slots:
            poison = await self._note_attempt(id) if id in self._possibly_started else None
            try:
                await self._do_once(id, poison)
            except asyncio.CancelledError:
                # The bot was stopped, and did not die of it.
                if id in self._possibly_started:
                    with contextlib.suppress(WindlassError.StateChanged):
                        await self._jobs.note_attempts(id, self._jobs.attempts(id) - 1)
                raise
            self._possibly_started.discard(id)
            self.done += 1

    async def _note_attempt(self, id: str) -> PoisonMessage | None:
        """As of a message: with what the process died again and again, is set aside."""
        attempts = self._jobs.attempts(id)
        if attempts >= max(self._settings.retries, 1):
            log.error("a job is set aside: the process died %d times with it", attempts, extra={"event": "set_aside", "job": id})
            return PoisonMessage(f"the process died {attempts} times with the job {id}")
        with contextlib.suppress(WindlassError.StateChanged):
            await self._jobs.note_attempts(id, attempts + 1)
        return None

    async def _do_once(self, id: str, error: BaseException | None) -> None:
        for _ in range(TIMES_ANEW):
            job = await insisting(self._jobs.begin, id)
            if job is None:
                return
            if error is None:
                error = await self._call(job)
            if error is None:
                error = await self._commit(job)
            if not isinstance(error, WindlassError.StateChanged):
                break
            error = None
        else:
            error = WindlassError.StateChanged("others change what the job reads, again and again")
        if error is not None:
            await self._failed(error, None)
            # It was done, as a message counts as handled whose handler fails.
            while (job := await insisting(self._jobs.begin, id)) is not None:
                error = await self._commit(job)
                if not isinstance(error, WindlassError.StateChanged):
                    if error is not None:
                        raise error
                    return

    async def _call(self, job: Job) -> BaseException | None:
        with answering(job):
            what = name_of(self._handlers[job.task])
            error = await outcome_of(self._call_handler(job), self._settings.handler_timeout, what)
        if error is not None:
            job._drop()
        return error

    async def _commit(self, job: Job) -> BaseException | None:
        """What it says, what it remembers, and that it was done, in one transaction."""
        try:
            await commit_turn(self._client, self._find, None, job)
        except WindlassError.StoreClosed:
            raise
        except Exception as error:
            job._drop()
            return error
        return None
