"""`Router`: the decorators by which handlers are registered, of a bot or of a module of it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar, overload

from windlass_chat._native import Event, fold_text
from windlass_chat.bot.calling import name_of
from windlass_chat.bot.commands import Command, Handler
from windlass_chat.bot.filters import Filter
from windlass_chat.bot.jobs import SHORTEST, Job
from windlass_chat.bot.message import ContactRequest, GroupInvitation, Message, Reaction
from windlass_chat.bot.role import Role
from windlass_chat.bot.schedule import Cron
from windlass_chat.bot.settings import check_seconds

Next = Callable[[Message], Awaitable[None]]
MessageHandler = TypeVar("MessageHandler", bound=Callable[[Message], Awaitable[None]])
JobHandler = TypeVar("JobHandler", bound=Callable[[Job], Awaitable[None]])
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Awaitable[None]])
RequestHandler = TypeVar("RequestHandler", bound=Callable[[ContactRequest], Awaitable[None]])
ReactionHandler = TypeVar("ReactionHandler", bound=Callable[[Reaction], Awaitable[None]])
InvitationHandler = TypeVar("InvitationHandler", bound=Callable[[GroupInvitation], Awaitable[None]])
ErrorHandler = TypeVar("ErrorHandler", bound=Callable[[BaseException, Message | None], Awaitable[None]])
Middleware = TypeVar("Middleware", bound=Callable[[Message, Next], Awaitable[None]])
Proceed = Callable[[], Awaitable[None]]
Around = TypeVar("Around", bound=Callable[[Any, Proceed], Awaitable[None]])
Work = TypeVar("Work", bound=Callable[[], Awaitable[None]])
E = TypeVar("E", bound=Event)


class Router:
    """What a module of a bot does, until `bot.include(router)` takes it in."""

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
        self._around: list[Callable[[Any, Proceed], Awaitable[None]]] = []
        self._starts: list[Callable[[], Awaitable[None]]] = []
        self._stops: list[Callable[[], Awaitable[None]]] = []

    @overload
    def on_message(self, handler: MessageHandler, /) -> MessageHandler: ...

    @overload
    def on_message(self, *filters: Filter) -> Callable[[MessageHandler], MessageHandler]: ...

    def on_message(self, *given: Any) -> Any:
        """Called for each message that is no command, or for those that filters let through: `@bot.on_message(filters.in_group)`.

        Several are called in their order. Data and attachments are messages too: `message.text` is empty then, and
        `message.body` says what came.
        """
        filters = [one for one in given if isinstance(one, Filter)]

        def decorate(handler: MessageHandler) -> MessageHandler:
            _asynchronous(handler, 1)
            self._listeners.append(_filtered(filters, handler) if filters else handler)
            return handler

        return decorate if len(filters) == len(given) else decorate(*given)

    def command(
        self, name: str, *, aliases: Iterable[str] = (), role: Role | str | None = None, hidden: bool = False
    ) -> Callable[[AnyHandler], AnyHandler]:
        """Called when a message begins with the prefix and this name, with arguments as the annotations say:

            @bot.command("add")
            async def add(message: Message, a: int, b: int = 1) -> None: ...

        They can be str, int, float, bool, Literal and enumerations, `*rest` takes all that is left. What does not fit
        is answered with a sentence. Quotation marks keep words together. How a telephone writes all that does not count:
        case, accents composed or not, curly quotation marks, digits of another script, marks that nobody sees.

        `aliases` are further names; `role` is whom it is for, as `bot.roles` says; `/help` leaves it out if it is `hidden`, or not for whoever asks.
        """

        if callable(name):
            raise TypeError('a command has a name: @bot.command("name")')
        if not isinstance(name, str):
            raise TypeError(f"the name of a command is a str, not {type(name).__name__}")
        if isinstance(aliases, str):
            raise TypeError("aliases are several names, not one text")
        names = [name, *aliases]
        for one in names:
            if one.split() != [one]:
                raise ValueError("the name of a command is one word")
            self._check_command(one)
        wanted = Role(role) if role is not None else None

        def decorate(handler: AnyHandler) -> AnyHandler:
            command = Command(name, _asynchronous(handler), wanted, hidden)
            self._add_command(command, (fold_text(one) for one in names))
            return handler

        return decorate

    def _check_command(self, name: str) -> None:
        """Whether a command may have a name."""

    def _add_command(self, command: Command, names: Iterable[str]) -> None:
        for name in names:
            if name in self._commands:
                raise ValueError(f"there is a command {name} already")
            self._commands[name] = command

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
        `@bot.job("digest", cron="0 9 * * mon-fri")`. What a job sends and changes becomes durable together with the fact that it was
        done, so it is done once whenever the process dies.
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

    def around(self, handler: Around) -> Around:
        """Called around everything that the bot calls: for messages as a whole, jobs, reactions, requests, invitations and events.

            @bot.around
            async def measure(subject: object, proceed: Proceed) -> None:
                began = time.monotonic()
                await proceed()
                log.info("%s took %.3f s", type(subject).__name__, time.monotonic() - began)
        """
        self._around.append(_asynchronous(handler, 2))
        return handler

    def on_start(self, handler: Work) -> Work:
        """Called each time the bot starts, before it hears of anything; if it fails, so does the start."""
        self._starts.append(_asynchronous(handler, 0))
        return handler

    def on_stop(self, handler: Work) -> Work:
        """Called each time the bot stops, when its last handler has returned, before its store is closed."""
        self._stops.append(_asynchronous(handler, 0))
        return handler

    def include(self, router: Router) -> None:
        """Takes in what a module registered:

            router = Router()

            @router.command("ping")
            async def ping(message: Message) -> None: ...

            bot.include(router)

        Its middleware goes around its own handlers of messages, that of the bot around all. All else is as if the bot had registered it.
        """
        if not isinstance(router, Router) or router is self:
            raise TypeError(f"a bot includes routers, not {router!r}")
        inside = router._middleware
        names: dict[int, list[str]] = {}
        for name, command in router._commands.items():
            self._check_command(name)
            names.setdefault(id(command), []).append(name)
        for same in names.values():
            self._add_command(router._commands[same[0]].within(lambda handler: _surrounded(inside, handler)), same)
        for mine, theirs, what in ((self._steps, router._steps, "step"), (self._jobs, router._jobs, "job")):
            for name in theirs:
                if name in mine:
                    raise ValueError(f"there is a {what} {name} already")
        self._steps.update({name: _surrounded(inside, step) for name, step in router._steps.items()})
        self._listeners += [_surrounded(inside, listener) for listener in router._listeners]
        self._jobs.update(router._jobs)
        self._planned.update(router._planned)
        self._requests += router._requests
        self._reactions += router._reactions
        self._invitations += router._invitations
        self._errors += router._errors
        self._events += router._events
        self._background += router._background
        self._around += router._around
        self._starts += router._starts
        self._stops += router._stops

    def background(self, *, every: float) -> Callable[[Work], Work]:
        """Called when the bot has started, and again so many seconds after it returned: `@bot.background(every=60)`."""
        check_seconds("every", every)

        def decorate(work: Work) -> Work:
            self._background.append((every, _asynchronous(work, 0)))
            return work

        return decorate


def _filtered(filters: list[Filter], handler: Callable[[Message], Awaitable[None]]) -> Next:
    async def call(message: Message) -> None:
        if all(one(message) for one in filters):
            await handler(message)

    return call


def _surrounded(outer: list[Callable[[Message, Next], Awaitable[None]]], handler: Handler) -> Handler:
    """A handler of a message with the middleware of its module around it."""
    if not outer:
        return handler

    async def call(message: Message, *arguments: Any) -> None:
        async def innermost(message: Message) -> None:
            await handler(message, *arguments)

        proceed: Next = innermost
        for middleware in reversed(outer):
            proceed = around(middleware, proceed)
        await proceed(message)

    return call


def around(outer: Callable[[Message, Next], Awaitable[None]], inner: Next) -> Next:
    """Middleware, and what it goes around."""

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
