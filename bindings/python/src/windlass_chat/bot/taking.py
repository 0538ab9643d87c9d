"""What a bot does with messages: takes them up, hands them to its handlers, and commits what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from windlass_chat._native import UnhandledMessage
from windlass_chat._threads import in_thread
from windlass_chat.bot.answering import run_handler
from windlass_chat.bot.claims import Claims
from windlass_chat.bot.files import Files, files_of
from windlass_chat.bot.groups import is_addressed
from windlass_chat.bot.handling import Handling
from windlass_chat.bot.hearing import Hearing
from windlass_chat.bot.jobs import Jobs
from windlass_chat.bot.measures import Measure, Measures
from windlass_chat.bot.message import Message, PoisonMessage
from windlass_chat.bot.rate import Rate
from windlass_chat.bot.role import Role
from windlass_chat.bot.roles import Roles
from windlass_chat.bot.router import Next
from windlass_chat.bot.running import Running, within
from windlass_chat.bot.settings import SettingsError
from windlass_chat.bot.working import Working
from windlass_chat.client import Client


class Taking(Hearing):
    """Brings messages to the handlers."""

    _running: Running | None
    _at_work: Working | None

    def __init__(self) -> None:
        super().__init__()
        self.roles: Roles = Roles(self)
        """Who may do what."""
        self.measures: Measures = Measures()
        """What it counts of itself."""
        self.jobs: Jobs = Jobs(self, self._jobs)
        """What is to be done at a time."""

    async def _find(self, address: str) -> bool:
        """Adds the contact whose bundle the transport has; false if there is none, or the bot does not run."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Makes the client keep messages, and events if anything handles them, until they are handled.

        `start` does it too.
        """
        self.client.set_bot(True)
        self.client.keep_unhandled(True)
        if self._events or self._reactions:
            self.client.keep_events(True)
        if self.client.trust_policy() != self.settings.trust:
            self.client.set_trust_policy(self.settings.trust)

    async def handle_waiting(self) -> int:
        """Handles what waits, does the jobs that are due, and answers how many that were. For tests that carry envelopes themselves."""
        broken: list[BaseException] = []
        handling = self._handling(self.client, broken.append)
        await in_thread(self.prepare)
        await self._invited.answer()
        before = 0
        while await handling.take_up():
            before = handling.taken_up
            await handling.idle()
        if broken:
            raise broken[0]
        working = await self._work(self.client)
        await working.run_due()
        return before - handling.waiting() + working.done

    def _claims(self, client: Client) -> Claims:
        return Claims(client, bool(self.settings.worker))

    async def _work(self, client: Client) -> Working:
        """What does the jobs; those that the program has by its own are planned."""
        working = Working(client, self.jobs, self._jobs, self.settings, self._failed, self._find, self._do_job, self._claims(client))
        for name, (every, cron) in self._planned.items():
            await self.jobs.declare(name, every, cron)
        return working

    def _handling(self, client: Client, broken: Callable[[BaseException], None]) -> Handling:
        return Handling(
            client,
            self.settings.trust,
            handle=self._handle,
            failed=self._failed,
            find=self._find,
            broken=broken,
            concurrency=self.settings.concurrency,
            retries=self.settings.retries,
            rate=Rate(self.settings.answers_per_minute),
            measures=self.measures,
            claims=self._claims(client),
            debug=self.settings.debug,
        )

    def _measured(self) -> Iterator[Measure]:
        running, working = self._running, self._at_work
        waiting = (running.handling.waiting(), running.post.waiting()) if running is not None else (0, 0)
        return self.measures.all(*waiting, self.jobs.count(), working.done if working is not None else 0)

    async def _handle(
        self, item: UnhandledMessage, commit: Callable[[Message], Awaitable[None]], poison: PoisonMessage | None
    ) -> Message:
        # A lane may have been begun by others, who accepted somebody.
        within.set(self._running)
        message = Message(self, item.message)
        message._commit = lambda: commit(message)
        if poison is None and not await self._is_for_us(message):
            return message
        handler = self._chain() if poison is None else _raising(poison)
        await run_handler(message, handler, self._failed, self.settings.handler_timeout)
        return message

    @property
    def files(self) -> Files:
        """Where its files are, as the setting `files` says."""
        wanted = self.settings.files
        if wanted is None:
            raise SettingsError('there is no place for files: Bot(..., files="file:///srv/files"), or WINDLASS_FILES')
        return wanted if isinstance(wanted, Files) else files_of(wanted)

    def role_of(self, address: str) -> Role | None:
        """What somebody is to the bot: `bot.roles`."""
        return self.roles.of(address)

    async def _is_for_us(self, message: Message) -> bool:
        """Whether a message is handed over. Of two people everything is; in a group two bots could talk for ever."""
        role = message.role
        if role == Role.BLOCKED or (role is None and self.settings.access == "allowed"):
            return False
        if not message.in_group:
            return True
        if message.from_bot and not self.settings.answer_bots:
            return False
        if self._names_command(message.text) or self._is_asked(message):
            return True
        return await in_thread(is_addressed, self.client, self.settings, message)


def _raising(error: Exception) -> Next:
    async def handler(message: Message) -> None:
        raise error

    return handler
