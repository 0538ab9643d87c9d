"""`Bot`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from windlass._native import Body, Bundle, Contact, Event, TrustPolicy, UnhandledMessage, WindlassError
from windlass.bot import logs
from windlass.bot.commands import Command, UsageError
from windlass.bot.handling import Handling, current, report, run_handler
from windlass.bot.intake import Intake
from windlass.bot.message import ContactRequest, Message
from windlass.bot.post import Post
from windlass.bot.settings import Settings, SettingsError, gather
from windlass.client import BytesLike, Client
from windlass.store import EncryptedStore
from windlass.transport import Transport, TransportError, transport_of

Next = Callable[[Message], Awaitable[None]]
MessageHandler = TypeVar("MessageHandler", bound=Callable[[Message], Awaitable[None]])
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Awaitable[None]])
RequestHandler = TypeVar("RequestHandler", bound=Callable[[ContactRequest], Awaitable[None]])
ErrorHandler = TypeVar("ErrorHandler", bound=Callable[[BaseException, Message | None], Awaitable[None]])
Middleware = TypeVar("Middleware", bound=Callable[[Message, Next], Awaitable[None]])
Work = TypeVar("Work", bound=Callable[[], Awaitable[None]])
E = TypeVar("E", bound=Event)

log = logging.getLogger("windlass.bot")


class Bot:
    """A store, a transport, and functions that answer.

    `store` is a path. Where nothing is yet, a store with a new identity is made, unless `create` is off. What is not given here comes
    from the file that `config` names, or from the environment, which overrules both: see `Settings`. Instead of a path, `client` gives
    a client that is open already, and stays open when the bot stops.
    """

    def __init__(
        self,
        store: str | os.PathLike[str] | None = None,
        *,
        passphrase: str | None = None,
        key: BytesLike | None = None,
        key_env: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        transport: str | Transport | None = None,
        trust: TrustPolicy | None = None,
        create: bool | None = None,
        prefix: str | None = None,
        help: bool | None = None,
        handler_timeout: float | None = None,
        at_once: int | None = None,
        grace: float | None = None,
        keep_up_every: float | None = None,
        log: str | None = None,
        log_level: str | None = None,
        config: str | os.PathLike[str] | None = None,
        client: Client | None = None,
    ) -> None:
        given = dict(locals())
        for name in ("self", "config", "client"):
            del given[name]
        self.settings: Settings = gather(given, config)
        self._given_client = client
        self._client: Client | None = client
        self._transport: Transport | None = None
        self._listeners: list[Callable[[Message], Awaitable[None]]] = []
        self._commands: dict[str, Command] = {}
        self._requests: list[Callable[[ContactRequest], Awaitable[None]]] = []
        self._errors: list[Callable[[BaseException, Message | None], Awaitable[None]]] = []
        self._events: list[tuple[type[Event], Callable[[Any], Awaitable[None]]]] = []
        self._middleware: list[Callable[[Message, Next], Awaitable[None]]] = []
        self._background: list[tuple[float, Callable[[], Awaitable[None]]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._running: _Running | None = None

    # --- what the bot does -------------------------------------------------------------------------------------------------------

    def on_message(self, handler: MessageHandler) -> MessageHandler:
        """Called for each message that is no command. Several are called in their order."""
        self._listeners.append(_asynchronous(handler))
        return handler

    def command(self, name: str) -> Callable[[AnyHandler], AnyHandler]:
        """Called when a message begins with the prefix and this name, with the arguments that follow, as the annotations say:

            @bot.command("add")
            async def add(message: Message, a: int, b: int = 1) -> None: ...

        They can be str, int, float, bool, Literal and enumerations, `*rest` takes all that is left. What does not fit is answered with
        a sentence. Quotation marks keep words together.
        """

        def decorate(handler: AnyHandler) -> AnyHandler:
            command = Command(name, _asynchronous(handler))
            if command.name in self._commands:
                raise ValueError(f"there is a command {command.name} already")
            self._commands[command.name] = command
            return handler

        return decorate

    def on_contact_request(self, handler: RequestHandler) -> RequestHandler:
        """Called when somebody wrote first; and at each start for those who were neither accepted nor blocked."""
        self._requests.append(_asynchronous(handler))
        return handler

    def on_error(self, handler: ErrorHandler) -> ErrorHandler:
        """Called with what another handler raised, and the message if there was one, to which it may reply.

        The message counts as handled. Without an error handler the kind of the error and its place are logged.
        """
        self._errors.append(_asynchronous(handler))
        return handler

    def on_event(self, kind: type[E]) -> Callable[[Callable[[E], Awaitable[None]]], Callable[[E], Awaitable[None]]]:
        """Called for each event of a kind (`windlass.events`), in their order, after what it tells is durable; not again after a crash."""

        def decorate(handler: Callable[[E], Awaitable[None]]) -> Callable[[E], Awaitable[None]]:
            self._events.append((kind, _asynchronous(handler)))
            return handler

        return decorate

    def middleware(self, handler: Middleware) -> Middleware:
        """Called around the handling of each message: `await next(message)` goes on, not calling it drops the message."""
        self._middleware.append(_asynchronous(handler))
        return handler

    def background(self, *, every: float) -> Callable[[Work], Work]:
        """Called when the bot has started, and again so many seconds after it returned."""

        def decorate(work: Work) -> Work:
            self._background.append((every, _asynchronous(work)))
            return work

        return decorate

    # --- whom it talks to --------------------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The client; opens the store, or makes it, when it is asked for first."""
        if self._client is None:
            self._client = self._open()
        return self._client

    def _open(self) -> Client:
        if self.settings.store is None:
            raise SettingsError("there is no store: Bot(\"bot.wl\", ...), or WINDLASS_STORE")
        key = self.settings.store_key()
        try:
            return Client.open(EncryptedStore.open(self.settings.store, key))
        except WindlassError.StoreNotFound:
            if not self.settings.create:
                raise
        log.info("a new store and a new identity")
        return Client.create(EncryptedStore.create(self.settings.store, key))

    @property
    def address(self) -> str:
        """The bot's address."""
        return self.client.address()

    def invite(self) -> str:
        """How to reach the bot: a QR code for the terminal, and the URI under it. The same for everybody, and no secret."""
        bundle = self.client.bundle()
        return f"{bundle.qr_terminal()}\n{bundle.to_uri()}"

    async def send(self, address: str, text: str | Body) -> None:
        """Writes to somebody. In a handler it becomes durable with the replies, elsewhere at once.

        Somebody whom we do not know is looked for at the transport: a bundle proves whose it is.
        """
        message = current.get()
        if message is not None and message._open and message.bot is self:
            message._add(address, text)
            return
        body = Body.TEXT(text) if isinstance(text, str) else text
        try:
            await asyncio.to_thread(self.client.send_body, address, body)
        except (WindlassError.UnknownContact, WindlassError.NoBundle):
            if not await self._find(address):
                raise
            await asyncio.to_thread(self.client.send_body, address, body)
        self._sent()

    async def flush(self, timeout: float = 30.0) -> bool:
        """Waits until the transport has taken everything; false if it has not by then, and then it goes out later."""
        return await self._need_running().post.flush(timeout)

    async def accept(self, address: str) -> Contact:
        """We want to talk with somebody who wrote first."""
        contact = await asyncio.to_thread(self.client.accept_contact, address)
        self._look_again()
        return contact

    async def block(self, address: str) -> Contact:
        """Nothing of theirs is taken in any more."""
        contact = await asyncio.to_thread(self.client.block_contact, address)
        self._look_again()
        return contact

    async def _find(self, address: str) -> bool:
        """Adds the contact whose bundle the transport has; false if there is none."""
        if self._running is None or self._transport is None:
            return False
        try:
            found = await self._transport.fetch_bundle(address)
            if found is None:
                return False
            bundle = Bundle.decode(found)
            # Anybody may have put it there.
            if bundle.identity().address() != address:
                return False
            await asyncio.to_thread(self.client.add_contact, bundle)
        except (TransportError, OSError, WindlassError) as error:
            kind, _ = logs.describe(error)
            log.warning("no bundle of %s: %s", logs.short(address), kind, extra={"address": address, "error": kind})
            return False
        return True

    # --- running -----------------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Starts, and stops at SIGINT or SIGTERM. Raises what made the bot impossible."""
        logs.set_up(self.settings.log, self.settings.log_level)
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        numbers = (signal.SIGINT, signal.SIGTERM)

        def ask() -> None:
            # A second signal ends the process as if nobody listened.
            for number in numbers:
                loop.remove_signal_handler(number)
            asked.set()

        # Not everywhere, and in the main thread only.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in numbers:
                loop.add_signal_handler(number, ask)
        async with self:
            waiting = asyncio.ensure_future(asked.wait())
            broken = self._need_running().broken
            either: list[asyncio.Future[Any]] = [waiting, broken]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if broken.done():
                broken.result()

    async def start(self) -> None:
        """Opens the store and the mailbox, publishes the bundle, and goes on with what waits. Does not wait for a connection."""
        if self._running is not None:
            raise RuntimeError("the bot runs already")
        if self.settings.transport is None:
            raise SettingsError("there is no transport: Bot(..., transport=\"mqtt://localhost\"), or WINDLASS_TRANSPORT")
        wanted = self.settings.transport
        transport = transport_of(wanted) if isinstance(wanted, str) else wanted
        client = await asyncio.to_thread(lambda: self.client)
        await asyncio.to_thread(self.prepare)
        await transport.start(client.address(), client.device_id())
        self._transport = transport
        self._running = running = _Running(self, client, transport)
        for work in (running.post.run(), running.handling.run(), running.intake.run(), running.intake.tell()):
            self._spawn(work)
        self._spawn(self._keep_up(client, transport))
        for every, task in self._background:
            self._spawn(self._repeat(every, task))
        log.info("started as %s", logs.short(client.address()), extra={"event": "started", "address": client.address()})

    async def stop(self) -> None:
        """Stops taking in, lets handlers finish and the outbox go out for `grace` seconds, closes the transport and the store."""
        running, transport = self._running, self._transport
        if running is None or transport is None:
            return
        posting, *others = self._tasks
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if not running.broken.done():
            await running.handling.stop(self.settings.grace)
        if not running.broken.done():
            await running.post.flush(self.settings.grace)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        await running.handling.stop(0)
        self._tasks = []
        self._running = self._transport = None
        await transport.close()
        if self._client is not None and self._given_client is None:
            await asyncio.to_thread(self._client.close)
            self._client = None
        log.info("stopped", extra={"event": "stopped"})

    async def __aenter__(self) -> Bot:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def prepare(self) -> None:
        """Makes the client keep messages until they are handled. `start` does it; tests that carry envelopes themselves call it."""
        self.client.keep_unhandled(True)
        if self.client.trust_policy() != self.settings.trust:
            self.client.set_trust_policy(self.settings.trust)

    async def handle_waiting(self) -> int:
        """Handles what waits, and answers how many messages that was. For tests that carry envelopes themselves."""
        broken: list[BaseException] = []
        handling = self._handling(self.client, broken.append)
        await asyncio.to_thread(self.prepare)
        before = 0
        while await handling.take_up():
            before = handling.taken_up
            await handling.idle()
        if broken:
            raise broken[0]
        return before - handling.waiting()

    def _handling(self, client: Client, broken: Callable[[BaseException], None]) -> Handling:
        return Handling(
            client,
            self.settings.trust,
            handle=self._handle,
            failed=self._failed,
            find=self._find,
            sent=self._sent,
            broken=broken,
            at_once=self.settings.at_once,
        )

    def _need_running(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the bot does not run")
        return self._running

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task without which the bot cannot go on."""
        running = self._need_running()

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled():
                running.fail(task.exception() or TransportError("the transport ended"))

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        self._tasks.append(task)

    def _sent(self) -> None:
        if self._running is not None:
            self._running.post.look()

    def _look_again(self) -> None:
        if self._running is not None:
            self._running.handling.look_again()
            self._running.post.look()

    async def _keep_up(self, client: Client, transport: Transport) -> None:
        """Every ten minutes what is due, and the bundle where others find it, again when it has changed."""
        published: bytes | None = None
        await self._ask_about_strangers(client)
        while True:
            try:
                await asyncio.to_thread(client.keep_up_now)
                bundle = (await asyncio.to_thread(client.bundle)).encode()
                self._look_again()
                if bundle != published:
                    await transport.publish_bundle(client.address(), bundle)
                    published = bundle
            except (TransportError, OSError, WindlassError) as error:
                if isinstance(error, WindlassError) and not error.retry:
                    raise
                kind, _ = logs.describe(error)
                log.warning("cannot keep up: %s", kind, extra={"event": "keep_up_failed", "error": kind})
            await asyncio.sleep(self.settings.keep_up_every)

    async def _ask_about_strangers(self, client: Client) -> None:
        """A request that was told when the process died is told again."""
        if not self._requests or self.settings.trust == TrustPolicy.ACCEPT_ALL:
            return
        for contact in await asyncio.to_thread(client.contacts):
            if not (contact.accepted or contact.blocked or contact.added_by_us):
                await self._tell(Event.CONTACT_REQUEST(contact.address))

    async def _repeat(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                await self._failed(error, None)
            await asyncio.sleep(every)

    # --- messages and events -----------------------------------------------------------------------------------------------------

    async def _handle(self, one: UnhandledMessage) -> Message:
        message = Message(self, one.message)
        call: Next = self._dispatch
        for outer in reversed(self._middleware):
            call = _around(outer, call)
        await run_handler(message, call, self._failed, self.settings.handler_timeout)
        return message

    async def _dispatch(self, message: Message) -> None:
        prefix = self.settings.prefix
        if message.text.startswith(prefix) and len(message.text) > len(prefix):
            name, *rest = message.text[len(prefix) :].split(None, 1)[:2] or [""]
            command = self._commands.get(name.lower())
            if command is not None:
                try:
                    await command.handler(message, *command.read(rest[0] if rest else "", prefix))
                except UsageError as error:
                    message.answers.clear()
                    await message.reply(str(error))
                return
            if self._commands and self.settings.help and name.lower() == "help":
                await message.reply(self._help())
                return
            if self._commands and not self._listeners:
                hint = f" {prefix}help lists them." if self.settings.help else ""
                await message.reply(f"There is no such command.{hint}")
                return
        for handler in self._listeners:
            await handler(message)

    def _help(self) -> str:
        lines = []
        for _, command in sorted(self._commands.items()):
            usage = command.usage(self.settings.prefix)
            lines.append(f"{usage} - {command.description}" if command.description else usage)
        return "\n".join(lines)

    async def _failed(self, error: BaseException, message: Message | None) -> None:
        if not self._errors:
            report(error, message)
        for handler in self._errors:
            try:
                await handler(error, message)
            except Exception as another:
                report(another, message)
                if message is not None:
                    message.answers.clear()

    async def _tell(self, event: Event) -> None:
        """Calls the handlers of an event."""
        handlers: list[tuple[Callable[[Any], Awaitable[None]], Any]] = [
            (handler, event) for kind, handler in self._events if isinstance(event, kind)
        ]
        if isinstance(event, Event.CONTACT_REQUEST):
            handlers += [(handler, ContactRequest(self, event.address)) for handler in self._requests]
        for handler, argument in handlers:
            try:
                await handler(argument)
            except Exception as error:
                await self._failed(error, None)


class _Running:
    """The parts of a bot that runs."""

    def __init__(self, bot: Bot, client: Client, transport: Transport) -> None:
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.post = Post(client, transport)
        self.handling = bot._handling(client, self.fail)
        self.intake = Intake(client, transport, self._taken, bot._tell)

    def fail(self, error: BaseException) -> None:
        """The bot cannot go on."""
        if not self.broken.done():
            kind, where = logs.describe(error)
            log.error("the bot cannot go on: %s at %s", kind, where, extra={"error": kind, "where": where})
            self.broken.set_exception(error)
            self.broken.exception()  # Nobody may be waiting for it.

    def _taken(self) -> None:
        self.handling.look()
        self.post.look()


def _around(outer: Callable[[Message, Next], Awaitable[None]], inner: Next) -> Next:
    async def call(message: Message) -> None:
        await outer(message, inner)

    return call


def _asynchronous(handler: AnyHandler) -> AnyHandler:
    asynchronous = inspect.iscoroutinefunction(handler)
    if not asynchronous:
        raise TypeError(f"{handler} is not an `async def`")
    return handler
