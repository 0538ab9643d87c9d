"""What a bot does: its handlers, and which of them a message or an event goes to."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

from windlass_chat._native import Event, read_command
from windlass_chat.bot.answering import reacting
from windlass_chat.bot.calling import name_of, outcome_of
from windlass_chat.bot.commands import Command, UsageError
from windlass_chat.bot.dialogue import question_of, step_of
from windlass_chat.bot.jobs import SHORTEST, Job
from windlass_chat.bot.logs import report
from windlass_chat.bot.message import ContactRequest, GroupInvitation, Message, PoisonMessage, Reaction
from windlass_chat.bot.schedule import Cron
from windlass_chat.bot.services import Services
from windlass_chat.bot.settings import Settings, check_seconds

Next = Callable[[Message], Awaitable[None]]
MessageHandler = TypeVar("MessageHandler", bound=Callable[[Message], Awaitable[None]])
JobHandler = TypeVar("JobHandler", bound=Callable[[Job], Awaitable[None]])
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Awaitable[None]])
RequestHandler = TypeVar("RequestHandler", bound=Callable[[ContactRequest], Awaitable[None]])
ReactionHandler = TypeVar("ReactionHandler", bound=Callable[[Reaction], Awaitable[None]])
InvitationHandler = TypeVar("InvitationHandler", bound=Callable[[GroupInvitation], Awaitable[None]])
ErrorHandler = TypeVar("ErrorHandler", bound=Callable[[BaseException, Message | None], Awaitable[None]])
Middleware = TypeVar("Middleware", bound=Callable[[Message, Next], Awaitable[None]])
Work = TypeVar("Work", bound=Callable[[], Awaitable[None]])
E = TypeVar("E", bound=Event)


log = logging.getLogger("windlass_chat.bot")


class Handlers:
    """The decorators of `Bot`, and what they registered."""

    settings: Settings

    def __init__(self) -> None:
        self._listeners: list[Callable[[Message], Awaitable[None]]] = []
        self._commands: dict[str, Command] = {}
        self._jobs: dict[str, Callable[[Job], Awaitable[None]]] = {}
        self._planned: dict[str, tuple[timedelta | None, str | None]] = {}
        self._steps: dict[str, Callable[[Message], Awaitable[None]]] = {}
        self._requests: list[Callable[[ContactRequest], Awaitable[None]]] = []
        self._reactions: list[Callable[[Reaction], Awaitable[None]]] = []
        self._invitations: list[Callable[[GroupInvitation], Awaitable[None]]] = []
        self._errors: list[Callable[[BaseException, Message | None], Awaitable[None]]] = []
        self._events: list[tuple[type[Event], Callable[[Any], Awaitable[None]]]] = []
        self._middleware: list[Callable[[Message, Next], Awaitable[None]]] = []
        self._background: list[tuple[float, Callable[[], Awaitable[None]]]] = []

    def on_message(self, handler: MessageHandler) -> MessageHandler:
        """Called for each message that is no command. Several are called in their order.

        Data and attachments are messages too: `message.text` is empty then, and `message.body` says what came.
        """
        self._listeners.append(_asynchronous(handler, 1))
        return handler

    def command(self, name: str) -> Callable[[AnyHandler], AnyHandler]:
        """Called when a message begins with the prefix and this name, with arguments as the annotations say:

            @bot.command("add")
            async def add(message: Message, a: int, b: int = 1) -> None: ...

        They can be str, int, float, bool, Literal and enumerations, `*rest` takes all that is left. What does not fit
        is answered with a sentence. Quotation marks keep words together. How a telephone writes all that does not count:
        case, accents composed or not, curly quotation marks, digits of another script, marks that nobody sees.
        """

        if callable(name):
            raise TypeError('a command has a name: @bot.command("name")')
        if not isinstance(name, str):
            raise TypeError(f"the name of a command is a str, not {type(name).__name__}")
        if name.split() != [name]:
            raise ValueError("the name of a command is one word")
        prefix = self.settings.prefix
        if prefix and name.startswith(prefix):
            raise ValueError(f"the name of a command stands without its {prefix}: {name[len(prefix) :]!r}")

        def decorate(handler: AnyHandler) -> AnyHandler:
            command = Command(name, _asynchronous(handler))
            if command.name in self._commands:
                raise ValueError(f"there is a command {command.name} already")
            self._commands[command.name] = command
            return handler

        return decorate

    def step(self, name: str) -> Callable[[MessageHandler], MessageHandler]:
        """Called with the answer to what `message.ask(..., then=name)` asked.

        The question is answered then, unless the step asks again, or fails. `UsageError` says what was wrong with the answer, and waits for another.
        """
        if not isinstance(name, str) or not name:
            raise TypeError('a step has a name: @bot.step("name")')

        def decorate(handler: MessageHandler) -> MessageHandler:
            if name in self._steps:
                raise ValueError(f"there is a step {name} already")
            self._steps[name] = _asynchronous(handler, 1)
            return handler

        return decorate

    def job(
        self, name: str, *, every: timedelta | None = None, cron: str | None = None
    ) -> Callable[[JobHandler], JobHandler]:
        """Called when a job of this name is due, as `bot.jobs` planned it:

            @bot.job("remind")
            async def remind(job: Job) -> None:
                await job.send(job.data["to"], job.data["text"])

        With `every`, or with five fields as cron has them in UTC, the bot plans one by itself:
        `@bot.job("digest", cron="0 9 * * mon-fri")`. What a job sends and changes becomes durable together with the fact that it was done, so it is done once whenever the process dies.
        """
        if not isinstance(name, str) or not name:
            raise TypeError('a job has a name: @bot.job("name")')
        if every is not None and cron is not None:
            raise TypeError("a job is done either every so often, or by cron")
        if cron is not None:
            Cron(cron)
        if every is not None and every < SHORTEST:
            raise ValueError(f"a job is done every {SHORTEST.total_seconds():g} s at most")

        def decorate(handler: JobHandler) -> JobHandler:
            if name in self._jobs:
                raise ValueError(f"there is a job {name} already")
            self._jobs[name] = _asynchronous(handler, 1)
            if every is not None or cron is not None:
                self._planned[name] = (every, cron)
            return handler

        return decorate

    def on_contact_request(self, handler: RequestHandler) -> RequestHandler:
        """Called when somebody wrote first; and at each start for people who were neither accepted nor blocked."""
        self._requests.append(_asynchronous(handler, 1))
        return handler

    def on_reaction(self, handler: ReactionHandler) -> ReactionHandler:
        """Called when somebody put a reaction to a message, or took it away.

        It is called once more if the process died before it returned.
        Reactions of people whom the bot does not listen to, as `trust` says, are not told.
        """
        self._reactions.append(_asynchronous(handler, 1))
        return handler

    def on_group_invitation(self, handler: InvitationHandler) -> InvitationHandler:
        """Called when the bot was invited into a group; and at each start for invitations that wait.

        It may join or decline. If it does neither, and does not fail, the bot joins as soon as the person who invites it is
        known (`join_groups`), now or later; so it does without any handler.
        """
        self._invitations.append(_asynchronous(handler, 1))
        return handler

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Called with what another handler raised, and the message if there was one, to which it may reply.

        Also with the reason why answers cannot be sent. None of them is; what it replies is sent in their place.

        The message counts as handled. Without an error handler the kind of the error and its place are logged. With a
        `PoisonMessage` the handlers were not called: the process died with that message too often.
        """
        self._errors.append(_asynchronous(handler, 2))
        return handler

    def on_event(self, kind: type[E]) -> Callable[[Callable[[E], Awaitable[None]]], Callable[[E], Awaitable[None]]]:
        """Called for each event of a kind (`windlass_chat.events`), when it is durable.

        It is called once more if the process died before it returned; not for kinds that `Client.keep_events` does not
        keep, and not for messages, which come to `on_message` again.
        """

        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise TypeError(f"on_event takes a kind of `windlass_chat.events`, as @bot.on_event(events.Edited), not {kind!r}")

        def decorate(handler: Callable[[E], Awaitable[None]]) -> Callable[[E], Awaitable[None]]:
            self._events.append((kind, _asynchronous(handler, 1)))
            return handler

        return decorate

    def middleware(self, handler: Middleware) -> Middleware:
        """Called around the handling of each message: `await next(message)` goes on; without it, that was all."""
        self._middleware.append(_asynchronous(handler, 2))
        return handler

    def background(self, *, every: float) -> Callable[[Work], Work]:
        """Called when the bot has started, and again so many seconds after it returned: `@bot.background(every=60)`."""
        check_seconds("every", every)

        def decorate(work: Work) -> Work:
            self._background.append((every, _asynchronous(work, 0)))
            return work

        return decorate

    def _chain(self) -> Next:
        """What a message goes through."""
        call: Next = self._dispatch
        for outer in reversed(self._middleware):
            call = _around(outer, call)
        return call

    async def _dispatch(self, message: Message) -> None:
        prefix = self.settings.prefix
        typed = read_command(message.text, prefix)
        if typed is not None:
            command = self._commands.get(typed.name)
            if command is not None:
                await _told_usage(message, lambda: command.handler(message, *command.read(typed.words, prefix)))
                return
        step = self._step_for(message)
        if step is not None:
            await _told_usage(message, lambda: step(message))
            return
        if typed is not None:
            if self._is_help(typed.name):
                await message.reply(self._help())
                return
            if self._commands and not self._listeners:
                hint = f" {prefix}help lists them." if self.settings.help else ""
                await message.reply(f"There is no such command.{hint}")
                return
        for handler in self._listeners:
            await handler(message)

    def _step_for(self, message: Message) -> Callable[[Message], Awaitable[None]] | None:
        """What takes the answer to a question, which is answered by that."""
        if not self._steps:
            return None
        question = question_of(message, message.conversation, message.author)
        name = step_of(question, message)
        question.clear()
        if name is not None and name not in self._steps:
            log.warning("there is no step %s any more", name, extra={"event": "no_step", "step": name})
        return self._steps.get(name) if name is not None else None

    def _is_asked(self, message: Message) -> bool:
        """Whether a message answers a question of the bot's."""
        if not self._steps:
            return False
        return step_of(question_of(message, message.conversation, message.author), message) is not None

    def _help(self) -> str:
        lines = []
        for _, command in sorted(self._commands.items()):
            usage = command.usage(self.settings.prefix)
            lines.append(f"{usage} - {command.description}" if command.description else usage)
        return "\n".join(lines)

    async def _failed(self, error: BaseException, message: Message | None) -> None:
        stored = message.stored if message is not None else None
        # That a message was set aside is logged in any case.
        debug = self.settings.debug
        if not self._errors and not isinstance(error, PoisonMessage):
            report(error, stored, debug)
        for handler in self._errors:
            another = await outcome_of(handler(error, message), self.settings.event_timeout, name_of(handler))
            if another is not None:
                report(another, stored, debug)
                if message is not None:
                    message._drop()
                self._look_for_exit(another)
        self._look_for_exit(error)

    def _look_for_exit(self, error: BaseException) -> None:
        """A handler may end the program: in order."""

    async def _tell(self, event: Event, services: Services) -> None:
        """Calls the handlers of an event."""
        await self._call_each([handler for kind, handler in self._events if isinstance(event, kind)], event)
        if isinstance(event, Event.CONTACT_REQUEST):
            await self._call_each(self._requests, ContactRequest(services, event.address))

    async def _call_each(self, handlers: Iterable[Callable[[Any], Awaitable[None]]], argument: object) -> bool:
        """Calls handlers one after the other; whether none of them failed."""
        well = True
        token = reacting.set(True)
        try:
            for handler in handlers:
                error = await outcome_of(handler(argument), self.settings.event_timeout, name_of(handler))
                if error is not None:
                    well = False
                    await self._failed(error, None)
        finally:
            reacting.reset(token)
        return well

    def _wants(self, event: Event) -> bool:
        """Whether anything is done about an event."""
        match event:
            case Event.GROUP_INVITATION() | Event.GROUP_CHANGED():
                return True
            case Event.CONTACT_REQUEST() if self._requests:
                return True
            case Event.REACTED() if self._reactions:
                return True
        return any(isinstance(event, kind) for kind, _ in self._events)

    def _names_command(self, text: str) -> bool:
        """Whether a text is a command that there is."""
        typed = read_command(text, self.settings.prefix)
        return typed is not None and (typed.name in self._commands or self._is_help(typed.name))

    def _is_help(self, name: str) -> bool:
        return bool(self._commands) and self.settings.help and name == "help"


async def _told_usage(message: Message, call: Callable[[], Awaitable[None]]) -> None:
    """What was typed wrongly is told in place of all else."""
    try:
        await call()
    except UsageError as error:
        message._drop()
        await message.reply(str(error))


def _around(outer: Callable[[Message, Next], Awaitable[None]], inner: Next) -> Next:
    async def call(message: Message) -> None:
        await outer(message, inner)

    return call


def _asynchronous(handler: AnyHandler, takes: int | None = None) -> AnyHandler:
    """A handler, as far as one can tell before it is called."""
    asynchronous = inspect.iscoroutinefunction(handler)
    if not asynchronous:
        raise TypeError(f"{handler} is not an `async def`")
    if takes is not None:
        try:
            inspect.signature(handler).bind(*range(takes))
        except TypeError:
            raise TypeError(f"{name_of(handler)} is called with {takes} arguments") from None
    return handler
