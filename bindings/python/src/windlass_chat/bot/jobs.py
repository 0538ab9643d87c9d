"""Jobs: what a bot does at a time. They are in its store, and what one says becomes durable together with the fact that it was done."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from windlass_chat._native import WindlassError
from windlass_chat._threads import in_thread
from windlass_chat.bot.answering import turn_of
from windlass_chat.bot.message import Message
from windlass_chat.bot.records import Records
from windlass_chat.bot.remembered import Document, written
from windlass_chat.bot.schedule import Cron, next_run
from windlass_chat.bot.sent import Says, SentMessage
from windlass_chat.bot.services import Services
from windlass_chat.bot.turn import Turn
from windlass_chat.client import Client

MAX_JOBS = 10_000
"""Jobs that wait."""

MAX_JOBS_OF_ONE = 100
"""Jobs that wait because of what one person wrote."""

SHORTEST = timedelta(seconds=1)


class TooManyJobs(Exception):
    """So many jobs wait, in all or because of one person, that no other may."""


@dataclass(frozen=True)
class ScheduledJob:
    """A job that waits."""

    id: str
    task: str
    """Which `@bot.job` does it."""
    due: datetime
    data: Document
    """What it was given."""
    every: timedelta | None
    cron: str | None


class Job(Turn):
    """A job that is due, and what comes of it."""

    is_answer = False

    def __init__(self, bot: Services, id: str, record: Document) -> None:
        super().__init__(bot)
        self.id = id
        self.task: str = record["task"]
        """Which `@bot.job` does it."""
        self.data: Document = record["data"]
        """What it was given. What is changed in it is there at the next time, if it comes again."""
        self.due = datetime.fromtimestamp(record["due"], timezone.utc)
        """When it was to be done. It is later now if the bot was away."""

    async def send(self, address: str, says: Says) -> SentMessage:
        """Writes to somebody, or to a group: when the job has returned, and only if it has not failed."""
        return await self._write(address, says)

    def __repr__(self) -> str:
        return f"<Job {self.task} {self.id}>"


class Jobs:
    """The jobs of a bot that wait: `bot.jobs`. In a handler what is planned becomes durable with the answer, elsewhere at once."""

    def __init__(self, bot: Services, tasks: Container[str]) -> None:
        self._bot = bot
        self.tasks = tasks
        """What there is a `@bot.job` for."""
        self._records = Records(bot, "jobs", self._forget, self._note)
        self._waiting: dict[str, tuple[float, str, str]] = {}
        """When each is due, what does it, because of whom."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when a job was planned, done or taken away."""

    async def at(
        self, when: datetime | timedelta, task: str, data: Document | None = None, *, id: str | None = None
    ) -> str:
        """Once, at a time or after one; its id. With an id that waits already the job takes the place of that one."""
        due = self._now() + when if isinstance(when, timedelta) else when
        return await self._plan(id, task, data, due, {})

    async def every(
        self,
        interval: timedelta,
        task: str,
        data: Document | None = None,
        *,
        first: datetime | None = None,
        id: str | None = None,
    ) -> str:
        """Again and again. What was missed while the bot was away is done once."""
        if interval < SHORTEST:
            raise ValueError(f"a job is done every {SHORTEST.total_seconds():g} s at most")
        return await self._plan(id, task, data, first or self._now() + interval, {"every": interval.total_seconds()})

    async def cron(self, line: str, task: str, data: Document | None = None, *, id: str | None = None) -> str:
        """By five fields as cron has them, in UTC: `0 9 * * mon-fri`. What was missed while the bot was away is done once."""
        return await self._plan(id, task, data, Cron(line).after(self._now()), {"cron": line})

    async def cancel(self, id: str) -> bool:
        """Takes a job away; whether it waited."""
        turn = turn_of(self._bot)
        record = self._records.record(turn, id)
        was = bool(record.document)
        record.document.clear()
        await self._records.write(turn, record)
        return was

    async def waiting(self) -> list[ScheduledJob]:
        """What waits, what is due first before the others; without what the handler plans that asks."""
        found = await in_thread(self._records.all, self._bot.client)
        return sorted((_scheduled(id, document) for id, document in found), key=lambda job: (job.due, job.id))

    # --- for the bot -------------------------------------------------------------------------------------------------

    async def declare(self, task: str, every: timedelta | None, cron: str | None) -> None:
        """Plans the job that a program has by its own, under the name of its task, unless it waits already."""
        while True:
            try:
                return await self._declare(task, every, cron)
            except WindlassError.StateChanged:
                pass  # By another worker that starts, too.

    async def _declare(self, task: str, every: timedelta | None, cron: str | None) -> None:
        record = self._records.record(None, task)
        repeat: Document = {"every": every.total_seconds()} if every is not None else {"cron": cron}
        if {key: record.document.get(key) for key in repeat} == repeat:
            return
        now = self._now()
        due = now + every if every is not None else Cron(cron or "").after(now)
        _fill(record.document, task, {}, due.timestamp(), "", repeat)
        await self._records.write(None, record)

    def count(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def load(self, client: Client) -> None:
        """Reads what waits, if it is not known yet."""
        self._records.load(client)

    async def reload(self, client: Client) -> None:
        """Learns what other workers planned and did."""
        await self._records.reload(client)

    def due(self, now: float) -> list[tuple[str, str]]:
        """Ids and tasks of what is due, the first before the others."""
        found = sorted((due, id, task) for id, (due, task, _) in self._waiting.items() if due <= now)
        return [(id, task) for _, id, task in found]

    def next_due(self, tasks: Container[str], but: Container[str] = ()) -> float | None:
        """When the next job of these tasks is due, apart from some."""
        return min((due for id, (due, task, _) in self._waiting.items() if task in tasks and id not in but), default=None)

    def begin(self, id: str) -> Job | None:
        """A job that is to be done now, which says already that it was; nothing if it is not to be done any more."""
        record = self._records.record(None, id)
        document = record.document
        now = self._now().timestamp()
        if not document or document["due"] > now:
            self._note(id, document)
            return None
        job = Job(self._bot, id, document)
        self._records.enter(job, record)
        again = next_run(document["due"], now, document.get("every"), document.get("cron"))
        document.pop("attempts", None)
        if again is None:
            document.clear()
        else:
            document["due"] = again
        return job

    def attempts(self, id: str) -> int:
        """How often a job was begun with which the process died."""
        return int(self._records.record(None, id).document.get("attempts", 0))

    async def note_attempts(self, id: str, attempts: int) -> None:
        """Notes it."""
        record = self._records.record(None, id)
        if record.document:
            record.document["attempts"] = attempts
            await self._records.write(None, record)

    def _now(self) -> datetime:
        return self._bot.client.now()

    def _forget(self) -> None:
        self._waiting.clear()

    def _note(self, id: str, document: Document) -> None:
        if document:
            self._waiting[id] = (document["due"], document["task"], document["by"])
        else:
            self._waiting.pop(id, None)
        self.on_change()

    async def _plan(self, id: str | None, task: str, data: Document | None, due: datetime, repeat: Document) -> str:
        if task not in self.tasks:
            raise ValueError(f"there is no job {task}: @bot.job({task!r})")
        turn = turn_of(self._bot)
        self.load(self._bot.client)
        record = self._records.record(turn, id or secrets.token_hex(8))
        by = turn.author if isinstance(turn, Message) else ""
        if not record.document:
            self._check_room(turn, by)
        # A copy, so that it stays as it is.
        given = json.loads(written(data)) if data else {}
        _fill(record.document, task, given, due.timestamp(), by, repeat)
        await self._records.write(turn, record)
        return record.name

    def _check_room(self, turn: Turn | None, by: str) -> None:
        planned = self._records.changed(turn).values()
        new = sum(bool(one.document) and one.name not in self._waiting for one in planned)
        of_one = sum(other == by for _, _, other in self._waiting.values())
        if len(self._waiting) + new >= MAX_JOBS or (by and of_one + new >= MAX_JOBS_OF_ONE):
            raise TooManyJobs("too many jobs wait")


def _fill(record: Document, task: str, data: Document, due: float, by: str, repeat: Document) -> None:
    record.clear()
    record.update(task=task, data=data, due=due, by=by, **repeat)


def _scheduled(id: str, document: Document) -> ScheduledJob:
    every = document.get("every")
    return ScheduledJob(
        id=id,
        task=document["task"],
        due=datetime.fromtimestamp(document["due"], timezone.utc),
        data=document["data"],
        every=timedelta(seconds=every) if every is not None else None,
        cron=document.get("cron"),
    )
